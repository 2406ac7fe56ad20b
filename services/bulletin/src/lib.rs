//! Bulletins, posting tasks, deliveries, channels, receipts.
//!
//! A bulletin is written, approved by a second officer and published to an audience. Publishing makes a ledger first: a posting task for
//! every group, a delivery for every consenting person, each once. Then workers send what the ledger holds, and receipts tell what came
//! of it. Every step is a transaction, so that any process may die at any moment.

mod api;
mod app;
mod channel;
mod config;
mod domain;
mod error;
mod follow;
mod objects;
mod page;
mod qr;
mod register;
mod selector;
mod sender;
mod signing;
mod store;
mod wire;
mod worker;

pub use app::{App, AppError};
pub use channel::{ChannelError, Connection, Sender};
pub use config::{ChannelConfig, ChannelKind, Config, DueHours, PosterStore, ReportConfig, RetentionDays};
pub use objects::ObjectError;
pub use signing::SigningKeyError;
