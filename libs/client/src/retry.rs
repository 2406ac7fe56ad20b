//! Trying again.

use std::time::Duration;

use tonic::{Code, Status};

use crate::Backoff;

/// How often and how patiently an idempotent call is tried.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Ceiling of the first pause.
    pub shortest: Duration,
    /// Ceiling of the later pauses.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    /// Three attempts, pauses from 50 ms to 1 s.
    fn default() -> Self {
        Self { attempts: 3, shortest: Duration::from_millis(50), longest: Duration::from_secs(1) }
    }
}

/// Makes a unary call that may be made twice, again when the service is UNAVAILABLE (and for no other code: the answer to
/// everything else would be the same, or is not known to be harmless).
///
/// # Errors
/// The status of the last attempt.
pub async fn retry<T, F>(policy: RetryPolicy, mut call: F) -> Result<T, Status>
where
    F: AsyncFnMut() -> Result<T, Status>,
{
    let mut backoff = Backoff::new(policy.shortest, policy.longest);
    for _ in 1..policy.attempts {
        match call().await {
            Err(status) if status.code() == Code::Unavailable => backoff.wait().await,
            outcome => return outcome,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn attempts_at(code: Code) -> u32 {
        let mut attempts = 0;
        let status = retry(RetryPolicy::default(), async || {
            attempts += 1;
            Err::<(), _>(Status::new(code, "no"))
        })
        .await
        .unwrap_err();
        assert_eq!(status.code(), code);
        attempts
    }

    #[tokio::test(start_paused = true)]
    async fn only_unavailable_is_tried_again_and_at_most_three_times() {
        assert_eq!(attempts_at(Code::Unavailable).await, 3);
        for code in [Code::NotFound, Code::DeadlineExceeded, Code::Internal, Code::Aborted, Code::ResourceExhausted] {
            assert_eq!(attempts_at(code).await, 1, "{code:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_success_is_the_answer() {
        let mut attempts = 0;
        let answer = retry(RetryPolicy::default(), async || {
            attempts += 1;
            if attempts < 3 { Err(Status::unavailable("not yet")) } else { Ok(attempts) }
        })
        .await;
        assert_eq!(answer.unwrap(), 3);
    }
}
