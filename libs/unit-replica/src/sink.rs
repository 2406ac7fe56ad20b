//! Following hierarchy.

use senani_client::follower::{Sink, SinkError};
use senani_proto::eventlog::v1::Event;
use senani_store::cursor;
use senani_unit_tree::Replica;

use crate::UnitReplica;
use crate::table::{self, units_in};

/// Key of the cursor in hierarchy's log.
const SOURCE: &str = "hierarchy";

/// Applies hierarchy's events: the table and the cursor in one transaction, then the tree.
#[derive(Debug)]
pub struct UnitSink {
    replica: UnitReplica,
    staged: Replica,
}

impl UnitSink {
    pub(crate) fn new(replica: UnitReplica) -> Self {
        Self { replica, staged: Replica::new() }
    }

    fn publish(&mut self) {
        match self.staged.tree() {
            Ok(tree) => {
                self.replica.tree.store(tree);
                self.replica.changed.send_modify(|version| *version += 1);
            }
            // Kept staged: the unit that is missing may come with the next event.
            Err(error) => tracing::warn!(%error, "the structure as heard so far is no tree, waiting for more"),
        }
    }
}

impl Sink for UnitSink {
    fn source(&self) -> &'static str {
        SOURCE
    }

    /// Reads the tree again with the cursor: another replica of this service may have moved both.
    async fn cursor(&mut self) -> Result<String, SinkError> {
        let txn = self.replica.store.begin_read().await?;
        let cursor = cursor::load(&*txn, SOURCE).await?;
        let units = table::load(&*txn).await?;
        drop(txn);
        self.staged = Replica::new();
        units.iter().for_each(|unit| self.staged.upsert(unit));
        self.publish();
        Ok(cursor)
    }

    async fn apply(&mut self, events: &[Event], from: &str, cursor: &str) -> Result<(), SinkError> {
        let txn = self.replica.store.begin_write().await?;
        cursor::advance(&*txn, SOURCE, from, cursor).await?;
        table::store(&txn, events).await?;
        txn.commit().await?;
        let mut any = false;
        for entry in units_in(events).filter_map(table::entry) {
            self.staged.upsert(&entry);
            any = true;
        }
        if any {
            self.publish();
        }
        Ok(())
    }

    async fn replace(&mut self, events: &[Event], cursor: &str) -> Result<(), SinkError> {
        let txn = self.replica.store.begin_write().await?;
        table::clear(&txn).await?;
        table::store(&txn, events).await?;
        cursor::save(&*txn, SOURCE, cursor).await?;
        txn.commit().await?;
        self.staged = Replica::new();
        for entry in units_in(events).filter_map(table::entry) {
            self.staged.upsert(&entry);
        }
        self.publish();
        Ok(())
    }
}
