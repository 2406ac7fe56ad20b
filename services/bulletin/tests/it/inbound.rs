//! Messages that come to a sender of ours.

use std::sync::atomic::Ordering;

use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::report::State;
use senani_proto::bulletin::v1::report_entry::Kind;
use senani_testkit::{engines, eventually};
use serde_json::{Value, json};

use crate::cell::{AUTHOR, Cell, DEADLINE};
use crate::recount::number;
use crate::reports::{nothing_rests_in_the_clear, staffed, triage};

/// Posts messages as the provider does, each body on its own, as the gateway hands it on.
pub(crate) async fn post(cell: &Cell, messages: &[Value]) {
    for message in messages {
        let contact =
            json!({"profile": {"name": "Asha Devi"}, "wa_id": message["from"], "user_id": message["from_user_id"]});
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "911200000000", "phone_number_id": "106540352242922"},
            "contacts": [contact],
            "messages": [message],
        });
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
        let request = pb::IngestReceiptsRequest {
            channel: "simulator".to_owned(),
            body: body
                .to_string()
                .replace("\"user_id\":null", "\"user_id\":\"\"")
                .replace("\"wa_id\":null", "\"wa_id\":\"\"")
                .into(),
        };
        cell.deliveries().ingest_receipts(request).await.expect("it is durable");
    }
}

/// Waits until nothing waits.
pub(crate) async fn taken(cell: &Cell) {
    eventually(DEADLINE, "the messages to be taken", async || {
        (number(&cell.store(), "SELECT COUNT(*) FROM report_inbox").await == 0).then_some(())
    })
    .await;
}

pub(crate) async fn listed(cell: &Cell) -> Vec<pb::Report> {
    cell.reports(AUTHOR).list_reports(pb::ListReportsRequest::default()).await.expect("a page").into_inner().reports
}

