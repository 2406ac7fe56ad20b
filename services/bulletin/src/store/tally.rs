//! Counts of deliveries by bulletin, district, state and reason.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_proto::bulletin::v1 as pb;
use senani_proto::eventlog::v1::event::Payload;
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use super::sql::{self, Columns, unreadable};
use crate::domain::delivery::DeliveryState;
use crate::domain::tally::{Changes, Progress};
use crate::wire;

/// Applies changes and answers the events that tell them. Call it right before the transaction's last statement: it locks lines, in the
/// order of their keys, on which every other change of these bulletins waits.
pub(super) async fn apply(txn: &WriteTransaction, changes: &Changes) -> Result<Vec<Payload>, DbErr> {
    let lines: Vec<_> = changes.lines().collect();
    let rows = Rows::new()
        .uuid("bulletin_id", lines.iter().map(|(line, _)| line.bulletin))
        .uuid("unit_id", lines.iter().map(|(line, _)| line.unit))
        .int("state", lines.iter().map(|(line, _)| line.state.code()))
        .text("reason", lines.iter().map(|(line, _)| line.reason.as_str()))
        .big_int("delivery_count", lines.iter().map(|(_, change)| *change))
        .query(
            &**txn,
            "INSERT INTO delivery_tally (bulletin_id, unit_id, state, reason, delivery_count) \
             SELECT v.bulletin_id, v.unit_id, v.state, v.reason, v.delivery_count FROM v WHERE true \
             ON CONFLICT (bulletin_id, unit_id, state, reason) \
             DO UPDATE SET delivery_count = delivery_tally.delivery_count + excluded.delivery_count \
             RETURNING bulletin_id, unit_id, state, reason, delivery_count",
            &[],
        )
        .await?;
    events(&rows)
}

/// Every line of every bulletin, as events.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Payload>, DbErr> {
    let rows = sql::all(
        db,
        "SELECT bulletin_id, unit_id, state, reason, delivery_count FROM delivery_tally ORDER BY bulletin_id, unit_id",
        [],
    )
    .await?;
    events(&rows)
}

/// A bulletin's deliveries by state.
pub(crate) async fn progress(db: &impl ConnectionTrait, bulletin: Uuid) -> Result<Progress, DbErr> {
    let rows = sql::all(
        db,
        "SELECT state, CAST(SUM(delivery_count) AS bigint) FROM delivery_tally WHERE bulletin_id = $1 GROUP BY state",
        [bulletin.into()],
    )
    .await?;
    let mut progress = Progress::default();
    for row in rows {
        let code: i32 = row.try_get_by_index(0)?;
        let state = DeliveryState::from_code(code).ok_or_else(|| unreadable("state of a delivery", code))?;
        progress.add(state, row.try_get_by_index(1)?);
    }
    Ok(progress)
}

fn events(rows: &[QueryResult]) -> Result<Vec<Payload>, DbErr> {
    let mut bulletins: BTreeMap<Uuid, Vec<pb::ReachLine>> = BTreeMap::new();
    for row in rows {
        let mut columns = Columns::of(row);
        let lines = bulletins.entry(columns.take()?).or_default();
        lines.push(pb::ReachLine {
            unit_uid: wire::uid_bytes(columns.take()?),
            state: columns.take()?,
            reason: columns.take()?,
            count: columns.take()?,
        });
    }
    Ok(bulletins.into_iter().map(|(bulletin, lines)| wire::reach_changed(bulletin, lines)).collect())
}
