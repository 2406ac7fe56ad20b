//! What a simulator is told when it starts.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{Error, fault::Faults};

/// Updates that one webhook may carry, as documented by the provider.
pub const MAX_WEBHOOK_BATCH: usize = 1_000;

/// The whole configuration of one simulated sender.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen; port 0 takes a free one (read it from [`crate::App::address`]).
    pub listen: SocketAddr,
    /// Where receipts are posted (`http://` only). Empty: receipts wait until [`crate::Handle::set_webhook_url`].
    pub webhook_url: String,
    /// Key of `X-Hub-Signature-256`.
    pub app_secret: String,
    /// Bearer token that every call of the API must carry.
    pub token: String,
    /// Path segment of the API's version.
    pub api_version: String,
    /// The sender: the path segment of `/messages` and `/media`.
    pub phone_number_id: String,
    /// The sender's number as webhooks print it.
    pub display_phone_number: String,
    /// `entry[].id` of webhooks: the WhatsApp business account.
    pub business_account_id: String,
    /// Decides, with the callback data, what becomes of each message.
    pub seed: u64,
    /// How many messages fail, are read, arrive twice or in the wrong order.
    pub outcomes: Outcomes,
    /// How long each receipt takes.
    pub delays: Delays,
    /// How receipts are gathered into webhooks.
    pub webhook: Webhook,
    /// Faults to begin with; [`crate::Handle::set_faults`] changes them.
    pub faults: Faults,
    /// Messages whose receipts are still to come; at this number `/messages` answers only as fast as receipts leave
    /// (about 120 bytes each).
    pub pending_capacity: usize,
    /// Whether the witness keeps the callback data of each send (needed to count repeats; about 70 bytes each).
    pub record: bool,
    /// Different callback data that the witness keeps; sends beyond it are only counted.
    pub record_capacity: usize,
    /// A file to which each send is appended before it is answered. A simulator started on it again knows those sends
    /// and goes on with their receipts. Uploaded media are kept in a folder beside it (extension `media`).
    pub record_path: Option<PathBuf>,
    /// Bytes of media kept in memory; uploads beyond it are refused.
    pub media_capacity: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            webhook_url: String::new(),
            app_secret: "simulator-app-secret".into(),
            token: "simulator-token".into(),
            api_version: "v24.0".into(),
            phone_number_id: "106540352242922".into(),
            display_phone_number: "911200000000".into(),
            business_account_id: "102290129340398".into(),
            seed: 1,
            outcomes: Outcomes::default(),
            delays: Delays::default(),
            webhook: Webhook::default(),
            faults: Faults::default(),
            pending_capacity: 300_000,
            record: true,
            record_capacity: 4_000_000,
            record_path: None,
            media_capacity: 64 << 20,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token and the secret stay out of logs, even here.
        out.debug_struct("Config")
            .field("listen", &self.listen)
            .field("webhook_url", &self.webhook_url)
            .field("api_version", &self.api_version)
            .field("phone_number_id", &self.phone_number_id)
            .field("seed", &self.seed)
            .field("outcomes", &self.outcomes)
            .field("delays", &self.delays)
            .field("webhook", &self.webhook)
            .field("faults", &self.faults)
            .field("pending_capacity", &self.pending_capacity)
            .field("record", &self.record)
            .field("record_path", &self.record_path)
            .finish_non_exhaustive()
    }
}

/// Shares (0 to 1) of what becomes of accepted messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outcomes {
    /// Messages that end in a `failed` receipt, by code; the rest is delivered.
    pub failed: Vec<Failure>,
    /// Of the delivered: those that are also read.
    pub read: f64,
    /// Of the read: those whose `delivered` receipt never comes (the chat was open).
    pub read_without_delivered: f64,
    /// Receipts that come a second time.
    pub repeated: f64,
    /// Messages with two neighbouring receipts in the wrong order.
    pub out_of_order: f64,
}

/// One code of failure and its share of all messages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The code in `errors[].code` of the receipt.
    pub code: u32,
    /// Share of all messages, 0 to 1.
    pub share: f64,
}

impl Default for Outcomes {
    fn default() -> Self {
        Self {
            failed: vec![
                Failure { code: 131_026, share: 0.020 },
                Failure { code: 131_049, share: 0.005 },
                Failure { code: 131_050, share: 0.003 },
            ],
            read: 0.55,
            read_without_delivered: 0.05,
            repeated: 0.03,
            out_of_order: 0.05,
        }
    }
}

