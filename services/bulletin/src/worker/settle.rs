//! What time settles: leases that are over, receipts that never came, bulletins that are done.

use std::time::Duration;

use senani_store::{Store, Timestamp};
use tokio_util::sync::CancellationToken;

use super::bells::Bells;
use super::metrics::Metrics;
use crate::error::Error;
use crate::store::{bulletins, closing, unknowns};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Looks after time until the stop.
pub(crate) async fn run(store: Store, grace: Duration, bells: Bells, stop: CancellationToken) {
    let metrics = Metrics::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = round(&store, grace, &bells, &metrics).await {
            tracing::warn!(error = %error, "the ledger could not be looked after, will try again");
        }
    }
}

async fn round(store: &Store, grace: Duration, bells: &Bells, metrics: &Metrics) -> Result<(), Error> {
    let now = Timestamp::now().0;
    let grace = i64::try_from(grace.as_micros()).unwrap_or(i64::MAX);
    let expired = unknowns::expire_leases(store).await?;
    if expired > 0 {
        metrics.unknown(expired);
        tracing::warn!(count = expired, "deliveries are of unknown outcome: the worker that sent them is gone");
    }
    let again = unknowns::requeue(store, now - grace, grace).await?;
    if again > 0 {
        tracing::warn!(count = again, "no receipt came in time for deliveries of unknown outcome, they are sent again");
    }
    if again > 0 {
        bells.dispatch.notify_one();
    }
    for bulletin in bulletins::publishing(store.reader()).await? {
        if closing::close_if_done(store, bulletin).await? {
            tracing::info!(bulletin.id = %bulletin, "bulletin is published, every delivery has left");
        }
    }
    Ok(())
}
