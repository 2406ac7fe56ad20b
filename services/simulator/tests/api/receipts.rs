//! Receipts over HTTP: signed, batched, repeated until taken, decided by the seed.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{DEADLINE, Running, Sink, quick};
use senani_simulator::{Config, Failure, Faults, Outcomes, Webhook};
use senani_testkit::eventually;
use serde_json::Value;

#[tokio::test]
async fn every_receipt_comes_signed_and_the_witness_counts_them() {
    let sink = Sink::start(&Config::default().app_secret, 0).await;
    let simulator = Running::start(Config { webhook_url: sink.url.clone(), ..quick() }).await;
    simulator.send_many("person", 600).await;
    simulator.settle().await;

    assert_eq!(sink.forged(), 0);
    let statuses = sink.statuses();
    let mut seen: BTreeMap<(String, String), u32> = BTreeMap::new();
    for status in &statuses {
        let key = |member: &str| status[member].as_str().unwrap().to_owned();
        *seen.entry((key("biz_opaque_callback_data"), key("status"))).or_default() += 1;
        assert!(status["timestamp"].as_str().unwrap().parse::<u64>().is_ok(), "{status}");
        assert!(status["recipient_id"].as_str().unwrap().starts_with("9110"), "{status}");
        assert_eq!(status["status"] == "failed", status["errors"][0]["code"].is_u64(), "{status}");
    }
    let of = |wanted: &str| seen.keys().filter(|(_, status)| status == wanted).count() as u64;
    let persons = |wanted: &[&str]| {
        let keys = seen.keys().filter(|(_, status)| wanted.contains(&status.as_str()));
        keys.map(|(callback, _)| callback).collect::<BTreeSet<_>>().len() as u64
    };
    let witness = simulator.handle.witness();
    let failed: u64 = witness.outcomes.failed.values().sum();
    assert_eq!((witness.sends.total, witness.sends.unique, witness.sends.repeated), (600, 600, 0));
    assert_eq!(witness.outcomes.delivered + failed, 600);
    assert_eq!(persons(&["delivered", "read"]), witness.outcomes.delivered);
    assert_eq!((of("read"), of("failed")), (witness.outcomes.read, failed));
    assert_eq!((of("sent"), of("delivered")), (witness.receipts.sent, witness.receipts.delivered));
    assert_eq!(witness.webhooks.statuses, statuses.len() as u64);
    assert_eq!(seen.values().map(|count| u64::from(count - 1)).sum::<u64>(), witness.receipts.repeated);
    assert!(of("delivered") < witness.outcomes.delivered, "some are read without a delivered receipt");
}

#[tokio::test]
async fn some_receipts_come_twice_and_some_in_the_wrong_order() {
    let sink = Sink::start(&Config::default().app_secret, 0).await;
    let webhook = Webhook { in_flight: 1, ..quick().webhook };
    let outcomes = Outcomes { repeated: 0.2, out_of_order: 0.2, ..Outcomes::default() };
    let simulator = Running::start(Config { webhook_url: sink.url.clone(), webhook, outcomes, ..quick() }).await;
    simulator.send_many("person", 300).await;
    simulator.settle().await;

    let rank = |status: &str| ["sent", "delivered", "read"].iter().position(|known| *known == status);
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let (mut twice, mut backwards) = (0, 0);
    for line in sink.summary() {
        twice += u64::from(!seen.insert(line.clone()));
        let (callback, status) = line.split_once(": ").unwrap();
        let Some(rank) = rank(status) else { continue };
        let before = last.insert(callback.to_owned(), rank);
        backwards += u64::from(before.is_some_and(|before| before > rank));
    }
    let witness = simulator.handle.witness();
    assert_eq!(twice, witness.receipts.repeated);
    assert!(twice > 50, "{twice} came twice");
    assert!(witness.receipts.out_of_order > 30 && backwards >= witness.receipts.out_of_order, "{backwards} backwards");
}

