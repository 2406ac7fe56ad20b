//! Analytics over gRPC, on every engine, following event logs that a test writes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod cell;
mod coverage;
mod following;
mod log;
mod reach;
mod refusals;
mod structure;
mod trace;
