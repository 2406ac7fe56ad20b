//! The simulator's own record, by which tests judge the sender's ledger.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, MutexGuard},
};

use serde::{Deserialize, Serialize};

use crate::{
    plan::{Outcome, Status, Step},
    record::Record,
    sends::{Seen, Sends, TraceParent},
    wheel::{MessageId, Pending},
};

/// Everything that the simulator counted; the body of `GET /witness`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// Accepted sends.
    pub sends: SendCounts,
    /// What the messages end as, decided when they were accepted; each callback data once (every send, where the
    /// witness does not keep callback data).
    pub outcomes: OutcomeCounts,
    /// Requests to `/messages` that were not accepted, by code of the error.
    pub refused: BTreeMap<u32, u64>,
    /// Faults that met requests to `/messages` without an error code.
    pub faults: FaultCounts,
    /// Receipts that a webhook took (answered 2xx).
    pub receipts: ReceiptCounts,
    /// Webhooks.
    pub webhooks: WebhookCounts,
    /// Accepted messages whose last receipt was not yet taken.
    pub pending: u64,
}

/// Accepted sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendCounts {
    /// All of them.
    pub total: u64,
    /// Different callback data.
    pub unique: u64,
    /// Callback data that came more than once. Exactly once means 0.
    pub repeated: u64,
    /// Sends without callback data.
    pub without_callback_data: u64,
    /// Sends whose callback data was not kept: recording is off, or its capacity is reached.
    pub unrecorded: u64,
}

/// What messages end as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Delivered, read or not.
    pub delivered: u64,
    /// Delivered and read.
    pub read: u64,
    /// Failed, by code.
    pub failed: BTreeMap<u32, u64>,
    /// No receipt ever comes (a fault).
    pub silent: u64,
}

/// Faults without an error code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCounts {
    /// Neither accepted nor answered.
    pub request_lost: u64,
    /// Accepted, not answered.
    pub answer_lost: u64,
}

/// Receipts by kind; repetitions apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptCounts {
    /// `sent`.
    pub sent: u64,
    /// `delivered`.
    pub delivered: u64,
    /// `read`.
    pub read: u64,
    /// `failed`, by code.
    pub failed: BTreeMap<u32, u64>,
    /// Second copies of any kind.
    pub repeated: u64,
    /// Receipts that left before one that should have come first.
    pub out_of_order: u64,
}

/// Webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookCounts {
    /// Requests made, repetitions included.
    pub posts: u64,
    /// Requests answered 2xx.
    pub taken: u64,
    /// Requests answered otherwise or not at all; each was repeated.
    pub failed: u64,
    /// Receipts in the requests answered 2xx.
    pub statuses: u64,
}

