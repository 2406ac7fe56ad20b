//! The only place that knows tables. Everything that changes state also appends its events, in the same transaction.

pub(crate) mod bulletins;
pub(crate) mod claims;
mod clock;
pub(crate) mod closing;
pub(crate) mod deliveries;
pub(crate) mod desk;
pub(crate) mod duties;
pub(crate) mod expansion;
pub(crate) mod groups;
pub(crate) mod inbox;
pub(crate) mod media;
mod migration;
pub(crate) mod posters;
pub(crate) mod publications;
pub(crate) mod receipts;
pub(crate) mod report;
pub(crate) mod results;
mod schema;
pub(crate) mod snapshot;
mod sql;
pub(crate) mod tally;
pub(crate) mod tasks;
#[cfg(test)]
mod tests;
pub(crate) mod unknowns;
mod verification_schema;
pub(crate) mod verifications;

pub(crate) use migration::Migrator;
