//! Hierarchy: the units of the police structure, one tree, who holds their posts, and the feed from which every other service keeps its replica.
//!
//! Rooms: [`domain`] the rules (which kind may stand under which, what an import changes, who holds which post), `store` the tables, `api` the gRPC
//! services, `holdings` what other services are asked.

mod api;
mod app;
mod convert;
pub mod domain;
mod error;
mod holdings;
mod store;

pub use app::{App, AppError, Config};
pub use store::migrations::Migrator;
