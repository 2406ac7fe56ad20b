//! The service dies in the middle of its work, again and again, and ends with the ledger of an undisturbed run.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use senani_proto::bulletin::v1 as pb;
use senani_simulator::{Config as Simulator, Outcomes};
use senani_testkit::{engines, eventually};

use crate::cell::{Cell, DEADLINE};
use crate::recount::{self, number};

const MEMBERS: usize = 1_500;

fn provider() -> Simulator {
    Simulator { outcomes: Outcomes::undisturbed(), ..Simulator::default() }
}

/// What the ledger says of each person: all that two runs must agree on.
async fn ledger(cell: &Cell) -> Vec<(String, i32, String)> {
    let store = cell.store();
    let sql = "SELECT member_id, state, reason FROM delivery ORDER BY member_id";
    let rows = store.reader().query_all_raw(Statement::from_string(store.backend(), sql)).await.expect("the ledger");
    rows.iter()
        .map(|row| {
            let member: uuid::Uuid = row.try_get_by_index(0).expect("a member");
            let (state, reason) =
                (row.try_get_by_index(1).expect("a state"), row.try_get_by_index(2).expect("a reason"));
            (member.to_string(), state, reason)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_while_it_expands_and_sends_leaves_the_same_ledger() {
    for engine in engines() {
        let undisturbed = Cell::start_with(engine, MEMBERS, provider(), |_| {}).await;
        let bulletin = undisturbed.approved().await;
        undisturbed.publish(&bulletin.name, "bihar").await;
        undisturbed.settled(&bulletin.name).await;
        let expected = ledger(&undisturbed).await;
        assert_eq!(expected.len(), MEMBERS);
        drop(undisturbed);

        let mut cell = Cell::start_with(engine, MEMBERS, provider(), |config| {
            config.lease_seconds = 1;
            config.expand_page = 50;
        })
        .await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        let store = cell.store();
        // Each time a little further into the work: while tasks, pages, batches, receipts are written.
        for reached in [1, 150, 400, 900, 1_200] {
            let sql = "SELECT COUNT(*) FROM delivery WHERE state > 1 OR id IS NULL";
            eventually(DEADLINE, "the work to go on", async || {
                number(&store, sql).await >= reached
                    || number(&store, "SELECT COUNT(*) FROM delivery WHERE state > 3").await >= MEMBERS as i64
            })
            .await;
            cell.crash().await;
            recount::check(&store).await;
            cell.resume().await;
        }
        let settled = cell.settled(&bulletin.name).await;
        assert_eq!(
            (settled.delivery_count, settled.read_count, settled.task_count),
            (MEMBERS as i64, MEMBERS as i64, 6)
        );
        assert_eq!(ledger(&cell).await, expected);
        recount::check(&store).await;

        // The witness: each person once, and again only where the worker died between sending and recording without a receipt in time.
        let witness = cell.simulator.witness();
        assert_eq!(witness.sends.unique, MEMBERS as u64);
        let again = number(&store, "SELECT COUNT(*) FROM delivery WHERE attempt_count > 1").await;
        assert!(witness.sends.repeated as i64 <= again, "{} sent twice, {again} tried twice", witness.sends.repeated);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_by_a_worker_that_died_is_settled_by_its_receipts() {
    for engine in engines() {
        let mut cell = Cell::start_with(engine, 300, provider(), |config| {
            config.lease_seconds = 1;
            config.unknown_grace_seconds = 600;
        })
        .await;
        // Receipts wait until the worker is dead.
        cell.simulator.set_webhook_url("").unwrap();
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        eventually(DEADLINE, "some to be sent", async || cell.simulator.witness().sends.total > 60).await;
        cell.crash().await;
        let url = format!("{}/webhooks/whatsapp", cell.gateway.running.url());
        cell.simulator.set_webhook_url(&url).unwrap();
        let store = cell.store();
        let held = number(&store, "SELECT COUNT(*) FROM delivery WHERE state = 2").await;
        cell.resume().await;
        eventually(DEADLINE, "all that the provider has to be settled", async || {
            let sent = cell.simulator.witness().sends.unique as i64;
            let unknown = number(&store, "SELECT COUNT(*) FROM delivery WHERE state IN (2, 3)").await;
            let queued = number(&store, "SELECT COUNT(*) FROM delivery WHERE state = 1").await;
            queued == 0 && sent + unknown == 300 && cell.simulator.witness().pending == 0 && cell.inbox_is_empty().await
        })
        .await;
        // Sent twice: none. What was claimed and never sent stays unknown for the time of grace: nobody can tell.
        assert_eq!(cell.simulator.witness().sends.repeated, 0);
        let unknown = number(&store, "SELECT COUNT(*) FROM delivery WHERE state IN (2, 3)").await;
        assert!(unknown <= held, "{unknown} of {held} are still unknown");
        recount::check(&store).await;
        cell.stop().await;
        cell.config.unknown_grace_seconds = 1;
        cell.resume().await;
        let settled = cell.settled(&bulletin.name).await;
        assert_eq!(settled.read_count, 300);
        assert_eq!(cell.simulator.witness().sends.repeated, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_gives_back_what_was_not_sent_and_records_what_was() {
    for engine in engines() {
        let mut cell = Cell::start_with(engine, MEMBERS, provider(), |config| {
            config.lease_seconds = 600;
            config.dispatch_concurrency = 2;
        })
        .await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        eventually(DEADLINE, "some to be sent", async || cell.simulator.witness().sends.total > 50).await;
        tokio::time::timeout(Duration::from_secs(15), cell.stop()).await.expect("it ends soon");
        let store = cell.store();
        assert_eq!(number(&store, "SELECT COUNT(*) FROM delivery WHERE state IN (2, 3)").await, 0);
        assert_eq!(number(&store, "SELECT COUNT(*) FROM dispatch_lease").await, 0);
        let left = number(&store, "SELECT COUNT(*) FROM delivery WHERE state > 3").await;
        assert_eq!(left as u64, cell.simulator.witness().sends.total);
        recount::check(&store).await;
        cell.resume().await;
        let settled = cell.settled(&bulletin.name).await;
        assert_eq!((settled.state(), settled.read_count), (pb::bulletin::State::Published, MEMBERS as i64));
        let witness = cell.simulator.witness();
        assert_eq!((witness.sends.total, witness.sends.repeated), (MEMBERS as u64, 0));
    }
}
