//! The event log of a service that is not there: a real feed over a database of its own, told by the test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_server::EventLogServiceServer;
use senani_server::Server;
use senani_store::event_log::{Feed, Snapshot, create_tables, prune_before};
use senani_store::{ReadTransaction, Store, StoreOptions, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Log {
    service: &'static str,
    store: Store,
    present: Present,
    address: SocketAddr,
    serving: Option<(CancellationToken, JoinHandle<()>)>,
}

/// What a snapshot answers.
#[derive(Clone, Default)]
struct Present(Arc<Mutex<Vec<Payload>>>);

impl Snapshot for Present {
    async fn payloads(&self, _: &ReadTransaction) -> Result<Vec<Payload>, DbErr> {
        Ok(self.0.lock().unwrap().clone())
    }
}

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Tables)]
    }
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "m0001_log"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager).await
    }
}

impl Log {
    pub(crate) async fn start(service: &'static str, database_url: &str) -> Self {
        senani_store::migrate::<Migrator>(database_url).await.unwrap();
        let store = Store::connect(database_url, &StoreOptions::default()).await.unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut log = Self { service, store, present: Present::default(), address, serving: None };
        log.serve();
        log
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Appends events, in one transaction.
    pub(crate) async fn tell(&self, payloads: Vec<Payload>) {
        let mut txn = self.store.begin_write().await.unwrap();
        txn.append(payloads).await.unwrap();
        txn.commit().await.unwrap();
    }

    /// Sets what a snapshot answers.
    pub(crate) fn stand_at(&self, payloads: Vec<Payload>) {
        *self.present.0.lock().unwrap() = payloads;
    }

    /// Forgets all events so far.
    pub(crate) async fn prune(&self) {
        let end = Timestamp(Timestamp::now().0 + 1_000_000);
        assert!(prune_before(&self.store, end).await.unwrap() > 0, "there was something to forget");
    }

    /// The cursor of who has heard everything.
    pub(crate) async fn head(&self) -> String {
        let bounds = senani_store::event_log::bounds(self.store.reader()).await.unwrap();
        format!("{}.{}", bounds.epoch, bounds.position)
    }

    /// Takes the service down.
    pub(crate) async fn go_down(&mut self) {
        let (stop, served) = self.serving.take().expect("it is up");
        stop.cancel();
        served.await.unwrap();
    }

    fn serve(&mut self) {
        let listener = senani_server::bind(self.address).unwrap();
        self.address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let feed = Feed::new(self.store.clone(), self.present.clone(), stop.clone());
        let server = Server::new(self.service).add_service(EventLogServiceServer::new(feed));
        let served = server.serve(listener, stop.clone());
        self.serving = Some((stop, tokio::spawn(async { served.await.unwrap() })));
    }
}
