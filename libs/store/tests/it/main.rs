//! The store against real databases, the same tests on both engines.

mod event_log;
mod fixture;
mod request_log;
mod rows;
