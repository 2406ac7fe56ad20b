//! One trace per bulletin, and nothing personal in anything that leaves a process by itself.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use senani_proto::membership::v1::FindMemberByPhoneRequest;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_testkit::{Engine, OtlpReceiver, ReceivedSpan, eventually};
use senani_tests::material::DISTRICT;
use senani_tests::{Cell, PATIENCE, Start};
use tokio::time::timeout;
use uuid::Uuid;

/// Members who are found out wherever they turn up: names and numbers that nothing else contains.
const MEMBERS: &str = "\
name_hi,name_en,phone,unit,category,rank,gender,language,role,consent
कनकलता कोकिला,Kanaklata Kokila,+91 10777 00001,units/patna-kotwali-ps,teacher,,female,hi,member,yes
चिरंजीव चकोर,Chiranjeev Chakor,1077700002,units/patna-kotwali-ps,farmer,,male,en,member,yes
पपीहा पलाश,Papiha Palash,01077700003,units/patna-kotwali-ps,police,sub_inspector,male,hi,custodian,yes
कनकलता कोकिला,Kanaklata Kokila,9110777 00001,units/patna-kotwali-ps,teacher,,female,hi,member,yes
चिरंजीव चकोर,Chiranjeev Chakor,+1 1077700004,units/patna-kotwali-ps,farmer,,male,en,member,yes
पपीहा पलाश,=Papiha Palash,1077700005,units/atlantis,farmer,,male,en,member,yes
";

/// What must not turn up, in any spelling.
const CANARIES: [&str; 8] = ["कनकलता", "Kanaklata", "चिरंजीव", "Chiranjeev", "पपीहा", "Papiha", "1077700", "कोयल-संदेश"];

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_approval_to_the_projection_and_carries_nothing_personal() {
    let receiver = OtlpReceiver::start().await;
    let start = Start { otlp: Some(receiver.endpoint()), log: Some("debug".to_owned()), ..Start::default() };
    let mut cell = Cell::start_with(Engine::Sqlite, start).await;
    let desk = cell.desk();
    desk.found().await;
    let import = desk.import_members(Uuid::now_v7(), &Bytes::from_static(MEMBERS.as_bytes())).await;
    assert_eq!((import.accepted_count, import.rejected_count), (3, 3), "{import:?}");
    let mut members = MemberServiceClient::new(desk.author());
    let found = members.find_member_by_phone(FindMemberByPhoneRequest { phone: "+91-10777-00002".to_owned() }).await;
    let found = found.expect("the member is there").into_inner();
    assert!(!found.masked_phone.contains("1077") && found.masked_phone.ends_with("0002"), "{}", found.masked_phone);
    members
        .find_member_by_phone(FindMemberByPhoneRequest { phone: "Papiha 1077700009".to_owned() })
        .await
        .expect_err("that is not a number");

    let bulletin = desk.approved_bulletin("कोयल-संदेश").await;
    desk.publish(&bulletin, DISTRICT).await.expect("it is approved");
    let progress = cell.settled(&bulletin).await;
    assert_eq!(progress.delivery_count, 3);
    desk.reached(&bulletin, &progress).await;
    // What is still to be exported leaves with the processes.
    cell.stop_all().await;

    let mut last = Vec::new();
    let complete = timeout(PATIENCE / 6, async {
        eventually(PATIENCE * 2, "the whole trace of the approval", async || {
            last = trace_of_the_approval(&receiver.spans()).unwrap_or_default();
            seen_in(&last).len() == SEEN.len() && has_one_root(&last)
        })
        .await;
    });
    let complete = complete.await.is_ok();
    let trace = last;
    assert!(complete, "the trace has:\n{}", described(&trace));
    leads(&trace, "ApproveBulletin", "expand publication");
    leads(&trace, "ApproveBulletin", "ResolveAudience");
    leads(&trace, "ApproveBulletin", "dispatch batch");
    leads(&trace, "dispatch batch", "OpenAddresses");
    leads(&trace, "dispatch batch", "send");
    leads(&trace, "ApproveBulletin", "apply receipts");
    for worker in ["expand publication", "apply receipts"] {
        leads(&trace, worker, "project events");
    }
    no_canary(&cell, &receiver);
}

