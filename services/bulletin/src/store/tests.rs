//! The ledger's promises that no caller can break: fencing, leases, closing.

use std::collections::BTreeMap;
use std::time::Duration;

use senani_store::{Store, StoreOptions};
use senani_testkit::{TestDatabase, database, engines};
use uuid::Uuid;

use super::claims::{self, Claimed, Place, Wish};
use super::expansion::{self, Lease, NewDelivery};
use super::publications::Publication;
use super::results::{self, Recorded};
use super::{Migrator, closing, desk, publications, receipts, sql, unknowns};
use crate::domain::attempt::Verdict;
use crate::domain::audience::Audience;
use crate::domain::bulletin::{Bulletin, IssuingUnit, State, Visibility};
use crate::domain::receipt::{Evidence, Receipt};
use crate::store::desk::Repeatable;

const LEASE: Duration = Duration::from_secs(30);
const CHANNEL: &str = "simulator";

/// A ledger with a bulletin under way.
struct Ledger {
    store: Store,
    bulletin: Uuid,
    lease: Lease,
    _database: TestDatabase,
}

impl Ledger {
    async fn with(engine: senani_testkit::Engine, deliveries: usize) -> Self {
        let database = database(engine);
        let url = database.url("bulletin");
        senani_store::migrate::<Migrator>(&url).await.expect("tables");
        let store = Store::connect(&url, &StoreOptions::default()).await.expect("a store");
        let (bulletin, lease) = publish(&store, 2, deliveries).await;
        Self { store, bulletin, lease, _database: database }
    }

    /// Another bulletin, published to so many; its publication.
    async fn publish(&self, severity: i32, deliveries: usize) -> Uuid {
        publish(&self.store, severity, deliveries).await.1.publication.id
    }

    async fn claim(&self, token: i64, limit: u64, lease: Duration) -> Vec<Claimed> {
        let wish = Wish { channel: CHANNEL, limit, lease };
        let end = claims::window(&self.store, Uuid::nil(), Uuid::max(), limit).await.expect("a window");
        let new = Place::New { after: Uuid::nil(), end };
        let claimed = claims::claim(&self.store, wish, new, token).await.expect("a claim");
        if !claimed.is_empty() {
            return claimed;
        }
        claims::claim(&self.store, wish, Place::Again, token).await.expect("a claim")
    }

    async fn count(&self, condition: &str) -> i64 {
        let query = format!("SELECT COUNT(*) FROM delivery WHERE {condition}");
        let row = sql::one(self.store.reader(), &query, []).await.expect("a query").expect("one row");
        row.try_get_by_index(0).expect("a number")
    }

    async fn position(&self) -> i64 {
        senani_store::event_log::bounds(self.store.reader()).await.expect("a log").position
    }
}

/// A bulletin whose ledger is being written; its id, and the lease of its publication.
async fn publish(store: &Store, severity: i32, deliveries: usize) -> (Uuid, Lease) {
    let bulletin = Bulletin {
        id: Uuid::now_v7(),
        number: String::new(),
        issuing_unit: IssuingUnit { id: Uuid::now_v7(), slug: "eou".to_owned() },
        state: State::Approved,
        category: 1,
        severity,
        headlines: BTreeMap::new(),
        texts: BTreeMap::new(),
        poster: None,
        author: "officers/a".to_owned(),
        approver: "officers/b".to_owned(),
        version: 1,
        created_at: 1,
        approved_at: 1,
        published_at: 0,
        trace_parent: String::new(),
        visibility: Visibility::Members,
        code: None,
    };
    let request = Repeatable { subject: "officers/a", method: "Test", request_id: None, fingerprint: Vec::new() };
    desk::create(store, &request, &bulletin).await.expect("a bulletin");
    let publication = Publication {
        id: Uuid::now_v7(),
        bulletin: bulletin.id,
        audience: Audience { units: vec!["bihar".to_owned()], ..Audience::default() },
        state: publications::EXPANDING,
        group_count: 0,
        task_count: 0,
        tasks_written: false,
        delivery_count: 0,
        person_count: deliveries as i64,
        resolved_count: 0,
        last_member: Uuid::nil(),
        first_delivery: Uuid::nil(),
        last_delivery: Uuid::nil(),
        created_at: 1,
    };
    desk::publish(store, &request, &publication).await.expect("a publication");
    let mut lease = expansion::claim(store, 1, LEASE).await.expect("a claim").expect("a publication");
    let page: Vec<_> = (0..deliveries).map(|_| new_delivery()).collect();
    assert!(expansion::write_page(store, &mut lease, CHANNEL, &page).await.expect("a page"));
    (bulletin.id, lease)
}

