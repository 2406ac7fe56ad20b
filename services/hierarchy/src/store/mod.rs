//! The tables of the structure. Returns domain types; nothing outside knows a column.

mod answerable;
mod appointments;
mod change;
mod import;
mod merge;
pub(crate) mod migrations;
mod posts;
mod row;
mod search;
mod set_changes;
mod sets;
mod snapshot;
mod transfer_rows;
mod transfers;
mod units;
mod versions;
mod write;

use std::sync::Arc;

use senani_store::Store;

use crate::domain::KindRules;

pub(crate) use answerable::Answer;
pub(crate) use appointments::Listing;
pub(crate) use change::{Alteration, Amendment, Description};
pub(crate) use merge::{Part, Terms};
pub(crate) use posts::{Deed, Emergency, Term};
pub(crate) use sets::Direction;
pub(crate) use snapshot::UnitSnapshot;
pub(crate) use transfer_rows::TransferListing;
pub(crate) use transfers::{Handover, NewTransfer};
pub(crate) use units::{Repeat, Selection, page};
pub(crate) use versions::Version;

/// Units in their database.
#[derive(Debug, Clone)]
pub(crate) struct Units {
    store: Store,
    rules: Arc<KindRules>,
    names: Arc<search::NameCache>,
    /// The cell's time zone, in seconds east of UTC: when a day begins.
    zone_seconds: i32,
}

impl Units {
    pub(crate) fn new(store: Store, rules: KindRules, zone_seconds: i32) -> Self {
        Self { store, rules: Arc::new(rules), names: Arc::default(), zone_seconds }
    }
}
