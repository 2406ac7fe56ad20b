//! From events to rows: in bulk, in one transaction with the cursor, each part under the trace that caused it.

use sea_orm::DbErr;
use senani_client::follower::SinkError;
use senani_proto::eventlog::cursor::Cursor;
use senani_proto::eventlog::v1::Event;
use senani_store::{Store, WriteTransaction, cursor};
use tracing::{Instrument as _, Span};

/// An event that its sender should never have written. The follower stops at it, loudly: skipping it would make figures wrong.
#[derive(Debug, thiserror::Error)]
#[error("the event at position {position} is malformed: {what}")]
pub(crate) struct MalformedEvent {
    position: i64,
    what: &'static str,
}

impl MalformedEvent {
    pub(super) fn new(event: &Event, what: &'static str) -> Self {
        Self { position: event.position, what }
    }
}

/// What events change in some tables.
pub(super) trait Changes: Default + Send + Sync {
    /// Takes one more event. Of two that change the same, the later counts.
    fn take(&mut self, event: &Event) -> Result<(), MalformedEvent>;

    /// Stores the changes.
    fn write(&self, txn: &WriteTransaction) -> impl Future<Output = Result<(), DbErr>> + Send;

    /// Empties the tables.
    fn clear(txn: &WriteTransaction) -> impl Future<Output = Result<(), DbErr>> + Send;
}

fn changes_of<C: Changes>(events: &[Event]) -> Result<C, MalformedEvent> {
    events.iter().try_fold(C::default(), |mut changes, event| {
        changes.take(event)?;
        Ok(changes)
    })
}

/// Whose work the events were.
pub(super) enum Applied<C> {
    /// Ours: the changes in order.
    Now(Vec<C>),
    /// Another replica of this service was faster: the tables hold the events, and perhaps later ones.
    Before,
}

/// Stores what events change and moves the cursor, in one transaction.
pub(super) async fn apply<C: Changes>(
    store: &Store,
    source: &'static str,
    events: &[Event],
    from: &str,
    to: &str,
) -> Result<Applied<C>, SinkError> {
    let runs: Vec<&[Event]> = events.chunk_by(|a, b| trace_of(a) == trace_of(b)).collect();
    let changes = runs.iter().map(|run| changes_of(run)).collect::<Result<Vec<C>, _>>()?;
    let txn = store.begin_write().await?;
    match cursor::advance(&*txn, source, from, to).await {
        Err(DbErr::RecordNotUpdated) if reaches(&cursor::load(&*txn, source).await?, to) => {
            return Ok(Applied::Before);
        }
        advanced => advanced?,
    }
    for (run, changes) in runs.iter().zip(&changes) {
        changes.write(&txn).instrument(span(source, run)).await?;
    }
    txn.commit().await?;
    Ok(Applied::Now(changes))
}

/// Whether a cursor stands at another of the same log or beyond.
fn reaches(cursor: &str, other: &str) -> bool {
    match (cursor.parse::<Cursor>(), other.parse::<Cursor>()) {
        (Ok(cursor), Ok(other)) => cursor.epoch == other.epoch && cursor.position >= other.position,
        _ => false,
    }
}

/// Stores a snapshot in place of everything that came from this log.
pub(super) async fn replace<C: Changes>(
    store: &Store,
    source: &'static str,
    events: &[Event],
    to: &str,
) -> Result<C, SinkError> {
    let changes: C = changes_of(events)?;
    let txn = store.begin_write().await?;
    C::clear(&txn).await?;
    changes.write(&txn).await?;
    cursor::save(&*txn, source, to).await?;
    txn.commit().await?;
    Ok(changes)
}

/// The trace of an event: the second of the four parts of its `traceparent`. Neighbours of one trace are stored at once.
fn trace_of(event: &Event) -> &str {
    event.trace_parent.split('-').nth(1).unwrap_or_default()
}

/// A child of what made the events; none for untraced ones.
fn span(source: &'static str, run: &[Event]) -> Span {
    let Some(parent) = run.first().map(|event| event.trace_parent.as_str()).filter(|parent| !parent.is_empty()) else {
        return Span::none();
    };
    let span = tracing::info_span!("project events", otel.kind = "consumer", source, events = run.len());
    senani_telemetry::set_parent(&span, Some(parent));
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_trace_are_stored_at_once() {
        let event = |trace_parent: &str| Event { trace_parent: trace_parent.to_owned(), ..Event::default() };
        let events =
            [event("00-a-1-01"), event("00-a-2-01"), event("00-b-1-01"), event(""), event(""), event("00-a-1-01")];
        let lengths: Vec<_> = events.chunk_by(|a, b| trace_of(a) == trace_of(b)).map(<[Event]>::len).collect();
        assert_eq!(lengths, [2, 1, 2, 1]);
    }
}
