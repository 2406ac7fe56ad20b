//! The gRPC services: parse, call, answer. No SQL, no rules.

mod appointment_service;
mod changes;
mod csv;
mod mergers;
mod transfers;
mod unit_service;
mod unit_set_service;

pub(crate) use appointment_service::AppointmentApi;
pub(crate) use unit_service::UnitApi;
