//! Hierarchy over gRPC, the same tests on both engines.

mod fixture;
mod import;
mod units;
