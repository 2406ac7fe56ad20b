//! Sinks for the events of hierarchy, membership and bulletin.

mod bulletin;
mod fresh;
mod membership;
mod project;

pub(crate) use bulletin::{LedgerSink, SOURCE as BULLETIN};
pub(crate) use fresh::Fresh;
pub(crate) use membership::RegisterSink;
