//! A process with telemetry, seen from the collector. One test: a process sets up its telemetry once.

use http::HeaderMap;
use senani_telemetry::{Options, SERVICE_ATTRIBUTE};
use senani_testkit::{OtlpReceiver, ReceivedSpan};
use tracing::{Instrument as _, info_span};

// The collector shares the runtime, and flushing blocks a thread of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_through_the_services_of_a_process() {
    let collector = OtlpReceiver::start().await;
    let options = Options { otlp: Some(collector.endpoint()), filter: "error".to_owned(), ..Options::default() };
    let guard = senani_telemetry::init("senani", &options).unwrap();
    assert!(senani_telemetry::enabled());
    assert!(senani_telemetry::init("senani", &Options::default()).is_err(), "once per process");

    // The gateway calls the hierarchy, which leaves work for the bulletin, which finds it later in its database.
    let mut metadata = HeaderMap::new();
    let gateway = info_span!(target: "senani_server", "gateway call", otel.kind = "server");
    senani_telemetry::set_call_parent(&gateway, &HeaderMap::new(), "gateway");
    async { senani_telemetry::inject(&mut metadata) }.instrument(gateway).await;

    let hierarchy = info_span!(target: "senani_server", "hierarchy call", otel.kind = "server");
    senani_telemetry::set_call_parent(&hierarchy, &metadata, "hierarchy");
    let stored = async {
        async {}.instrument(info_span!(target: "senani_store::transaction", "transaction")).await;
        tracing::error!("a log line within a span is no span");
        senani_telemetry::trace_parent().unwrap()
    };
    let stored = stored.instrument(hierarchy).await;

    let dispatch = info_span!(target: "senani_bulletin::worker", "dispatch");
    senani_telemetry::set_parent(&dispatch, Some(&stored));
    drop(dispatch.entered());

    senani_telemetry::in_service("analytics", async {
        let apply = info_span!(target: "senani_client::follower", "apply");
        senani_telemetry::set_parent(&apply, Some(&stored));
        drop(apply.entered());
    })
    .await;
    drop(info_span!(target: "senani_server", "alone").entered());
    drop(info_span!(target: "h2::client", "of another crate").entered());
    let malformed = info_span!(target: "senani_server", "malformed parent");
    senani_telemetry::set_parent(&malformed, Some("00-zz-1-01"));
    drop(malformed.entered());

    opentelemetry::global::meter("test").u64_counter("senani.test").build().add(3, &[]);
    guard.flush();
    let spans = collector.spans();
    let span = |name: &str| -> &ReceivedSpan { spans.iter().find(|span| span.name == name).expect(name) };
    assert_eq!(spans.len(), 7, "{spans:?}");

    for (name, service, parent) in [
        ("gateway call", "gateway", None),
        ("hierarchy call", "hierarchy", Some("gateway call")),
        ("transaction", "hierarchy", Some("hierarchy call")),
        ("dispatch", "bulletin", Some("hierarchy call")),
        ("apply", "analytics", Some("hierarchy call")),
        ("alone", "senani", None),
        ("malformed parent", "senani", None),
    ] {
        let this = span(name);
        assert_eq!(this.service, service, "the resource of {name}");
        assert_eq!(this.attributes[SERVICE_ATTRIBUTE], service, "the attribute of {name}");
        assert_eq!(this.parent_span_id, parent.map_or("", |parent| &span(parent).span_id), "the parent of {name}");
        if parent.is_some() {
            assert_eq!(this.trace_id, span("gateway call").trace_id, "the trace of {name}");
        }
    }
    let metrics = collector.metrics();
    let counter = metrics.iter().find(|metric| metric.name == "senani.test").expect("the counter arrives");
    assert_eq!(counter.points[0].value, 3.0);

    drop(info_span!(target: "senani_server", "at the end").entered());
    drop(guard);
    assert!(!senani_telemetry::enabled());
    assert!(collector.spans().iter().any(|span| span.name == "at the end"), "dropping the guard sends what is left");
}
