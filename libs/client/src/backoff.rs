//! Waiting between attempts.

use std::time::Duration;

use rand::RngExt as _;

/// Growing, random pauses ("full jitter"): each is uniform between nothing and a ceiling that doubles up to a longest.
/// Many clients that lost the same server thus do not come back at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Pauses whose ceiling grows from `shortest` to `longest`.
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, ceiling: shortest.min(longest) }
    }

    /// The next pause.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.ceiling.mul_f64(rand::rng().random::<f64>());
        self.ceiling = self.ceiling.saturating_mul(2).min(self.longest);
        pause
    }

    /// Sleeps for the next pause.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_pause()).await;
    }

    /// Starts again with the shortest pauses: something went well.
    pub fn reset(&mut self) {
        self.ceiling = self.shortest.min(self.longest);
    }
}

impl Default for Backoff {
    /// From 0.1 s to 30 s, for a connection that is always to be there.
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_below_a_ceiling_that_doubles_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for ceiling in [100, 200, 350, 350, 350] {
            assert_eq!(backoff.ceiling, Duration::from_millis(ceiling));
            assert!(backoff.next_pause() <= Duration::from_millis(ceiling));
        }
        backoff.reset();
        assert!(backoff.next_pause() <= Duration::from_millis(100));
    }
}
