//! Waiting for what other tasks and processes bring about.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// Pause between two looks: short beside any deadline, long beside a look.
const PAUSE: Duration = Duration::from_millis(10);

/// What a look can find: a condition (`bool`), or something that is not there at first (`Option`).
pub trait Outcome {
    /// What [`eventually`] gives back.
    type Value;

    /// The value once it is there.
    fn settled(self) -> Option<Self::Value>;
}

impl Outcome for bool {
    type Value = ();

    fn settled(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn settled(self) -> Option<T> {
        self
    }
}

/// Looks every 10 ms until the look finds something, and returns it. A look that hangs counts against the deadline too.
///
/// # Panics
/// When the deadline passes first; `what` says what was waited for, as in "the coverage to count 3 members".
pub async fn eventually<O: Outcome>(deadline: Duration, what: &str, mut look: impl AsyncFnMut() -> O) -> O::Value {
    let end = Instant::now() + deadline;
    loop {
        match timeout_at(end, look()).await {
            Ok(outcome) => {
                if let Some(value) = outcome.settled() {
                    return value;
                }
            }
            Err(_elapsed) => panic!("waited {deadline:?} for {what}: the last look did not end"),
        }
        assert!(Instant::now() < end, "waited {deadline:?} for {what}");
        sleep(PAUSE).await;
    }
}
