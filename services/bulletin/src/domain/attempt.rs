//! What an attempt to send ends in.

use std::time::Duration;

use super::delivery::ATTEMPTS_EXHAUSTED;

/// What came of one request to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Taken; the provider's id of the message.
    Accepted(String),
    /// Refused, by HTTP status and the provider's code (0 when there was none).
    Refused {
        /// HTTP status.
        status: u16,
        /// The provider's code.
        code: u32,
    },
    /// No byte of it left the house: the provider could not be reached.
    Unreached,
    /// Bytes were sent and no answer came: it may have been taken.
    Unanswered,
    /// Not tried: the service stops, or the channel does.
    Withheld,
    /// The member may not be sent to; why.
    Barred(&'static str),
}

/// What a refusal means. The classes and codes are those of the provider's table of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Our credentials or our account: nothing will be taken until an operator has been there.
    Channel,
    /// Too fast for the sender: later, and it was no attempt.
    Throttled,
    /// Too fast for this one recipient: after four seconds to the power of the attempts.
    Pair,
    /// The provider's trouble: later.
    Transient,
    /// The uploaded poster is gone: upload it again, then later.
    Media,
    /// Never to this recipient, or never with this content.
    Permanent,
}

/// The class of a refusal. The code decides; the HTTP status only where there is none that is known.
pub(crate) fn class_of(status: u16, code: u32) -> Class {
    match code {
        3 | 10 | 33 | 190 | 200..=299 | 368 | 130_497 | 131_005 | 131_031 | 131_037 | 131_042 | 131_045 | 133_010 => {
            Class::Channel
        }
        4 | 80_007 | 130_429 | 131_048 => Class::Throttled,
        131_056 => Class::Pair,
        1 | 2 | 131_000 | 131_016 | 131_057 | 133_004 => Class::Transient,
        131_053 => Class::Media,
        0 | 2_500 => match status {
            401 | 403 | 404 => Class::Channel,
            429 => Class::Throttled,
            500.. => Class::Transient,
            _ => Class::Permanent,
        },
        _ if status == 401 => Class::Channel,
        _ if status == 429 => Class::Throttled,
        _ if status >= 500 => Class::Transient,
        _ => Class::Permanent,
    }
}

/// How often and when an attempt is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Persistence {
    /// Attempts at most, transient failures counted.
    pub(crate) attempts: i32,
    /// Upper bound of the first pause; it doubles.
    pub(crate) pause_from: Duration,
    /// Upper bound of any pause.
    pub(crate) pause_to: Duration,
}

/// What becomes of the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The provider has it under this id.
    Accepted(String),
    /// It will not arrive.
    Failed(String),
    /// It may have been sent; a receipt will tell.
    Unknown,
    /// Again after this time; `counted` tells whether it was an attempt.
    Again {
        /// From now.
        after: Duration,
        /// Whether it counts against the number of attempts.
        counted: bool,
    },
}

/// Judges an answer. `attempt` is the number of attempts with this one; `draw` is even in 0 to 1 (full jitter: whoever failed
/// together does not return together).
pub(crate) fn judge(answer: &Answer, attempt: i32, draw: f64, persistence: &Persistence) -> Verdict {
    match answer {
        Answer::Accepted(id) => Verdict::Accepted(id.clone()),
        Answer::Unanswered => Verdict::Unknown,
        Answer::Barred(reason) => Verdict::Failed((*reason).to_owned()),
        Answer::Withheld => Verdict::Again { after: Duration::ZERO, counted: false },
        Answer::Unreached => Verdict::Again { after: pause(attempt, draw, persistence), counted: false },
        Answer::Refused { status, code } => match class_of(*status, *code) {
            Class::Channel => Verdict::Again { after: Duration::ZERO, counted: false },
            Class::Throttled => Verdict::Again { after: pause(attempt, draw, persistence), counted: false },
            Class::Pair if attempt < persistence.attempts => {
                let seconds = 4_u64.saturating_pow(attempt.clamp(1, 8).unsigned_abs());
                Verdict::Again { after: Duration::from_secs(seconds), counted: true }
            }
            Class::Transient | Class::Media if attempt < persistence.attempts => {
                Verdict::Again { after: pause(attempt, draw, persistence), counted: true }
            }
            Class::Pair | Class::Transient | Class::Media => Verdict::Failed(ATTEMPTS_EXHAUSTED.to_owned()),
            Class::Permanent if *code == 0 => Verdict::Failed(format!("HTTP_{status}")),
            Class::Permanent => Verdict::Failed(code.to_string()),
        },
    }
}

fn pause(attempt: i32, draw: f64, persistence: &Persistence) -> Duration {
    let doublings = attempt.clamp(1, 17).unsigned_abs() - 1;
    let bound = persistence.pause_from.saturating_mul(1 << doublings).min(persistence.pause_to);
    // Never at once: a claim in the same instant would find the same provider.
    bound.mul_f64(draw.clamp(0.0, 1.0)).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSISTENCE: Persistence =
        Persistence { attempts: 3, pause_from: Duration::from_secs(1), pause_to: Duration::from_secs(60) };

    fn refused(status: u16, code: u32, attempt: i32) -> Verdict {
        judge(&Answer::Refused { status, code }, attempt, 1.0, &PERSISTENCE)
    }

    #[test]
    fn the_code_decides_and_the_http_status_only_without_one() {
        for (status, code, class) in [
            (401, 190, Class::Channel),
            (403, 131_031, Class::Channel),
            (401, 0, Class::Channel),
            (400, 130_429, Class::Throttled),
            (429, 999, Class::Throttled),
            (400, 131_056, Class::Pair),
            (400, 1, Class::Transient),
            (502, 0, Class::Transient),
            (400, 131_026, Class::Permanent),
            (404, 132_001, Class::Permanent),
            (400, 131_053, Class::Media),
        ] {
            assert_eq!(class_of(status, code), class, "{status} {code}");
        }
    }

    #[test]
    fn transient_failures_are_repeated_until_the_attempts_are_used_up() {
        let again = |seconds| Verdict::Again { after: Duration::from_secs(seconds), counted: true };
        assert_eq!(refused(503, 131_016, 1), again(1));
        assert_eq!(refused(503, 131_016, 2), again(2));
        assert_eq!(refused(503, 131_016, 3), Verdict::Failed(ATTEMPTS_EXHAUSTED.to_owned()));
        assert_eq!(refused(400, 131_056, 2), again(16));
    }

    #[test]
    fn a_throttled_or_unreachable_sender_never_exhausts_its_deliveries() {
        let bound = Verdict::Again { after: Duration::from_secs(60), counted: false };
        assert_eq!(refused(429, 130_429, 100), bound);
        assert_eq!(judge(&Answer::Unreached, 100, 1.0, &PERSISTENCE), bound);
        let at_once = Verdict::Again { after: Duration::ZERO, counted: false };
        assert_eq!(refused(401, 190, 1), at_once);
        assert_eq!(judge(&Answer::Withheld, 1, 1.0, &PERSISTENCE), at_once);
    }

    #[test]
    fn silence_is_unknown_and_a_permanent_refusal_keeps_the_code() {
        assert_eq!(judge(&Answer::Unanswered, 1, 0.5, &PERSISTENCE), Verdict::Unknown);
        assert_eq!(refused(400, 131_026, 1), Verdict::Failed("131026".to_owned()));
        assert_eq!(refused(413, 0, 1), Verdict::Failed("HTTP_413".to_owned()));
    }
}
