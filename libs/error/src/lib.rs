//! Kinds and reasons of failures, and their form on the wire.
//!
//! Each service has one error type that implements [`ServiceError`]; `impl From<Error> for tonic::Status` is then one
//! call of [`into_status`]. Callers match on `(domain, reason)`, see [`reason_of`] and [`is_reason`], never on texts.

mod kind;
mod read;
mod wire;

pub use kind::Kind;
pub use read::{is_reason, metadata_of, origin_of, reason_of, retry_after_of, violations_of};
pub use wire::{into_status, status};

use std::time::Duration;

/// Domain of the errors that the shared parts (server, client, access) raise themselves.
pub const SENANI_DOMAIN: &str = "senani.dev";

/// One field that breaks a rule, as told to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request message, in proto names: `unit.parent`, `members[3].phone`.
    pub field: String,
    /// What is wrong with it, without the offending value when that could be personal.
    pub description: String,
}

impl Violation {
    /// A violation of the field at path `field`.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// What an error of a service must say about itself so that it can go over the wire.
///
/// `Display` becomes the message for the caller (except for [`Kind::Internal`], whose text stays in the log), so it
/// holds nothing personal, no SQL and no full stop.
pub trait ServiceError: std::error::Error + Send + Sync + 'static {
    /// Who raises the error: `hierarchy.senani.dev`.
    const DOMAIN: &'static str;

    /// The class of the failure, which decides the gRPC code.
    fn kind(&self) -> Kind;

    /// The listed reason, a value of the service's `ErrorReason` enum. A prefix `ERROR_REASON_` is stripped on the wire.
    fn reason(&self) -> &'static str;

    /// Further facts for programs: ids, limits. Nothing personal.
    fn metadata(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The fields of the request that break a rule.
    fn violations(&self) -> Vec<Violation> {
        Vec::new()
    }

    /// How long the caller should wait before it tries again.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}
