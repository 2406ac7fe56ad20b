//! The tables of the structure. Returns domain types; nothing outside knows a column.

mod change;
mod import;
mod merge;
pub(crate) mod migrations;
mod row;
mod search;
mod sets;
mod snapshot;
mod units;
mod versions;
mod write;

use std::sync::Arc;

use senani_store::Store;

use crate::domain::KindRules;

pub(crate) use change::{Alteration, Amendment, Description};
pub(crate) use merge::{Part, Terms};
pub(crate) use sets::Direction;
pub(crate) use snapshot::UnitSnapshot;
pub(crate) use units::{Repeat, Selection, page};
pub(crate) use versions::Version;

/// Units in their database.
#[derive(Debug, Clone)]
pub(crate) struct Units {
    store: Store,
    rules: Arc<KindRules>,
    names: Arc<search::NameCache>,
}

impl Units {
    pub(crate) fn new(store: Store, rules: KindRules) -> Self {
        Self { store, rules: Arc::new(rules), names: Arc::default() }
    }
}