fn new_delivery() -> NewDelivery {
    let (member, unit) = (Uuid::now_v7(), Uuid::from_u128(7));
    NewDelivery { id: Uuid::now_v7(), member, unit, district: unit, language: "hi".to_owned() }
}

fn accepted(claimed: &[Claimed]) -> Vec<(Claimed, Verdict)> {
    claimed.iter().map(|one| (one.clone(), Verdict::Accepted(format!("wamid.{}", one.id)))).collect()
}

#[tokio::test]
async fn results_under_a_token_that_is_over_change_nothing() {
    for engine in engines() {
        let ledger = Ledger::with(engine, 10).await;
        let claimed = ledger.claim(7, 10, Duration::ZERO).await;
        assert_eq!((claimed.len(), ledger.count("state = 2 AND lease_token = 7").await), (10, 10));
        let stale = |count| Recorded { moved: 0, settled: 0, stale: count };
        // Another's token.
        assert_eq!(results::record(&ledger.store, 8, &accepted(&claimed)).await.expect("recorded"), stale(10));
        // The lease is over, and somebody has looked.
        while unknowns::expire_leases(&ledger.store).await.expect("expired") == 0 {}
        assert_eq!(ledger.count("state = 3 AND unknown_at > 0").await, 10);
        let position = ledger.position().await;
        assert_eq!(results::record(&ledger.store, 7, &accepted(&claimed)).await.expect("recorded"), stale(10));
        assert_eq!((ledger.count("state = 3").await, ledger.position().await), (10, position));
        assert!(!claims::extend(&ledger.store, 7, LEASE).await.expect("asked"));
        // No receipt came: they are sent again, and the old worker still changes nothing.
        assert_eq!(unknowns::requeue(&ledger.store, i64::MAX, 0).await.expect("queued"), 10);
        let again = ledger.claim(9, 10, LEASE).await;
        assert!(again.len() == 10 && again.iter().all(|one| one.attempt == 2));
        assert_eq!(results::record(&ledger.store, 7, &accepted(&claimed)).await.expect("recorded"), stale(10));
        let recorded = results::record(&ledger.store, 9, &accepted(&again)).await.expect("recorded");
        assert_eq!(recorded, Recorded { moved: 10, settled: 0, stale: 0 });
        assert_eq!(ledger.count("state = 4 AND provider_message_id LIKE 'wamid.%'").await, 10);
    }
}

#[tokio::test]
async fn a_late_answer_never_lowers_what_a_receipt_has_proven() {
    for engine in engines() {
        let ledger = Ledger::with(engine, 3).await;
        let claimed = ledger.claim(7, 10, LEASE).await;
        let delivered = Evidence::of(Receipt::Delivered, 5, "wamid.early");
        let mut txn = ledger.store.begin_write().await.expect("a transaction");
        let current = receipts::lock(&txn, [claimed[0].id]).await.expect("a row");
        let mut evidence = BTreeMap::from([(claimed[0].id, delivered)]);
        assert_eq!(receipts::settle(&mut txn, current, &mut evidence).await.expect("settled"), 1);
        txn.commit().await.expect("a commit");
        let recorded = results::record(&ledger.store, 7, &accepted(&claimed)).await.expect("recorded");
        assert_eq!(recorded, Recorded { moved: 2, settled: 1, stale: 0 });
        assert_eq!(ledger.count("state = 7 AND provider_message_id = 'wamid.early'").await, 1);
    }
}

#[tokio::test]
async fn two_workers_never_have_the_same_delivery() {
    for engine in engines() {
        let ledger = Ledger::with(engine, 400).await;
        let claims = (1..=8).map(|token| ledger.claim(token, 50, LEASE));
        let mut ids: Vec<Uuid> =
            futures::future::join_all(claims).await.into_iter().flatten().map(|one| one.id).collect();
        // All eight looked at the same window: one of them has it, whoever was first.
        assert_eq!(ids.len(), 50);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len() as i64, ledger.count("state = 2 AND attempt_count = 1").await);
        assert_eq!(ledger.count("state = 2 AND lease_token NOT BETWEEN 1 AND 8").await, 0);
    }
}

