//! Hierarchy: the units of the police structure, one tree, and the feed from which every other service keeps its replica.
//!
//! Rooms: [`domain`] the rules (which kind may stand under which, what an import changes), `store` the tables, `api` the gRPC service.

mod api;
mod app;
mod convert;
pub mod domain;
mod error;
mod store;

pub use app::{App, AppError, Config};
pub use store::migrations::Migrator;
