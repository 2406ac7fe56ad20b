//! The Follower: the consuming end of an event log.
//!
//! The consumer's cursor lives in the consumer's database and moves in the transaction that applies the events, so that every event takes
//! effect exactly once, whatever dies in between. The Follower asserts that positions are dense; a gap is never passed over.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use senani_proto::eventlog::cursor::Cursor;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SubscribeRequest, SubscribeResponse};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{Backoff, Channel};

/// What a consumer makes of events.
pub trait Sink: Send {
    /// Whose log this follows, e.g. `hierarchy`: the key of the cursor.
    fn source(&self) -> &'static str;

    /// The cursor as the consumer's database has it; empty before the first event.
    fn cursor(&mut self) -> impl Future<Output = Result<String, SinkError>> + Send;

    /// Applies events and moves the cursor from `from` to `cursor`, in one transaction, failing when the cursor is not at `from`
    /// (`senani_store::cursor::advance`): a consumer that died with its commit under way may have been here. Events may be empty (a
    /// checkpoint). Events carry absolute values.
    fn apply(
        &mut self,
        events: &[Event],
        from: &str,
        cursor: &str,
    ) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Replaces everything that came from this log by the present state, in one transaction with the cursor.
    fn replace(&mut self, events: &[Event], cursor: &str) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// The log had nothing more at `time`, by its own clock, and everything before is applied: for a consumer that tells how fresh
    /// its figures are.
    fn caught_up(&mut self, _time: SystemTime) {}
}

/// What a sink fails with; the follower tries again and never skips.
pub type SinkError = Box<dyn StdError + Send + Sync>;

/// Silence after which a feed is taken for dead: checkpoints come every 5 seconds.
const SILENCE: Duration = Duration::from_secs(20);

