//! What runs by itself. Everything that a worker has in hand is in the database: it may die at any moment, and another goes on.

pub(crate) mod apply;
mod batch;
pub(crate) mod bells;
pub(crate) mod dispatch;
pub(crate) mod expand;
pub(crate) mod fetch;
pub(crate) mod inbound;
pub(crate) mod ingest;
mod library;
mod mask;
mod messages;
mod metrics;
mod outbox;
mod payload;
pub(crate) mod reports;
pub(crate) mod settle;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

/// How long after a stop webhook bodies are still taken: calls that are open end with their commit.
const LAST_BODIES: Duration = Duration::from_secs(5);

/// Waits, or returns early when told to stop.
async fn pause(duration: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(duration) => {}
        () = stop.cancelled() => {}
    }
}

/// Work of this service under a span: events that it appends and calls that it makes carry the span's trace.
fn within<F: Future>(span: Span, work: F) -> impl Future<Output = F::Output> {
    // In this order: the service is added to the context that the span brings.
    async move { senani_telemetry::in_service("bulletin", work).await }.instrument(span)
}

/// A fencing token: positive, never used before.
fn new_token() -> i64 {
    (rand::random::<u64>() >> 1).cast_signed().max(1)
}
