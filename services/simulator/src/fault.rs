//! Faults that a test can switch on, and the one place where a message is admitted.

use serde::{Deserialize, Serialize};

use crate::{Error, draw::Draws, refusal::Refusal};

/// Shares (0 to 1) of requests to `/messages` that meet a fault; none by default. Which requests: drawn from the seed
/// and the request's number, so that a retry is a new draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// HTTP 429 with code 130429; not accepted.
    pub rate_limited: f64,
    /// HTTP 503 with code 131016; not accepted.
    pub unavailable: f64,
    /// HTTP 500 with code 131000; not accepted.
    pub server_error: f64,
    /// Never answered and not accepted: the request was lost.
    pub request_lost: f64,
    /// Never answered although accepted: the answer was lost. Receipts follow.
    pub answer_lost: f64,
    /// Accepted and answered, but no receipt ever comes.
    pub silent: f64,
    /// How long an unanswered request hangs before its connection (HTTP/2: its stream) ends, in milliseconds;
    /// 0 means 30,000.
    pub hang_ms: u32,
}

impl Faults {
    /// The time for which an unanswered request hangs.
    pub(crate) fn hang(&self) -> std::time::Duration {
        std::time::Duration::from_millis(if self.hang_ms == 0 { 30_000 } else { u64::from(self.hang_ms) })
    }

    fn shares(&self) -> [f64; 6] {
        [self.rate_limited, self.unavailable, self.server_error, self.request_lost, self.answer_lost, self.silent]
    }

    /// Refuses shares outside of 0 to 1, one by one and together.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let together: f64 = self.shares().iter().sum();
        if self.shares().iter().all(|share| (0.0..=1.0).contains(share)) && together <= 1.0 + 1e-9 {
            Ok(())
        } else {
            Err(Error::Config { field: "faults", reason: "must be shares of 0 to 1, together at most 1" })
        }
    }

    /// What meets the request with this number.
    pub(crate) fn draw(&self, seed: u64, request: u64) -> Admission {
        let [rate_limited, unavailable, server_error, request_lost, answer_lost, silent] = self.shares();
        if rate_limited + unavailable + server_error + request_lost + answer_lost + silent == 0.0 {
            return Admission::Accept;
        }
        let drawn = Draws::new(seed, &request.to_le_bytes()).share();
        let mut upper = 0.0;
        for (share, admission) in [
            (rate_limited, Admission::Refuse(Refusal::rate_limited())),
            (unavailable, Admission::Refuse(Refusal::unavailable())),
            (server_error, Admission::Refuse(Refusal::server_error())),
            (request_lost, Admission::LoseRequest),
            (answer_lost, Admission::LoseAnswer),
            (silent, Admission::AcceptSilently),
        ] {
            upper += share;
            if drawn < upper {
                return admission;
            }
        }
        Admission::Accept
    }
}

/// What the provider does with one request.
///
/// The documented limits (throughput of the sender, pair limit, tier of the portfolio, pacing) belong here too when
/// they come: each is one more reason for [`Admission::Refuse`], decided before the message is recorded.
#[derive(Debug)]
pub(crate) enum Admission {
    Accept,
    AcceptSilently,
    LoseAnswer,
    LoseRequest,
    Refuse(Refusal),
}
