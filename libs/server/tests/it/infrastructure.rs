//! Health, reflection and the settings of HTTP/2.

use std::{future::Future as _, task::Poll, time::Duration};

use futures::stream;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::probe::Running;

const PROBE: &str = "senani.hierarchy.v1.UnitService";

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn the_server_and_each_of_its_services_are_healthy() {
    let probe = Running::start().await;
    let mut health = HealthClient::new(probe.channel.clone());
    for service in ["", PROBE] {
        let answer = health.check(about(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    assert_eq!(health.check(about("another")).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_watcher_of_health_learns_of_the_stop_and_does_not_hold_it_up() {
    let probe = Running::start_with(|server| server.drain_timeout(Duration::from_secs(60))).await;
    let mut watch = HealthClient::new(probe.channel.clone()).watch(about(PROBE)).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    probe.stop.cancel();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
    probe.ended_within(Duration::from_secs(8)).await;
}

#[tokio::test]
async fn reflection_tells_of_the_services_in_both_versions() {
    let expected = ["grpc.health.v1.Health", PROBE];
    let probe = Running::start().await;

    {
        use tonic_reflection::pb::v1::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let ask =
            |message_request| ServerReflectionRequest { host: String::new(), message_request: Some(message_request) };
        let questions = [
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol("senani.eventlog.v1.EventLogService".to_owned())),
        ];
        let mut client = ServerReflectionClient::new(probe.channel.clone());
        let mut answers = client.server_reflection_info(stream::iter(questions)).await.unwrap().into_inner();
        let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
        let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
        let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
        assert_eq!(names, expected);
        let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
        assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
    }
    {
        use tonic_reflection::pb::v1alpha::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let list = MessageRequest::ListServices(String::new());
        let question = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
        let mut client = ServerReflectionClient::new(probe.channel.clone());
        let mut answers = client.server_reflection_info(stream::iter([question])).await.unwrap().into_inner();
        let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
        let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
        let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn a_connection_carries_a_thousand_calls_at_a_time() {
    let probe = Running::start().await;
    let stream = tokio::net::TcpStream::connect(probe.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake::<_, _, tonic::body::Body>;
    let (_http2, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut connection = std::pin::pin!(connection);
    let settings_arrive = std::future::poll_fn(|context| {
        assert!(connection.as_mut().poll(context).is_pending(), "the connection stays open");
        if connection.current_max_send_streams() == 1_024 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    tokio::time::timeout(Duration::from_secs(8), settings_arrive).await.expect("the server allows 1,024 streams");
}
