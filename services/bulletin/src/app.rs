//! The wiring: migrate, build (connects and binds, so that a bad configuration fails first), run.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use senani_client::{Channel, ClientOptions, ConnectError, follower};
use senani_proto::bulletin::v1::bulletin_service_server::BulletinServiceServer;
use senani_proto::bulletin::v1::delivery_service_server::DeliveryServiceServer;
use senani_proto::bulletin::v1::duty_service_server::DutyServiceServer;
use senani_proto::bulletin::v1::public_page_service_server::PublicPageServiceServer;
use senani_proto::bulletin::v1::report_service_server::ReportServiceServer;
use senani_proto::bulletin::v1::task_service_server::TaskServiceServer;
use senani_proto::bulletin::v1::verification_service_server::VerificationServiceServer;
use senani_proto::eventlog::v1::event_log_service_server::EventLogServiceServer;
use senani_server::Server;
use senani_store::event_log::{Feed, keep_pruned};
use senani_store::{Store, StoreOptions};
use senani_unit_replica::{ReplicaError, UnitReplica};
use senani_vault::{KeysError, Vault};
use time::UtcOffset;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{
    BODY_BYTES, BulletinApi, DeliveryApi, DutyApi, POSTERS_AT_ONCE, PosterLimits, PublicPageApi, ReportApi, TaskApi,
    VerificationApi,
};
use crate::channel::{ChannelError, Sender};
use crate::config::{ChannelConfig, Config};
use crate::follow::GroupSink;
use crate::objects::{ObjectError, PosterObjects};
use crate::register::Register;
use crate::signing::{SigningKeyError, SigningKeys};
use crate::store::Migrator;
use crate::store::report::Reports;
use crate::store::snapshot::PresentState;
use crate::worker::bells::Bells;
use crate::worker::dispatch::Dispatcher;
use crate::worker::expand::Expander;
use crate::worker::fetch::Fetcher;
use crate::worker::inbound::Intake;
use crate::worker::ingest::{self, Inbox};
use crate::worker::{apply, reports, settle};

/// How long workers may take to end what is under way. A message that was sent should have its answer recorded.
const DRAIN: Duration = Duration::from_secs(20);

