//! Two transactions in each other's way.

use sea_orm::{ConnectionTrait, DbErr};
use senani_store::{Store, WriteTransaction, gave_way};
use senani_testkit::{Engine, engines};

use crate::fixture;

async fn count(txn: &WriteTransaction, name: &str) -> Result<(), DbErr> {
    txn.execute_unprepared(&format!("UPDATE thing SET count = count + 1 WHERE name = '{name}'")).await.map(drop)
}

async fn both(store: &Store, first: &str, second: &str, turn: &tokio::sync::Barrier) -> Result<(), DbErr> {
    let txn = store.begin_write().await?;
    count(&txn, first).await?;
    turn.wait().await;
    count(&txn, second).await?;
    txn.commit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transactions_that_wait_for_each_other_one_gives_way_and_says_so() {
    // SQLite has one writer: there is nobody to wait for.
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let (_database, store) = fixture::store(engine).await;
        let txn = store.begin_write().await.expect("begins");
        txn.execute_unprepared("INSERT INTO thing (name, count) VALUES ('a', 0), ('b', 0)").await.expect("inserts");
        txn.commit().await.expect("commits");

        let turn = tokio::sync::Barrier::new(2);
        let outcomes = tokio::join!(both(&store, "a", "b", &turn), both(&store, "b", "a", &turn));
        let lost = match outcomes {
            (Ok(()), Err(lost)) | (Err(lost), Ok(())) => lost,
            other => panic!("one of them gives way: {other:?}"),
        };
        assert!(gave_way(&lost), "{lost:?}");
        let missing = store.begin_write().await.expect("begins").execute_unprepared("UPDATE nothing SET x = 1").await;
        assert!(!gave_way(&missing.expect_err("there is no such table")));
    }
}
