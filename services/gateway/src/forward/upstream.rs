//! The connections to one service.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use senani_client::{Channel, ClientOptions, ConnectError, UNREACHABLE};
use senani_error::SENANI_DOMAIN;
use tonic::{Code, Status};

use crate::error::{Refusal, Sent};

/// Streaming calls that share a connection. Both ends let a stream hold 1 MiB and a connection 4 MiB (`senani-client`,
/// `senani-server`), so this many that nobody reads still leave no other without room: a slow caller slows itself only.
const STREAMS_PER_CONNECTION: usize = 4;

/// A service process.
pub(crate) struct Upstream {
    name: &'static str,
    address: String,
    /// One connection for all unary calls, whose messages are taken at once.
    unary: Channel,
    /// Connections for streams, each with a place that its streams hold copies of.
    lanes: Mutex<Vec<(Channel, Place)>>,
    /// Whether the last call that needed a connection got one: changes are logged, not every call.
    reached: AtomicBool,
}

/// Held by a streaming call while it is open.
pub(crate) type Place = Arc<()>;

impl Upstream {
    /// The service with this name at `http://host:port`. Nothing is connected yet.
    ///
    /// # Errors
    /// The address is malformed.
    pub(crate) fn new(name: &'static str, address: &str) -> Result<Self, ConnectError> {
        Ok(Self {
            name,
            address: address.to_owned(),
            unary: senani_client::connect(address, ClientOptions::default())?,
            lanes: Mutex::default(),
            reached: AtomicBool::new(true),
        })
    }

    pub(crate) fn unary(&self) -> Channel {
        self.unary.clone()
    }

    /// A connection with room for one more stream, and the place on it.
    pub(crate) fn lane(&self) -> (Channel, Place) {
        let open = |place: &Place| Arc::strong_count(place) - 1;
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let chosen = lanes.iter().position(|(_, place)| open(place) < STREAMS_PER_CONNECTION);
        let chosen = match chosen {
            Some(chosen) => chosen,
            None => {
                let channel = senani_client::connect(&self.address, ClientOptions::default())
                    .expect("the address was good for the first connection");
                lanes.push((channel, Place::default()));
                lanes.len() - 1
            }
        };
        let lane = lanes[chosen].clone();
        // One idle connection is enough for what comes next; the clone of the chosen one keeps that.
        let mut spare = 1;
        lanes.retain(|(_, place)| open(place) > 0 || std::mem::take(&mut spare) > 0);
        lane
    }

    /// Notes that the service answered.
    pub(crate) fn answered(&self) {
        if !self.reached.load(Ordering::Relaxed) && !self.reached.swap(true, Ordering::Relaxed) {
            tracing::info!(service = self.name, "the service is reached again");
        }
    }

    /// What the caller is told about a call that got no answer: where our services are is not for strangers.
    pub(crate) fn explain(&self, status: Status) -> Status {
        if status.code() != Code::Unavailable {
            return status;
        }
        let unreached = senani_error::is_reason(&status, SENANI_DOMAIN, UNREACHABLE);
        if unreached && self.reached.swap(false, Ordering::Relaxed) {
            tracing::warn!(service = self.name, error = status.message(), "the service cannot be reached");
        }
        let sent = if unreached { Sent::No } else { Sent::Perhaps };
        Refusal::UpstreamUnavailable { service: self.name, sent }.into()
    }
}