pub(crate) async fn entries(cell: &Cell, name: &str) -> Vec<pb::ReportEntry> {
    let request = pb::ListHistoryRequest { name: name.to_owned(), ..pb::ListHistoryRequest::default() };
    cell.reports(AUTHOR).list_history(request).await.expect("a history").into_inner().entries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_to_a_bulletin_become_one_report_of_the_senders_station_in_any_order_and_however_often() {
    for engine in engines() {
        let cell = staffed(engine, |_| {}).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "patna").await;
        cell.settled(&bulletin.name).await;
        let deliveries = cell.all_deliveries(&bulletin.name).await;
        let delivery = deliveries.iter().find(|one| one.unit == "units/patna-kotwali-ps").expect("somebody there");
        let phone = {
            let state = cell.register.state.lock().unwrap();
            let member = state.members.iter().find(|member| format!("members/{}", member.id) == delivery.member);
            member.unwrap().phone.trim_start_matches('+').to_owned()
        };
        let ours = &delivery.provider_message_id;
        let message = |id: &str, at: &str, kind: &str, content: Value| {
            let mut message = json!({"from": phone, "id": id, "timestamp": at, "type": kind});
            message[kind] = content;
            message
        };
        let mut text = message("wamid.A", "1750000000", "text", json!({"body": "he is at the Khagaul bus stand"}));
        text["context"] = json!({"from": "911200000000", "id": ours});
        let image =
            message("wamid.B", "1750000060", "image", json!({"id": "7", "mime_type": "image/jpeg", "sha256": "q"}));
        let place = message("wamid.C", "1750000090", "location", json!({"latitude": 25.57, "longitude": 85.04}));
        let mut button = message(
            "wamid.D",
            "1750000100",
            "button",
            json!({"payload": format!("ACK:{}", bulletin.number), "text": "Got it"}),
        );
        button["context"] = json!({"id": ours});
        let liked = message("wamid.E", "1750000110", "reaction", json!({"message_id": ours, "emoji": "👍"}));
        let unliked = message("wamid.F", "1750000120", "reaction", json!({"message_id": ours}));
        let system = message("wamid.G", "1750000130", "system", json!({"type": "user_changed_number"}));
        let mut all = vec![text, image, place, button, liked, unliked, system];
        all.extend(all.clone());
        all.reverse();
        post(&cell, &all).await;
        taken(&cell).await;

        let reports = listed(&cell).await;
        assert_eq!(reports.len(), 1, "{engine}");
        let report = &reports[0];
        assert_eq!((report.unit.as_str(), report.state()), ("units/patna-kotwali-ps", State::Received));
        assert_eq!((&report.bulletin, report.category()), (&bulletin.name, pb::Category::CyberCrime));
        assert_eq!((&report.reporter, report.source()), (&delivery.member, pb::ReportSource::Message));
        let told = entries(&cell, &report.name).await;
        assert_eq!(told.len(), 3, "text, image and place, each once");
        assert_eq!((told[0].kind(), told[0].actor.as_str()), (Kind::Received, "reporter"));
        let body = |entry: &pb::ReportEntry| entry.body.clone().unwrap();
        assert!(told.iter().any(|entry| body(entry).text.contains("Khagaul")));
        assert!(told.iter().any(|entry| body(entry).file.is_some_and(|file| file.provider_media_id == "7")));
        assert!(told.iter().any(|entry| body(entry).place.is_some_and(|place| place.latitude > 25.0)));
        let count = pb::CountResponsesRequest { name: bulletin.name.clone() };
        let count = cell.reports(AUTHOR).count_responses(count).await.unwrap().into_inner();
        assert_eq!((count.acknowledged_count, count.reacted_count), (1, 0));

        // Much later, or of something that has ended: another report.
        triage(&cell, &report.name).await;
        post(&cell, &[message("wamid.H", "1750020000", "text", json!({"body": "and now at Danapur"}))]).await;
        taken(&cell).await;
        assert_eq!(listed(&cell).await.len(), 2);
        nothing_rests_in_the_clear(&cell, &["Khagaul", "Danapur", "Asha Devi", &phone]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_in_the_register_goes_to_the_desk_and_messages_wait_while_membership_is_away() {
    for engine in engines() {
        let cell = staffed(engine, |config| config.reports.desk_unit = "eou".to_owned()).await;
        let from = "919900000077";
        let mut rumour = json!({"from": from, "id": "wamid.1", "timestamp": "1750000000", "type": "text",
            "text": {"body": "share with all: the bridge has fallen"}});
        rumour["context"] = json!({"frequently_forwarded": true});
        let more = json!({"from": from, "id": "wamid.2", "timestamp": "1750000030", "type": "text", "text": {"body": "is it true?"}});
        let hidden = json!({"from_user_id": "IN.1", "id": "wamid.3", "timestamp": "1750000000", "type": "text", "text": {"body": "a tip"}});
        cell.senders.away.store(true, Ordering::SeqCst);
        post(&cell, &[rumour, more, hidden]).await;
        assert_eq!(number(&cell.store(), "SELECT COUNT(*) FROM report_inbox").await, 3, "{engine}");
        assert_eq!(listed(&cell).await.len(), 0);
        nothing_rests_in_the_clear(&cell, &["bridge", from]).await;
        cell.senders.away.store(false, Ordering::SeqCst);
        taken(&cell).await;

        let reports = listed(&cell).await;
        assert_eq!(reports.len(), 2, "{engine}");
        let unknown = reports.iter().find(|report| report.reporter.is_empty()).expect("of nobody we know");
        assert_eq!((unknown.unit.as_str(), unknown.kind()), ("units/eou", pb::ReportKind::Rumour));
        assert!(unknown.frequently_forwarded && !unknown.anonymous);
        assert_eq!(entries(&cell, &unknown.name).await.len(), 2, "the second message is of the same sender");
        let known = reports.iter().find(|report| !report.reporter.is_empty()).expect("of a member");
        assert!(known.unit.ends_with("-ps"), "by the group and not by where they live: {}", known.unit);
        nothing_rests_in_the_clear(&cell, &["bridge", from]).await;
    }
}
