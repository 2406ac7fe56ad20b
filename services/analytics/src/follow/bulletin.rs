//! Following the bulletin service: bulletins and the counts of their deliveries and tasks.

use sea_orm::DbErr;
use senani_client::follower::{Sink, SinkError};
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::bulletin_event::Kind;
use senani_proto::eventlog::v1::{Event, event::Payload};
use senani_proto::name::BulletinName;
use senani_store::{Store, WriteTransaction, cursor};
use uuid::Uuid;

use super::project::{self, Changes, MalformedEvent};
use crate::store::ledger::{self, LedgerChanges};

/// Key of the cursor in the bulletin service's log.
pub(crate) const SOURCE: &str = "bulletin";

/// Applies the bulletin service's events: the tables and the cursor in one transaction. Nothing of them is in memory.
#[derive(Debug)]
pub(crate) struct LedgerSink {
    store: Store,
}

impl LedgerSink {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Sink for LedgerSink {
    fn source(&self) -> &'static str {
        SOURCE
    }

    async fn cursor(&mut self) -> Result<String, SinkError> {
        Ok(cursor::load(self.store.reader(), SOURCE).await?)
    }

    async fn apply(&mut self, events: &[Event], from: &str, cursor: &str) -> Result<(), SinkError> {
        project::apply::<LedgerChanges>(&self.store, SOURCE, events, from, cursor).await.map(drop)
    }

    async fn replace(&mut self, events: &[Event], cursor: &str) -> Result<(), SinkError> {
        project::replace::<LedgerChanges>(&self.store, SOURCE, events, cursor).await.map(drop)
    }
}

impl Changes for LedgerChanges {
    fn take(&mut self, event: &Event) -> Result<(), MalformedEvent> {
        let Some(Payload::Bulletin(pb::BulletinEvent { kind: Some(kind) })) = &event.payload else {
            // Of a later version of the contract, none of our business yet.
            return Ok(());
        };
        let malformed = |what| MalformedEvent::new(event, what);
        let uid = |bytes: &[u8], what| Uuid::from_slice(bytes).map_err(|_| malformed(what));
        match kind {
            Kind::BulletinChanged(changed) => {
                let bulletin = changed.bulletin.as_ref().ok_or_else(|| malformed("no bulletin"))?;
                let name: BulletinName = bulletin.name.parse().map_err(|_| malformed("no bulletin's name"))?;
                self.bulletins.insert(name.0, bulletin.number.clone());
            }
            Kind::ReachChanged(changed) => {
                let bulletin = uid(&changed.bulletin_uid, "no bulletin's uid")?;
                for line in &changed.lines {
                    let key = (bulletin, uid(&line.unit_uid, "no unit's uid")?, line.state, line.reason.clone());
                    self.deliveries.insert(key, line.count);
                }
            }
            Kind::TasksChanged(changed) => {
                let bulletin = uid(&changed.bulletin_uid, "no bulletin's uid")?;
                for line in &changed.lines {
                    let key = (bulletin, uid(&line.unit_uid, "no unit's uid")?);
                    self.tasks.insert(key, (line.open_count, line.orphaned_count));
                }
            }
            // Outcomes are not projected yet.
            Kind::ReportChanged(_) => {}
        }
        Ok(())
    }

    async fn write(&self, txn: &WriteTransaction) -> Result<(), DbErr> {
        ledger::write(txn, self).await
    }

    async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
        ledger::clear(txn).await
    }
}
