//! What happens around single calls.

use std::time::Duration;

use senani_error::{SENANI_DOMAIN, is_reason};
use tonic::{Code, Request, Status};

use crate::probe::{LIMIT, Running};

#[track_caller]
fn assert_fails(outcome: Result<impl std::fmt::Debug, Status>, code: Code, reason: &str) {
    let status = outcome.expect_err("a refusal");
    assert_eq!(status.code(), code, "{status:?}");
    assert!(is_reason(&status, SENANI_DOMAIN, reason), "{status:?}");
}

fn request(message: &str, key: &'static str, value: &'static str) -> Request<String> {
    let mut request = Request::new(message.to_owned());
    request.metadata_mut().insert(key, value.parse().expect("a header value"));
    request
}

#[tokio::test]
async fn a_call_is_answered_and_knows_its_peer() {
    let probe = Running::start().await;
    assert_eq!(probe.call("hello").await.unwrap(), "hello");
    assert_eq!(probe.call("peer").await.unwrap(), "127.0.0.1");
}

#[tokio::test]
async fn the_subject_in_the_metadata_is_the_principal() {
    let probe = Running::start().await;
    let (_, subject) = probe.call_with(request("subject", "x-senani-subject", "officers/desk-author")).await.unwrap();
    assert_eq!(subject, "officers/desk-author");
}

#[tokio::test]
async fn a_missing_or_malformed_subject_is_unauthenticated_with_a_reason() {
    let probe = Running::start().await;
    assert_fails(probe.call("subject").await, Code::Unauthenticated, "SUBJECT_MISSING");
    let malformed = request("subject", "x-senani-subject", "root");
    assert_fails(probe.call_with(malformed).await, Code::Unauthenticated, "SUBJECT_INVALID");
}

#[tokio::test]
async fn at_the_edge_a_stranger_cannot_name_a_subject() {
    let probe = Running::start_with(|server| server.at_the_edge()).await;
    let claim = request("subject", "x-senani-subject", "services/membership");
    assert_fails(probe.call_with(claim).await, Code::Unauthenticated, "SUBJECT_MISSING");
    let claim = request("internal metadata", "x-senani-subject", "services/membership");
    assert_eq!(probe.call_with(claim).await.unwrap().1, "0");
}

#[tokio::test]
async fn a_unary_call_without_a_deadline_gets_the_servers() {
    let probe = Running::start_with(|server| server.unary_deadline(Duration::from_millis(50))).await;
    assert_fails(probe.call("wait").await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_handler_knows_how_long_its_caller_waits() {
    let probe = Running::start().await;
    let mut request = Request::new("deadline".to_owned());
    request.set_timeout(Duration::from_secs(20));
    let remaining: u64 = probe.call_with(request).await.unwrap().1.parse().unwrap();
    assert!((10_000..=20_000).contains(&remaining), "{remaining}");
    let remaining: u64 = probe.call("deadline").await.unwrap().parse().unwrap();
    assert!((50_000..=60_000).contains(&remaining), "the default: {remaining}");
}

#[tokio::test]
async fn a_stream_has_no_deadline_unless_its_caller_sets_one() {
    let probe = Running::start_with(|server| server.unary_deadline(Duration::from_millis(1))).await;
    let mut feed = probe.feed("remaining").await;
    assert_eq!(feed.message().await.unwrap().as_deref(), Some("none"));

    let mut request = Request::new("endless".to_owned());
    request.set_timeout(Duration::from_millis(300));
    let mut feed = probe.feed_with(request).await;
    assert_fails(feed.message().await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_message_over_the_limit_exhausts_a_resource() {
    let probe = Running::start().await;
    assert!(probe.call(&"a".repeat(LIMIT - 10)).await.is_ok());
    assert_fails(probe.call(&"a".repeat(LIMIT)).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn bytes_that_are_no_message_are_an_invalid_argument() {
    let probe = Running::start().await;
    let mut grpc = tonic::client::Grpc::new(probe.channel.clone());
    grpc.ready().await.unwrap();
    // Field 1 as a number, where the method takes a text.
    let codec = tonic_prost::ProstCodec::<u64, String>::default();
    let path = http::uri::PathAndQuery::from_static(crate::probe::UNARY);
    let status = grpc.unary(Request::new(7_u64), path, codec).await.map(|response| response.into_inner());
    assert_fails(status.clone(), Code::InvalidArgument, "MESSAGE_MALFORMED");
    assert!(!status.unwrap_err().message().contains("String"), "names of Rust types stay here");
}

#[tokio::test]
async fn a_panic_is_internal_and_the_server_goes_on() {
    let probe = Running::start().await;
    assert_fails(probe.call("panic").await, Code::Internal, "PANICKED");
    let mut feed = probe.feed("panic").await;
    assert_fails(feed.message().await, Code::Internal, "PANICKED");
    assert_eq!(probe.call("hello").await.unwrap(), "hello");
}

#[tokio::test]
async fn every_call_has_a_request_id_and_hears_it() {
    let probe = Running::start().await;
    let (metadata, id) = probe.call_with(Request::new("request id".to_owned())).await.unwrap();
    assert_eq!(metadata.get("x-request-id").unwrap(), id.as_str());
    assert_eq!(uuid::Uuid::parse_str(&id).unwrap().get_version_num(), 7);

    let (_, id) = probe.call_with(request("request id", "x-request-id", "from-the-gateway")).await.unwrap();
    assert_eq!(id, "from-the-gateway");
    let (_, id) = probe.call_with(request("request id", "x-request-id", "{\"a\": 1}")).await.unwrap();
    assert!(uuid::Uuid::parse_str(&id).is_ok(), "a strange id is replaced: {id}");
}

#[tokio::test]
async fn an_unknown_path_is_unimplemented_with_a_reason() {
    let probe = Running::start().await;
    let mut grpc = tonic::client::Grpc::new(probe.channel.clone());
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<String, String>::default();
    let path = http::uri::PathAndQuery::from_static("/senani.nobody.v1.NobodyService/Get");
    let outcome = grpc.unary(Request::new(String::new()), path, codec).await;
    assert_fails(outcome, Code::Unimplemented, "METHOD_UNKNOWN");
}

#[tokio::test]
async fn pages_and_calls_share_a_port() {
    use http_body_util::{BodyExt as _, Empty};
    use hyper_util::rt::TokioIo;

    let router = axum::Router::new().route("/ping", axum::routing::get(async || "pong"));
    let probe = Running::start_with(|server| server.add_router(router)).await;
    assert_eq!(probe.call("hello").await.unwrap(), "hello");

    let stream = tokio::net::TcpStream::connect(probe.address).await.unwrap();
    let (mut http1, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("/ping").header("host", "cell").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = http1.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "pong");
}
