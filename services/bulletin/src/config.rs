//! What the service is told when it starts.

use std::net::SocketAddr;
use std::time::Duration;

use senani_config::Secret;
use serde::{Deserialize, Serialize};

use crate::domain::attempt::Persistence;

/// Configuration of bulletin.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen for gRPC.
    pub listen: SocketAddr,
    /// `sqlite://PATH` or `postgres://…`.
    pub database_url: String,
    /// Where hierarchy is, `http://host:port`.
    pub hierarchy_url: String,
    /// Where membership is, `http://host:port`.
    pub membership_url: String,
    /// Channels for direct deliveries. New deliveries go over the first; the others finish what they have. None: only posting tasks.
    pub channels: Vec<ChannelConfig>,
    /// Seconds that a worker holds what it works on without a sign of life.
    pub lease_seconds: u64,
    /// Seconds that a delivery of unknown outcome waits for a receipt before it is sent again.
    pub unknown_grace_seconds: u64,
    /// Requests to a provider at the same time, each over its own connection. 0: this process sends nothing, others do.
    pub dispatch_concurrency: usize,
    /// Deliveries that are claimed and recorded together, 1 to 1,000.
    pub claim_batch: usize,
    /// Deliveries that are written to the ledger in one transaction.
    pub expand_page: usize,
    /// Bytes of a poster at most: the channels' limit.
    pub poster_max_bytes: usize,
    /// The cell's time zone in minutes east of UTC; India is 330. The year of a bulletin's number turns by it.
    pub time_zone_minutes: i32,
    /// Days that events are kept for consumers.
    pub event_retention_days: u64,
    /// Connections to the database at most.
    pub database_connections: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7363)),
            database_url: "sqlite://bulletin.sqlite".to_owned(),
            hierarchy_url: "http://127.0.0.1:7361".to_owned(),
            membership_url: "http://127.0.0.1:7362".to_owned(),
            channels: Vec::new(),
            lease_seconds: 30,
            unknown_grace_seconds: 900,
            dispatch_concurrency: 64,
            claim_batch: 1_000,
            expand_page: 5_000,
            poster_max_bytes: 5 * 1024 * 1024,
            time_zone_minutes: 330,
            event_retention_days: 7,
            database_connections: 12,
        }
    }
}

/// A way to persons.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelConfig {
    /// What deliveries and webhooks call it.
    pub name: String,
    /// Whose API it speaks.
    pub kind: ChannelKind,
    /// The API without version and path, `http://host:port`.
    pub url: String,
    /// Bearer token.
    pub token: Secret,
    /// The sender.
    pub phone_number_id: String,
    /// Path segment of the API's version.
    pub api_version: String,
    /// The approved template of a bulletin: `bulletin_no`, `headline`, `text`, and a poster in its header.
    pub template: String,
    /// Seconds until a request counts as not answered.
    pub timeout_seconds: u64,
    /// Attempts at most when the provider has trouble.
    pub attempts: i32,
    /// Upper bound of the first pause between attempts, in milliseconds; it doubles.
    pub retry_from_ms: u64,
    /// Upper bound of any pause between attempts, in milliseconds.
    pub retry_to_ms: u64,
    /// Seconds that the channel rests when the provider refuses its credentials or its account.
    pub pause_seconds: u64,
}

/// Whose API a channel speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// The WhatsApp Cloud API.
    #[default]
    WhatsappCloud,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            name: "simulator".to_owned(),
            kind: ChannelKind::WhatsappCloud,
            url: String::new(),
            token: Secret::default(),
            phone_number_id: String::new(),
            api_version: "v24.0".to_owned(),
            template: "cyber_bulletin_v1".to_owned(),
            timeout_seconds: 10,
            attempts: 8,
            retry_from_ms: 1_000,
            retry_to_ms: 300_000,
            pause_seconds: 30,
        }
    }
}

impl Config {
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.max(1))
    }
}

impl ChannelConfig {
    pub(crate) fn persistence(&self) -> Persistence {
        Persistence {
            attempts: self.attempts.max(1),
            pause_from: Duration::from_millis(self.retry_from_ms.max(1)),
            pause_to: Duration::from_millis(self.retry_to_ms.max(1)),
        }
    }
}