/// Why bulletin cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database cannot be opened or migrated.
    #[error("the database of bulletin cannot be used")]
    Database(#[from] DbErr),
    /// The replica of the structure cannot be loaded.
    #[error("the structure cannot be loaded")]
    Structure(#[from] ReplicaError),
    /// The address is taken or not allowed.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The address of another service is malformed.
    #[error("another service cannot be reached as configured")]
    Connect(#[from] ConnectError),
    /// A channel is configured wrongly.
    #[error("a channel cannot be used")]
    Channel(#[from] ChannelError),
    /// Posters cannot be kept where the configuration says.
    #[error("posters cannot be kept as configured")]
    Posters(#[from] ObjectError),
    /// There is nothing to sign codes with.
    #[error("codes cannot be signed")]
    SigningKeys(#[from] SigningKeyError),
    /// The keys of the reports cannot be read or created.
    #[error("the keys of the reports cannot be used")]
    Keys(#[from] KeysError),
    /// The time zone is no offset from UTC.
    #[error("time_zone_minutes is no offset from UTC")]
    TimeZone,
    /// The server failed.
    #[error("the server of bulletin failed")]
    Serve(#[from] senani_server::ServeError),
}

/// Bulletin, connected and bound, not yet serving.
#[derive(Debug)]
pub struct App {
    config: Config,
    store: Store,
    units: UnitReplica,
    reports: Reports,
    /// By the names of their channels.
    senders: HashMap<String, Sender>,
    hierarchy: Channel,
    membership: Channel,
    time_zone: UtcOffset,
    objects: PosterObjects,
    keys: Arc<SigningKeys>,
    dispatchers: Vec<Dispatcher>,
    bells: Bells,
    /// Ends the workers; cancelled by the stop that [`App::run`] is given.
    ending: CancellationToken,
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

    /// Connects to the database, checks the channels and binds the address. Other services need not be there yet.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn build(config: Config) -> Result<Self, AppError> {
        let time_zone = UtcOffset::from_whole_seconds(config.time_zone_minutes.saturating_mul(60));
        let time_zone = time_zone.map_err(|_| AppError::TimeZone)?;
        let connect = |url: &str| {
            let subject = Some("services/bulletin".to_owned());
            senani_client::connect(url, ClientOptions { subject, ..ClientOptions::default() })
        };
        let (hierarchy, membership) = (connect(&config.hierarchy_url)?, connect(&config.membership_url)?);
        let options = StoreOptions { max_connections: config.database_connections.max(2) };
        let store = Store::connect(&config.database_url, &options).await?;
        let units = UnitReplica::load(store.clone()).await?;
        let reports = Reports::new(store.clone(), Vault::open(&config.reports.keys_file)?);
        let sender = |channel: &ChannelConfig| Ok::<_, ChannelError>((channel.name.clone(), Sender::new(channel)?));
        let senders = config.channels.iter().map(sender).collect::<Result<_, _>>()?;
        let (bells, ending) = (Bells::default(), CancellationToken::new());
        let register = Register::new(membership.clone());
        let objects = PosterObjects::open(&config.poster_store)?;
        let keys = Arc::new(SigningKeys::open(&config.signing_keys_file)?);
        let dispatchers = config
            .channels
            .iter()
            .map(|channel| {
                let (store, register, objects) = (store.clone(), register.clone(), objects.clone());
                Dispatcher::new(store, register, objects, &config, channel, bells.clone(), ending.clone())
            })
            .collect::<Result<_, _>>()?;
        let listen = |error| AppError::Listen(config.listen, error);
        let listener = senani_server::bind(config.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self {
            config,
            store,
            units,
            reports,
            senders,
            hierarchy,
            membership,
            time_zone,
            objects,
            keys,
            dispatchers,
            bells,
            ending,
            listener,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves and works until `stop`; then calls and deliveries under way end, and what is not begun stays in the ledger. Dropped, it ends
    /// at once: the ledger is then as after a crash.
    ///
    /// # Errors
    /// [`AppError::Serve`].
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), AppError> {
        let dispatchers = std::mem::take(&mut self.dispatchers);
        let mut workers = JoinSet::new();
        if self.config.dispatch_concurrency > 0 {
            for dispatcher in dispatchers {
                workers.spawn(dispatcher.run());
            }
        }
        let inbox = self.spawn_workers(&mut workers);
        let server = self.server(inbox, &stop);
        // Workers end while calls are drained.
        let (told, ending) = (stop.clone(), self.ending.clone());
        workers.spawn(async move {
            tokio::select! {
                () = told.cancelled() => ending.cancel(),
                () = ending.cancelled() => {}
            }
        });
        let served = server.serve(self.listener, stop).await;
        self.ending.cancel();
        let ended = async { while workers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("workers that did not end in time are cut, their leases end by themselves");
        }
        Ok(served?)
    }

    fn spawn_workers(&self, workers: &mut JoinSet<()>) -> Inbox {
        let (store, bells, ending) = (&self.store, &self.bells, &self.ending);
        let (inbox, ingesting) = Inbox::new(store.clone(), self.reports.vault().clone(), bells.clone());
        workers.spawn(ingest::serve(ingesting, ending.clone()));
        workers.spawn(apply::run(store.clone(), bells.clone(), ending.clone()));
        let grace = Duration::from_secs(self.config.unknown_grace_seconds);
        workers.spawn(settle::run(store.clone(), grace, bells.clone(), ending.clone()));
        let intake = Intake {
            reports: self.reports.clone(),
            units: self.units.clone(),
            register: Register::new(self.membership.clone()),
            config: self.config.reports.clone(),
            bells: bells.clone(),
        };
        workers.spawn(intake.run(ending.clone()));
        let fetcher = Fetcher {
            reports: self.reports.clone(),
            senders: self.senders.clone(),
            limit: self.config.reports.evidence_max_bytes,
            bells: bells.clone(),
        };
        workers.spawn(fetcher.run(ending.clone()));
        let (kept, rules) = (self.reports.clone(), self.config.reports.clone());
        workers.spawn(reports::run(kept, self.units.clone(), rules, ending.clone()));
        let expander = Expander {
            store: store.clone(),
            units: self.units.clone(),
            register: Register::new(self.membership.clone()),
            channel: self.config.channels.first().map(|channel| channel.name.clone()),
            page: self.config.expand_page.clamp(1, 50_000),
            lease: self.config.lease(),
            bells: bells.clone(),
        };
        workers.spawn(expander.run(ending.clone()));
        workers.spawn(follower::follow(self.hierarchy.clone(), self.units.sink(), ending.clone()));
        workers.spawn(follower::follow(self.membership.clone(), GroupSink::new(store.clone()), ending.clone()));
        let retention = Duration::from_secs(self.config.event_retention_days * 86_400);
        workers.spawn(keep_pruned(store.clone(), retention, ending.clone()));
        inbox
    }

    fn server(&self, inbox: Inbox, stop: &CancellationToken) -> Server {
        let (store, units) = (&self.store, &self.units);
        let public_url: Arc<str> = self.config.public_url.trim_end_matches('/').into();
        let pages = PublicPageApi {
            store: store.clone(),
            units: units.clone(),
            objects: self.objects.clone(),
            keys: Arc::clone(&self.keys),
            public_url: Arc::clone(&public_url),
            time_zone: self.time_zone,
            reading: tokio::sync::Semaphore::new(POSTERS_AT_ONCE),
        };
        let verifications = VerificationApi { store: store.clone(), units: units.clone() };
        let bulletins = BulletinApi {
            store: store.clone(),
            units: units.clone(),
            register: Register::new(self.membership.clone()),
            bells: self.bells.clone(),
            time_zone: self.time_zone,
            posters: Arc::new(PosterLimits {
                rules: self.config.poster_rules(),
                decoding: Arc::new(tokio::sync::Semaphore::new(1)),
            }),
            objects: self.objects.clone(),
            keys: Arc::clone(&self.keys),
            public_url: Arc::clone(&public_url),
            stop: stop.clone(),
        };
        let channels = self.config.channels.iter().map(|channel| channel.name.clone()).collect();
        let deliveries = DeliveryApi { store: store.clone(), units: units.clone(), inbox, channels };
        let tasks = TaskApi { store: store.clone(), units: units.clone() };
        let reports = ReportApi {
            store: store.clone(),
            reports: self.reports.clone(),
            units: units.clone(),
            config: self.config.reports.clone(),
            evidence: Arc::new(tokio::sync::Semaphore::new(2)),
        };
        let duties = DutyApi { store: store.clone(), reports: self.reports.clone() };
        let feed = Feed::new(store.clone(), PresentState, stop.clone());
        // A body at its limit, and what is around it, so that a longer one is refused by us and not by the transport.
        let webhook_bytes = BODY_BYTES + BODY_BYTES / 4;
        Server::new("bulletin")
            .add_service(
                BulletinServiceServer::new(bulletins).max_decoding_message_size(senani_server::DEFAULT_MAX_MESSAGE),
            )
            .add_service(DeliveryServiceServer::new(deliveries).max_decoding_message_size(webhook_bytes))
            .add_service(TaskServiceServer::new(tasks))
            .add_service(VerificationServiceServer::new(verifications))
            .add_service(PublicPageServiceServer::new(pages))
            .add_service(
                ReportServiceServer::new(reports).max_decoding_message_size(senani_server::DEFAULT_MAX_MESSAGE),
            )
            .add_service(DutyServiceServer::new(duties))
            .add_service(EventLogServiceServer::new(feed))
    }
}
