//! The event log: what happened in a service, in the service's own database, written by the transactions that made it happen.
//!
//! Positions come from one row, `event_head`, that every writing transaction updates last and holds until it commits. So positions
//! are dense and in commit order; a sequence, timestamp or UUIDv7 would let a reader pass events that commit late.

mod append;
mod feed;
mod prune;
mod read;
mod tables;

pub(crate) use append::append;
pub use feed::{Feed, Snapshot};
pub use prune::{keep_pruned, prune_before};
pub use read::{Bounds, bounds};
pub use tables::create_tables;
