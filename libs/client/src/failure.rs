//! The errors that a channel gives by itself.

use std::{error::Error, fmt, sync::Arc};

use senani_error::{Kind, SENANI_DOMAIN};
use tonic::Status;

/// Reason of UNAVAILABLE: no connection could be made.
pub const UNREACHABLE: &str = "UNREACHABLE";
/// Reason of UNAVAILABLE: the connection broke during the call, whose outcome is therefore unknown.
pub const CONNECTION_LOST: &str = "CONNECTION_LOST";

pub(crate) fn unreachable(authority: &str, error: Arc<dyn Error + Send + Sync>) -> Status {
    let message = format!("no connection to {authority}: {error}");
    let mut status = senani_error::status(Kind::Unavailable, SENANI_DOMAIN, UNREACHABLE, message);
    status.set_source(error);
    status
}

pub(crate) fn connection_lost(error: impl Error + Send + Sync + 'static) -> Status {
    let message = "the connection broke during the call";
    let mut status = senani_error::status(Kind::Unavailable, SENANI_DOMAIN, CONNECTION_LOST, message);
    status.set_source(Arc::new(error));
    status
}

pub(crate) fn deadline_exceeded() -> Status {
    let message = "no answer came in the time given for the call";
    senani_error::status(Kind::DeadlineExceeded, SENANI_DOMAIN, "DEADLINE_EXCEEDED", message)
}

/// Connecting took too long.
#[derive(Debug)]
pub(crate) struct ConnectTimeout;

impl fmt::Display for ConnectTimeout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("timed out")
    }
}

impl Error for ConnectTimeout {}
