//! Forgetting old events.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio_util::sync::CancellationToken;

use crate::{Store, Timestamp};

/// Deletes the events before `time` and moves the bound in the same transaction, so that a consumer that is too far behind
/// hears CURSOR_EXPIRED and never silence. Answers how many are gone.
///
/// # Errors
/// The database's.
pub async fn prune_before(store: &Store, time: Timestamp) -> Result<u64, DbErr> {
    let backend = store.backend();
    let txn = store.begin_write().await?;
    // Lock the head first and look afterwards: a look from before the lock would not see the events that were just appended.
    let lock = "UPDATE event_head SET position = position WHERE id = 1";
    txn.execute_raw(Statement::from_string(backend, lock)).await?;
    // Times may step back between events: the bound is the last event of the unbroken run of old ones.
    let move_bound = Statement::from_sql_and_values(
        backend,
        "UPDATE event_head SET pruned_through = COALESCE(\
            (SELECT MIN(position) - 1 FROM event_log WHERE occurred_at >= $1), position) WHERE id = 1",
        [time.0.into()],
    );
    txn.execute_raw(move_bound).await?;
    txn.commit().await?;
    // Deleting takes long and needs no lock: what is before the bound is gone for every reader already.
    let txn = store.begin_write().await?;
    let delete = "DELETE FROM event_log WHERE position <= (SELECT pruned_through FROM event_head WHERE id = 1)";
    let deleted = txn.execute_raw(Statement::from_string(backend, delete)).await?.rows_affected();
    txn.commit().await?;
    Ok(deleted)
}

/// Prunes what is older than `retention`, every hour until `stop`.
pub async fn keep_pruned(store: Store, retention: Duration, stop: CancellationToken) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3600));
    loop {
        tokio::select! {
            _ = hourly.tick() => {}
            () = stop.cancelled() => return,
        }
        let before = Timestamp(Timestamp::now().0 - i64::try_from(retention.as_micros()).unwrap_or(i64::MAX));
        match prune_before(&store, before).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "old events pruned"),
            Err(error) => tracing::warn!(%error, "old events could not be pruned, will try again"),
        }
    }
}
