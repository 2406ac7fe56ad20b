//! The trace of what caused an event leads to its projection.

use senani_telemetry::Options;
use senani_testkit::{Engine, OtlpReceiver, eventually};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::cell::{Cell, DEADLINE};
use crate::structure::bulletin_changed;

#[tokio::test(flavor = "multi_thread")]
async fn the_projection_of_an_event_is_a_child_of_what_caused_it() {
    let collector = OtlpReceiver::start().await;
    let options = Options { otlp: Some(collector.endpoint()), filter: "warn".to_owned(), ..Options::default() };
    let telemetry = senani_telemetry::init("test", &options).unwrap();

    let cell = Cell::start(Engine::Sqlite).await;
    // Only spans of ours are exported.
    let approval = tracing::info_span!(target: "senani_bulletin", "approve a bulletin");
    let told = vec![bulletin_changed(Uuid::from_u128(0xB1), "EOU/2026/0001")];
    cell.bulletin.tell(told).instrument(approval).await;
    let analytics = cell.analytics().await;
    analytics.hear_all(&cell).await;
    analytics.stop().await;

    let (approval, projection) = eventually(DEADLINE, "both spans", async || {
        tokio::task::block_in_place(|| telemetry.flush());
        let spans = collector.spans();
        let approval = spans.iter().find(|span| span.name == "approve a bulletin")?.clone();
        let of_trace = |name| spans.iter().find(|span| span.name == name && span.trace_id == approval.trace_id);
        let projection = of_trace("project events")?.clone();
        Some((approval, projection))
    })
    .await;
    assert_eq!(projection.parent_span_id, approval.span_id);
    assert_eq!(projection.service, "analytics");
    assert_eq!(projection.attributes["source"], "bulletin");
    assert_eq!(projection.attributes["events"], "1");
}
