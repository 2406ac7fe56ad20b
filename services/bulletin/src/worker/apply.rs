//! Webhook bodies from the inbox into the ledger, many receipts in one transaction.

use std::sync::Arc;
use std::time::Duration;

use senani_store::Store;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bells::Bells;
use super::metrics::Metrics;
use super::payload::Receipts;
use super::{pause, within};
use crate::error::Error;
use crate::store::bulletins;
use crate::store::inbox::{self, Body, Unreadable};
use crate::store::receipts::{self, Stray};

/// Bodies and bytes in one transaction: some 10,000 receipts.
const BODIES: u64 = 32;
const BYTES: usize = 3_500_000;
/// How often the inbox is looked at when no bell rings.
const LOOK: Duration = Duration::from_millis(500);
/// Pause after a failure.
const REST: Duration = Duration::from_millis(500);

/// Applies receipts until the stop.
pub(crate) async fn run(store: Store, bells: Bells, stop: CancellationToken) {
    let metrics = Metrics::new();
    while !stop.is_cancelled() {
        match round(&store, &metrics).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::select! {
                    () = bells.apply.notified() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "receipts could not be applied, will try again");
                pause(REST, &stop).await;
            }
        }
    }
}

/// Applies some bodies; false when the inbox is empty.
async fn round(store: &Store, metrics: &Metrics) -> Result<bool, Error> {
    let bodies = inbox::oldest(store, BODIES, BYTES).await?;
    if bodies.is_empty() {
        return Ok(false);
    }
    let ids: Vec<i64> = bodies.iter().map(|body| body.id).collect();
    let (mut said, unreadable, mut strays) = read(bodies).await;

    let mut txn = store.begin_write().await?;
    if !inbox::remove(&txn, &ids).await? {
        // Dropped, the transaction rolls back; what is left is seen in the next round.
        return Ok(true);
    }
    inbox::park(&txn, &unreadable).await?;
    let current = receipts::lock(&txn, said.evidence.keys().copied()).await?;
    let known: std::collections::HashSet<Uuid> = current.iter().map(|delivery| delivery.id).collect();
    for (delivery, channel) in said.channels.iter().filter(|(delivery, _)| !known.contains(delivery)) {
        strays.push(Stray {
            channel: channel.to_string(),
            delivery: *delivery,
            status: String::new(),
            occurred_at: 0,
            why: "UNKNOWN_DELIVERY",
        });
    }
    receipts::park(&txn, &strays).await?;

    let span =
        tracing::info_span!(parent: None, "apply receipts", receipts = said.count, changed = tracing::field::Empty);
    if senani_telemetry::enabled()
        && let Some(first) = current.first()
    {
        // The trace of the bulletin that these receipts are about; of one of them when there are several.
        let trace_parent = bulletins::trace_parent(&*txn, first.bulletin).await?;
        senani_telemetry::set_parent(&span, Some(&trace_parent));
    }
    let apply = async {
        let changed = receipts::settle(&mut txn, current, &mut said.evidence).await?;
        txn.commit().await?;
        Ok::<_, sea_orm::DbErr>(changed)
    };
    let changed = within(span.clone(), apply).await?;
    span.record("changed", changed);
    metrics.receipts(said.count);
    let parked = (unreadable.len() + strays.len()) as u64;
    if parked > 0 {
        metrics.parked(parked);
        tracing::warn!(
            count = parked,
            "receipts that name no delivery, or webhooks that are not as documented, were parked"
        );
    }
    Ok(true)
}

/// What bodies say together.
#[derive(Debug, Default)]
struct Said {
    evidence: std::collections::BTreeMap<Uuid, crate::domain::receipt::Evidence>,
    /// The channel that each delivery was heard on.
    channels: std::collections::BTreeMap<Uuid, Arc<str>>,
    count: u64,
}

async fn read(bodies: Vec<Body>) -> (Said, Vec<Unreadable>, Vec<Stray>) {
    let (mut said, mut unreadable, mut strays) = (Said::default(), Vec::new(), Vec::new());
    for body in bodies {
        let mut receipts = Receipts::default();
        if receipts.read(&body.content).is_err() {
            unreadable.push(Unreadable {
                channel: body.channel,
                size: body.content.len() as i64,
                sha256: hex::encode(Sha256::digest(&body.content)),
            });
            continue;
        }
        said.count += receipts.count;
        strays.extend(receipts.foreign.into_iter().map(|(status, occurred_at)| Stray {
            channel: body.channel.clone(),
            delivery: Uuid::nil(),
            status,
            occurred_at,
            why: "NO_DELIVERY",
        }));
        let channel: Arc<str> = body.channel.into();
        for (delivery, evidence) in receipts.evidence {
            said.evidence.entry(delivery).or_default().merge(evidence);
            said.channels.entry(delivery).or_insert_with(|| Arc::clone(&channel));
        }
        // A body of a thousand receipts takes about a millisecond: others may go on in between.
        tokio::task::yield_now().await;
    }
    (said, unreadable, strays)
}
