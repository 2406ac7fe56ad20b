//! Applying receipts to the ledger.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use senani_store::{Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::sql::{Columns, unreadable};
use super::tally;
use crate::domain::delivery::DeliveryState;
use crate::domain::receipt::{Evidence, Standing};
use crate::domain::tally::Changes;

/// A row of the ledger, locked.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) id: Uuid,
    pub(crate) bulletin: Uuid,
    district: Uuid,
    standing: Standing,
}

/// The deliveries with these ids, which must be sorted; locked in this order until the transaction ends. Those that do not exist are left
/// out.
pub(crate) async fn lock(txn: &WriteTransaction, ids: impl IntoIterator<Item = Uuid>) -> Result<Vec<Current>, DbErr> {
    // CROSS JOIN: SQLite then goes through the few and looks up the many, instead of passing the whole ledger in the order asked for.
    let lock = match txn.get_database_backend() {
        DbBackend::Postgres => " FOR UPDATE OF d",
        _ => "",
    };
    let query = format!(
        "SELECT d.id, d.bulletin_id, d.district_id, d.state, d.reason, d.provider_message_id, d.sent_at, d.delivered_at, \
         d.read_at, d.failed_at FROM v CROSS JOIN delivery d WHERE d.id = v.key ORDER BY d.id{lock}"
    );
    let rows = Rows::new().uuid("key", ids).query(&**txn, &query, &[]).await?;
    rows.iter().map(read).collect()
}

/// Merges evidence into locked deliveries and appends the events. Answers how many changed.
pub(crate) async fn settle(
    txn: &mut WriteTransaction,
    current: Vec<Current>,
    evidence: &mut BTreeMap<Uuid, Evidence>,
) -> Result<u64, DbErr> {
    let mut changes = Changes::default();
    let mut changed = Vec::with_capacity(current.len());
    for mut delivery in current {
        let Some(evidence) = evidence.remove(&delivery.id) else { continue };
        let (state, reason) = (delivery.standing.state, delivery.standing.reason.clone());
        if delivery.standing.settle(evidence) {
            let standing = &delivery.standing;
            let place = (delivery.bulletin, delivery.district);
            changes.move_one(place, (state, &reason), (standing.state, &standing.reason));
            changed.push(delivery);
        }
    }
    write(txn, &changed).await?;
    let events = tally::apply(txn, &changes).await?;
    txn.append(events).await?;
    Ok(changed.len() as u64)
}

/// Whatever was still to be done for these is done: the provider has them.
async fn write(txn: &WriteTransaction, changed: &[Current]) -> Result<(), DbErr> {
    let standings = || changed.iter().map(|delivery| &delivery.standing);
    Rows::new()
        .uuid("key", changed.iter().map(|delivery| delivery.id))
        .int("state", standings().map(|standing| standing.state.code()))
        .text("reason", standings().map(|standing| standing.reason.as_str()))
        .text("message_id", standings().map(|standing| standing.provider_message_id.as_str()))
        .big_int("sent_at", standings().map(|standing| standing.sent_at))
        .big_int("delivered_at", standings().map(|standing| standing.delivered_at))
        .big_int("read_at", standings().map(|standing| standing.read_at))
        .big_int("failed_at", standings().map(|standing| standing.failed_at))
        .execute(
            &**txn,
            "UPDATE delivery SET state = v.state, reason = v.reason, provider_message_id = v.message_id, sent_at = v.sent_at, \
             delivered_at = v.delivered_at, read_at = v.read_at, failed_at = v.failed_at, next_attempt_at = 0, \
             unknown_at = 0 FROM v WHERE delivery.id = v.key",
            &[],
        )
        .await
        .map(drop)
}

/// A receipt that names no delivery of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stray {
    pub(crate) channel: String,
    /// Nil when it named none.
    pub(crate) delivery: Uuid,
    /// `sent`, `delivered`, …
    pub(crate) status: String,
    /// The provider's time.
    pub(crate) occurred_at: i64,
    /// Why it could not be applied: `UNKNOWN_DELIVERY` or `NO_DELIVERY`.
    pub(crate) why: &'static str,
}

/// Keeps receipts that could not be applied.
pub(crate) async fn park(txn: &WriteTransaction, strays: &[Stray]) -> Result<(), DbErr> {
    Rows::new()
        .text("channel", strays.iter().map(|stray| stray.channel.as_str()))
        .uuid("delivery_id", strays.iter().map(|stray| stray.delivery))
        .text("status", strays.iter().map(|stray| stray.status.as_str()))
        .big_int("occurred_at", strays.iter().map(|stray| stray.occurred_at))
        .text("why", strays.iter().map(|stray| stray.why))
        .execute(
            &**txn,
            "INSERT INTO receipt_parked (channel, parked_at, why, delivery_id, status, occurred_at, body_size, body_sha256) \
             SELECT v.channel, :1, v.why, v.delivery_id, v.status, v.occurred_at, 0, '' FROM v",
            &[Timestamp::now().0.into()],
        )
        .await
        .map(drop)
}

fn read(row: &QueryResult) -> Result<Current, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Current {
        id: columns.take()?,
        bulletin: columns.take()?,
        district: columns.take()?,
        standing: standing(&mut columns)?,
    })
}

/// Reads state, reason, provider's id and the four times.
pub(super) fn standing(columns: &mut Columns<'_>) -> Result<Standing, DbErr> {
    let code = columns.take()?;
    Ok(Standing {
        state: DeliveryState::from_code(code).ok_or_else(|| unreadable("state of a delivery", code))?,
        reason: columns.take()?,
        provider_message_id: columns.take()?,
        sent_at: columns.take()?,
        delivered_at: columns.take()?,
        read_at: columns.take()?,
        failed_at: columns.take()?,
    })
}
