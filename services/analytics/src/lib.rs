//! Analytics: coverage (expected against actual, rolled up the tree) and reach (how far a bulletin got), projected from the events of
//! hierarchy, membership and bulletin. It follows them with a cursor in its own database, so that it answers while they are down.
//!
//! Rooms: [`domain`] what is counted and how, `store` the tables, `follow` the sinks, `worker` the counting, `api` the gRPC services.

mod api;
mod app;
mod convert;
pub mod domain;
mod error;
mod follow;
mod projection;
mod store;
mod worker;

pub use app::{App, AppError, Config};
pub use store::migrations::Migrator;
