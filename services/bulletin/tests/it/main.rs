//! Bulletin over gRPC, on every engine, with fakes for hierarchy and membership and the real simulator as the provider.

mod cell;
mod crash;
mod duties;
mod events;
mod fakes;
mod faults;
mod inbound;
mod lifecycle;
mod posters;
mod publications;
mod rates;
mod receipts;
mod recount;
mod refusals;
mod report_chain;
mod report_clock;
mod reports;
mod rumours;
mod traces;
mod verification;
