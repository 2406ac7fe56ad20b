//! One database per service: connections, writing transactions, bulk rows, migrations under a lock, the event log, the request
//! log. The same code runs on SQLite, the embedded default, and on PostgreSQL; only this crate knows which.

mod conflict;
mod connection;
pub mod cursor;
pub mod event_log;
mod migration;
mod page;
pub mod request_log;
mod rows;
mod time;

pub use conflict::gave_way;
pub use connection::{ReadTransaction, Store, StoreOptions, WriteTransaction};
pub use migration::{create_database, migrate};
pub use page::{Page, PageError, PageSize, PageToken};
pub use rows::Rows;
pub use time::Timestamp;
