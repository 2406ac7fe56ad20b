//! Counting by hand-written SQL what the service counts as it goes.

use sea_orm::{ConnectionTrait, Statement};
use senani_store::Store;
use uuid::Uuid;

/// The one number that a query answers.
pub(crate) async fn number(store: &Store, sql: &str) -> i64 {
    number_in(store.reader(), sql).await
}

/// A statement on the service's database, behind its back.
pub(crate) async fn execute(store: &Store, sql: &str) {
    let txn = store.begin_write().await.expect("a transaction");
    txn.execute_unprepared(sql).await.expect("a statement");
    txn.commit().await.expect("a commit");
}

async fn number_in(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.expect("a query");
    row.expect("one row").try_get_by_index(0).expect("a number")
}

async fn lines(db: &impl ConnectionTrait, sql: &str) -> Vec<(Uuid, Uuid, i32, String, i64)> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("a query");
    let mut lines: Vec<_> = rows
        .iter()
        .map(|row| {
            let uuid = |at| row.try_get_by_index::<Uuid>(at).expect("a uuid");
            let (state, reason) =
                (row.try_get_by_index(2).expect("a state"), row.try_get_by_index(3).expect("a reason"));
            (uuid(0), uuid(1), state, reason, row.try_get_by_index(4).expect("a count"))
        })
        .collect();
    lines.sort();
    lines
}

/// The tallies say what the rows say, and no delivery is in two minds about what is to be done for it.
pub(crate) async fn check(store: &Store) {
    // One state of the database: what a dead worker had sent off may still be committed meanwhile.
    let txn = store.begin_read().await.expect("a transaction");
    let db = &*txn;
    let tally = lines(
        db,
        "SELECT bulletin_id, unit_id, state, reason, delivery_count FROM delivery_tally WHERE delivery_count <> 0",
    )
    .await;
    let rows = lines(
        db,
        "SELECT bulletin_id, district_id, state, reason, COUNT(*) FROM delivery \
         GROUP BY bulletin_id, district_id, state, reason",
    )
    .await;
    assert_eq!(tally, rows, "the tally of deliveries is a recount of the ledger");
    let tasks =
        lines(db, "SELECT bulletin_id, unit_id, 0, CAST(orphaned_count AS text), open_count FROM task_tally").await;
    let rows = lines(
        db,
        "SELECT bulletin_id, district_id, 0, CAST(SUM(CASE WHEN state = 2 THEN 1 ELSE 0 END) AS text), \
         CAST(SUM(CASE WHEN state = 1 THEN 1 ELSE 0 END) AS bigint) FROM task GROUP BY bulletin_id, district_id",
    )
    .await;
    assert_eq!(tasks, rows, "the tally of tasks is a recount of the tasks");
    for (what, sql) in [
        (
            "rows that are to be sent again and are not queued",
            "SELECT COUNT(*) FROM delivery WHERE state <> 1 AND next_attempt_at > 0",
        ),
        ("unknown rows that nobody will settle", "SELECT COUNT(*) FROM delivery WHERE (state = 3) <> (unknown_at > 0)"),
    ] {
        assert_eq!(number_in(db, sql).await, 0, "{what}");
    }
}
