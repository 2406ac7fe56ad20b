//! Messages on their way from batches to connections.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;

/// A queue with many takers. Bounded by whoever fills it: batches wait for each other, so that a few of them are in it at most.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    jobs: Mutex<VecDeque<T>>,
    /// One permit for each job.
    waiting: Semaphore,
}

impl<T> Outbox<T> {
    pub(super) fn new() -> Self {
        Self { jobs: Mutex::default(), waiting: Semaphore::new(0) }
    }

    pub(super) fn extend(&self, jobs: impl ExactSizeIterator<Item = T>) {
        let count = jobs.len();
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).extend(jobs);
        self.waiting.add_permits(count);
    }

    /// The next job; `None` when the queue is closed and empty.
    pub(super) async fn next(&self) -> Option<T> {
        if let Ok(permit) = self.waiting.acquire().await {
            permit.forget();
        }
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// No more jobs come.
    pub(super) fn close(&self) {
        self.waiting.close();
    }
}
