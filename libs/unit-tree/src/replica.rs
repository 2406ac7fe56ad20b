//! The snapshot that follows hierarchy's changes.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::builder::Rows;
use crate::record;
use crate::{TreeError, UnitEntry, UnitTree};

/// Takes changes one by one and makes a new snapshot of them when one is asked for.
///
/// Ask once for a batch of changes, not after each: a new snapshot takes time linear in the number of units (1,700 units:
/// half a millisecond).
#[derive(Debug, Default)]
pub struct Replica {
    tree: Arc<UnitTree>,
    pending: HashMap<Uuid, Staged>,
}

/// A change that is not in the snapshot yet, as compact as it will be there.
#[derive(Debug)]
struct Staged {
    parent: Option<Uuid>,
    kind: i32,
    record: Box<[u8]>,
}

impl Replica {
    /// A replica without units.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a unit, or replaces the one with its id. Whether it fits is seen when a snapshot is made, so that units may
    /// come in any order.
    pub fn upsert(&mut self, entry: &UnitEntry) {
        let mut record = Vec::new();
        record::write(&mut record, entry);
        self.pending
            .insert(entry.id, Staged { parent: entry.parent, kind: entry.kind, record: record.into_boxed_slice() });
    }

    /// The snapshot with all changes so far.
    ///
    /// # Errors
    /// [`TreeError`] when the units with the changes are no tree. The changes are kept: a later one (the missing parent)
    /// may complete them, and [`Replica::last`] answers until then.
    pub fn tree(&mut self) -> Result<Arc<UnitTree>, TreeError> {
        if !self.pending.is_empty() {
            self.tree = Arc::new(self.merge()?);
            self.pending.clear();
        }
        Ok(Arc::clone(&self.tree))
    }

    /// The last snapshot that was made, without the changes since.
    #[must_use]
    pub fn last(&self) -> Arc<UnitTree> {
        Arc::clone(&self.tree)
    }

    fn merge(&self) -> Result<UnitTree, TreeError> {
        let mut rows = Rows::default();
        for unit in self.tree.units().filter(|unit| !self.pending.contains_key(&unit.id())) {
            let record = self.tree.record(unit.place()).bytes();
            rows.push_record(unit.id(), unit.parent().map(|parent| parent.id()), unit.kind(), record)?;
        }
        for (id, staged) in &self.pending {
            rows.push_record(*id, staged.parent, staged.kind, &staged.record)?;
        }
        rows.into_tree()
    }
}

impl From<UnitTree> for Replica {
    fn from(tree: UnitTree) -> Self {
        Self { tree: Arc::new(tree), pending: HashMap::new() }
    }
}
