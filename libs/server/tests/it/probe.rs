//! A service that does what its caller's message says, and a client for it.

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt as _, future::BoxFuture, stream};
use senani_access::{Deadline, Principal};
use senani_server::{ServeError, Server};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    codegen::http,
    metadata::MetadataMap,
    server::{Grpc, NamedService},
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// The path of a method that our contracts know as unary.
pub(crate) const UNARY: &str = "/senani.hierarchy.v1.UnitService/GetUnit";
/// A path that they do not know, which therefore counts as a stream.
pub(crate) const FEED: &str = "/senani.hierarchy.v1.UnitService/Feed";

/// Largest message that the probe takes and sends, in bytes.
pub(crate) const LIMIT: usize = 1_000;

/// The service; `held` has one owner more for each feed that is open.
#[derive(Clone)]
struct Probe {
    held: Arc<()>,
    stop: CancellationToken,
}

impl NamedService for Probe {
    const NAME: &'static str = "senani.hierarchy.v1.UnitService";
}

impl Service<http::Request<Body>> for Probe {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Self { held, stop } = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<String, String>::default()).max_decoding_message_size(LIMIT);
            Ok(if request.uri().path().ends_with("/GetUnit") {
                grpc.unary(service_fn(unary), request).await
            } else {
                let feed = move |request| std::future::ready(feed(request, held.clone(), stop.clone()));
                grpc.server_streaming(service_fn(feed), request).await
            })
        })
    }
}

async fn unary(request: Request<String>) -> Result<Response<String>, Status> {
    let answer = match request.get_ref().as_str() {
        "wait" => pending().await,
        "panic" => panic!("as asked"),
        "subject" => Principal::of(&request)?.subject().to_owned(),
        "internal metadata" => {
            request.metadata().keys().filter(|key| format!("{key:?}").contains("x-senani")).count().to_string()
        }
        "deadline" => {
            let remaining = Deadline::of(&request).map(Deadline::remaining);
            remaining.map_or("none".to_owned(), |remaining| remaining.as_millis().to_string())
        }
        "request id" => {
            let told = request.metadata().get("x-request-id").expect("every request has one");
            let known = senani_telemetry::request_id().expect("every task of a request knows it");
            assert_eq!(told.as_bytes(), known.as_bytes());
            told.to_str().expect("a token").to_owned()
        }
        "peer" => request.remote_addr().expect("over TCP").ip().to_string(),
        echo => echo.to_owned(),
    };
    Ok(Response::new(answer))
}

type Feed = std::pin::Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

fn feed(request: Request<String>, held: Arc<()>, stop: CancellationToken) -> Result<Response<Feed>, Status> {
    let first = stream::iter([Ok("first".to_owned())]);
    let rest: Feed = match request.get_ref().as_str() {
        "endless" => stream::once(pending()).boxed(),
        "watches stop" => stream::once(async move {
            stop.cancelled_owned().await;
            Err(Status::unavailable("resume elsewhere"))
        })
        .boxed(),
        "panic" => stream::once(async {
            tokio::task::yield_now().await;
            panic!("as asked")
        })
        .boxed(),
        "remaining" => {
            let remaining = Deadline::of(&request).map(|_| "some").unwrap_or("none");
            stream::iter([Ok(remaining.to_owned())]).boxed()
        }
        _ => stream::empty().boxed(),
    };
    let rest = rest.map(move |item| {
        let _held = &held;
        item
    });
    Ok(Response::new(first.chain(rest).boxed()))
}

/// A server with a probe in it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<Result<(), ServeError>>,
    pub(crate) held: Arc<()>,
    pub(crate) channel: Channel,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(|server| server).await
    }

    pub(crate) async fn start_with(settings: impl FnOnce(Server) -> Server) -> Self {
        let listener = senani_server::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let held = Arc::new(());
        let server = Server::new("probe").add_service(Probe { held: Arc::clone(&held), stop: stop.clone() });
        let served = tokio::spawn(settings(server).serve(listener, stop.clone()));
        let channel = Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy();
        Self { address, stop, served, held, channel }
    }

    pub(crate) async fn call(&self, message: &str) -> Result<String, Status> {
        self.call_with(Request::new(message.to_owned())).await.map(|(_, answer)| answer)
    }

    /// A unary call; with the metadata of the answer.
    pub(crate) async fn call_with(&self, request: Request<String>) -> Result<(MetadataMap, String), Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.expect("a channel is ready");
        let codec = ProstCodec::<String, String>::default();
        let response = grpc.unary(request, http::uri::PathAndQuery::from_static(UNARY), codec).await?;
        let (metadata, answer, _) = response.into_parts();
        Ok((metadata, answer))
    }

    pub(crate) async fn feed(&self, message: &str) -> Streaming<String> {
        self.feed_with(Request::new(message.to_owned())).await
    }

    /// A feed of which the first message has arrived.
    pub(crate) async fn feed_with(&self, request: Request<String>) -> Streaming<String> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.expect("a channel is ready");
        let codec = ProstCodec::<String, String>::default();
        let response = grpc.server_streaming(request, http::uri::PathAndQuery::from_static(FEED), codec).await;
        let mut feed = response.expect("the feed opens").into_inner();
        assert_eq!(feed.message().await.expect("the first message").as_deref(), Some("first"));
        feed
    }

    /// Waits for the server to end, for at most `bound`.
    pub(crate) async fn ended_within(self, bound: Duration) {
        let served = tokio::time::timeout(bound, self.served).await.expect("the server ends in time");
        served.expect("the server does not panic").expect("the server ends well");
    }
}
