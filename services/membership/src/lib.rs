//! Membership: orders, groups, members, enrolments, consent. The only place with personal data.
//!
//! Rooms: `domain` the rules (who becomes a member, who belongs in which group, which groups are due), `store` the tables, `api` the
//! gRPC services, `follow` the structure from hierarchy, `worker` what runs by itself, `convert` between contract and domain.

mod api;
mod app;
mod convert;
mod domain;
mod error;
mod follow;
pub mod key_file;
mod store;
mod worker;

pub use app::{App, AppError, Config};
pub use domain::CATEGORIES;
pub use store::migrations::Migrator;
