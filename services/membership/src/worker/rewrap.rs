//! After a rotation of the cell's key the members' keys are wrapped again, in the background.
//!
//! What is to be done is in the table itself: a row that another version wraps. A process that dies loses at most the batch that it
//! had not committed, and several at the same work pass each other by.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::Error;
use crate::store::Registry;

/// Keys in a transaction: it takes some milliseconds.
const BATCH: i64 = 500;
/// How often all rows are looked at without a rotation: a replica with an older key file may have added some.
const AGAIN: Duration = Duration::from_secs(3600);

/// Reads the key file again every `interval`, and wraps what the newest version does not wrap yet, until `stop`.
pub(crate) async fn keep_keys_wrapped(registry: Registry, interval: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The version of the last complete pass, and when that was.
    let mut complete: Option<(u16, Instant)> = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = registry.vault().reload() {
            tracing::warn!(%error, "the key file cannot be read again, the keys known so far stay in use");
        }
        let newest = registry.vault().newest_version();
        if complete.is_some_and(|(version, since)| version == newest && since.elapsed() < AGAIN) {
            continue;
        }
        match pass(&registry, &stop).await {
            Ok(Some(pass)) => {
                pass.report(newest);
                // What others held when this one passed by is looked at again at the next tick.
                complete = (pass.wrapped == 0).then(|| (newest, Instant::now()));
            }
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, "members' keys could not be wrapped again, will go on"),
        }
    }
}

/// One way through all keys.
struct Pass {
    wrapped: u64,
    failed: u64,
    took: Duration,
}

impl Pass {
    fn report(&self, version: u16) {
        let Self { wrapped, failed, took } = self;
        if *failed > 0 {
            tracing::error!(
                version,
                failed,
                "members' keys cannot be unwrapped: is a version missing in the key file?"
            );
        }
        if *wrapped > 0 {
            tracing::info!(version, keys = wrapped, seconds = took.as_secs_f64(), "members' keys are wrapped again");
        }
    }
}

/// `None` when it was stopped.
async fn pass(registry: &Registry, stop: &CancellationToken) -> Result<Option<Pass>, Error> {
    let began = Instant::now();
    let counter = keys_counter();
    let mut pass = Pass { wrapped: 0, failed: 0, took: Duration::ZERO };
    let mut after = Uuid::nil();
    loop {
        let batch = Instant::now();
        let done = registry.rewrap_keys(after, BATCH).await?;
        counter.add(done.wrapped, &[]);
        pass.wrapped += done.wrapped;
        pass.failed += done.failed;
        let Some(last) = done.last else { break };
        after = last;
        // As long as the batch took: half of the time belongs to the others.
        tokio::select! {
            () = tokio::time::sleep(batch.elapsed()) => {}
            () = stop.cancelled() => return Ok(None),
        }
    }
    pass.took = began.elapsed();
    Ok(Some(pass))
}

/// Members' keys wrapped again after a rotation.
fn keys_counter() -> opentelemetry::metrics::Counter<u64> {
    opentelemetry::global::meter("senani")
        .u64_counter("senani.membership.keys.rewrapped")
        .with_description("members' keys wrapped again by a newer version of the cell's key")
        .build()
}
