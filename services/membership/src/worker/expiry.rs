//! Forgetting comparisons of rosters whose days are over.

use std::time::Duration;

use senani_store::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::store::Registry;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(3600);

/// Removes comparisons whose days are over, every hour until `stop`. Until then they are not shown any more.
pub(crate) async fn keep_expiring(registry: Registry, stop: CancellationToken) {
    let mut hourly = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = hourly.tick() => {}
            () = stop.cancelled() => return,
        }
        match registry.forget_reconciliations(Timestamp::now()).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "old reconciliations of rosters forgotten"),
            Err(error) => tracing::warn!(%error, "old reconciliations could not be forgotten, will try again"),
        }
    }
}
