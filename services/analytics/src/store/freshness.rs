//! Until when the tables hold everything, kept so that a restart with a source down still knows.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_store::{Rows, Store, Timestamp};

/// Stores times by source; a later one that another process has stored stays.
pub(crate) async fn save(store: &Store, times: &BTreeMap<String, Timestamp>) -> Result<(), DbErr> {
    let txn = store.begin_write().await?;
    Rows::new()
        .text("source", times.keys().map(String::as_str))
        .big_int("as_of", times.values().map(|time| time.0))
        .execute(
            &*txn,
            "INSERT INTO freshness (source, as_of) SELECT v.source, v.as_of FROM v WHERE true \
             ON CONFLICT (source) DO UPDATE SET as_of = excluded.as_of WHERE freshness.as_of < excluded.as_of",
            &[],
        )
        .await?;
    txn.commit().await
}

/// The times by source.
pub(crate) async fn load(db: &impl ConnectionTrait) -> Result<Vec<(String, Timestamp)>, DbErr> {
    let statement = Statement::from_string(db.get_database_backend(), "SELECT source, as_of FROM freshness");
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, Timestamp(row.try_get_by_index(1)?)))).collect()
}
