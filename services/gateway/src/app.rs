//! The wiring: build (reads the identities and binds, so that a bad configuration fails first), run.

use std::{collections::HashSet, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use senani_client::ConnectError;
use senani_server::Server;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, Webhook},
    forward::{Door, Forwarder, Routes, Upstream},
    identity::{Identities, IdentitiesError, Identity},
    page, webhook,
};

/// Why the gateway cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Nobody could be told apart.
    #[error(transparent)]
    Identities(#[from] IdentitiesError),
    /// The address of a service is malformed.
    #[error("the address of {0} is malformed")]
    Upstream(&'static str, #[source] ConnectError),
    /// A webhook's settings are incomplete.
    #[error("webhook {channel:?}: {problem}")]
    Webhook {
        /// Its channel.
        channel: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The contracts in this binary cannot be read.
    #[error("the contracts cannot be read")]
    Contracts(#[from] prost::DecodeError),
    /// The address is taken or not allowed.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The server failed.
    #[error("the server of gateway failed")]
    Serve(#[from] senani_server::ServeError),
}

/// The gateway, bound, not yet serving.
pub struct App {
    drain: Duration,
    identities: Arc<Identities>,
    door: Door,
    router: Router,
    listener: TcpListener,
    address: SocketAddr,
}

impl App {
    /// Reads the identities (and writes their file at the first start) and binds the address. The services are connected
    /// when they are called.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn build(config: Config) -> Result<Self, AppError> {
        check_webhooks(&config.webhooks)?;
        let upstreams = [
            ("hierarchy", &config.hierarchy_url),
            ("membership", &config.membership_url),
            ("bulletin", &config.bulletin_url),
            ("analytics", &config.analytics_url),
        ];
        let routes = Routes::read(senani_proto::FILE_DESCRIPTOR_SET, &upstreams.map(|(name, _)| name))?;
        let upstreams = upstreams
            .map(|(name, address)| Upstream::new(name, address).map_err(|error| AppError::Upstream(name, error)));
        let upstreams = upstreams.into_iter().collect::<Result<_, _>>()?;
        let router = webhook::router(&config.webhooks, &config.bulletin_url)
            .map_err(|error| AppError::Upstream("bulletin", error))?
            .merge(page::router(&config.bulletin_url).map_err(|error| AppError::Upstream("bulletin", error))?)
            .route("/healthz", get(async || "ok"));
        let identities = Arc::new(Identities::open(&config.identities_file)?);
        let listen = |error| AppError::Listen(config.listen, error);
        let listener = senani_server::bind(config.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let door = Door {
            identities: Arc::clone(&identities),
            routes,
            upstreams,
            limit: config.max_message_bytes,
            streams: Arc::new(Semaphore::new(config.max_streams.min(Semaphore::MAX_PERMITS))),
            ending: CancellationToken::new(),
        };
        Ok(Self { drain: Duration::from_secs(config.drain_seconds), identities, door, router, listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who may come in, and with which tokens.
    pub fn identities(&self) -> &[Identity] {
        self.identities.list()
    }

    /// Serves until `stop`, then drains: streams have half of the time to end by themselves, and are told to go elsewhere
    /// then.
    ///
    /// # Errors
    /// [`AppError::Serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), AppError> {
        let services: Vec<String> = self.door.routes.public_services().map(str::to_owned).collect();
        let ending = tokio::spawn(end_streams(stop.clone(), self.drain / 2, self.door.ending.clone()));
        let served = Server::new("gateway")
            .at_the_edge()
            .add_router(self.router)
            .fallback(Forwarder::new(self.door))
            .announce(services.iter().map(String::as_str))
            .drain_timeout(self.drain)
            .serve(self.listener, stop)
            .await;
        ending.abort();
        Ok(served?)
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("App").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn end_streams(stop: CancellationToken, grace: Duration, ending: CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(grace).await;
    ending.cancel();
}

fn check_webhooks(webhooks: &[Webhook]) -> Result<(), AppError> {
    let mut channels = HashSet::new();
    for webhook in webhooks {
        let problem = if webhook.channel.is_empty() || webhook.channel.contains('/') {
            "a channel has a name, which is one segment of a path"
        } else if webhook.app_secret.is_empty() {
            "without an app_secret anyone could post"
        } else if webhook.verify_token.is_empty() {
            "without a verify_token anyone could subscribe"
        } else if !channels.insert(&webhook.channel) {
            "another webhook has the same channel"
        } else {
            continue;
        };
        return Err(AppError::Webhook { channel: webhook.channel.clone(), problem });
    }
    Ok(())
}
