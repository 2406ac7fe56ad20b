//! The one way to serve gRPC: layers, health, reflection, drain.
//!
//! [`Server`] puts around every call, in this order: the request id, the caller's [`Principal`](senani_access::Principal),
//! the [`Deadline`], a span, and a net for panics. Errors that tonic raises by itself get the code and the details that
//! our contracts promise.

mod answer;
mod body;
mod call;
mod handler;
mod listen;
mod reflection;
mod serve;
mod stop;

pub use answer::{DEADLINE_EXCEEDED, MESSAGE_MALFORMED, MESSAGE_TOO_LARGE, METHOD_UNKNOWN, PANICKED};
pub use listen::bind;
pub use senani_access::Deadline;
pub use serve::{DRAIN_TIMEOUT, ServeError, Server, UNARY_DEADLINE};
pub use stop::stop_signal;

/// The largest message that a service takes, in bytes, unless it says otherwise: give it to
/// `max_decoding_message_size` (and `max_encoding_message_size`) of the generated server.
pub const DEFAULT_MAX_MESSAGE: usize = 4 * 1024 * 1024;
