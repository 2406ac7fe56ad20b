//! The one door: identity, routing, limits, webhooks.
//!
//! Rooms: `identity` who asks, from a bearer token; `forward` gRPC to the service that has the method, by path and without
//! a look inside; `webhook` what providers post, made into a call; `page` what
//! anybody may read, likewise. Health, reflection, request ids, deadlines and the drain
//! are those of `senani-server`.

mod app;
mod config;
mod error;
mod forward;
mod identity;
mod page;
mod webhook;

pub use app::{App, AppError};
pub use config::{Config, Webhook};
pub use error::DOMAIN;
pub use identity::{IdentitiesError, Identity};