impl Outcomes {
    /// Every message delivered and read; each receipt once and in order.
    #[must_use]
    pub fn undisturbed() -> Self {
        Self { failed: Vec::new(), read: 1.0, read_without_delivered: 0.0, repeated: 0.0, out_of_order: 0.0 }
    }
}

/// Times in milliseconds, drawn evenly from `from` to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Shortest, in milliseconds.
    pub from: u32,
    /// Longest, in milliseconds.
    pub to: u32,
}

/// How long receipts take. Each span begins where the one before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delays {
    /// From the answer to `sent`, or to `failed`.
    pub sent: Span,
    /// From `sent` to `delivered`.
    pub delivered: Span,
    /// From `delivered` to `read`.
    pub read: Span,
    /// From a receipt to its repetition.
    pub repeated: Span,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            sent: Span { from: 20, to: 200 },
            delivered: Span { from: 100, to: 600 },
            read: Span { from: 300, to: 1_500 },
            repeated: Span { from: 10, to: 400 },
        }
    }
}

/// How receipts become webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Most receipts in one webhook, 1 to [`MAX_WEBHOOK_BATCH`].
    pub batch: usize,
    /// How long a receipt waits for company, in milliseconds.
    pub linger_ms: u32,
    /// Webhooks on their way at the same time.
    pub in_flight: usize,
    /// Time for one webhook to be answered, in milliseconds.
    pub timeout_ms: u32,
    /// Pause before the first repetition of a webhook that was not answered 2xx, in milliseconds; it doubles.
    pub retry_from_ms: u32,
    /// Longest pause between repetitions, in milliseconds. There is no last one.
    pub retry_to_ms: u32,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            batch: MAX_WEBHOOK_BATCH,
            linger_ms: 100,
            in_flight: 4,
            timeout_ms: 10_000,
            retry_from_ms: 200,
            retry_to_ms: 5_000,
        }
    }
}

impl Config {
    /// Refuses values that cannot work, naming the field.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |field: &'static str, reason: &'static str| Err(Error::Config { field, reason });
        let numeric = |text: &str| !text.is_empty() && text.len() <= 32 && text.bytes().all(|b| b.is_ascii_digit());
        if self.app_secret.is_empty() {
            return refuse("app_secret", "must not be empty");
        }
        if self.token.is_empty() {
            return refuse("token", "must not be empty");
        }
        if self.api_version.is_empty() || self.api_version.contains('/') {
            return refuse("api_version", "must be one path segment");
        }
        if !numeric(&self.phone_number_id) {
            return refuse("phone_number_id", "must be digits");
        }
        if !numeric(&self.display_phone_number) {
            return refuse("display_phone_number", "must be digits");
        }
        if !numeric(&self.business_account_id) {
            return refuse("business_account_id", "must be digits");
        }
        if self.pending_capacity == 0 || self.pending_capacity > tokio::sync::Semaphore::MAX_PERMITS {
            return refuse("pending_capacity", "must be at least 1");
        }
        if !(1..=MAX_WEBHOOK_BATCH).contains(&self.webhook.batch) {
            return refuse("webhook.batch", "must be 1 to 1000");
        }
        if !(1..=64).contains(&self.webhook.in_flight) {
            return refuse("webhook.in_flight", "must be 1 to 64");
        }
        if self.webhook.timeout_ms == 0 || self.webhook.retry_from_ms == 0 {
            return refuse("webhook", "times must be at least 1 ms");
        }
        for (field, span) in [
            ("delays.sent", self.delays.sent),
            ("delays.delivered", self.delays.delivered),
            ("delays.read", self.delays.read),
            ("delays.repeated", self.delays.repeated),
        ] {
            if span.from > span.to {
                return refuse(field, "must not end before it begins");
            }
            if span.to > 7 * 86_400_000 {
                return refuse(field, "must be at most seven days");
            }
        }
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let outcomes = &self.outcomes;
        let failed: f64 = outcomes.failed.iter().map(|failure| failure.share).sum();
        if !outcomes.failed.iter().all(|failure| share(failure.share)) || !share(failed) {
            return refuse("outcomes.failed", "must be shares of 0 to 1, together at most 1");
        }
        if ![outcomes.read, outcomes.read_without_delivered, outcomes.repeated, outcomes.out_of_order]
            .into_iter()
            .all(share)
        {
            return refuse("outcomes", "must be shares of 0 to 1");
        }
        self.faults.check()
    }
}
