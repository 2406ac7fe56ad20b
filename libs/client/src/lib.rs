//! Channels with deadlines and keepalive, retries, and the Follower of an event log.
//!
//! A [`Channel`] is what generated clients stand on: `UnitServiceClient::new(channel)`. It connects when first used and
//! again whenever the connection is gone, and it adds to every call what our services expect: who asks, until when, the
//! request id and the trace.

mod answer;
mod backoff;
mod channel;
mod connection;
mod failure;
pub mod follower;
mod retry;
#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use channel::{Channel, ClientOptions, ConnectError, UNARY_DEADLINE, connect};
pub use failure::{CONNECTION_LOST, UNREACHABLE};
pub use retry::{RetryPolicy, retry};
pub use senani_access::Deadline;
