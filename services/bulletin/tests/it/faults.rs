//! A provider in trouble: nothing is lost, and nothing is sent twice that need not be.

use senani_proto::bulletin::v1 as pb;
use senani_simulator::{Config as Simulator, Faults, Outcomes};
use senani_testkit::{engines, eventually};

use crate::cell::{Cell, DEADLINE};
use crate::recount::{self, number};

fn provider(faults: Faults) -> Simulator {
    Simulator { outcomes: Outcomes::undisturbed(), faults, ..Simulator::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_messages_are_sent_when_the_provider_is_well_again_each_once() {
    for engine in engines() {
        let faults = Faults { rate_limited: 0.3, unavailable: 0.2, server_error: 0.2, ..Faults::default() };
        let cell = Cell::start_with(engine, 300, provider(faults), |_| {}).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        eventually(DEADLINE, "some to be refused", async || !cell.simulator.witness().refused.is_empty()).await;
        cell.simulator.set_faults(Faults::default()).unwrap();
        let settled = cell.settled(&bulletin.name).await;
        assert_eq!((settled.read_count, settled.failed_count), (300, 0));
        let witness = cell.simulator.witness();
        assert_eq!((witness.sends.total, witness.sends.unique, witness.sends.repeated), (300, 300, 0));
        recount::check(&cell.store()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_is_settled_by_the_receipt_and_never_sent_again() {
    for engine in engines() {
        let faults = Faults { answer_lost: 0.2, hang_ms: 50, ..Faults::default() };
        let cell = Cell::start_with(engine, 200, provider(faults), |config| config.unknown_grace_seconds = 600).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        let settled = cell.settled(&bulletin.name).await;
        assert_eq!(settled.read_count, 200);
        let witness = cell.simulator.witness();
        assert!(witness.faults.answer_lost > 0);
        assert_eq!((witness.sends.total, witness.sends.repeated), (200, 0));
        recount::check(&cell.store()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_lost_is_unknown_for_the_time_of_grace_and_then_sent() {
    for engine in engines() {
        let faults = Faults { request_lost: 0.3, hang_ms: 50, ..Faults::default() };
        let cell = Cell::start_with(engine, 100, provider(faults), |config| config.unknown_grace_seconds = 1).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        eventually(DEADLINE, "some to be lost", async || cell.simulator.witness().faults.request_lost > 3).await;
        cell.simulator.set_faults(Faults::default()).unwrap();
        let settled = cell.settled(&bulletin.name).await;
        assert_eq!(settled.read_count, 100);
        // Only what never arrived was sent again: the receipts of the others had settled them.
        let witness = cell.simulator.witness();
        assert_eq!((witness.sends.total, witness.sends.repeated), (100, 0));
        recount::check(&cell.store()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_refused_rests_and_keeps_what_it_has() {
    for engine in engines() {
        let mut cell = Cell::start_with(engine, 40, provider(Faults::default()), |config| {
            config.channels[0].token = "another-token".into();
        })
        .await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        let store = cell.store();
        eventually(DEADLINE, "the ledger to be complete", async || {
            let progress = cell.progress(&bulletin.name).await;
            progress.delivery_count == 40 && progress.expanding_count == 0
        })
        .await;
        assert_eq!(number(&store, "SELECT COUNT(*) FROM delivery WHERE state > 3").await, 0);
        cell.stop().await;
        assert_eq!(number(&store, "SELECT COUNT(*) FROM delivery WHERE state = 1").await, 40);
        assert_eq!(number(&store, "SELECT COUNT(*) FROM delivery WHERE attempt_count > 0").await, 0);
        cell.config.channels[0].token = "simulator-token".into();
        cell.resume().await;
        assert_eq!(cell.settled(&bulletin.name).await.read_count, 40);
        assert_eq!(cell.simulator.witness().sends.total, 40);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_never_gets_well_uses_up_the_attempts() {
    for engine in engines() {
        let faults = Faults { server_error: 1.0, ..Faults::default() };
        let cell = Cell::start_with(engine, 20, provider(faults), |config| config.channels[0].attempts = 3).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        let settled = cell.settled(&bulletin.name).await;
        assert_eq!(settled.failed_count, 20);
        let deliveries = cell.all_deliveries(&bulletin.name).await;
        let exhausted = |one: &pb::Delivery| one.reason == "ATTEMPTS_EXHAUSTED" && one.attempt_count == 3;
        assert!(deliveries.iter().all(exhausted));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_find_no_service_come_again_until_they_are_taken() {
    for engine in engines() {
        let mut cell = Cell::start_with(engine, 80, provider(Faults::default()), |_| {}).await;
        cell.gateway.forward_to(None);
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        eventually(DEADLINE, "all to be accepted", async || cell.progress(&bulletin.name).await.sent_count == 80).await;
        eventually(DEADLINE, "a webhook to fail", async || cell.simulator.witness().webhooks.failed > 2).await;
        cell.stop().await;
        cell.resume().await;
        assert_eq!(cell.settled(&bulletin.name).await.read_count, 80);
        recount::check(&cell.store()).await;
    }
}
