//! The gRPC service: parse, call, answer. No SQL, no rules.

mod csv;
mod unit_service;

pub(crate) use unit_service::UnitApi;
