//! A batch of claimed deliveries on its way through the connections.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tracing::{Instrument, Span};

use crate::channel::{Connection, Content};
use crate::domain::attempt::{Answer, Class, class_of};
use crate::store::claims::Claimed;

/// What is sent together and recorded together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) token: i64,
    pub(super) deliveries: Vec<Claimed>,
    answers: Mutex<Vec<Option<Answer>>>,
    missing: AtomicUsize,
    complete: Notify,
    /// Set when the rest must not be sent: the lease is lost, or the channel has stopped.
    withheld: AtomicBool,
    pub(super) span: Span,
}

/// One delivery to send. Holds an address for as long as it waits.
pub(super) struct Job {
    pub(super) batch: Arc<Batch>,
    pub(super) index: usize,
    pub(super) phone: String,
    pub(super) content: Arc<Content>,
}

impl std::fmt::Debug for Job {
    /// Without the address.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Job").field("index", &self.index).finish_non_exhaustive()
    }
}

impl Batch {
    pub(super) fn new(token: i64, deliveries: Vec<Claimed>, span: Span) -> Self {
        let count = deliveries.len();
        Self {
            token,
            answers: Mutex::new(vec![None; count]),
            missing: AtomicUsize::new(count),
            complete: Notify::new(),
            withheld: AtomicBool::new(false),
            deliveries,
            span,
        }
    }

    /// Notes the answer to one delivery.
    pub(super) fn answer(&self, index: usize, answer: Answer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(answer);
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.complete.notify_one();
        }
    }

    /// Sends nothing more of it.
    pub(super) fn withhold(&self) {
        self.withheld.store(true, Ordering::Relaxed);
    }

    pub(super) async fn completed(&self) {
        while self.missing.load(Ordering::Acquire) > 0 {
            self.complete.notified().await;
        }
    }

    /// All answers, when it is complete.
    pub(super) fn take_answers(&self) -> Vec<Answer> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.drain(..).map(|answer| answer.unwrap_or(Answer::Withheld)).collect()
    }
}

impl Job {
    /// Sends the message, unless it must not be sent any more.
    pub(super) async fn send(self, connection: &mut Connection, stopping: bool) {
        let delivery = &self.batch.deliveries[self.index];
        if stopping || self.batch.withheld.load(Ordering::Relaxed) {
            return self.batch.answer(self.index, Answer::Withheld);
        }
        let Some(message) = self.content.message(&delivery.language) else {
            return self.batch.answer(self.index, Answer::Barred("NO_TEXT"));
        };
        let body = message.body(&self.phone, delivery.id);
        let answer = if senani_telemetry::enabled() {
            let span = self.span();
            let mut trace = http::HeaderMap::new();
            span.in_scope(|| senani_telemetry::inject(&mut trace));
            connection.send(body, Some(trace)).instrument(span).await
        } else {
            connection.send(body, None).await
        };
        if let Answer::Refused { status, code } = answer
            && class_of(status, code) == Class::Channel
        {
            // The rest would be refused too.
            self.batch.withhold();
        }
        self.batch.answer(self.index, answer);
    }

    /// A span of the bulletin's trace: within the batch's, which continues the trace of its first bulletin.
    fn span(&self) -> Span {
        let delivery = &self.batch.deliveries[self.index];
        if delivery.bulletin == self.batch.deliveries[0].bulletin {
            return tracing::info_span!(parent: &self.batch.span, "send", delivery.id = %delivery.id);
        }
        let span = tracing::info_span!(parent: None, "send", delivery.id = %delivery.id);
        senani_telemetry::set_parent(&span, Some(&self.content.trace_parent));
        span
    }
}
