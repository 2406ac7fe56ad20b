//! Unary calls, paths, errors, deadlines and request ids.

use std::time::Duration;

use senani_gateway::DOMAIN;
use tonic::Code;

use crate::{
    cell::{BOUND, Cell},
    service::{Misplaced, UNARY},
};

#[tokio::test]
async fn a_call_reaches_its_service_and_the_answer_comes_back_with_its_metadata() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let response = caller.unary_at(UNARY, caller.asks("hello".to_owned())).await.unwrap();
    assert_eq!(response.metadata().get("x-greeting").unwrap(), "namaste");
    assert_eq!(response.into_inner(), "hello");
}

#[tokio::test]
async fn an_error_comes_back_with_its_text_its_details_and_its_trailers() {
    let cell = Cell::start().await;
    let status = cell.gateway.caller().unary("fail").await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, Misplaced.to_string().as_str()));
    assert!(senani_error::is_reason(&status, "hierarchy.senani.dev", "UNIT_MISPLACED"));
    assert_eq!(senani_error::violations_of(&status)[0].field, "unit.parent");
    assert_eq!(status.metadata().get("x-lesson").unwrap(), "kept");
    assert_eq!(status.metadata().get_bin("x-lesson-bin").unwrap().to_bytes().unwrap().as_ref(), [0, 255, 7]);
}

#[tokio::test]
async fn a_path_that_no_contract_has_is_unimplemented() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    for path in ["/senani.hierarchy.v1.UnitService/DropTables", "/senani.console.v1.Pages/Get", "/x"] {
        let status = caller.unary_at(path, caller.asks("hello".to_owned())).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
        assert!(senani_error::is_reason(&status, DOMAIN, "METHOD_UNKNOWN"), "{path}");
    }
}

#[tokio::test]
async fn methods_for_our_own_services_are_refused() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    for path in [
        "/senani.bulletin.v1.DeliveryService/IngestReceipts",
        "/senani.eventlog.v1.EventLogService/Subscribe",
        "/senani.membership.v1.AudienceService/OpenAddresses",
    ] {
        let status = caller.unary_at(path, caller.asks("hello".to_owned())).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{path}");
        assert!(senani_error::is_reason(&status, DOMAIN, "METHOD_INTERNAL"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_grpc_over_http2_is_refused_before_it_is_a_call() {
    let cell = Cell::start().await;
    let token = format!("Bearer {}", cell.gateway.token);
    for kind in ["application/grpc-web", "application/grpc-web+proto", "application/grpcx"] {
        let headers = [("content-type", kind), ("authorization", token.as_str())];
        assert_eq!(cell.gateway.raw(UNARY, &headers, bytes::Bytes::new()).await.code, 415, "{kind}");
    }
    let headers = [("content-type", "application/grpc+proto"), ("authorization", token.as_str())];
    let answer = cell.gateway.raw(UNARY, &headers, bytes::Bytes::from_static(&[0, 0, 0, 0, 0])).await;
    assert_eq!(answer.status().code(), Code::Ok);
    let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
    assert_eq!(cell.gateway.raw(UNARY, &headers, bytes::Bytes::new()).await.code, 404);
}

#[tokio::test]
async fn a_request_id_is_made_passed_on_and_returned() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let response = caller.unary_at(UNARY, caller.asks("header x-request-id".to_owned())).await.unwrap();
    let returned = response.metadata().get("x-request-id").unwrap().to_str().unwrap().to_owned();
    assert_eq!(returned.len(), 36);
    assert_eq!(response.into_inner(), returned);

    let mut request = caller.asks("header x-request-id".to_owned());
    request.metadata_mut().insert("x-request-id", "from-the-caller".parse().unwrap());
    let response = caller.unary_at(UNARY, request).await.unwrap();
    assert_eq!(response.metadata().get("x-request-id").unwrap(), "from-the-caller");
    assert_eq!(response.into_inner(), "from-the-caller");
}

#[tokio::test]
async fn the_service_is_told_what_is_left_of_the_callers_time() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let mut request = caller.asks("deadline".to_owned());
    request.set_timeout(Duration::from_secs(5));
    let remaining: u64 = caller.unary_at(UNARY, request).await.unwrap().into_inner().parse().unwrap();
    assert!((3_000..=5_000).contains(&remaining), "{remaining} ms");

    let remaining: u64 = caller.unary("deadline").await.unwrap().parse().unwrap();
    assert!((50_000..=60_000).contains(&remaining), "{remaining} ms, where the caller gave none");
}

#[tokio::test]
async fn a_call_whose_time_is_over_is_answered_so_and_ends_at_the_service() {
    let cell = Cell::start().await;
    let token = format!("Bearer {}", cell.gateway.token);
    let headers = [("content-type", "application/grpc"), ("authorization", token.as_str()), ("grpc-timeout", "200m")];
    let message = bytes::Bytes::from_static(b"\0\0\0\0\x06\x0a\x04wait");
    let answer = cell.gateway.raw(UNARY, &headers, message).await;
    assert_eq!(answer.status().code(), Code::DeadlineExceeded);
    assert_eq!(senani_error::reason_of(&answer.status()).as_deref(), Some("DEADLINE_EXCEEDED"));
    let says = &cell.service.says;
    senani_testkit::eventually(BOUND, "the call to end at the service", async || says.open_calls() == 0).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_ends_the_call_at_the_service() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let waiting = tokio::spawn(async move { caller.unary("wait").await });
    let says = &cell.service.says;
    senani_testkit::eventually(BOUND, "the call to arrive", async || says.open_calls() == 1).await;
    waiting.abort();
    senani_testkit::eventually(BOUND, "the call to end at the service", async || says.open_calls() == 0).await;
}
