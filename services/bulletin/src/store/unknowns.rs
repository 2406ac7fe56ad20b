//! Deliveries that nobody holds any more, and those that wait for a receipt.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_store::{Rows, Store, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::sql::{self, Columns, skip_locked};
use super::{claims, clock, tally};
use crate::domain::Micros;
use crate::domain::delivery::DeliveryState;
use crate::domain::tally::Changes;

/// Batches and rows that one call looks after at most.
const LEASES: i64 = 20;
const ROWS: i64 = 5_000;

/// Batches whose lease is over: their worker died or hangs, and their deliveries may have been sent. Those become UNKNOWN, and the
/// token loses its power. Answers how many.
pub(crate) async fn expire_leases(store: &Store) -> Result<u64, DbErr> {
    let backend = store.backend();
    let expired = format!("FROM dispatch_lease WHERE lease_until < {}", clock::now(backend));
    if sql::one(store.reader(), &format!("SELECT 1 {expired} LIMIT 1"), []).await?.is_none() {
        return Ok(0);
    }
    let txn = store.begin_write().await?;
    let query = format!("SELECT token, delivery_ids {expired} ORDER BY token LIMIT $1{}", skip_locked(backend));
    let mut changes = Changes::default();
    let mut count = 0;
    for lease in sql::all(&*txn, &query, [LEASES.into()]).await? {
        let token: i64 = lease.try_get_by_index(0)?;
        let ids: Vec<u8> = lease.try_get_by_index(1)?;
        let rows = Rows::new()
            .uuid("key", ids.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok()))
            .query(
                &*txn,
                "UPDATE delivery SET state = 3, unknown_at = :2, lease_token = 0 FROM v \
                 WHERE delivery.id = v.key AND delivery.state = 2 AND delivery.lease_token = :1 \
                 RETURNING bulletin_id, district_id",
                &[token.into(), Timestamp::now().0.into()],
            )
            .await?;
        count += rows.len() as u64;
        note(&mut changes, &rows, DeliveryState::Sending, DeliveryState::Unknown)?;
        claims::end(&txn, token).await?;
    }
    finish(txn, &changes).await?;
    Ok(count)
}

/// Deliveries UNKNOWN since before `before` become QUEUED: no receipt came, so they are sent again. Receipts that wait in the inbox
/// speak first. Answers how many.
pub(crate) async fn requeue(store: &Store, before: Micros, grace: Micros) -> Result<u64, DbErr> {
    let oldest = sql::one(store.reader(), "SELECT MIN(received_at) FROM receipt_inbox", []).await?;
    let oldest: Option<i64> = oldest.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
    let before = oldest.map_or(before, |oldest| before.min(oldest - grace));
    let due = "FROM delivery WHERE unknown_at > 0 AND unknown_at < $1";
    if sql::one(store.reader(), &format!("SELECT 1 {due} LIMIT 1"), [before.into()]).await?.is_none() {
        return Ok(0);
    }
    let txn = store.begin_write().await?;
    let query = format!(
        "UPDATE delivery SET state = 1, next_attempt_at = $3, unknown_at = 0 \
         WHERE id IN (SELECT id {due} ORDER BY unknown_at LIMIT $2{}) AND state = 3 RETURNING bulletin_id, district_id",
        skip_locked(txn.get_database_backend())
    );
    let rows = sql::all(&*txn, &query, [before.into(), ROWS.into(), Timestamp::now().0.into()]).await?;
    let mut changes = Changes::default();
    note(&mut changes, &rows, DeliveryState::Unknown, DeliveryState::Queued)?;
    finish(txn, &changes).await?;
    Ok(rows.len() as u64)
}

fn note(changes: &mut Changes, rows: &[QueryResult], from: DeliveryState, to: DeliveryState) -> Result<(), DbErr> {
    for row in rows {
        let mut columns = Columns::of(row);
        changes.move_one((columns.take()?, columns.take()?), (from, ""), (to, ""));
    }
    Ok(())
}

async fn finish(mut txn: WriteTransaction, changes: &Changes) -> Result<(), DbErr> {
    let events = tally::apply(&txn, changes).await?;
    txn.append(events).await?;
    txn.commit().await
}
