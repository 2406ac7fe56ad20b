//! Hierarchy over gRPC, the same tests on both engines; and the rules of the structure over time, by themselves.

mod answerable;
mod appointments;
mod changes;
mod export;
mod fixture;
mod holders;
mod import;
mod mergers;
mod posts;
mod replica;
mod search;
mod sets;
mod timeline;
mod transfers;
mod units;
