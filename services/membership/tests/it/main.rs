//! Membership over gRPC, the same tests on both engines.

mod audience;
mod custodians;
mod events;
mod fixture;
mod groups;
mod hierarchy;
mod import;
mod import_resumed;
mod members;
mod orders;
mod register;
