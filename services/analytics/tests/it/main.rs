//! Analytics over gRPC, on every engine, following event logs that a test writes.

mod cell;
mod coverage;
mod following;
mod log;
mod reach;
mod refusals;
mod structure;
mod trace;
