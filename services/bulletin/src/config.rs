//! What the service is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use senani_config::Secret;
use serde::{Deserialize, Serialize};

use crate::domain::attempt::Persistence;
use crate::domain::poster::{ChannelRules, PosterRules, SIDE_PIXELS};

mod reports;

pub use reports::{DueHours, ReportConfig, RetentionDays};

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
    /// Where posters are kept.
    pub poster_store: PosterStore,
    /// What the codes of bulletins are signed with; written with a new key when it is not there.
    pub signing_keys_file: PathBuf,
    /// Where everybody reaches the gateway, `https://host`: for QR images and feeds.
    pub public_url: String,
    /// The cell's time zone in minutes east of UTC; India is 330. The year of a bulletin's number turns by it.
    pub time_zone_minutes: i32,
    /// Days that events are kept for consumers.
    pub event_retention_days: u64,
    /// Connections to the database at most.
    pub database_connections: u32,
    /// Reports.
    pub reports: ReportConfig,
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
            poster_store: PosterStore::default(),
            signing_keys_file: PathBuf::from("bulletin.signing-keys"),
            public_url: "http://127.0.0.1:7360".to_owned(),
            time_zone_minutes: 330,
            event_retention_days: 7,
            database_connections: 12,
            reports: ReportConfig::default(),
        }
    }
}

/// Where posters are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PosterStore {
    /// A directory, or `s3://BUCKET/FOLDER`.
    pub url: String,
    /// Of an S3-compatible store that is not Amazon's: `http://host:port` or `https://…`.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Who we are there; empty: by the environment (`AWS_…`) or the machine's role.
    pub access_key_id: String,
    /// How we show it.
    pub secret_access_key: Secret,
}

impl Default for PosterStore {
    fn default() -> Self {
        Self {
            url: "posters".to_owned(),
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
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
    /// Bytes of a poster that it takes; WhatsApp: 5 MiB at most, whatever is said here.
    pub poster_max_bytes: usize,
    /// Pixels a side of a poster that it takes.
    pub poster_max_side: u32,
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
            poster_max_bytes: WHATSAPP_POSTER_BYTES,
            poster_max_side: SIDE_PIXELS,
            timeout_seconds: 10,
            attempts: 8,
            retry_from_ms: 1_000,
            retry_to_ms: 300_000,
            pause_seconds: 30,
        }
    }
}

impl Config {
    /// What posters must keep to, so that every channel can send them.
    pub(crate) fn poster_rules(&self) -> PosterRules {
        PosterRules {
            bytes: self.poster_max_bytes,
            channels: self.channels.iter().map(ChannelConfig::poster_rules).collect(),
        }
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.max(1))
    }
}

/// Bytes of a picture that WhatsApp takes.
const WHATSAPP_POSTER_BYTES: usize = 5 * 1024 * 1024;

impl ChannelConfig {
    /// What posters must keep to for this channel.
    fn poster_rules(&self) -> ChannelRules {
        let most = match self.kind {
            ChannelKind::WhatsappCloud => WHATSAPP_POSTER_BYTES,
        };
        ChannelRules {
            channel: self.name.clone(),
            bytes: self.poster_max_bytes.min(most),
            side: self.poster_max_side.min(SIDE_PIXELS),
        }
    }

    pub(crate) fn persistence(&self) -> Persistence {
        Persistence {
            attempts: self.attempts.max(1),
            pause_from: Duration::from_millis(self.retry_from_ms.max(1)),
            pause_to: Duration::from_millis(self.retry_to_ms.max(1)),
        }
    }
}
