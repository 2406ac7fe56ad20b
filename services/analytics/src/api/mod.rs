//! The gRPC services: parse, look up, answer. No SQL, no rules.

mod coverage_service;
mod reach_service;

pub(crate) use coverage_service::CoverageApi;
pub(crate) use reach_service::ReachApi;

use std::str::FromStr;

use senani_proto::name::NameError;

use crate::error::Error;

/// A resource name in a field of the request.
fn name<N: FromStr<Err = NameError>>(text: &str, field: &'static str) -> Result<N, Error> {
    text.parse().map_err(|source| Error::NameInvalid { field, source })
}
