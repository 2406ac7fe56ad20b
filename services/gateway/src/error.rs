//! What the gateway itself refuses.

use std::time::Duration;

use senani_error::{Kind, ServiceError};
use tonic::Status;

/// Domain of the gateway's own errors in `ErrorInfo`. Errors of the services pass through as they are.
pub const DOMAIN: &str = "gateway.senani.dev";

const METHOD_UNKNOWN: &str = "METHOD_UNKNOWN";

/// What to wait before a call is made again that no service took.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refusal of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the call shows no bearer token")]
    TokenMissing,
    #[error("the bearer token is not known here")]
    TokenUnknown,
    #[error("no service has this method")]
    MethodUnknown,
    #[error("this method is for our own services only")]
    MethodInternal,
    #[error("{service} cannot be reached now")]
    UpstreamUnavailable { service: &'static str, sent: Sent },
    #[error("a message is larger than the limit of {limit} bytes")]
    MessageTooLarge { limit: usize },
    #[error("as many streams are open as the gateway takes")]
    StreamsExhausted,
    #[error("the gateway stops, call again elsewhere or later")]
    Stopping,
}

/// Whether a service may have seen a call that failed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It has not.
    No,
    /// The connection broke during the call, which may have had its effect.
    Perhaps,
}

impl ServiceError for Refusal {
    const DOMAIN: &'static str = DOMAIN;

    fn kind(&self) -> Kind {
        match self {
            Self::TokenMissing | Self::TokenUnknown => Kind::Unauthenticated,
            Self::MethodInternal => Kind::PermissionDenied,
            Self::MessageTooLarge { .. } | Self::StreamsExhausted => Kind::ResourceExhausted,
            // MethodUnknown never gets here: no service of ours raises UNIMPLEMENTED, so there is no kind for it.
            Self::UpstreamUnavailable { .. } | Self::Stopping | Self::MethodUnknown => Kind::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::TokenMissing => "TOKEN_MISSING",
            Self::TokenUnknown => "TOKEN_UNKNOWN",
            Self::MethodUnknown => METHOD_UNKNOWN,
            Self::MethodInternal => "METHOD_INTERNAL",
            Self::UpstreamUnavailable { .. } => "UPSTREAM_UNAVAILABLE",
            Self::MessageTooLarge { .. } => "MESSAGE_TOO_LARGE",
            Self::StreamsExhausted => "STREAMS_EXHAUSTED",
            Self::Stopping => "GATEWAY_STOPPING",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::UpstreamUnavailable { service, sent } => {
                let sent = if *sent == Sent::No { "no" } else { "perhaps" };
                vec![("service", (*service).to_owned()), ("sent", sent.to_owned())]
            }
            Self::MessageTooLarge { limit } => vec![("limit_bytes", limit.to_string())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::UpstreamUnavailable { .. } | Self::StreamsExhausted | Self::Stopping)
            .then_some(RETRY_AFTER)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::MethodUnknown => {
                senani_error::status(tonic::Code::Unimplemented, DOMAIN, METHOD_UNKNOWN, refusal.to_string())
            }
            refusal => senani_error::into_status(refusal),
        }
    }
}
