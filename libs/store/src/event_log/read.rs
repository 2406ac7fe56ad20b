//! Reading events.

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::eventlog::v1::Event;

use crate::Timestamp;

/// What a log holds: the events after `pruned_through`, up to `position`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The incarnation of the database.
    pub epoch: String,
    /// The position of the newest event; 0 before the first.
    pub position: i64,
    /// Events up to this position are gone.
    pub pruned_through: i64,
}

/// The bounds of the log. They come from the head row, never from the oldest event: a log that is pruned empty has none.
///
/// # Errors
/// The database's.
pub async fn bounds(db: &impl ConnectionTrait) -> Result<Bounds, DbErr> {
    let statement = Statement::from_string(
        db.get_database_backend(),
        "SELECT epoch, position, pruned_through FROM event_head WHERE id = 1",
    );
    let row = db.query_one_raw(statement).await?.ok_or_else(|| DbErr::RecordNotFound("event_head".into()))?;
    Ok(Bounds {
        epoch: row.try_get_by_index(0)?,
        position: row.try_get_by_index(1)?,
        pruned_through: row.try_get_by_index(2)?,
    })
}

/// Bytes of payloads in one message at most, unless a single event is larger.
const BATCH_BYTES: usize = 256 * 1024;

/// Events in one message at most.
const BATCH_EVENTS: i64 = 256;

/// The next events after `position`, fewer when they are large.
pub(super) async fn after(db: &impl ConnectionTrait, position: i64) -> Result<Vec<Event>, DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT position, occurred_at, trace_parent, payload FROM event_log \
         WHERE position > $1 ORDER BY position LIMIT $2",
        [position.into(), BATCH_EVENTS.into()],
    );
    let mut events = Vec::new();
    let mut size = 0;
    for row in db.query_all_raw(statement).await? {
        let payload: Vec<u8> = row.try_get_by_index(3)?;
        size += payload.len();
        if size > BATCH_BYTES && !events.is_empty() {
            break;
        }
        let event = Event::decode(payload.as_slice())
            .map_err(|error| DbErr::Custom(format!("an event in the log cannot be decoded: {error}")))?;
        events.push(Event {
            position: row.try_get_by_index(0)?,
            occur_time: Timestamp(row.try_get_by_index(1)?).to_proto(),
            trace_parent: row.try_get_by_index(2)?,
            ..event
        });
    }
    Ok(events)
}
