//! The id of the request that is being served, for log lines and for the calls made on its behalf.

use http::HeaderValue;
use tokio::task::futures::TaskLocalFuture;

/// Metadata key of the request id: a UUIDv7 made by the first of our processes that sees the request.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

tokio::task_local! {
    static REQUEST_ID: HeaderValue;
}

/// Runs `future` as part of the request with this id. Tasks that it spawns are outside.
pub fn with_request_id<F: Future>(id: HeaderValue, future: F) -> TaskLocalFuture<HeaderValue, F> {
    REQUEST_ID.scope(id, future)
}

/// The id of the request that the current task serves; a copy shares its bytes.
pub fn request_id() -> Option<HeaderValue> {
    REQUEST_ID.try_with(Clone::clone).ok()
}
