//! What runs by itself: counting, and keeping how fresh the figures are.

use std::collections::BTreeMap;
use std::time::Duration;

use senani_store::{Store, Timestamp};
use senani_unit_replica::UnitReplica;
use tokio_util::sync::CancellationToken;

use crate::projection::Projection;
use crate::store::freshness;

/// Pause after a count: at most five a second, however many changes come.
const COUNT_PAUSE: Duration = Duration::from_millis(200);

/// How often the day is looked at when nothing else changes: orders and units come into force and go with it.
const DAY_CHECK: Duration = Duration::from_secs(1);

/// How often the freshness is stored. What a crash loses of it is only how much is known of it.
const FRESHNESS_INTERVAL: Duration = Duration::from_secs(10);

/// Counts coverage again whenever something has changed, until `stop`.
pub(crate) async fn keep_counted(projection: Projection, units: UnitReplica, stop: CancellationToken) {
    let mut tree_changed = units.changed();
    loop {
        tokio::select! {
            () = projection.changed() => {}
            // The sender lives in `units`.
            _ = tree_changed.changed() => {}
            () = tokio::time::sleep(DAY_CHECK) => {}
            () = stop.cancelled() => return,
        }
        projection.publish();
        tokio::select! {
            () = tokio::time::sleep(COUNT_PAUSE) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Stores how fresh the figures are, until `stop` and once more then.
pub(crate) async fn keep_freshness(projection: Projection, store: Store, stop: CancellationToken) {
    let mut stored: BTreeMap<String, Timestamp> = BTreeMap::new();
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(FRESHNESS_INTERVAL) => false,
            () = stop.cancelled() => true,
        };
        let now = projection.freshness();
        if now != stored {
            match freshness::save(&store, &now).await {
                Ok(()) => stored = now,
                Err(error) => {
                    tracing::warn!(%error, "the freshness of the figures could not be stored, will try again")
                }
            }
        }
        if stopped {
            return;
        }
    }
}
