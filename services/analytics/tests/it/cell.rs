//! Analytics and the three logs that it follows.

use std::net::SocketAddr;
use std::time::Duration;

use senani_analytics::{App, AppError, Config};
use senani_client::{Channel, ClientOptions};
use senani_proto::analytics::v1::coverage_service_client::CoverageServiceClient;
use senani_proto::analytics::v1::reach_service_client::ReachServiceClient;
use senani_proto::analytics::v1::{Coverage, CoverageFigures, GetCoverageRequest, GetReachRequest, Reach};
use senani_proto::hierarchy::v1::UnitKind;
use senani_store::{Store, StoreOptions, cursor};
use senani_testkit::{Engine, TestDatabase, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::log::Log;

/// How long a test waits for what should take moments, on a machine that is busy compiling.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The logs of the services that analytics follows.
pub(crate) struct Cell {
    database: TestDatabase,
    pub(crate) hierarchy: Log,
    pub(crate) membership: Log,
    pub(crate) bulletin: Log,
}

impl Cell {
    pub(crate) async fn start(engine: Engine) -> Self {
        let database = senani_testkit::database(engine);
        Self {
            hierarchy: Log::start("hierarchy", &database.url("hierarchy")).await,
            membership: Log::start("membership", &database.url("membership")).await,
            bulletin: Log::start("bulletin", &database.url("bulletin")).await,
            database,
        }
    }

    /// Starts analytics on its own database.
    pub(crate) async fn analytics(&self) -> Analytics {
        self.analytics_on("analytics").await
    }

    /// Starts analytics on the database of this name.
    pub(crate) async fn analytics_on(&self, database: &str) -> Analytics {
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: self.database.url(database),
            hierarchy_url: self.hierarchy.url(),
            membership_url: self.membership.url(),
            bulletin_url: self.bulletin.url(),
            ..Config::default()
        };
        App::migrate(&config).await.unwrap();
        let database_url = config.database_url.clone();
        let app = App::build(config).await.unwrap();
        let address = app.address();
        let stop = CancellationToken::new();
        let running = tokio::spawn(app.run(stop.clone()));
        Analytics { address, database_url, stop, running }
    }

    pub(crate) async fn all_go_down(&mut self) {
        self.hierarchy.go_down().await;
        self.membership.go_down().await;
        self.bulletin.go_down().await;
    }
}

/// Analytics, running.
pub(crate) struct Analytics {
    address: SocketAddr,
    database_url: String,
    stop: CancellationToken,
    running: JoinHandle<Result<(), AppError>>,
}

impl Analytics {
    pub(crate) fn channel(&self, subject: Option<&str>) -> Channel {
        let options = ClientOptions { subject: subject.map(str::to_owned), ..ClientOptions::default() };
        senani_client::connect(&format!("http://{}", self.address), options).unwrap()
    }

    pub(crate) async fn coverage(&self, unit: &str, part_kind: UnitKind) -> Result<Coverage, Status> {
        let mut client = CoverageServiceClient::new(self.channel(Some("officers/desk-author")));
        let request = GetCoverageRequest { unit: unit.to_owned(), part_kind: part_kind as i32 };
        client.get_coverage(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn reach(&self, bulletin: &str) -> Result<Reach, Status> {
        let mut client = ReachServiceClient::new(self.channel(Some("officers/desk-author")));
        let request = GetReachRequest { bulletin: bulletin.to_owned() };
        client.get_reach(request).await.map(tonic::Response::into_inner)
    }

    /// The figures of the state as soon as they hold; the last ones are in the panic.
    pub(crate) async fn state_figures(&self, holds: impl Fn(&CoverageFigures) -> bool) -> CoverageFigures {
        eventually(DEADLINE, "the figures of the state", async || {
            let coverage = self.coverage("units/bihar", UnitKind::District).await.ok()?;
            coverage.figures.filter(&holds)
        })
        .await
    }

    pub(crate) async fn store(&self) -> Store {
        Store::connect(&self.database_url, &StoreOptions::default()).await.unwrap()
    }

    /// Where it stands in a log, as its database has it.
    pub(crate) async fn cursor(&self, source: &str) -> String {
        cursor::load(self.store().await.reader(), source).await.unwrap()
    }

    /// Waits until everything told so far is applied, and counted.
    pub(crate) async fn hear_all(&self, cell: &Cell) {
        for (source, log) in
            [("hierarchy", &cell.hierarchy), ("membership", &cell.membership), ("bulletin", &cell.bulletin)]
        {
            let head = log.head().await;
            let store = self.store().await;
            eventually(DEADLINE, "everything told to be heard", async || {
                cursor::load(store.reader(), source).await.unwrap() == head
            })
            .await;
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }

    /// Ends it wherever it is.
    pub(crate) async fn kill(self) {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }
}
