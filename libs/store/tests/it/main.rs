//! The store against real databases, the same tests on both engines.

mod conflict;
mod event_log;
mod fixture;
mod request_log;
mod rows;
