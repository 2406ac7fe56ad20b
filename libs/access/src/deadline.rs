//! Until when an answer is of use.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;
use tonic::Request;

/// Metadata key of the time that a caller gives.
pub const TIMEOUT_HEADER: &str = "grpc-timeout";

/// gRPC allows eight digits before the unit.
const MOST_DIGITS: usize = 8;
const MOST_UNITS: u128 = 99_999_999;

/// Until when the caller waits. The server puts it into the extensions of each call that has one and ends the call with
/// DEADLINE_EXCEEDED when it is over. A handler that calls others puts it into the extensions of its own request, and the
/// client's channel sends on what remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline that is this long from now.
    pub fn after(duration: Duration) -> Self {
        // A duration beyond what the clock can count is as good as none, and a year is.
        const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        Self(Instant::now() + duration.min(FOREVER))
    }

    /// The deadline of a request; none when its caller set none and it is a stream.
    pub fn of<T>(request: &Request<T>) -> Option<Self> {
        request.extensions().get::<Self>().copied()
    }

    /// The moment itself.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What is left of the time; zero when it is over.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// What is left of the time as the value of a `grpc-timeout` header, for a call made on behalf of this one.
    pub fn grpc_timeout(self) -> HeaderValue {
        let remaining = self.remaining();
        let (amount, unit) = match remaining.as_micros() {
            micros if micros <= MOST_UNITS => (micros, 'u'),
            _ if remaining.as_millis() <= MOST_UNITS => (remaining.as_millis(), 'm'),
            _ => (u128::from(remaining.as_secs()).min(MOST_UNITS), 'S'),
        };
        HeaderValue::try_from(format!("{amount}{unit}")).expect("digits and a letter are a header value")
    }

    /// The deadline that the metadata ask for. A malformed value counts as none, as gRPC servers do.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(TIMEOUT_HEADER)?.to_str().ok()?;
        let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
        if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let amount: u64 = digits.parse().ok()?;
        let duration = match unit {
            "H" => Duration::from_secs(amount * 60 * 60),
            "M" => Duration::from_secs(amount * 60),
            "S" => Duration::from_secs(amount),
            "m" => Duration::from_millis(amount),
            "u" => Duration::from_micros(amount),
            "n" => Duration::from_nanos(amount),
            _ => return None,
        };
        Some(Self::after(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> Option<Deadline> {
        let mut headers = HeaderMap::new();
        headers.insert(TIMEOUT_HEADER, HeaderValue::from_static(value));
        Deadline::read(&headers)
    }

    #[tokio::test(start_paused = true)]
    async fn every_unit_of_a_timeout_is_understood() {
        for (value, duration) in [
            ("2H", Duration::from_secs(7_200)),
            ("3M", Duration::from_secs(180)),
            ("4S", Duration::from_secs(4)),
            ("5m", Duration::from_millis(5)),
            ("6000u", Duration::from_millis(6)),
            ("7000000n", Duration::from_millis(7)),
        ] {
            assert_eq!(read(value).unwrap().remaining(), duration, "{value}");
        }
    }

    #[test]
    fn malformed_timeouts_count_as_none() {
        for value in ["", "S", "10", "123456789S", "-1S", "1x", "1 S"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_remains_is_written_so_that_it_reads_back() {
        for duration in
            [Duration::ZERO, Duration::from_millis(1_500), Duration::from_secs(600), Duration::from_secs(200_000)]
        {
            let header = Deadline::after(duration).grpc_timeout();
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT_HEADER, header.clone());
            assert_eq!(Deadline::read(&headers).unwrap().remaining(), duration, "{header:?}");
        }
    }
}
