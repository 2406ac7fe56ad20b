//! The simulator over HTTP, as its clients and its webhook see it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod messages;
mod receipts;
mod support;
mod throughput;
mod witness;