/// Follows a log until `stop`, whatever happens: reconnects with growing pauses, takes a snapshot when its cursor has expired, and
/// waits for an operator, loudly, when the log is another than the one it knows.
pub async fn follow(channel: Channel, mut sink: impl Sink, stop: CancellationToken) {
    let watch = Watch::new(sink.source());
    let mut backoff = Backoff::default();
    loop {
        let outcome = tokio::select! {
            outcome = run(channel.clone(), &mut sink, &watch, &mut backoff) => outcome,
            () = stop.cancelled() => return,
        };
        let pause = backoff.next_pause();
        match outcome {
            Ok(()) => {}
            Err(Failure::Stream(status)) if status.code() == tonic::Code::Unavailable => {
                tracing::debug!(source = watch.source, "the log is not there, will try again");
            }
            Err(error) => {
                watch.failures.add(1, &watch.labels());
                tracing::error!(source = watch.source, error = %Chain(&error), "following failed, will try again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn run(channel: Channel, sink: &mut impl Sink, watch: &Watch, backoff: &mut Backoff) -> Result<(), Failure> {
    let mut client = EventLogServiceClient::new(channel);
    let mut cursor = sink.cursor().await.map_err(Failure::Sink)?;
    let subscribed = client.subscribe(SubscribeRequest { cursor: cursor.clone() }).await;
    let mut feed = match subscribed {
        Ok(response) => response.into_inner(),
        Err(status) if expired(&status) => return resync(client, sink).await,
        Err(status) => return Err(Failure::Stream(status)),
    };
    loop {
        let message = tokio::time::timeout(SILENCE, feed.message()).await.map_err(|_| Failure::Silence)?;
        let response = match message {
            Ok(Some(response)) => response,
            Ok(None) => return Ok(()),
            Err(status) if expired(&status) => return resync(client, sink).await,
            Err(status) => return Err(Failure::Stream(status)),
        };
        check_density(&cursor, &response)?;
        // A checkpoint that says nothing new costs no transaction.
        if response.cursor != cursor {
            sink.apply(&response.events, &cursor, &response.cursor).await.map_err(Failure::Sink)?;
            cursor.clone_from(&response.cursor);
        }
        if response.events.is_empty()
            && let Some(time) = &response.send_time
        {
            sink.caught_up(system_time(time));
        }
        backoff.reset();
        watch.record_lag(&response);
    }
}

async fn resync(mut client: EventLogServiceClient<Channel>, sink: &mut impl Sink) -> Result<(), Failure> {
    tracing::warn!(source = sink.source(), "the cursor has expired, taking a snapshot");
    let mut stream = client.snapshot(SnapshotRequest {}).await?.into_inner();
    let mut events = Vec::new();
    while let Some(response) = stream.message().await? {
        events.extend(response.events);
        if !response.cursor.is_empty() {
            return sink.replace(&events, &response.cursor).await.map_err(Failure::Sink);
        }
    }
    Err(Failure::SnapshotCut)
}

/// Every event is the one after the one before, beginning with the cursor, and the new cursor is that of the last.
fn check_density(cursor: &str, response: &SubscribeResponse) -> Result<(), Failure> {
    let known = if cursor.is_empty() { None } else { cursor.parse::<Cursor>().ok() };
    let next: Cursor = response.cursor.parse().map_err(|()| Failure::CursorUnreadable)?;
    if known.as_ref().is_some_and(|known| known.epoch != next.epoch) {
        return Err(Failure::EpochChanged);
    }
    let mut position = known.map_or(0, |known| known.position);
    for event in &response.events {
        if event.position != position + 1 {
            return Err(Failure::Gap { expected: position + 1, found: event.position });
        }
        position = event.position;
    }
    if next.position == position { Ok(()) } else { Err(Failure::Gap { expected: position, found: next.position }) }
}

fn system_time(time: &prost_types::Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(time.seconds.try_into().unwrap_or(0), time.nanos.try_into().unwrap_or(0))
}

fn expired(status: &Status) -> bool {
    senani_error::reason_of(status).as_deref() == Some("CURSOR_EXPIRED")
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the feed failed")]
    Stream(#[from] Status),
    #[error("events could not be applied")]
    Sink(#[source] SinkError),
    #[error("no event and no checkpoint for {} seconds", SILENCE.as_secs())]
    Silence,
    #[error("the snapshot ended before its cursor")]
    SnapshotCut,
    #[error("the feed sent a cursor that cannot be read")]
    CursorUnreadable,
    #[error("the feed changed to another incarnation of its database")]
    EpochChanged,
    #[error("the feed has a gap: expected position {expected}, found {found}")]
    Gap { expected: i64, found: i64 },
}

/// An error with all its causes in one line.
struct Chain<'a>(&'a Failure);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// What operators watch: `senani.follow.lag` (seconds) and `senani.follow.failures`.
struct Watch {
    source: &'static str,
    lag: Gauge<f64>,
    failures: Counter<u64>,
}

impl Watch {
    fn new(source: &'static str) -> Self {
        let meter = opentelemetry::global::meter("senani");
        Self {
            source,
            lag: meter
                .f64_gauge("senani.follow.lag")
                .with_unit("s")
                .with_description("age of the last event or checkpoint applied")
                .build(),
            failures: meter
                .u64_counter("senani.follow.failures")
                .with_description("times that following was interrupted")
                .build(),
        }
    }

    fn labels(&self) -> [KeyValue; 1] {
        [KeyValue::new("source", self.source)]
    }

    fn record_lag(&self, response: &SubscribeResponse) {
        let oldest = response.events.first().and_then(|event| event.occur_time);
        let Some(time) = oldest.or(response.send_time) else { return };
        let lag = SystemTime::now().duration_since(system_time(&time)).unwrap_or_default();
        self.lag.record(lag.as_secs_f64(), &self.labels());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(positions: &[i64], cursor: &str) -> SubscribeResponse {
        let events = positions.iter().map(|position| Event { position: *position, ..Event::default() }).collect();
        SubscribeResponse { events, cursor: cursor.to_owned(), send_time: None }
    }

    #[test]
    fn a_gap_in_front_within_or_behind_is_never_passed_over() {
        assert!(check_density("e.4", &response(&[5, 6], "e.6")).is_ok());
        assert!(check_density("", &response(&[1], "e.1")).is_ok());
        assert!(check_density("e.4", &response(&[], "e.4")).is_ok());
        for (cursor, positions, next) in [
            ("e.4", &[6][..], "e.6"),
            ("e.4", &[5, 7], "e.7"),
            ("e.4", &[5], "e.6"),
            ("e.4", &[], "e.5"),
            ("", &[2], "e.2"),
        ] {
            let found = check_density(cursor, &response(positions, next));
            assert!(matches!(found, Err(Failure::Gap { .. })), "{cursor} {positions:?} {next}");
        }
        assert!(matches!(check_density("e.4", &response(&[5], "f.5")), Err(Failure::EpochChanged)));
    }
}
