//! How fresh the figures are, noted around any sink.

use std::time::{SystemTime, UNIX_EPOCH};

use senani_client::follower::{Sink, SinkError};
use senani_proto::eventlog::v1::Event;
use senani_store::Timestamp;

use crate::projection::Projection;

/// A sink that notes until when the events of its log are applied: the last event's time, or that of a checkpoint.
#[derive(Debug)]
pub(crate) struct Fresh<S> {
    sink: S,
    projection: Projection,
}

impl<S> Fresh<S> {
    pub(crate) fn new(sink: S, projection: Projection) -> Self {
        Self { sink, projection }
    }
}

impl<S: Sink> Sink for Fresh<S> {
    fn source(&self) -> &'static str {
        self.sink.source()
    }

    async fn cursor(&mut self) -> Result<String, SinkError> {
        self.sink.cursor().await
    }

    async fn apply(&mut self, events: &[Event], from: &str, cursor: &str) -> Result<(), SinkError> {
        self.sink.apply(events, from, cursor).await?;
        if let Some(time) = events.last().and_then(|event| event.occur_time.as_ref()) {
            self.projection.note_fresh(self.sink.source(), Timestamp::from_proto(time));
        }
        Ok(())
    }

    /// The events of a snapshot have no time; a checkpoint follows it at once.
    async fn replace(&mut self, events: &[Event], cursor: &str) -> Result<(), SinkError> {
        self.sink.replace(events, cursor).await
    }

    fn caught_up(&mut self, time: SystemTime) {
        let micros = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        self.projection.note_fresh(self.sink.source(), Timestamp(i64::try_from(micros).unwrap_or(i64::MAX)));
        self.sink.caught_up(time);
    }
}
