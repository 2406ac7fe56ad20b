//! Reading the ledger.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use uuid::Uuid;

use super::receipts::standing;
use super::sql::{self, Columns};
use crate::domain::delivery::Delivery;

const SELECT: &str = "SELECT id, bulletin_id, member_id, unit_id, channel, attempt_count, created_at, state, reason, \
     provider_message_id, sent_at, delivered_at, read_at, failed_at FROM delivery";

/// One delivery of a bulletin.
pub(crate) async fn find(db: &impl ConnectionTrait, bulletin: Uuid, id: Uuid) -> Result<Option<Delivery>, DbErr> {
    let query = format!("{SELECT} WHERE id = $1 AND bulletin_id = $2");
    sql::one(db, &query, [id.into(), bulletin.into()]).await?.as_ref().map(read).transpose()
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct DeliveryFilter {
    pub(crate) bulletin: Uuid,
    pub(crate) member: Option<Uuid>,
    /// A number of the contract.
    pub(crate) state: Option<i32>,
}

/// Deliveries in the order of their ids.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    filter: &DeliveryFilter,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Delivery>, DbErr> {
    let state = filter.state.unwrap_or(0).into();
    if let Some(member) = filter.member {
        // One or two rows, by the index that keeps each person once.
        let query = format!(
            "{SELECT} WHERE bulletin_id = $1 AND member_id = $2 AND id > $3 AND ($4 = 0 OR state = $4) ORDER BY id LIMIT $5"
        );
        let values = [filter.bulletin.into(), member.into(), after.into(), state, limit.cast_signed().into()];
        return sql::all(db, &query, values).await?.iter().map(read).collect();
    }
    // The ids of a bulletin lie between the first and the last that its publications wrote: a stretch of the key, without an index more.
    let bounds = sql::all(
        db,
        "SELECT first_delivery_id, last_delivery_id FROM publication WHERE bulletin_id = $1",
        [filter.bulletin.into()],
    )
    .await?;
    let mut stretch: Option<(Uuid, Uuid)> = None;
    for row in &bounds {
        let mut columns = Columns::of(row);
        let (first, last): (Uuid, Uuid) = (columns.take()?, columns.take()?);
        if !last.is_nil() {
            stretch = Some(stretch.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
        }
    }
    let Some((first, last)) = stretch else { return Ok(Vec::new()) };
    let query = format!(
        "{SELECT} WHERE id >= $1 AND id <= $2 AND id > $3 AND bulletin_id = $4 AND ($5 = 0 OR state = $5) \
         ORDER BY id LIMIT $6"
    );
    let values = [first.into(), last.into(), after.into(), filter.bulletin.into(), state, limit.cast_signed().into()];
    sql::all(db, &query, values).await?.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<Delivery, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Delivery {
        id: columns.take()?,
        bulletin: columns.take()?,
        member: columns.take()?,
        unit: columns.take()?,
        channel: columns.take()?,
        attempt_count: columns.take()?,
        created_at: columns.take()?,
        standing: standing(&mut columns)?,
    })
}
