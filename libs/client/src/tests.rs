//! Channels over TCP, against tonic's own server.

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use senani_access::Deadline;
use senani_error::{SENANI_DOMAIN, is_reason};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use crate::{
    CONNECTION_LOST, Channel, ClientOptions, ConnectError, UNREACHABLE, channel::connect_with, connect,
    connection::Patience,
};

/// A method that our contracts know as unary, and one that they do not know.
const UNARY: &str = "/senani.hierarchy.v1.UnitService/GetUnit";
const UNKNOWN: &str = "/senani.hierarchy.v1.UnitService/Feed";

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(8);

/// Answers with the metadata that it is asked for, or never.
#[derive(Clone)]
struct Probe;

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
        let answer = async |request: Request<String>| match request.get_ref().as_str() {
            "wait" => pending().await,
            key => {
                let value = request.metadata().get(key).and_then(|value| value.to_str().ok());
                Ok::<_, Status>(Response::new(value.unwrap_or("none").to_owned()))
            }
        };
        let mut grpc = Grpc::new(ProstCodec::<String, String>::default());
        Box::pin(async move { Ok(grpc.unary(service_fn(answer), request).await) })
    }
}

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Running {
    async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let serve = tonic::transport::Server::builder()
            .add_service(Probe)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.clone().cancelled_owned());
        Self { address, stop, served: tokio::spawn(serve) }
    }

    fn channel(&self, options: ClientOptions) -> Channel {
        connect(&format!("http://{}", self.address), options).unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.served).await.expect("the server ends").unwrap().unwrap();
    }
}

async fn call(channel: &Channel, path: &'static str, request: Request<String>) -> Result<String, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let codec = ProstCodec::<String, String>::default();
    grpc.unary(request, PathAndQuery::from_static(path), codec).await.map(Response::into_inner)
}

async fn ask(channel: &Channel, key: &str) -> Result<String, Status> {
    call(channel, UNARY, Request::new(key.to_owned())).await
}

#[track_caller]
fn assert_fails(outcome: Result<String, Status>, code: Code, reason: &str) {
    let status = outcome.unwrap_err();
    assert_eq!(status.code(), code, "{status:?}");
    assert!(is_reason(&status, SENANI_DOMAIN, reason), "{status:?}");
}

#[tokio::test]
async fn a_call_says_who_asks_until_when_and_under_which_id() {
    let server = Running::start().await;
    let channel = server.channel(ClientOptions {
        subject: Some("services/membership".to_owned()),
        token: Some("a-token".to_owned()),
        deadline: Duration::from_secs(20),
    });
    assert_eq!(ask(&channel, "x-senani-subject").await.unwrap(), "services/membership");
    assert_eq!(ask(&channel, "authorization").await.unwrap(), "Bearer a-token");
    assert!(ask(&channel, "grpc-timeout").await.unwrap().ends_with('u'));
    let id = ask(&channel, "x-request-id").await.unwrap();
    assert_eq!(uuid::Uuid::parse_str(&id).unwrap().get_version_num(), 7);
    let within = senani_telemetry::with_request_id("of-the-caller".parse().unwrap(), ask(&channel, "x-request-id"));
    assert_eq!(within.await.unwrap(), "of-the-caller", "a call on behalf of a request has its id");
}

#[tokio::test]
async fn what_a_request_says_itself_is_left_alone() {
    let server = Running::start().await;
    let options = ClientOptions { subject: Some("services/gateway".to_owned()), ..ClientOptions::default() };
    let channel = server.channel(options);
    let mut request = Request::new("x-senani-subject".to_owned());
    request.metadata_mut().insert("x-senani-subject", "officers/desk-author".parse().unwrap());
    assert_eq!(call(&channel, UNARY, request).await.unwrap(), "officers/desk-author");

    let mut request = Request::new("grpc-timeout".to_owned());
    request.set_timeout(Duration::from_secs(7));
    assert_eq!(call(&channel, UNARY, request).await.unwrap(), "7000000u");
}

#[tokio::test]
async fn without_a_subject_or_token_none_is_sent() {
    let server = Running::start().await;
    let channel = server.channel(ClientOptions::default());
    assert_eq!(ask(&channel, "x-senani-subject").await.unwrap(), "none");
    assert_eq!(ask(&channel, "authorization").await.unwrap(), "none");
}

