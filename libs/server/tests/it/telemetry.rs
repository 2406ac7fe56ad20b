//! Calls, seen from the collector.

use std::time::Duration;

use senani_telemetry::Options;
use senani_testkit::OtlpReceiver;
use tonic::{Code, Request};

use crate::probe::{Running, UNARY};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn traced(message: &str) -> Request<String> {
    let mut request = Request::new(message.to_owned());
    let parent = format!("00-{TRACE}-{PARENT}-01").parse().expect("a header value");
    request.metadata_mut().insert("traceparent", parent);
    request
}

/// The only test of this process that sets up telemetry; the others may run with or without it.
// The collector shares the runtime, and flushing blocks a thread of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_a_span_under_its_callers_and_a_measurement() {
    let collector = OtlpReceiver::start().await;
    let options = Options { otlp: Some(collector.endpoint()), filter: "error".to_owned(), ..Options::default() };
    let guard = senani_telemetry::init("senani", &options).unwrap();

    let probe = Running::start().await;
    probe.call_with(traced("hello")).await.unwrap();
    assert_eq!(probe.call_with(traced("subject")).await.unwrap_err().code(), Code::Unauthenticated);
    drop(probe.feed_with(traced("endless")).await);
    let mut health = tonic_health::pb::health_client::HealthClient::new(probe.channel.clone());
    let mut check = Request::new(tonic_health::pb::HealthCheckRequest::default());
    check.metadata_mut().insert("traceparent", traced("").metadata().get("traceparent").expect("set above").clone());
    health.check(check).await.unwrap();
    probe.stop.cancel();
    probe.ended_within(Duration::from_secs(8)).await;
    let ours = |span: &senani_testkit::ReceivedSpan| span.trace_id == TRACE;
    // The span of a feed that was given up ends when the server notices.
    let spans = senani_testkit::eventually(Duration::from_secs(8), "three spans", async || {
        guard.flush();
        let spans: Vec<_> = collector.spans().into_iter().filter(ours).collect();
        (spans.len() >= 3).then_some(spans)
    });
    let spans = spans.await;
    assert_eq!(spans.len(), 3, "none for health: {spans:?}");
    let mut codes: Vec<&str> = spans.iter().map(|span| &*span.attributes["code"]).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["CANCELLED", "OK", "UNAUTHENTICATED"]);
    for span in &spans {
        assert_eq!(span.parent_span_id, PARENT);
        assert_eq!(span.service, "probe");
        assert_eq!(span.attributes["rpc.system"], "grpc");
        assert_eq!(span.attributes["rpc.service"], "senani.hierarchy.v1.UnitService");
    }
    assert_eq!(spans.iter().filter(|span| span.name == UNARY[1..]).count(), 2);

    let durations: Vec<_> = collector.metrics().into_iter().filter(|it| it.name == "rpc.server.duration").collect();
    let mut points = durations.iter().flat_map(|metric| &metric.points);
    let measured = points
        .any(|point| point.attributes["rpc.grpc.status_code"] == "OK" && point.attributes["rpc.method"] == UNARY[1..]);
    assert!(measured, "{durations:?}");
}
