//! The raiser's side: from an error to a status with `google.rpc` details.

use std::{collections::HashMap, error::Error, fmt::Write as _};

use opentelemetry::{Context, trace::TraceContextExt as _};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{Kind, ServiceError};

/// Prefix of the values of the `ErrorReason` enums, which the wire form does without.
const REASON_PREFIX: &str = "ERROR_REASON_";

/// Turns the error of a service into the status that its caller receives.
///
/// `ErrorInfo` is always there; `BadRequest` when fields are at fault; `RetryInfo` when the error says when to retry.
/// An error of [`Kind::Internal`] is logged here, once, with its chain of causes; the caller reads "internal error" and
/// the trace id in `RequestInfo`.
pub fn into_status<E: ServiceError>(error: E) -> Status {
    let kind = error.kind();
    let reason = strip(error.reason());
    let metadata: HashMap<String, String> =
        error.metadata().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut details = ErrorDetails::with_error_info(reason, E::DOMAIN, metadata);

    let violations = error.violations();
    if !violations.is_empty() {
        let fields = violations.into_iter().map(|violation| FieldViolation {
            field: violation.field,
            description: violation.description,
            ..Default::default()
        });
        details.set_bad_request(fields.collect::<Vec<_>>());
    }
    if let Some(delay) = error.retry_after() {
        details.set_retry_info(Some(delay));
    }

    if kind != Kind::Internal {
        return Status::with_error_details(kind.code(), error.to_string(), details);
    }
    tracing::error!(domain = E::DOMAIN, reason, error = chain(&error), "internal error");
    if let Some(trace) = trace_id() {
        details.set_request_info(trace, "");
    }
    Status::with_error_details(kind.code(), "internal error", details)
}

/// A status with an `ErrorInfo` and nothing else, for the shared parts that have no error type of their own. `code` is a
/// [`Kind`] or, for what no service raises, a gRPC code.
pub fn status(code: impl Into<Code>, domain: &str, reason: &str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(strip(reason), domain, HashMap::new());
    Status::with_error_details(code.into(), message, details)
}

fn strip(reason: &str) -> &str {
    reason.strip_prefix(REASON_PREFIX).unwrap_or(reason)
}

/// The error and its causes, each once: many errors repeat the text of their source in their own.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn trace_id() -> Option<String> {
    let context = Context::current();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| span.trace_id().to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Violation, is_reason, origin_of, reason_of, retry_after_of, violations_of};

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("the unit does not exist")]
        Missing,
        #[error("the unit cannot stand there")]
        Misplaced,
        #[error("too many calls")]
        TooMany,
        #[error("storage failed")]
        Storage(#[source] std::io::Error),
    }

    impl ServiceError for Failure {
        const DOMAIN: &'static str = "hierarchy.senani.dev";

        fn kind(&self) -> Kind {
            match self {
                Self::Missing => Kind::NotFound,
                Self::Misplaced => Kind::InvalidArgument,
                Self::TooMany => Kind::ResourceExhausted,
                Self::Storage(_) => Kind::Internal,
            }
        }

        fn reason(&self) -> &'static str {
            match self {
                Self::Missing => "ERROR_REASON_UNIT_NOT_FOUND",
                Self::Misplaced => "UNIT_MISPLACED",
                Self::TooMany => "TOO_MANY",
                Self::Storage(_) => "STORAGE",
            }
        }

        fn metadata(&self) -> Vec<(&'static str, String)> {
            vec![("unit", "units/7".to_owned())]
        }

        fn violations(&self) -> Vec<Violation> {
            match self {
                Self::Misplaced => vec![Violation::new("unit.parent", "a station stands under a subdivision")],
                _ => Vec::new(),
            }
        }

        fn retry_after(&self) -> Option<Duration> {
            matches!(self, Self::TooMany).then_some(Duration::from_secs(2))
        }
    }

    #[test]
    fn every_error_carries_its_domain_reason_and_metadata() {
        let status = into_status(Failure::Missing);
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), "the unit does not exist");
        assert_eq!(reason_of(&status).as_deref(), Some("UNIT_NOT_FOUND"));
        assert_eq!(origin_of(&status).map(|origin| origin.0).as_deref(), Some("hierarchy.senani.dev"));
        assert!(is_reason(&status, "hierarchy.senani.dev", "UNIT_NOT_FOUND"));
        assert!(!is_reason(&status, "membership.senani.dev", "UNIT_NOT_FOUND"));
        assert_eq!(status.get_details_error_info().unwrap().metadata["unit"], "units/7");
    }

    #[test]
    fn violations_come_back_with_their_field_paths() {
        let status = into_status(Failure::Misplaced);
        let violations = violations_of(&status);
        assert_eq!(violations, [Violation::new("unit.parent", "a station stands under a subdivision")]);
        assert!(violations_of(&into_status(Failure::Missing)).is_empty());
    }

    #[test]
    fn the_time_to_wait_comes_back() {
        assert_eq!(retry_after_of(&into_status(Failure::TooMany)), Some(Duration::from_secs(2)));
        assert_eq!(retry_after_of(&into_status(Failure::Missing)), None);
    }

    #[test]
    fn the_text_of_an_internal_error_stays_here() {
        let status = into_status(Failure::Storage(std::io::Error::other("disk at /srv is full")));
        assert_eq!(status.code(), Code::Internal);
        assert_eq!(status.message(), "internal error");
        assert!(!String::from_utf8_lossy(status.details()).contains("disk"));
        assert_eq!(reason_of(&status).as_deref(), Some("STORAGE"));
    }

    #[test]
    fn a_chain_names_each_cause_once() {
        let error = Failure::Storage(std::io::Error::other("disk full"));
        assert_eq!(chain(&error), "storage failed: disk full");
        let transparent = std::io::Error::other(Failure::Missing);
        assert_eq!(chain(&transparent), "the unit does not exist");
    }

    #[test]
    fn a_status_without_details_has_no_reason() {
        let status = Status::not_found("from elsewhere");
        assert_eq!(reason_of(&status), None);
        assert!(violations_of(&status).is_empty());
    }
}
