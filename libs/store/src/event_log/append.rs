//! Writing events.

use prost::Message;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement};
use senani_proto::eventlog::v1::{Event, event::Payload};

use crate::{Rows, Timestamp};

/// Appends `payloads` and answers the new head, `None` when there is nothing to append. The head row stays locked until the
/// transaction ends: nothing may follow but the commit.
pub(crate) async fn append(txn: &DatabaseTransaction, payloads: Vec<Payload>) -> Result<Option<i64>, DbErr> {
    let count = i64::try_from(payloads.len()).map_err(|_| DbErr::Custom("too many events".into()))?;
    if count == 0 {
        return Ok(None);
    }
    let take = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "UPDATE event_head SET position = position + $1 WHERE id = 1 RETURNING position",
        [count.into()],
    );
    let row = txn.query_one_raw(take).await?.ok_or_else(|| DbErr::RecordNotFound("event_head".into()))?;
    let head: i64 = row.try_get_by_index(0)?;
    let trace_parent = senani_telemetry::trace_parent().unwrap_or_default();
    Rows::new()
        .big_int("position", head - count + 1..=head)
        .bytes(
            "payload",
            payloads.into_iter().map(|payload| Event { payload: Some(payload), ..Event::default() }.encode_to_vec()),
        )
        .execute(
            txn,
            "INSERT INTO event_log (position, occurred_at, trace_parent, payload) \
             SELECT v.position, :1, :2, v.payload FROM v",
            &[Timestamp::now().0.into(), trace_parent.into()],
        )
        .await?;
    Ok(Some(head))
}
