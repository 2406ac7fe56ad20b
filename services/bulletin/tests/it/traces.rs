//! One trace leads from the approval to the receipts.

use senani_proto::bulletin::v1 as pb;
use senani_proto::eventlog::v1::SubscribeRequest;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_testkit::{Engine, OtlpReceiver, ReceivedSpan, eventually};

use crate::cell::{APPROVER, AUTHOR, Cell, DEADLINE, draft};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_the_approval_to_the_receipts_and_the_events() {
    let collector = OtlpReceiver::start().await;
    let options = senani_telemetry::Options { otlp: Some(collector.endpoint()), ..Default::default() };
    let guard = senani_telemetry::init("bulletin", &options).expect("telemetry, once in this process");
    let cell = Cell::start(Engine::Sqlite, 12).await;

    let request = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: String::new() };
    let name = cell.bulletins(AUTHOR).create_bulletin(request).await.unwrap().into_inner().name;
    cell.bulletins(AUTHOR).submit_bulletin(pb::SubmitBulletinRequest { name: name.clone() }).await.unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let mut approve = tonic::Request::new(pb::ApproveBulletinRequest { name: name.clone(), etag: String::new() });
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    approve.metadata_mut().insert("traceparent", parent.parse().unwrap());
    cell.bulletins(APPROVER).approve_bulletin(approve).await.unwrap();
    cell.publish(&name, "bihar").await;
    cell.settled(&name).await;

    let spans = eventually(DEADLINE, "the spans of the bulletin's life", async || {
        let spans: Vec<ReceivedSpan> = collector.spans().into_iter().filter(|span| span.trace_id == trace).collect();
        let has = |name: &str| spans.iter().any(|span| span.name == name);
        let all = ["expand publication", "dispatch batch", "send", "apply receipts"].into_iter().all(has);
        all.then_some(spans)
    })
    .await;
    let batch = spans.iter().find(|span| span.name == "dispatch batch").unwrap();
    let send = spans.iter().find(|span| span.name == "send").unwrap();
    assert!(spans.iter().any(|span| span.span_id == send.parent_span_id && span.name == "dispatch batch"));
    assert!(spans.iter().any(|span| span.span_id == batch.parent_span_id), "the batch hangs on the approval's call");
    assert!(spans.iter().all(|span| span.service == "bulletin" || span.service == "simulator"));
    assert!(
        spans.iter().all(|span| span.attributes.values().all(|value| !value.contains("9110"))),
        "no number in a trace"
    );

    let mut log = EventLogServiceClient::new(cell.channel(Some("services/analytics")));
    let mut feed = log.subscribe(SubscribeRequest::default()).await.unwrap().into_inner();
    let events = feed.message().await.unwrap().unwrap().events;
    let traced = events.iter().filter(|event| event.trace_parent.contains(trace)).count();
    // All but the draft, its submission and the call that published it: approval, tasks, deliveries, claims, results, receipts.
    assert!(traced >= 5 && traced < events.len(), "{traced} of {}", events.len());
    drop(guard);
}
