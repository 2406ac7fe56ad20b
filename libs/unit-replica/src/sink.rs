//! Following hierarchy.

use std::sync::Arc;

use senani_client::follower::{Sink, SinkError};
use senani_proto::eventlog::v1::Event;
use senani_store::cursor;
use senani_unit_tree::Replica;

use crate::post_table::{self, PostChanges};
use crate::set_table::{self, SetChanges};
use crate::table::{self, units_in};
use crate::{Posts, UnitReplica, UnitSets};

/// Key of the cursor in hierarchy's log.
pub(crate) const SOURCE: &str = "hierarchy";

/// Applies hierarchy's events: the tables and the cursor in one transaction, then the tree, the sets and the posts.
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

    fn publish_sets(&self, sets: UnitSets) {
        self.replica.sets.store(Arc::new(sets));
        self.replica.changed.send_modify(|version| *version += 1);
    }

    fn publish_posts(&self, posts: Posts) {
        self.replica.posts.store(Arc::new(posts));
        self.replica.changed.send_modify(|version| *version += 1);
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
        let sets = set_table::load(&*txn).await?;
        let posts = post_table::load(&*txn).await?;
        drop(txn);
        self.staged = Replica::new();
        units.iter().for_each(|unit| self.staged.upsert(unit));
        // Who sees a unit also sees its sets.
        self.publish_sets(sets);
        self.publish_posts(posts);
        self.publish();
        Ok(cursor)
    }

    async fn apply(&mut self, events: &[Event], from: &str, cursor: &str) -> Result<(), SinkError> {
        let (set_changes, post_changes) = (SetChanges::of(events), PostChanges::of(events));
        let txn = self.replica.store.begin_write().await?;
        cursor::advance(&*txn, SOURCE, from, cursor).await?;
        table::store(&txn, events).await?;
        set_changes.store(&txn).await?;
        post_changes.store(&txn).await?;
        txn.commit().await?;
        let mut any = false;
        for entry in units_in(events).filter_map(table::entry) {
            self.staged.upsert(&entry);
            any = true;
        }
        // Sets and appointments change rarely and are some thousands: they are copied, so that readers never wait.
        if !set_changes.is_empty() {
            let mut sets = UnitSets::clone(&self.replica.sets());
            set_changes.apply_to(&mut sets);
            self.publish_sets(sets);
        }
        if !post_changes.is_empty() {
            let mut posts = Posts::clone(&self.replica.posts());
            post_changes.apply_to(&mut posts);
            self.publish_posts(posts);
        }
        if any {
            self.publish();
        }
        Ok(())
    }

    async fn replace(&mut self, events: &[Event], cursor: &str) -> Result<(), SinkError> {
        let (set_changes, post_changes) = (SetChanges::of(events), PostChanges::of(events));
        let txn = self.replica.store.begin_write().await?;
        table::clear(&txn).await?;
        set_table::clear(&txn).await?;
        post_table::clear(&txn).await?;
        table::store(&txn, events).await?;
        set_changes.store(&txn).await?;
        post_changes.store(&txn).await?;
        cursor::save(&*txn, SOURCE, cursor).await?;
        txn.commit().await?;
        self.staged = Replica::new();
        for entry in units_in(events).filter_map(table::entry) {
            self.staged.upsert(&entry);
        }
        let (mut sets, mut posts) = (UnitSets::default(), Posts::default());
        set_changes.apply_to(&mut sets);
        post_changes.apply_to(&mut posts);
        self.publish_sets(sets);
        self.publish_posts(posts);
        self.publish();
        Ok(())
    }
}