impl ReceiptCounts {
    /// Counts one receipt.
    pub(crate) fn add(&mut self, step: &Step) {
        if step.early {
            self.out_of_order += 1;
        }
        if step.repeated {
            self.repeated += 1;
            return;
        }
        match step.status {
            Status::Sent => self.sent += 1,
            Status::Delivered => self.delivered += 1,
            Status::Read => self.read += 1,
            Status::Failed(code) => *self.failed.entry(code).or_default() += 1,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.read += other.read;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        for (code, count) in &other.failed {
            *self.failed.entry(*code).or_default() += count;
        }
    }
}

/// One lock around all of it: each use is a microsecond.
#[derive(Debug)]
pub(crate) struct Witness(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    sends: Option<Sends>,
    testimony: Testimony,
    record: Option<Record>,
}

impl Witness {
    /// `capacity`: different callback data to keep, none without recording.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        let sends = capacity.map(Sends::new);
        Self(Mutex::new(Inner { sends, testimony: Testimony::default(), record: None }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics under this lock")
    }

    /// Continues this file from now on.
    pub(crate) fn write_to(&self, record: Record) {
        self.lock().record = Some(record);
    }

    /// Counts a send that the file already holds.
    pub(crate) fn restore(&self, pending: &Pending, outcome: Option<Outcome>) {
        self.lock().count(pending, outcome, None);
    }

    /// Records an accepted send, on disk first; `outcome` is `None` when no receipt will come.
    pub(crate) fn accept(
        &self,
        pending: &Pending,
        outcome: Option<Outcome>,
        trace: Option<TraceParent>,
    ) -> io::Result<()> {
        let mut inner = self.lock();
        if let Some(record) = &mut inner.record {
            record.sent(pending, outcome.is_none())?;
        }
        inner.count(pending, outcome, trace);
        Ok(())
    }

    /// Counts a request that was refused with this code.
    pub(crate) fn refuse(&self, code: u32) {
        *self.lock().testimony.refused.entry(code).or_default() += 1;
    }

    /// Counts a request that was lost.
    pub(crate) fn lose_request(&self) {
        self.lock().testimony.faults.request_lost += 1;
    }

    /// Counts an answer that was lost.
    pub(crate) fn lose_answer(&self) {
        self.lock().testimony.faults.answer_lost += 1;
    }

    /// Counts a webhook that has to be repeated.
    pub(crate) fn webhook_failed(&self) {
        let webhooks = &mut self.lock().testimony.webhooks;
        webhooks.posts += 1;
        webhooks.failed += 1;
    }

    /// Counts a webhook that was taken, with its receipts, and records the sends that it completes.
    pub(crate) fn webhook_taken(
        &self,
        statuses: usize,
        receipts: &ReceiptCounts,
        finished: &[MessageId],
    ) -> io::Result<()> {
        let mut inner = self.lock();
        let testimony = &mut inner.testimony;
        testimony.webhooks.posts += 1;
        testimony.webhooks.taken += 1;
        testimony.webhooks.statuses += statuses as u64;
        testimony.receipts.merge(receipts);
        match &mut inner.record {
            Some(record) if !finished.is_empty() => record.done(finished),
            _ => Ok(()),
        }
    }

    /// What was counted until now.
    pub(crate) fn testify(&self, pending: u64) -> Testimony {
        let inner = self.lock();
        let mut testimony = inner.testimony.clone();
        testimony.pending = pending;
        if let Some(sends) = &inner.sends {
            testimony.sends.unique = sends.len() as u64;
            testimony.sends.repeated = sends.repeated();
        }
        testimony
    }

    /// How often this callback data was sent.
    pub(crate) fn sends_of(&self, callback: &str) -> u32 {
        self.lock().sends.as_ref().map_or(0, |sends| sends.count(callback))
    }

    /// Up to `limit` lines of `GET /witness/sends`, from the send with this number on; empty at the end.
    pub(crate) fn lines(&self, from: usize, limit: usize) -> Vec<u8> {
        let inner = self.lock();
        let mut lines = Vec::new();
        let Some(sends) = &inner.sends else { return lines };
        for number in from..from.saturating_add(limit) {
            let Some((callback_data, count, trace)) = sends.get(number) else { break };
            let line = SendLine {
                callback_data: callback_data.into(),
                count,
                traceparent: trace.map(|trace| trace.to_string()),
            };
            serde_json::to_writer(&mut lines, &line).expect("strings and numbers always serialise");
            lines.push(b'\n');
        }
        lines
    }
}

/// One line of `GET /witness/sends?format=ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendLine {
    /// `biz_opaque_callback_data` of the sends.
    pub callback_data: String,
    /// How often it was accepted.
    pub count: u32,
    /// `traceparent` of the first send, if it carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Inner {
    fn count(&mut self, pending: &Pending, outcome: Option<Outcome>, trace: Option<TraceParent>) {
        let counts = &mut self.testimony;
        counts.sends.total += 1;
        let mut first = true;
        if pending.callback.is_empty() {
            counts.sends.without_callback_data += 1;
        } else {
            match self.sends.as_mut().map(|sends| sends.add(&pending.callback, trace)) {
                Some(Seen::First) => {}
                Some(Seen::Again) => first = false,
                Some(Seen::NotKept) | None => counts.sends.unrecorded += 1,
            }
        }
        if !first {
            return;
        }
        let outcomes = &mut counts.outcomes;
        match outcome {
            Some(Outcome::Failed(code)) => *outcomes.failed.entry(code).or_default() += 1,
            Some(Outcome::Delivered) => outcomes.delivered += 1,
            Some(Outcome::Read) => {
                outcomes.delivered += 1;
                outcomes.read += 1;
            }
            None => outcomes.silent += 1,
        }
    }
}
