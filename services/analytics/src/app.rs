//! The wiring: migrate, build (connects and binds, so that a bad configuration fails first), run.

use std::net::SocketAddr;

use sea_orm::DbErr;
use senani_client::follower::{Sink, follow};
use senani_client::{Channel, ClientOptions, ConnectError};
use senani_proto::analytics::v1::coverage_service_server::CoverageServiceServer;
use senani_proto::analytics::v1::reach_service_server::ReachServiceServer;
use senani_server::Server;
use senani_store::{Store, StoreOptions};
use senani_telemetry::in_service;
use senani_unit_replica::{ReplicaError, UnitReplica};
use serde::{Deserialize, Serialize};
use time::UtcOffset;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{CoverageApi, ReachApi};
use crate::follow::{Fresh, LedgerSink, RegisterSink};
use crate::projection::Projection;
use crate::store::migrations::Migrator;
use crate::store::{freshness, register};
use crate::worker::{keep_counted, keep_freshness};

/// Connections to the database: three followers that write in turns, and those who ask for reach.
const CONNECTIONS: u32 = 4;

/// Name of the service.
const SERVICE: &str = "analytics";

/// Configuration of analytics.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen for gRPC.
    pub listen: SocketAddr,
    /// `sqlite://PATH` or `postgres://…`.
    pub database_url: String,
    /// Where hierarchy is: `http://host:port`.
    pub hierarchy_url: String,
    /// Where membership is: `http://host:port`.
    pub membership_url: String,
    /// Where the bulletin service is: `http://host:port`.
    pub bulletin_url: String,
    /// The cell's time zone in minutes east of UTC; India is 330.
    pub time_zone_minutes: i32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7364)),
            database_url: "sqlite://analytics.sqlite".to_owned(),
            hierarchy_url: "http://127.0.0.1:7361".to_owned(),
            membership_url: "http://127.0.0.1:7362".to_owned(),
            bulletin_url: "http://127.0.0.1:7363".to_owned(),
            time_zone_minutes: 330,
        }
    }
}

/// Why analytics cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database cannot be opened or migrated.
    #[error("the database of analytics cannot be used")]
    Database(#[from] DbErr),
    /// The stored structure cannot be used.
    #[error("the replica of the structure cannot be used")]
    Replica(#[from] ReplicaError),
    /// The address of another service is malformed.
    #[error("the address of {0} cannot be used")]
    Connect(&'static str, #[source] ConnectError),
    /// Not a time zone: more than a day from UTC.
    #[error("a time zone is less than a day from UTC, not {0} minutes")]
    TimeZone(i32),
    /// The address is taken or not allowed.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The server failed.
    #[error("the server of analytics failed")]
    Serve(#[from] senani_server::ServeError),
}

/// Analytics, connected and bound, not yet serving.
#[derive(Debug)]
pub struct App {
    store: Store,
    units: UnitReplica,
    projection: Projection,
    hierarchy: Channel,
    membership: Channel,
    bulletin: Channel,
    listener: TcpListener,
    address: SocketAddr,
}

impl App {
    /// Applies pending migrations.
    ///
    /// # Errors
    /// [`AppError::Database`].
    pub async fn migrate(config: &Config) -> Result<(), AppError> {
        senani_store::create_database(&config.database_url).await?;
        Ok(senani_store::migrate::<Migrator>(&config.database_url).await?)
    }

    /// Connects to the database, counts what it holds and binds the address. The other services need not be there.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn build(config: Config) -> Result<Self, AppError> {
        let channel = |service, url: &str| {
            let options = ClientOptions { subject: Some(format!("services/{SERVICE}")), ..ClientOptions::default() };
            senani_client::connect(url, options).map_err(|error| AppError::Connect(service, error))
        };
        let (hierarchy, membership, bulletin) = (
            channel("hierarchy", &config.hierarchy_url)?,
            channel("membership", &config.membership_url)?,
            channel("bulletin", &config.bulletin_url)?,
        );
        let minutes = config.time_zone_minutes;
        let zone = minutes.checked_mul(60).and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok());
        let zone = zone.ok_or(AppError::TimeZone(minutes))?;

        let store = Store::connect(&config.database_url, &StoreOptions { max_connections: CONNECTIONS }).await?;
        let units = UnitReplica::load(store.clone()).await?;
        let register = register::load(store.reader()).await?;
        let freshness = freshness::load(store.reader()).await?;
        let projection = Projection::new(units.clone(), register, freshness, zone);

        let listen = |error| AppError::Listen(config.listen, error);
        let listener = senani_server::bind(config.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { store, units, projection, hierarchy, membership, bulletin, listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Follows and serves until `stop`, then drains. Dropped before, everything that it started ends with it.
    ///
    /// # Errors
    /// [`AppError::Serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), AppError> {
        let stop = stop.child_token();
        let Self { store, units, projection, .. } = &self;
        let mut tasks = JoinSet::new();
        let register_sink = RegisterSink::new(store.clone(), projection.clone());
        let ledger_sink = LedgerSink::new(store.clone());
        follow_fresh(&mut tasks, &self.hierarchy, units.sink(), projection, &stop);
        follow_fresh(&mut tasks, &self.membership, register_sink, projection, &stop);
        follow_fresh(&mut tasks, &self.bulletin, ledger_sink, projection, &stop);
        tasks.spawn(in_service(SERVICE, keep_counted(projection.clone(), units.clone(), stop.clone())));
        tasks.spawn(in_service(SERVICE, keep_freshness(projection.clone(), store.clone(), stop.clone())));

        let served = Server::new(SERVICE)
            .add_service(CoverageServiceServer::new(CoverageApi::new(projection.clone())))
            .add_service(ReachServiceServer::new(ReachApi::new(store.clone(), projection.clone())))
            .serve(self.listener, stop.clone())
            .await;
        // Also when the server failed by itself.
        stop.cancel();
        while tasks.join_next().await.is_some() {}
        Ok(served?)
    }
}

fn follow_fresh(
    tasks: &mut JoinSet<()>,
    channel: &Channel,
    sink: impl Sink + 'static,
    projection: &Projection,
    stop: &CancellationToken,
) {
    let sink = Fresh::new(sink, projection.clone());
    tasks.spawn(in_service(SERVICE, follow(channel.clone(), sink, stop.clone())));
}
