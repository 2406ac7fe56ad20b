//! Bulletin over gRPC, on every engine, with fakes for hierarchy and membership and the real simulator as the provider.

mod cell;
mod crash;
mod events;
mod fakes;
mod faults;
mod lifecycle;
mod publications;
mod rates;
mod receipts;
mod recount;
mod refusals;
mod traces;
