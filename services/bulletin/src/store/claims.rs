//! Taking deliveries to send: batches under a lease with a fencing token.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_store::{Store, Timestamp, WriteTransaction};
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

/// A part of the ledger that a publication wrote, in which deliveries wait that nobody has taken yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) publication: Uuid,
    /// The first delivery.
    pub(crate) first: Uuid,
    /// The last delivery, so far.
    pub(crate) last: Uuid,
}

/// The stretches of the bulletins that are being published, the most severe first.
pub(crate) async fn stretches(store: &Store) -> Result<Vec<Stretch>, DbErr> {
    let sql = "SELECT p.id, p.first_delivery_id, p.last_delivery_id FROM publication p JOIN bulletin b ON b.id = p.bulletin_id \
               WHERE b.state = 4 AND p.last_delivery_id <> $1 ORDER BY b.severity DESC, p.id";
    let rows = sql::all(store.reader(), sql, [Uuid::nil().into()]).await?;
    let read = |row: &QueryResult| {
        let mut columns = Columns::of(row);
        Ok(Stretch { publication: columns.take()?, first: columns.take()?, last: columns.take()? })
    };
    rows.iter().map(read).collect()
}

/// The end of the next window of the ledger: `size` rows after `after`, whatever became of them, but not beyond `last`. A search for
/// what is new goes from window to window, each a range of the key so short that no plan of the database can go wrong.
pub(crate) async fn window(store: &Store, after: Uuid, last: Uuid, size: u64) -> Result<Uuid, DbErr> {
    let sql = "SELECT id FROM delivery WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";
    let row = sql::one(store.reader(), sql, [after.into(), (size.cast_signed() - 1).into()]).await?;
    let end: Option<Uuid> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(end.map_or(last, |end| end.min(last)))
}

/// Where to look for deliveries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// New ones in a window, see [`window`].
    New {
        /// Where the window before ended.
        after: Uuid,
        /// Where this one ends.
        end: Uuid,
    },
    /// Those whose pause before another attempt is over.
    Again,
}

/// What to claim.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) channel: &'a str,
    pub(crate) limit: u64,
    /// How long the batch is the caller's.
    pub(crate) lease: Duration,
}

const SET: &str =
    "UPDATE delivery SET state = 2, next_attempt_at = 0, attempt_count = attempt_count + 1, lease_token = $2";
const RETURNING: &str = "RETURNING id, bulletin_id, member_id, district_id, language, attempt_count";

/// Takes deliveries that wait to be sent, in the order of their ids: SENDING, one attempt more, under `token`. Empty when there is
/// nothing, or others have it.
pub(crate) async fn claim(store: &Store, wish: Wish<'_>, place: Place, token: i64) -> Result<Vec<Claimed>, DbErr> {
    if !any(store, wish, place).await? {
        return Ok(Vec::new());
    }
    let backend = store.backend();
    let mut txn = store.begin_write().await?;
    let rows = match place {
        Place::New { after, end } => {
            // Another worker in the same window is waited for, and what it has taken is passed over: windows are short and workers few.
            let query = format!(
                "{SET} WHERE id > $3 AND id <= $4 AND state = 1 AND next_attempt_at = 0 AND channel = $1 {RETURNING}"
            );
            sql::all(&*txn, &query, [wish.channel.into(), token.into(), after.into(), end.into()]).await?
        }
        Place::Again => {
            let query = format!(
                "{SET} WHERE id IN (SELECT id FROM delivery WHERE channel = $1 AND next_attempt_at > 0 AND next_attempt_at <= $3 \
                 ORDER BY next_attempt_at LIMIT $4{}) AND state = 1 {RETURNING}",
                skip_locked(backend)
            );
            let limit = wish.limit.cast_signed();
            sql::all(&*txn, &query, [wish.channel.into(), token.into(), Timestamp::now().0.into(), limit.into()])
                .await?
        }
    };
    let mut claimed = Vec::with_capacity(rows.len());
    let mut changes = Changes::default();
    for row in &rows {
        let delivery = read(row)?;
        changes.move_one(
            (delivery.bulletin, delivery.district),
            (DeliveryState::Queued, ""),
            (DeliveryState::Sending, ""),
        );
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
async fn any(store: &Store, wish: Wish<'_>, place: Place) -> Result<bool, DbErr> {
    let found = match place {
        Place::New { after, end } => {
            let sql = "SELECT 1 FROM delivery WHERE id > $2 AND id <= $3 AND state = 1 AND next_attempt_at = 0 AND channel = $1 \
                       LIMIT 1";
            sql::one(store.reader(), sql, [wish.channel.into(), after.into(), end.into()]).await?
        }
        Place::Again => {
            let sql =
                "SELECT 1 FROM delivery WHERE channel = $1 AND next_attempt_at > 0 AND next_attempt_at <= $2 LIMIT 1";
            sql::one(store.reader(), sql, [wish.channel.into(), Timestamp::now().0.into()]).await?
        }
    };
    Ok(found.is_some())
}

fn read(row: &QueryResult) -> Result<Claimed, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Claimed {
        id: columns.take()?,
        bulletin: columns.take()?,
        member: columns.take()?,
        district: columns.take()?,
        language: columns.take()?,
        attempt: columns.take()?,
    })
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
