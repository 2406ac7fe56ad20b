//! A gateway before one service, and callers.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use senani_gateway::{App, AppError, Config};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status, Streaming,
    codegen::http::{self, HeaderMap, uri::PathAndQuery},
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use crate::service::{FEED, Running, TALK, UNARY, UPLOAD};

/// Longest that anything here takes.
pub(crate) const BOUND: Duration = Duration::from_secs(10);

/// A gateway before a service that stands for all four.
pub(crate) struct Cell {
    pub(crate) service: Running,
    pub(crate) gateway: Gateway,
}

impl Cell {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(settings: impl FnOnce(&mut Config)) -> Self {
        let service = Running::start();
        let gateway = Gateway::start(&service.url(), settings).await;
        Self { service, gateway }
    }
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) approver_token: String,
    pub(crate) stop: CancellationToken,
    pub(crate) ran: JoinHandle<Result<(), AppError>>,
    _folder: TempDir,
}

impl Gateway {
    pub(crate) async fn start(service: &str, settings: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let service = service.to_owned();
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            hierarchy_url: service.clone(),
            membership_url: service.clone(),
            bulletin_url: service.clone(),
            analytics_url: service,
            identities_file: folder.path().join("identities.toml"),
            drain_seconds: 2,
            ..Config::default()
        };
        settings(&mut config);
        let app = App::build(config).await.expect("the gateway builds");
        let token = |at: usize| app.identities()[at].token().expose().to_owned();
        let (token, approver_token) = (token(0), token(1));
        let url = format!("http://{}", app.address());
        let stop = CancellationToken::new();
        let ran = tokio::spawn(app.run(stop.clone()));
        Self { url, token, approver_token, stop, ran, _folder: folder }
    }

    /// A caller with a connection of their own, who shows the author's token.
    pub(crate) fn caller(&self) -> Caller {
        let channel = Endpoint::from_shared(self.url.clone()).expect("an address").connect_lazy();
        Caller { channel, token: self.token.clone() }
    }

    /// Sends bytes as they are, over HTTP/2, and returns headers with status, body and trailers.
    pub(crate) async fn raw(&self, path: &str, headers: &[(&'static str, &str)], body: Bytes) -> Raw {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
        let mut request = http::Request::post(format!("{}{path}", self.url)).header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        let response =
            tokio::time::timeout(BOUND, client.request(request)).await.expect("in time").expect("a response");
        let (head, body) = response.into_parts();
        let body = tokio::time::timeout(BOUND, body.collect()).await.expect("in time").expect("a whole body");
        let trailers = body.trailers().cloned().unwrap_or_default();
        Raw { code: head.status, headers: head.headers, trailers }
    }
}

/// What came back.
pub(crate) struct Raw {
    pub(crate) code: http::StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
}

impl Raw {
    pub(crate) fn status(&self) -> Status {
        Status::from_header_map(&self.headers).or_else(|| Status::from_header_map(&self.trailers)).expect("a status")
    }
}

/// Calls through the gateway.
#[derive(Clone)]
pub(crate) struct Caller {
    channel: Channel,
    pub(crate) token: String,
}

impl Caller {
    /// A request with the caller's token.
    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = format!("Bearer {}", self.token).parse().expect("a token");
        request.metadata_mut().insert("authorization", token);
        request
    }

    async fn grpc(&self) -> tonic::client::Grpc<Channel> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        grpc.ready().await.expect("a channel is ready");
        grpc
    }

    pub(crate) async fn unary_at(&self, path: &str, request: Request<String>) -> Result<Response<String>, Status> {
        let path: PathAndQuery = path.parse().expect("a path");
        self.grpc().await.unary(request, path, codec()).await
    }

    pub(crate) async fn unary(&self, message: &str) -> Result<String, Status> {
        self.unary_at(UNARY, self.asks(message.to_owned())).await.map(Response::into_inner)
    }

    pub(crate) async fn feed(&self, message: &str) -> Result<Streaming<String>, Status> {
        let path = PathAndQuery::from_static(FEED);
        let request = self.asks(message.to_owned());
        self.grpc().await.server_streaming(request, path, codec()).await.map(Response::into_inner)
    }

    pub(crate) async fn upload(&self, messages: impl Stream<Item = String> + Send + 'static) -> Result<String, Status> {
        let path = PathAndQuery::from_static(UPLOAD);
        self.grpc().await.client_streaming(self.asks(messages), path, codec()).await.map(Response::into_inner)
    }

    pub(crate) async fn talk(
        &self,
        messages: impl Stream<Item = String> + Send + 'static,
    ) -> Result<Streaming<String>, Status> {
        let path = PathAndQuery::from_static(TALK);
        self.grpc().await.streaming(self.asks(messages), path, codec()).await.map(Response::into_inner)
    }
}

fn codec() -> ProstCodec<String, String> {
    ProstCodec::default()
}
