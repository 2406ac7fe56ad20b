//! The present state as events, for consumers whose cursor has expired.

use sea_orm::DbErr;
use senani_proto::eventlog::v1::event::Payload;
use senani_store::ReadTransaction;
use senani_store::event_log::Snapshot;

use super::{bulletins, report, tally, tasks};
use crate::wire;

/// Bulletins, then the counts of their deliveries and tasks, then reports.
#[derive(Debug)]
pub(crate) struct PresentState;

impl Snapshot for PresentState {
    async fn payloads(&self, txn: &ReadTransaction) -> Result<Vec<Payload>, DbErr> {
        let bulletins = bulletins::all(&**txn).await?;
        let mut payloads: Vec<Payload> = bulletins.iter().map(wire::bulletin_changed).collect();
        payloads.extend(tally::all(&**txn).await?);
        payloads.extend(tasks::tallies(&**txn).await?);
        payloads.extend(report::all(&**txn).await?.iter().map(wire::report::report_changed));
        Ok(payloads)
    }
}