/// Services that must be in the trace, each with a span that only it makes.
const SEEN: [(&str, &str); 9] = [
    ("gateway", "ApproveBulletin"),
    ("bulletin", "ApproveBulletin"),
    ("bulletin", "expand publication"),
    ("membership", "ResolveAudience"),
    ("bulletin", "dispatch batch"),
    ("membership", "OpenAddresses"),
    ("bulletin", "send"),
    ("bulletin", "apply receipts"),
    ("analytics", "project events"),
];

/// The last part of a span's name: the method of a call.
fn short(span: &ReceivedSpan) -> &str {
    span.name.rsplit('/').next().unwrap_or_default()
}

fn trace_of_the_approval(spans: &[ReceivedSpan]) -> Option<Vec<ReceivedSpan>> {
    let root = spans.iter().find(|span| span.parent_span_id.is_empty() && short(span) == "ApproveBulletin")?;
    Some(spans.iter().filter(|span| span.trace_id == root.trace_id).cloned().collect())
}

/// A line for each span.
fn described(trace: &[ReceivedSpan]) -> String {
    let line = |span: &ReceivedSpan| {
        format!("{} <- {}: {} {}\n", span.span_id, span.parent_span_id, span.service, short(span))
    };
    trace.iter().map(line).collect()
}

fn seen_in(trace: &[ReceivedSpan]) -> BTreeSet<(&'static str, &'static str)> {
    SEEN.into_iter()
        .filter(|(service, name)| trace.iter().any(|span| span.service == *service && short(span) == *name))
        .collect()
}

/// Whether the parent of every span but one is there.
fn has_one_root(trace: &[ReceivedSpan]) -> bool {
    let ids: BTreeSet<&str> = trace.iter().map(|span| span.span_id.as_str()).collect();
    let roots = trace.iter().filter(|span| !ids.contains(span.parent_span_id.as_str()));
    roots.map(|span| span.parent_span_id.as_str()).eq([""])
}

/// A span named `below` has one named `above` on its way to the root.
fn leads(trace: &[ReceivedSpan], above: &str, below: &str) {
    let by_id: BTreeMap<&str, &ReceivedSpan> = trace.iter().map(|span| (span.span_id.as_str(), span)).collect();
    let way_up = |span: &ReceivedSpan| {
        let mut way = Vec::new();
        let mut next = by_id.get(span.parent_span_id.as_str());
        while let Some(span) = next {
            way.push(short(span).to_owned());
            next = by_id.get(span.parent_span_id.as_str());
        }
        way
    };
    let ways: Vec<Vec<String>> = trace.iter().filter(|span| short(span) == below).map(way_up).collect();
    assert!(!ways.is_empty(), "there is no span `{below}`");
    assert!(ways.iter().any(|way| way.iter().any(|name| name == above)), "`{below}` is not under `{above}`: {ways:?}");
}

fn no_canary(cell: &Cell, receiver: &OtlpReceiver) {
    let spans = receiver.spans();
    let metrics = receiver.metrics();
    let output = cell.output();
    assert!(spans.len() > 30 && !metrics.is_empty() && output.len() > 30, "there is something to look through");
    let texts = output.into_iter();
    let texts = texts.chain(spans.iter().map(|span| format!("{span:?}")));
    let texts = texts.chain(metrics.iter().map(|metric| format!("{metric:?}")));
    for text in texts {
        let plain: String = text.chars().filter(|character| !"+- ()".contains(*character)).collect();
        for canary in CANARIES {
            assert!(!text.contains(canary) && !plain.contains(canary), "`{canary}` is in: {text}");
        }
    }
}
