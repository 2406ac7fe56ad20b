//! Receipts in any order, any number of times, before and after everything else.

use futures::future::join_all;
use senani_proto::bulletin::v1 as pb;
use senani_simulator::{Config as Simulator, Faults};
use senani_testkit::{engines, eventually};

use crate::cell::{Cell, DEADLINE};
use crate::recount::{self, number};

/// A webhook with one receipt for each of the deliveries.
fn body(receipts: &[(&str, &str, i64)]) -> Vec<u8> {
    let statuses: Vec<String> = receipts
        .iter()
        .map(|(delivery, status, second)| {
            let errors =
                if *status == "failed" { r#","errors":[{"code":131026,"title":"Message undeliverable"}]"# } else { "" };
            format!(
                r#"{{"id":"wamid.{delivery}","status":"{status}","timestamp":"{second}","recipient_id":"911000000001",
                "biz_opaque_callback_data":"{delivery}"{errors}}}"#
            )
        })
        .collect();
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{
        "messaging_product":"whatsapp","statuses":[{}]}}}}]}}]}}"#,
        statuses.join(",")
    )
    .into_bytes()
}

async fn ingest(cell: &Cell, body: Vec<u8>) {
    let request = pb::IngestReceiptsRequest { channel: "simulator".to_owned(), body: body.into() };
    cell.deliveries().ingest_receipts(request).await.expect("it is durable");
}

/// All orders of five things.
fn permutations() -> Vec<[usize; 5]> {
    let mut all = Vec::new();
    for number in 0..120_usize {
        let mut left: Vec<usize> = (0..5).collect();
        let mut rest = number;
        let order: Vec<usize> = (1..=5)
            .rev()
            .map(|count| {
                let taken = left.remove(rest % count);
                rest /= count;
                taken
            })
            .collect();
        all.push(order.try_into().expect("five"));
    }
    all
}

/// A provider that accepts everything and never sends a receipt.
fn silent() -> Simulator {
    Simulator { faults: Faults { silent: 1.0, ..Faults::default() }, ..Simulator::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_receipts_end_in_one_state_in_every_order() {
    for engine in engines() {
        let cell = Cell::start_with(engine, 120, silent(), |_| {}).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        eventually(DEADLINE, "all to be accepted", async || cell.progress(&bulletin.name).await.sent_count == 120)
            .await;
        let deliveries = cell.all_deliveries(&bulletin.name).await;
        assert!(deliveries.iter().all(|delivery| delivery.state() == pb::delivery::State::Accepted));
        let ids: Vec<_> = deliveries.iter().map(|one| one.name.rsplit('/').next().unwrap().to_owned()).collect();

        // Sent, failed, delivered, delivered again and later, read: each delivery gets them in another order.
        const FIVE: [(&str, i64); 5] =
            [("sent", 100), ("failed", 101), ("delivered", 103), ("delivered", 102), ("read", 104)];
        let orders = permutations();
        for step in 0..5 {
            let receipts: Vec<_> = ids
                .iter()
                .zip(&orders)
                .map(|(id, order)| (id.as_str(), FIVE[order[step]].0, FIVE[order[step]].1))
                .collect();
            // In four webhooks at a time, so that they share commits and transactions as they come.
            join_all(receipts.chunks(30).map(|part| ingest(&cell, body(part)))).await;
        }
        eventually(DEADLINE, "the inbox to be empty", async || cell.inbox_is_empty().await).await;
        let after = cell.all_deliveries(&bulletin.name).await;
        for delivery in &after {
            assert_eq!((delivery.state(), delivery.reason.as_str()), (pb::delivery::State::Read, ""));
            let seconds = [&delivery.send_time, &delivery.deliver_time, &delivery.read_time, &delivery.fail_time]
                .map(|time| time.as_ref().map(|time| time.seconds));
            assert_eq!(seconds, [Some(100), Some(102), Some(104), Some(101)]);
        }

        // The last event that comes by itself.
        eventually(DEADLINE, "the bulletin to be published", async || {
            cell.progress(&bulletin.name).await.state() == pb::bulletin::State::Published
        })
        .await;
        // All of it again changes nothing.
        let store = cell.store();
        let events = number(&store, "SELECT position FROM event_head").await;
        let again: Vec<_> =
            ids.iter().flat_map(|id| FIVE.map(|(status, second)| (id.as_str(), status, second))).collect();
        ingest(&cell, body(&again)).await;
        eventually(DEADLINE, "the inbox to be empty", async || cell.inbox_is_empty().await).await;
        assert_eq!(cell.all_deliveries(&bulletin.name).await, after);
        assert_eq!(number(&store, "SELECT position FROM event_head").await, events);
        recount::check(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_no_delivery_is_parked_and_the_rest_goes_on() {
    for engine in engines() {
        let cell = Cell::start_with(engine, 4, silent(), |_| {}).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        eventually(DEADLINE, "all to be accepted", async || cell.progress(&bulletin.name).await.sent_count == 4).await;
        let delivery = cell.all_deliveries(&bulletin.name).await.remove(0);
        let id = delivery.name.rsplit('/').next().unwrap();
        let stranger = uuid::Uuid::now_v7().to_string();
        ingest(&cell, b"{\"entry\":[{".to_vec()).await;
        ingest(&cell, body(&[("run=7", "sent", 5), (&stranger, "read", 6), (id, "delivered", 7)])).await;
        eventually(DEADLINE, "the inbox to be empty", async || cell.inbox_is_empty().await).await;
        let request = pb::GetDeliveryRequest { name: delivery.name };
        let delivery = cell.deliveries().get_delivery(request).await.unwrap().into_inner();
        assert_eq!(delivery.state(), pb::delivery::State::Delivered);
        let store = cell.store();
        for (why, count) in [("UNREADABLE", 1), ("NO_DELIVERY", 1), ("UNKNOWN_DELIVERY", 1)] {
            let sql = format!("SELECT COUNT(*) FROM receipt_parked WHERE why = '{why}'");
            assert_eq!(number(&store, &sql).await, count, "{why}");
        }
    }
}