#[tokio::test]
async fn a_unary_call_ends_at_the_channels_deadline_and_other_calls_do_not() {
    let server = Running::start().await;
    let options = ClientOptions { deadline: Duration::from_millis(50), ..ClientOptions::default() };
    let channel = server.channel(options);
    assert_fails(ask(&channel, "wait").await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let timeout = call(&channel, UNKNOWN, Request::new("grpc-timeout".to_owned())).await;
    assert_eq!(timeout.unwrap(), "none");
}

#[tokio::test]
async fn a_deadline_in_the_extensions_is_passed_on() {
    let server = Running::start().await;
    let channel = server.channel(ClientOptions::default());
    let mut request = Request::new("wait".to_owned());
    request.extensions_mut().insert(Deadline::after(Duration::from_millis(50)));
    assert_fails(call(&channel, UNKNOWN, request).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_forwarded_request_tells_what_is_left_of_its_time() {
    let server = Running::start().await;
    let channel = server.channel(ClientOptions::default());
    let mut request = Request::new("grpc-timeout".to_owned());
    request.set_timeout(Duration::from_secs(30));
    request.extensions_mut().insert(Deadline::after(Duration::from_secs(10)));
    let left = call(&channel, UNARY, request).await.unwrap();
    let left: u64 = left.strip_suffix('u').expect("in microseconds").parse().unwrap();
    assert!((2_000_000..=10_000_000).contains(&left), "{left}");
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable() {
    let server = Running::start().await;
    let channel = server.channel(ClientOptions::default());
    server.end().await;
    assert_fails(ask(&channel, "wait").await, Code::Unavailable, UNREACHABLE);
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again_by_the_same_channel() {
    let server = Running::start().await;
    let channel = server.channel(ClientOptions::default());
    let address = server.address;
    assert!(ask(&channel, "x-request-id").await.is_ok());
    server.end().await;
    let server = Running::start_at(address).await;
    assert!(ask(&channel, "x-request-id").await.is_ok(), "at the first try");
    server.end().await;
    assert_fails(ask(&channel, "x-request-id").await, Code::Unavailable, UNREACHABLE);
    let _server = Running::start_at(address).await;
    assert!(ask(&channel, "x-request-id").await.is_ok());
}

#[tokio::test]
async fn many_first_calls_share_one_connection() {
    let server = Running::start().await;
    let wire = Wire::to(server.address).await;
    let channel = connect(&format!("http://{}", wire.address), ClientOptions::default()).unwrap();
    let answers = futures::future::join_all((0..50).map(|_| ask(&channel, "x-request-id"))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(wire.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_given_up_and_replaced() {
    let server = Running::start().await;
    let wire = Wire::to(server.address).await;
    let patience = Patience {
        keepalive: Duration::from_millis(50),
        keepalive_timeout: Duration::from_millis(50),
        ..Patience::default()
    };
    let channel = connect_with(&format!("http://{}", wire.address), ClientOptions::default(), patience).unwrap();
    assert!(ask(&channel, "x-request-id").await.is_ok());

    let waiting = call(&channel, UNKNOWN, Request::new("wait".to_owned()));
    wire.freeze.cancel();
    let outcome = tokio::time::timeout(PATIENCE, waiting).await.expect("keepalive notices the silence");
    assert_fails(outcome, Code::Unavailable, CONNECTION_LOST);
    assert!(ask(&channel, "x-request-id").await.is_ok(), "over a new connection");
    assert_eq!(wire.connections(), 2);
}

#[tokio::test]
async fn only_plain_addresses_of_services_are_taken() {
    for address in ["", "localhost:4000", "https://cell", "ftp://cell", "http://", "/units"] {
        let outcome = connect(address, ClientOptions::default());
        assert!(matches!(outcome, Err(ConnectError::Address(_))), "{address}");
    }
    let options = ClientOptions { subject: Some("root".to_owned()), ..ClientOptions::default() };
    assert!(matches!(connect("http://cell", options), Err(ConnectError::Subject(_))));
    let options = ClientOptions { token: Some("two\nlines".to_owned()), ..ClientOptions::default() };
    assert!(matches!(connect("http://cell", options), Err(ConnectError::Token)));
}

/// A TCP relay whose first connection can be made to carry nothing any more, without closing it.
struct Wire {
    address: SocketAddr,
    freeze: CancellationToken,
    accepted: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Wire {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let freeze = CancellationToken::new();
        let accepted = std::sync::Arc::default();
        tokio::spawn(Self::relay(listener, server, freeze.clone(), std::sync::Arc::clone(&accepted)));
        Self { address, freeze, accepted }
    }

    async fn relay(
        listener: TcpListener,
        server: SocketAddr,
        freeze: CancellationToken,
        accepted: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    ) {
        while let Ok((mut near, _)) = listener.accept().await {
            let first = accepted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            let freeze = if first { freeze.clone() } else { CancellationToken::new() };
            tokio::spawn(async move {
                let mut far = TcpStream::connect(server).await.expect("the server listens");
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    // Holds both sockets open and silent.
                    () = freeze.cancelled() => pending().await,
                }
            });
        }
    }

    fn connections(&self) -> usize {
        self.accepted.load(std::sync::atomic::Ordering::SeqCst)
    }
}
