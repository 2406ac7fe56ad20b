//! The gRPC service: parse, call, answer. No SQL, no rules.

mod changes;
mod csv;
mod mergers;
mod unit_service;
mod unit_set_service;

pub(crate) use unit_service::UnitApi;