#[tokio::test]
async fn a_webhook_that_refuses_gets_everything_once_it_takes() {
    let sink = Sink::start(&Config::default().app_secret, 7).await;
    let webhook = Webhook { batch: 50, ..quick().webhook };
    let outcomes = Outcomes::undisturbed();
    let simulator = Running::start(Config { webhook_url: sink.url.clone(), webhook, outcomes, ..quick() }).await;
    simulator.send_many("person", 200).await;
    simulator.settle().await;

    assert_eq!(sink.refused(), 7);
    assert!(sink.batches().iter().all(|length| *length <= 50));
    let lines = sink.summary();
    assert_eq!(lines.len(), 600, "nothing is lost and nothing comes twice");
    assert_eq!(lines.into_iter().collect::<BTreeSet<_>>().len(), 600);
    let witness = simulator.handle.witness();
    assert_eq!((witness.webhooks.failed, witness.webhooks.statuses), (7, 600));
    assert_eq!(witness.webhooks.posts, witness.webhooks.taken + 7);
}

#[tokio::test]
async fn receipts_wait_for_an_address_and_follow_it() {
    let simulator = Running::start(Config { outcomes: Outcomes::undisturbed(), ..quick() }).await;
    simulator.send_many("person", 20).await;
    let sink = Sink::start(&Config::default().app_secret, 0).await;
    assert_eq!(simulator.handle.witness().pending, 20);
    assert!(simulator.handle.set_webhook_url("https://example.org/").is_err());
    simulator.handle.set_webhook_url(&sink.url).unwrap();
    simulator.settle().await;
    assert_eq!(sink.statuses().len(), 60);
}

#[tokio::test]
async fn the_seed_and_the_callback_data_decide_what_becomes_of_a_message() {
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let sink = Sink::start(&Config::default().app_secret, 0).await;
        let outcomes =
            Outcomes { failed: vec![Failure { code: 131_026, share: 0.3 }], repeated: 0.2, ..Outcomes::default() };
        let simulator = Running::start(Config { webhook_url: sink.url.clone(), seed, outcomes, ..quick() }).await;
        simulator.send_many("person", 120).await;
        simulator.settle().await;
        let mut lines = sink.summary();
        lines.sort_unstable();
        runs.push(lines);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_full_queue_slows_the_sender_down_and_drops_nothing() {
    let config = Config { pending_capacity: 5, outcomes: Outcomes::undisturbed(), ..quick() };
    let simulator = Running::start(config).await;
    let sender = async { simulator.send_many("person", 40).await };
    let webhook = async {
        eventually(DEADLINE, "the queue to fill", async || simulator.handle.witness().pending == 5).await;
        // The sixth request is under way and must wait: nobody takes receipts yet.
        let sink = Sink::start(&Config::default().app_secret, 0).await;
        assert_eq!(simulator.handle.witness().sends.total, 5);
        simulator.handle.set_webhook_url(&sink.url).unwrap();
        sink
    };
    let ((), sink) = tokio::join!(sender, webhook);
    simulator.settle().await;
    assert_eq!(sink.statuses().len(), 120);
}

#[tokio::test]
async fn a_silent_message_gets_no_receipt() {
    let sink = Sink::start(&Config::default().app_secret, 0).await;
    let faults = Faults { silent: 1.0, ..Faults::default() };
    let simulator = Running::start(Config { webhook_url: sink.url.clone(), faults, ..quick() }).await;
    simulator.send_many("silent", 3).await;
    simulator.handle.set_faults(Faults::default()).unwrap();
    simulator.send_many("heard", 1).await;
    simulator.settle().await;
    assert!(sink.summary().iter().all(|line| line.starts_with("heard-0: ")));
    assert_eq!(simulator.handle.witness().pending, 0);
}

#[tokio::test]
async fn a_failed_receipt_has_the_documented_shape() {
    let sink = Sink::start(&Config::default().app_secret, 0).await;
    let failed = vec![Failure { code: 131_049, share: 1.0 }];
    let outcomes = Outcomes { failed, repeated: 0.0, ..Outcomes::default() };
    let simulator = Running::start(Config { webhook_url: sink.url.clone(), outcomes, ..quick() }).await;
    simulator.send_many("person", 1).await;
    simulator.settle().await;
    let status = &sink.statuses()[0];
    assert_eq!((&status["status"], &status["pricing"]), (&Value::from("failed"), &Value::Null));
    let error = &status["errors"][0];
    assert_eq!(error["code"], 131_049);
    for member in ["title", "message", "href"] {
        assert!(error[member].is_string(), "{error}");
    }
    assert!(error["error_data"]["details"].is_string(), "{error}");
}
