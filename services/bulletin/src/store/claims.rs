//! Taking deliveries to send: batches under a lease with a fencing token.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr};
use senani_store::{Store, WriteTransaction};
use uuid::Uuid;

use super::sql::{self, Columns, skip_locked};
use super::{clock, tally};
use crate::domain::delivery::DeliveryState;
use crate::domain::tally::Changes;

/// A delivery that a worker holds under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) id: Uuid,
    pub(crate) bulletin: Uuid,
    pub(crate) member: Uuid,
    /// Where it is counted.
    pub(crate) district: Uuid,
    /// BCP 47.
    pub(crate) language: String,
    /// With this one.
    pub(crate) attempt: i32,
}

/// What to claim.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) channel: &'a str,
    pub(crate) priority: i32,
    /// Only deliveries after this one: the caller knows that those before are taken. An index holds on to entries of rows that were
    /// taken until it is vacuumed, and passing them again for each batch would cost more than the batch.
    pub(crate) after: Uuid,
    pub(crate) limit: u64,
    /// How long the batch is the caller's.
    pub(crate) lease: Duration,
}

/// Takes the next deliveries that are ready, in the order of their ids: SENDING, one attempt more, under `token`. Empty when there is
/// nothing; fewer than wished for when there is no more.
pub(crate) async fn claim(store: &Store, wish: Wish<'_>, token: i64) -> Result<Vec<Claimed>, DbErr> {
    let backend = store.backend();
    if !any_ready(store, &wish).await? {
        return Ok(Vec::new());
    }
    let mut txn = store.begin_write().await?;
    let query = format!(
        "UPDATE delivery SET state = 2, ready = false, attempt_count = attempt_count + 1, lease_token = $1 \
         WHERE id IN (SELECT id FROM delivery WHERE ready AND channel = $2 AND priority = $3 AND id > $4 \
         ORDER BY id LIMIT $5{}) \
         RETURNING id, bulletin_id, member_id, district_id, language, attempt_count",
        skip_locked(backend)
    );
    let rows = sql::all(
        &*txn,
        &query,
        [token.into(), wish.channel.into(), wish.priority.into(), wish.after.into(), wish.limit.cast_signed().into()],
    )
    .await?;
    let mut claimed = Vec::with_capacity(rows.len());
    let mut changes = Changes::default();
    for row in &rows {
        let mut columns = Columns::of(row);
        let delivery = Claimed {
            id: columns.take()?,
            bulletin: columns.take()?,
            member: columns.take()?,
            district: columns.take()?,
            language: columns.take()?,
            attempt: columns.take()?,
        };
        changes.add(delivery.bulletin, delivery.district, DeliveryState::Queued, "", -1);
        changes.add(delivery.bulletin, delivery.district, DeliveryState::Sending, "", 1);
        claimed.push(delivery);
    }
    if claimed.is_empty() {
        return Ok(claimed);
    }
    claimed.sort_unstable_by_key(|delivery| delivery.id);
    let lease = format!(
        "INSERT INTO dispatch_lease (token, channel, lease_until, delivery_ids) VALUES ($1, $2, {} + $3, $4)",
        clock::now(backend)
    );
    let ids: Vec<u8> = claimed.iter().flat_map(|delivery| *delivery.id.as_bytes()).collect();
    sql::execute(&*txn, &lease, [token.into(), wish.channel.into(), micros(wish.lease).into(), ids.into()]).await?;
    let events = tally::apply(&txn, &changes).await?;
    txn.append(events).await?;
    txn.commit().await?;
    Ok(claimed)
}

/// A look that writes nothing: an idle dispatcher takes no writer's turn.
async fn any_ready(store: &Store, wish: &Wish<'_>) -> Result<bool, DbErr> {
    let sql = "SELECT 1 FROM delivery WHERE ready AND channel = $1 AND priority = $2 AND id > $3 LIMIT 1";
    let values = [wish.channel.into(), wish.priority.into(), wish.after.into()];
    Ok(sql::one(store.reader(), sql, values).await?.is_some())
}

/// Keeps a batch longer; false when it is lost.
pub(crate) async fn extend(store: &Store, token: i64, lease: Duration) -> Result<bool, DbErr> {
    let txn = store.begin_write().await?;
    let query = format!(
        "UPDATE dispatch_lease SET lease_until = {} + $2 WHERE token = $1",
        clock::now(txn.get_database_backend())
    );
    let kept = sql::execute(&*txn, &query, [token.into(), micros(lease).into()]).await? == 1;
    txn.commit().await?;
    Ok(kept)
}

/// Ends a lease, whose deliveries are settled by the same transaction.
pub(super) async fn end(txn: &WriteTransaction, token: i64) -> Result<(), DbErr> {
    sql::execute(&**txn, "DELETE FROM dispatch_lease WHERE token = $1", [token.into()]).await.map(drop)
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
