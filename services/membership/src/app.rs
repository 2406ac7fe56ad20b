//! The wiring: migrate, build (connects and binds, so that a bad configuration fails first), run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::DbErr;
use senani_client::{Channel, ConnectError};
use senani_proto::eventlog::v1::event_log_service_server::EventLogServiceServer;
use senani_proto::membership::v1::application_service_server::ApplicationServiceServer;
use senani_proto::membership::v1::audience_service_server::AudienceServiceServer;
use senani_proto::membership::v1::custody_service_server::CustodyServiceServer;
use senani_proto::membership::v1::group_service_server::GroupServiceServer;
use senani_proto::membership::v1::incident_service_server::IncidentServiceServer;
use senani_proto::membership::v1::member_service_server::MemberServiceServer;
use senani_proto::membership::v1::notice_service_server::NoticeServiceServer;
use senani_proto::membership::v1::order_service_server::OrderServiceServer;
use senani_proto::membership::v1::privacy_service_server::PrivacyServiceServer;
use senani_proto::membership::v1::roster_service_server::RosterServiceServer;
use senani_proto::membership::v1::sender_service_server::SenderServiceServer;
use senani_server::Server;
use senani_store::event_log::{Feed, keep_pruned};
use senani_store::{Store, StoreOptions};
use senani_unit_replica::{ReplicaError, UnitReplica};
use senani_vault::{KeysError, NumberPlan, Vault};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{
    ApplicationApi, AudienceApi, Cell, CustodyApi, GroupApi, IncidentApi, MemberApi, NoticeApi, OrderApi, PrivacyApi,
    RosterApi, SenderApi,
};
use crate::follow;
use crate::store::migrations::Migrator;
use crate::store::{MembershipSnapshot, Registry};
use crate::worker;

/// Configuration of membership.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen for gRPC.
    pub listen: SocketAddr,
    /// `sqlite://PATH` or `postgres://…`.
    pub database_url: String,
    /// Where hierarchy listens: `http://host:port`.
    pub hierarchy_url: String,
    /// The keys of the register: they wrap the members' own keys and find numbers; created with mode 0600 when it does not exist.
    pub keys_file: PathBuf,
    /// Whether numbers that no subscriber can have are accepted, for generated members and drills.
    pub exercise_numbers: bool,
    /// Members of a group in the chat application at most, whatever an order says.
    pub app_ceiling: i32,
    /// The cell's time zone in minutes east of UTC; India is 330.
    pub time_zone_minutes: i32,
    /// Seconds between two looks at the key file, for versions that were added.
    pub key_file_interval_seconds: u64,
    /// Days that events are kept for consumers.
    pub event_retention_days: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7362)),
            database_url: "sqlite://membership.sqlite".to_owned(),
            hierarchy_url: "http://127.0.0.1:7361".to_owned(),
            keys_file: PathBuf::from("membership.keys"),
            exercise_numbers: true,
            app_ceiling: 1024,
            time_zone_minutes: 330,
            key_file_interval_seconds: 10,
            event_retention_days: 7,
        }
    }
}

/// Why membership cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database cannot be opened or migrated.
    #[error("the database of membership cannot be used")]
    Database(#[from] DbErr),
    /// The stored structure cannot be read.
    #[error("the structure as membership knows it cannot be used")]
    Replica(#[from] ReplicaError),
    /// The keys cannot be read or created.
    #[error("the keys of the register cannot be used")]
    Keys(#[from] KeysError),
    /// The address of hierarchy is none.
    #[error("the address of hierarchy cannot be used")]
    Hierarchy(#[from] ConnectError),
    /// The address is taken or not allowed.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The server failed.
    #[error("the server of membership failed")]
    Serve(#[from] senani_server::ServeError),
}

/// Membership, connected and bound, not yet serving.
#[derive(Debug)]
pub struct App {
    config: Config,
    store: Store,
    replica: UnitReplica,
    vault: Vault,
    hierarchy: Channel,
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

    /// Reads or creates the keys, connects to the database, loads the structure and binds the address.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn build(config: Config) -> Result<Self, AppError> {
        let vault = Vault::open(&config.keys_file)?;
        let hierarchy = follow::channel(&config.hierarchy_url)?;
        let store = Store::connect(&config.database_url, &StoreOptions::default()).await?;
        let replica = UnitReplica::load(store.clone()).await?;
        let listen = |error| AppError::Listen(config.listen, error);
        let listener = senani_server::bind(config.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { config, store, replica, vault, hierarchy, listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then drains.
    ///
    /// # Errors
    /// [`AppError::Serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), AppError> {
        let cell = Cell {
            replica: self.replica.clone(),
            zone_seconds: self.config.time_zone_minutes * 60,
            numbers: NumberPlan { exercise: self.config.exercise_numbers },
            app_ceiling: self.config.app_ceiling,
        };
        let registry = Registry::new(self.store.clone(), self.vault);
        let feed = Feed::new(self.store.clone(), MembershipSnapshot, stop.clone());
        let retention = Duration::from_secs(self.config.event_retention_days * 86_400);
        let pruning = tokio::spawn(keep_pruned(self.store, retention, stop.clone()));
        let following = tokio::spawn(follow::follow_hierarchy(self.hierarchy, self.replica, stop.clone()));
        let interval = Duration::from_secs(self.config.key_file_interval_seconds.max(1));
        let wrapping = tokio::spawn(worker::keep_keys_wrapped(registry.clone(), interval, stop.clone()));
        let expiring = tokio::spawn(worker::keep_expiring(registry.clone(), stop.clone()));
        let served = Server::new("membership")
            .add_service(OrderServiceServer::new(OrderApi::new(registry.clone(), cell.clone())))
            .add_service(GroupServiceServer::new(GroupApi::new(registry.clone(), cell.clone())))
            .add_service(IncidentServiceServer::new(IncidentApi::new(registry.clone(), cell.clone())))
            .add_service(MemberServiceServer::new(MemberApi::new(registry.clone(), cell.clone(), stop.clone())))
            .add_service(ApplicationServiceServer::new(ApplicationApi::new(registry.clone(), cell.clone())))
            .add_service(NoticeServiceServer::new(NoticeApi::new(registry.clone(), cell.clone())))
            .add_service(CustodyServiceServer::new(CustodyApi::new(registry.clone())))
            .add_service(SenderServiceServer::new(SenderApi::new(registry.clone(), cell.clone())))
            .add_service(PrivacyServiceServer::new(PrivacyApi::new(registry.clone(), cell.clone())))
            .add_service(RosterServiceServer::new(RosterApi::new(registry.clone(), cell.clone())))
            .add_service(AudienceServiceServer::new(AudienceApi::new(registry, cell, stop.clone())))
            .add_service(EventLogServiceServer::new(feed))
            .serve(self.listener, stop)
            .await;
        pruning.abort();
        following.abort();
        wrapping.abort();
        expiring.abort();
        Ok(served?)
    }
}
