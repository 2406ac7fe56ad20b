//! The errors that the server gives by itself, and the better form of those that tonic gives.

use http::{HeaderMap, Response, StatusCode};
use senani_error::{Kind, SENANI_DOMAIN};
use tonic::{Code, Status, body::Body};

/// Reason of DEADLINE_EXCEEDED: the time that the caller gave is over.
pub const DEADLINE_EXCEEDED: &str = "DEADLINE_EXCEEDED";
/// Reason of RESOURCE_EXHAUSTED: a message is larger than the service takes or sends.
pub const MESSAGE_TOO_LARGE: &str = "MESSAGE_TOO_LARGE";
/// Reason of INVALID_ARGUMENT: the bytes are not the message that the method takes.
pub const MESSAGE_MALFORMED: &str = "MESSAGE_MALFORMED";
/// Reason of UNIMPLEMENTED: nobody here serves this path.
pub const METHOD_UNKNOWN: &str = "METHOD_UNKNOWN";
/// Reason of INTERNAL: the handler panicked.
pub const PANICKED: &str = "PANICKED";

pub(crate) fn deadline_exceeded() -> Status {
    own(Kind::DeadlineExceeded, DEADLINE_EXCEEDED, "the time given for the call is over")
}

/// The panic itself is logged by the process's panic hook.
pub(crate) fn panicked() -> Status {
    own(Kind::Internal, PANICKED, "internal error")
}

pub(crate) fn method_unknown() -> Status {
    senani_error::status(Code::Unimplemented, SENANI_DOMAIN, METHOD_UNKNOWN, "this method is not served here")
}

fn own(kind: Kind, reason: &str, message: &str) -> Status {
    senani_error::status(kind, SENANI_DOMAIN, reason, message)
}

/// The response without body that says `status`, to gRPC callers in headers, to others in the status line.
pub(crate) fn refuse(status: Status, grpc: bool) -> Response<Body> {
    if grpc {
        return status.into_http();
    }
    let code = match status.code() {
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unimplemented => StatusCode::NOT_FOUND,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

/// The gRPC code in headers or trailers; none while the call goes on.
pub(crate) fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
}

/// Replaces two answers of tonic by what gRPC users expect. tonic says OUT_OF_RANGE for a message beyond the limit,
/// where the convention is RESOURCE_EXHAUSTED; and INTERNAL, with names of Rust types, for bytes that do not decode.
pub(crate) fn improve(headers: &mut HeaderMap, code: Code) -> Code {
    let better = match code {
        Code::OutOfRange if says(headers, &["message%20length%20too%20large", "message length too large"]) => {
            own(Kind::ResourceExhausted, MESSAGE_TOO_LARGE, "the message is larger than the limit")
        }
        Code::Internal if says(headers, &["failed%20to%20decode%20Protobuf", "failed to decode Protobuf"]) => {
            own(Kind::InvalidArgument, MESSAGE_MALFORMED, "the message cannot be decoded")
        }
        _ => return code,
    };
    headers.remove("grpc-status-details-bin");
    // Fails only for a text that is no header value, and both texts are.
    let _ = better.add_header(headers);
    better.code()
}

fn says(headers: &HeaderMap, texts: &[&str]) -> bool {
    let Some(message) = headers.get("grpc-message").and_then(|value| value.to_str().ok()) else { return false };
    texts.iter().any(|text| message.contains(text))
}
