//! Recording what came of a batch.

use std::collections::{BTreeMap, HashSet};

use sea_orm::DbErr;
use senani_store::{Rows, Store, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::claims::{self, Claimed};
use super::tally;
use crate::domain::attempt::Verdict;
use crate::domain::delivery::DeliveryState;
use crate::domain::tally::Changes;

/// What was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Deliveries that this batch moved.
    pub(crate) moved: u64,
    /// Deliveries that a receipt had settled before.
    pub(crate) settled: u64,
    /// Deliveries that were no longer this batch's: its lease was over. Nothing of them changed.
    pub(crate) stale: u64,
}

/// Records verdicts of the batch with this token and ends its lease. A delivery that is not SENDING under this token stays as it is: a
/// late answer never lowers what a receipt has proven, and a worker that lost its lease changes nothing.
pub(crate) async fn record(store: &Store, token: i64, results: &[(Claimed, Verdict)]) -> Result<Recorded, DbErr> {
    let now = Timestamp::now();
    let mut txn = store.begin_write().await?;
    let (accepted, others): (Vec<_>, Vec<_>) =
        results.iter().partition(|(_, verdict)| matches!(verdict, Verdict::Accepted(_)));
    let mut moved = record_accepted(&txn, token, &accepted).await?;
    moved.extend(record_others(&txn, token, &others, now).await?);

    let mut changes = Changes::default();
    for (delivery, verdict) in results.iter().filter(|(delivery, _)| moved.contains(&delivery.id)) {
        let (state, reason) = outcome(verdict);
        let place = (delivery.bulletin, delivery.district);
        changes.move_one(place, (DeliveryState::Sending, ""), (state, reason));
    }
    let missed: Vec<Uuid> = results.iter().map(|(delivery, _)| delivery.id).filter(|id| !moved.contains(id)).collect();
    let settled = settled_among(&txn, token, &missed).await?;
    claims::end(&txn, token).await?;
    let events = tally::apply(&txn, &changes).await?;
    txn.append(events).await?;
    txn.commit().await?;
    Ok(Recorded { moved: moved.len() as u64, settled, stale: missed.len() as u64 - settled })
}

fn outcome(verdict: &Verdict) -> (DeliveryState, &str) {
    match verdict {
        Verdict::Accepted(_) => (DeliveryState::Accepted, ""),
        Verdict::Failed(reason) => (DeliveryState::Failed, reason),
        Verdict::Unknown => (DeliveryState::Unknown, ""),
        Verdict::Again { .. } => (DeliveryState::Queued, ""),
    }
}

/// The usual case by itself: two columns.
async fn record_accepted(
    txn: &WriteTransaction,
    token: i64,
    results: &[&(Claimed, Verdict)],
) -> Result<HashSet<Uuid>, DbErr> {
    let ids = results.iter().map(|(_, verdict)| match verdict {
        Verdict::Accepted(id) => id.as_str(),
        _ => "",
    });
    let rows = Rows::new()
        .uuid("key", results.iter().map(|(delivery, _)| delivery.id))
        .text("message_id", ids)
        .query(
            &**txn,
            "UPDATE delivery SET state = 4, provider_message_id = v.message_id FROM v \
             WHERE delivery.id = v.key AND delivery.state = 2 AND delivery.lease_token = :1 RETURNING id",
            &[token.into()],
        )
        .await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

async fn record_others(
    txn: &WriteTransaction,
    token: i64,
    results: &[&(Claimed, Verdict)],
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbErr> {
    let again = |verdict: &Verdict| match verdict {
        Verdict::Again { after, counted } => Some((*after, *counted)),
        _ => None,
    };
    let verdicts = || results.iter().map(|(_, verdict)| verdict);
    let when = |condition: bool| if condition { now.0 } else { 0 };
    let rows = Rows::new()
        .uuid("key", results.iter().map(|(delivery, _)| delivery.id))
        .int("state", verdicts().map(|verdict| outcome(verdict).0.code()))
        .text("reason", verdicts().map(|verdict| outcome(verdict).1))
        .big_int("next_attempt_at", verdicts().map(|verdict| again(verdict).map_or(0, |(after, _)| now.plus(after).0)))
        .int("uncounted", verdicts().map(|verdict| i32::from(again(verdict).is_some_and(|(_, counted)| !counted))))
        .big_int("unknown_at", verdicts().map(|verdict| when(*verdict == Verdict::Unknown)))
        .big_int("failed_at", verdicts().map(|verdict| when(matches!(verdict, Verdict::Failed(_)))))
        .query(
            &**txn,
            "UPDATE delivery SET state = v.state, reason = v.reason, \
             next_attempt_at = v.next_attempt_at, attempt_count = attempt_count - v.uncounted, \
             unknown_at = v.unknown_at, failed_at = v.failed_at FROM v \
             WHERE delivery.id = v.key AND delivery.state = 2 AND delivery.lease_token = :1 RETURNING id",
            &[token.into()],
        )
        .await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// How many of these a receipt has settled while they were this batch's.
async fn settled_among(txn: &WriteTransaction, token: i64, ids: &[Uuid]) -> Result<u64, DbErr> {
    let rows = Rows::new()
        .uuid("key", ids.iter().copied())
        .query(
            &**txn,
            "SELECT delivery.id FROM v CROSS JOIN delivery \
             WHERE delivery.id = v.key AND delivery.lease_token = :1 AND delivery.state > 3",
            &[token.into()],
        )
        .await?;
    Ok(rows.len() as u64)
}

/// Verdicts by kind, for the metrics.
pub(crate) fn by_kind(results: &[(Claimed, Verdict)]) -> BTreeMap<&'static str, u64> {
    let mut kinds = BTreeMap::new();
    for (_, verdict) in results {
        let kind = match verdict {
            Verdict::Accepted(_) => "accepted",
            Verdict::Failed(_) => "failed",
            Verdict::Unknown => "unknown",
            Verdict::Again { .. } => "again",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}
