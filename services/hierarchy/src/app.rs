//! The wiring: migrate, build (connects and binds, so that a bad configuration fails first), run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::DbErr;
use senani_client::ConnectError;
use senani_proto::eventlog::v1::event_log_service_server::EventLogServiceServer;
use senani_proto::hierarchy::v1::appointment_service_server::AppointmentServiceServer;
use senani_proto::hierarchy::v1::unit_service_server::UnitServiceServer;
use senani_proto::hierarchy::v1::unit_set_service_server::UnitSetServiceServer;
use senani_server::Server;
use senani_store::event_log::{Feed, keep_pruned};
use senani_store::{Store, StoreOptions};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{AppointmentApi, UnitApi};
use crate::domain::{KindRules, KindRulesError};
use crate::holdings::Holdings;
use crate::store::migrations::Migrator;
use crate::store::{UnitSnapshot, Units};

/// The state's own rules of which kind stands under which, when no file is configured: those of Bihar.
const DEFAULT_KINDS: &str = include_str!("../../../data/bihar/kinds.toml");

/// Configuration of hierarchy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen for gRPC.
    pub listen: SocketAddr,
    /// `sqlite://PATH` or `postgres://…`.
    pub database_url: String,
    /// Which kind of unit may stand under which (`kinds.toml`); empty for the built-in rules.
    pub kinds_file: PathBuf,
    /// The cell's time zone in minutes east of UTC; India is 330.
    pub time_zone_minutes: i32,
    /// Where membership is, `http://host:port`: asked what groups an officer holds when one is transferred. Empty: not to be asked, and
    /// a transfer has to be forced.
    pub membership_url: String,
    /// Where bulletin is, `http://host:port`: asked what waits for an officer when one is transferred. Empty: not to be asked, and a
    /// transfer has to be forced.
    pub bulletin_url: String,
    /// Hours that power taken in an emergency lasts at most.
    pub break_glass_hours: u32,
    /// Days that events are kept for consumers.
    pub event_retention_days: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7361)),
            database_url: "sqlite://hierarchy.sqlite".to_owned(),
            kinds_file: PathBuf::new(),
            time_zone_minutes: 330,
            membership_url: "http://127.0.0.1:7362".to_owned(),
            bulletin_url: "http://127.0.0.1:7363".to_owned(),
            break_glass_hours: 12,
            event_retention_days: 7,
        }
    }
}

/// Why hierarchy cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database cannot be opened or migrated.
    #[error("the database of hierarchy cannot be used")]
    Database(#[from] DbErr),
    /// The address is taken or not allowed.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The file of kinds cannot be read.
    #[error("the file of kinds {0} cannot be read")]
    KindsFile(PathBuf, #[source] std::io::Error),
    /// The file of kinds cannot be used.
    #[error("the file of kinds cannot be used")]
    Kinds(#[from] KindRulesError),
    /// The address of another service is malformed.
    #[error("another service cannot be reached as configured")]
    Connect(#[from] ConnectError),
    /// The server failed.
    #[error("the server of hierarchy failed")]
    Serve(#[from] senani_server::ServeError),
}

/// Hierarchy, connected and bound, not yet serving.
#[derive(Debug)]
pub struct App {
    config: Config,
    store: Store,
    rules: KindRules,
    holdings: Holdings,
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

    /// Connects to the database and binds the address. Other services need not be there yet.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn build(config: Config) -> Result<Self, AppError> {
        let kinds = if config.kinds_file.as_os_str().is_empty() {
            DEFAULT_KINDS.to_owned()
        } else {
            std::fs::read_to_string(&config.kinds_file)
                .map_err(|error| AppError::KindsFile(config.kinds_file.clone(), error))?
        };
        let rules = KindRules::parse(&kinds)?;
        let holdings = Holdings::at(&config.membership_url, &config.bulletin_url)?;
        let store = Store::connect(&config.database_url, &StoreOptions::default()).await?;
        let listen = |error| AppError::Listen(config.listen, error);
        let listener = senani_server::bind(config.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { config, store, rules, holdings, listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Points hierarchy at the services that know what an officer holds. They follow hierarchy, so that in one process they are built
    /// after it.
    ///
    /// # Errors
    /// [`AppError::Connect`].
    pub fn ask(&mut self, membership_url: &str, bulletin_url: &str) -> Result<(), AppError> {
        self.holdings = Holdings::at(membership_url, bulletin_url)?;
        Ok(())
    }

    /// Serves until `stop`, then drains.
    ///
    /// # Errors
    /// [`AppError::Serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), AppError> {
        let zone_seconds = self.config.time_zone_minutes * 60;
        let units = Units::new(self.store.clone(), self.rules, zone_seconds);
        let api = UnitApi::new(units, zone_seconds);
        let posts = AppointmentApi::new(api.clone(), self.holdings, i64::from(self.config.break_glass_hours));
        let feed = Feed::new(self.store.clone(), UnitSnapshot, stop.clone());
        let retention = Duration::from_secs(self.config.event_retention_days * 86_400);
        let pruning = tokio::spawn(keep_pruned(self.store.clone(), retention, stop.clone()));
        let served = Server::new("hierarchy")
            .add_service(UnitServiceServer::new(api.clone()))
            .add_service(UnitSetServiceServer::new(api))
            .add_service(AppointmentServiceServer::new(posts))
            .add_service(EventLogServiceServer::new(feed))
            .serve(self.listener, stop)
            .await;
        pruning.abort();
        Ok(served?)
    }
}
