//! The caller's side: what an error that came over the wire says.

use std::collections::HashMap;
use std::time::Duration;

use tonic::Status;
use tonic_types::StatusExt;

use crate::Violation;

/// The reason in the status's `ErrorInfo`: `UNIT_NOT_FOUND`.
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|error| error.reason)
}

/// The domain and reason in the status's `ErrorInfo`: `("hierarchy.senani.dev", "UNIT_NOT_FOUND")`.
pub fn origin_of(status: &Status) -> Option<(String, String)> {
    status.get_details_error_info().map(|error| (error.domain, error.reason))
}

/// What the error says beside its reason; empty when there is none.
pub fn metadata_of(status: &Status) -> HashMap<String, String> {
    status.get_details_error_info().map_or_else(HashMap::new, |error| error.metadata)
}

/// Whether the status was raised by `domain` for `reason` (both as on the wire, the reason without prefix).
pub fn is_reason(status: &Status, domain: &str, reason: &str) -> bool {
    status.get_details_error_info().is_some_and(|error| error.domain == domain && error.reason == reason)
}

/// The fields that break a rule, from the status's `BadRequest`; empty when there is none.
pub fn violations_of(status: &Status) -> Vec<Violation> {
    status.get_details_bad_request().map_or_else(Vec::new, |request| {
        request.field_violations.into_iter().map(|field| Violation::new(field.field, field.description)).collect()
    })
}

/// How long the status asks its caller to wait, from its `RetryInfo`.
pub fn retry_after_of(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|retry| retry.retry_delay)
}
