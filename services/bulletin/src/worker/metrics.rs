//! What operators watch.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;

/// Counters of the ledger's work.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    attempts: Counter<u64>,
    stale: Counter<u64>,
    receipts: Counter<u64>,
    parked: Counter<u64>,
    unknown: Counter<u64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let meter = opentelemetry::global::meter("senani");
        let counter = |name: &'static str, what: &'static str| meter.u64_counter(name).with_description(what).build();
        Self {
            attempts: counter("senani.dispatch.attempts", "attempts to send, by channel and outcome"),
            stale: counter(
                "senani.dispatch.stale_acks",
                "results of batches whose lease was over; they changed nothing",
            ),
            receipts: counter("senani.receipts.applied", "receipts applied to the ledger"),
            parked: counter("senani.receipts.parked", "receipts and webhook bodies that could not be applied"),
            unknown: counter(
                "senani.dispatch.unknown",
                "deliveries whose worker died or whose provider did not answer",
            ),
        }
    }

    pub(super) fn attempts(&self, channel: &str, outcome: &'static str, count: u64) {
        let labels = [KeyValue::new("channel", channel.to_owned()), KeyValue::new("outcome", outcome)];
        self.attempts.add(count, &labels);
    }

    pub(super) fn stale(&self, count: u64) {
        self.stale.add(count, &[]);
    }

    pub(super) fn receipts(&self, count: u64) {
        self.receipts.add(count, &[]);
    }

    pub(super) fn parked(&self, count: u64) {
        self.parked.add(count, &[]);
    }

    pub(super) fn unknown(&self, count: u64) {
        self.unknown.add(count, &[]);
    }
}
