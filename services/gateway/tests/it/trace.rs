//! One trace through the door.

use std::sync::Arc;

use senani_telemetry::Options;
use senani_testkit::OtlpReceiver;

use crate::{
    cell::{BOUND, Cell},
    service::UNARY,
};

/// The only test that turns telemetry on, which is possible once in a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_trace_leads_through_the_gateway_to_the_service() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";
    let receiver = OtlpReceiver::start().await;
    let options = Options { otlp: Some(receiver.endpoint()), filter: "off".to_owned(), ..Options::default() };
    let telemetry = Arc::new(senani_telemetry::init("test", &options).unwrap());

    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let mut request = caller.asks("header traceparent".to_owned());
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{SPAN}-01").parse().unwrap());
    let told = caller.unary_at(UNARY, request).await.unwrap().into_inner();

    let (at_gateway, at_service) = senani_testkit::eventually(BOUND, "both spans of the call", async || {
        let flushing = Arc::clone(&telemetry);
        tokio::task::spawn_blocking(move || flushing.flush()).await.unwrap();
        let spans = receiver.spans();
        let of = |service: &str| spans.iter().find(|span| span.trace_id == TRACE && span.service == service).cloned();
        Some((of("gateway")?, of("service")?))
    })
    .await;
    assert_eq!(at_gateway.name, UNARY.trim_start_matches('/'));
    assert_eq!(at_gateway.parent_span_id, SPAN);
    assert_eq!(at_service.parent_span_id, at_gateway.span_id);
    assert_eq!(told, format!("00-{TRACE}-{}-01", at_gateway.span_id), "the service is told of the gateway's span");
}
