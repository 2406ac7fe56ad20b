//! Hierarchy over gRPC, the same tests on both engines; and the rules of the structure over time, by themselves.

mod changes;
mod export;
mod fixture;
mod import;
mod mergers;
mod replica;
mod search;
mod sets;
mod timeline;
mod units;