#[tokio::test]
async fn a_worker_that_lost_its_publication_writes_no_page() {
    for engine in engines() {
        let mut ledger = Ledger::with(engine, 5).await;
        assert!(expansion::claim(&ledger.store, 2, LEASE).await.expect("asked").is_none());
        expansion::release(&ledger.store, &ledger.lease).await.expect("given back");
        let taken = expansion::claim(&ledger.store, 2, LEASE).await.expect("asked").expect("taken over");
        assert_eq!((taken.publication.id, taken.publication.resolved_count), (ledger.lease.publication.id, 5));
        assert_eq!(taken.publication.last_member, ledger.lease.publication.last_member);
        let written = expansion::write_page(&ledger.store, &mut ledger.lease, CHANNEL, &[new_delivery()]).await;
        assert!(!written.expect("asked"));
        assert!(!expansion::finish(&ledger.store, &ledger.lease).await.expect("asked"));
        assert_eq!(ledger.count("state > 0").await, 5);
        assert!(expansion::finish(&ledger.store, &taken).await.expect("asked"));
    }
}

#[tokio::test]
async fn the_most_severe_bulletin_is_sent_first() {
    for engine in engines() {
        let ledger = Ledger::with(engine, 2).await;
        let stretch = claims::stretches(&ledger.store).await.expect("asked");
        assert_eq!(stretch.len(), 1);
        assert!(stretch[0].first < stretch[0].last);
        let severe = ledger.publish(3, 2).await;
        let mild = ledger.publish(0, 2).await;
        let order: Vec<_> =
            claims::stretches(&ledger.store).await.expect("asked").into_iter().map(|one| one.publication).collect();
        assert_eq!(order, [severe, stretch[0].publication, mild]);
    }
}

#[tokio::test]
async fn a_bulletin_closes_when_its_ledger_is_complete_and_nothing_is_open() {
    for engine in engines() {
        let ledger = Ledger::with(engine, 2).await;
        let closed = async || closing::close_if_done(&ledger.store, ledger.bulletin).await.expect("asked");
        let claimed = ledger.claim(7, 10, LEASE).await;
        results::record(&ledger.store, 7, &accepted(&claimed)).await.expect("recorded");
        assert!(!closed().await, "it is still being expanded");
        assert!(expansion::finish(&ledger.store, &ledger.lease).await.expect("asked"));
        assert!(closed().await);
        assert!(!closed().await, "it is closed already");
    }
}

/// A plan that went through the whole ledger for each batch would show only with hundreds of thousands of rows.
#[tokio::test]
async fn sqlite_looks_up_the_rows_of_a_batch_and_never_scans_the_ledger() {
    let ledger = Ledger::with(senani_testkit::Engine::Sqlite, 4).await;
    let rows = vec!["(x'00', '')"; 500].join(",");
    let v = format!("WITH v(key, message_id) AS (VALUES {rows})");
    for statement in [
        format!(
            "{v} UPDATE delivery SET state = 4, provider_message_id = v.message_id FROM v WHERE delivery.id = v.key RETURNING id"
        ),
        format!("{v} SELECT d.id FROM v CROSS JOIN delivery d WHERE d.id = v.key ORDER BY d.id"),
        "UPDATE delivery SET state = 2 WHERE id > $3 AND id <= $4 AND state = 1 AND channel = $1 RETURNING id"
            .to_owned(),
        "SELECT id FROM delivery WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2".to_owned(),
        "SELECT 1 FROM delivery WHERE channel = $1 AND next_attempt_at > 0 AND next_attempt_at <= $2 LIMIT 1"
            .to_owned(),
    ] {
        let plan =
            sql::all(ledger.store.reader(), &format!("EXPLAIN QUERY PLAN {statement}"), []).await.expect("a plan");
        let steps: Vec<String> = plan.iter().map(|row| row.try_get_by_index(3).expect("a step")).collect();
        assert!(!steps.iter().any(|step| step.starts_with("SCAN d")), "{statement:.80}: {steps:?}");
    }
}
