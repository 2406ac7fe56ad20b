//! The tables of the projections. Returns domain types; nothing outside knows a column.

pub(crate) mod freshness;
pub(crate) mod ledger;
pub(crate) mod migrations;
pub(crate) mod register;
