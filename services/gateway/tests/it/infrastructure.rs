//! Health and reflection, which need no token.

use futures::StreamExt as _;
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::{v1, v1alpha};

use crate::cell::Cell;

#[tokio::test]
async fn the_gateway_and_the_services_behind_it_are_healthy() {
    let cell = Cell::start().await;
    let channel = Endpoint::from_shared(cell.gateway.url.clone()).unwrap().connect_lazy();
    let mut health = HealthClient::new(channel);
    for service in ["", "senani.hierarchy.v1.UnitService"] {
        let asked = HealthCheckRequest { service: service.to_owned() };
        assert_eq!(health.check(asked).await.unwrap().into_inner().status(), ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn reflection_lists_the_public_services_in_both_versions() {
    let cell = Cell::start().await;
    let channel = Endpoint::from_shared(cell.gateway.url.clone()).unwrap().connect_lazy();

    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let list = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let answer = client.server_reflection_info(futures::stream::iter([list])).await.unwrap().into_inner().next().await;
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(listed)) =
        answer.unwrap().unwrap().message_response
    else {
        panic!("not a list");
    };
    assert_public(listed.service.into_iter().map(|service| service.name).collect());

    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let list = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let answer = client.server_reflection_info(futures::stream::iter([list])).await.unwrap().into_inner().next().await;
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(listed)) =
        answer.unwrap().unwrap().message_response
    else {
        panic!("not a list");
    };
    assert_public(listed.service.into_iter().map(|service| service.name).collect());
}

fn assert_public(names: Vec<String>) {
    for service in [
        "grpc.health.v1.Health",
        "senani.hierarchy.v1.UnitService",
        "senani.membership.v1.MemberService",
        "senani.bulletin.v1.DeliveryService",
        "senani.analytics.v1.CoverageService",
    ] {
        assert!(names.iter().any(|name| name == service), "{service} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("EventLog") || name.contains("Audience")), "{names:?}");
}
