//! A cell of processes: each service of the real binary by itself, on one engine.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use senani_client::{Channel, ClientOptions};
use senani_proto::bulletin::v1::WatchProgressResponse;
use senani_testkit::{ChildProcess, Engine, TestDatabase, eventually};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::desk::Desk;
use crate::settings::{APPROVER_TOKEN, AUTHOR_TOKEN, Addresses, Pace, Service, identities, text};
use crate::{binary, provider, recount};

/// Longest that anything here may take: the machine may be compiling at the same time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// File with the keys of the phone numbers.
const KEYS: &str = "phone-keys";

/// A cell whose services are processes. Everything ends and is removed when it is dropped.
#[derive(Debug)]
pub struct Cell {
    addresses: Addresses,
    processes: BTreeMap<Service, ChildProcess>,
    /// What processes said that have ended.
    said: Vec<String>,
    otlp: Option<String>,
    log: String,
    settings: PathBuf,
    folder: TempDir,
    database: TestDatabase,
}

/// How to start a cell.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// How fast it works.
    pub pace: Pace,
    /// Where its traces go.
    pub otlp: Option<String>,
    /// What its processes log; `info` when not said.
    pub log: Option<String>,
    /// The keys of another cell's phone numbers, so that the same number has the same blind index.
    pub keys: Option<Vec<u8>>,
}

impl Cell {
    /// Starts a cell with nothing in it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, Start::default()).await
    }

    /// Starts a cell with nothing in it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(engine: Engine, start: Start) -> Self {
        let folder = tempfile::Builder::new().prefix("senani-cell-").tempdir().expect("a temporary directory");
        let database = senani_testkit::database(engine);
        let addresses = Addresses::choose();
        let settings = folder.path().join("senani.toml");
        std::fs::write(&settings, text(&addresses, &database, folder.path(), start.pace))
            .expect("settings are written");
        write_secret(&folder.path().join("identities.toml"), identities().as_bytes());
        if let Some(keys) = &start.keys {
            write_secret(&folder.path().join(KEYS), keys);
        }
        let mut cell = Self {
            addresses,
            processes: BTreeMap::new(),
            said: Vec::new(),
            otlp: start.otlp,
            log: start.log.unwrap_or_else(|| "info".to_owned()),
            settings,
            folder,
            database,
        };
        cell.migrate().await;
        for service in Service::ALL {
            cell.spawn(service);
        }
        for service in Service::ALL {
            cell.listening(service).await;
        }
        cell
    }

    async fn migrate(&self) {
        let mut migration = self.run(&["migrate"]);
        let status = migration.wait(PATIENCE).await;
        assert!(status.success(), "the migration failed: {status}; its output:\n{}", migration.output().join("\n"));
    }

    /// Starts a command of the binary with the settings of this cell.
    fn run(&self, arguments: &[&str]) -> ChildProcess {
        let mut command = binary::command();
        command.args(arguments).arg("--config").arg(&self.settings).args(["--log-format", "json", "--log", &self.log]);
        command.current_dir(self.folder.path());
        if let Some(otlp) = &self.otlp {
            command.args(["--otlp", otlp]);
        }
        ChildProcess::spawn(command)
    }

    fn spawn(&mut self, service: Service) {
        let process = self.run(&["serve", service.name()]);
        self.processes.insert(service, process);
    }

    /// Waits until a process takes connections.
    async fn listening(&mut self, service: Service) {
        let address = self.addresses.of(service);
        let process = self.processes.get_mut(&service).expect("it was started");
        eventually(PATIENCE, &format!("{} to listen", service.name()), async || {
            assert!(process.is_running(), "{} has ended:\n{}", service.name(), process.output().join("\n"));
            TcpStream::connect(address).await.is_ok()
        })
        .await;
    }

    /// `kill -9` of one process.
    pub fn kill_nine(&mut self, service: Service) {
        if let Some(mut process) = self.processes.remove(&service) {
            process.kill_nine();
            self.said.extend(process.output());
        }
    }

    /// Starts a process again on its old port; `kill -9` before that when it runs.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn restart(&mut self, service: Service) {
        self.kill_nine(service);
        self.spawn(service);
        self.listening(service).await;
    }

    /// Asks a process to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it ends badly or not at all.
    pub async fn stop(&mut self, service: Service) {
        let Some(mut process) = self.processes.remove(&service) else { return };
        process.terminate();
        let status = process.wait(PATIENCE).await;
        self.said.extend(process.output());
        assert!(status.success(), "{} ended with {status}:\n{}", service.name(), process.output().join("\n"));
    }

    /// Ends every process in good order.
    ///
    /// # Panics
    /// When one ends badly or not at all.
    pub async fn stop_all(&mut self) {
        for service in Service::ALL.into_iter().rev() {
            self.stop(service).await;
        }
    }

    /// Everything that the processes have said, ended ones included.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        let running = self.processes.values().flat_map(ChildProcess::output);
        self.said.iter().cloned().chain(running).collect()
    }

    /// The officers at the desk, at the gateway.
    #[must_use]
    pub fn desk(&self) -> Desk {
        Desk::new(self.officer(AUTHOR_TOKEN), self.officer(APPROVER_TOKEN))
    }

    fn officer(&self, token: &str) -> Channel {
        let options = ClientOptions { token: Some(token.to_owned()), deadline: PATIENCE, ..ClientOptions::default() };
        self.connect(Service::Gateway, options)
    }

    /// A channel straight to a service, past the gateway, as an officer.
    #[must_use]
    pub fn channel(&self, service: Service) -> Channel {
        let subject = Some("officers/desk-author".to_owned());
        self.connect(service, ClientOptions { subject, deadline: PATIENCE, ..ClientOptions::default() })
    }

    fn connect(&self, service: Service, options: ClientOptions) -> Channel {
        let address = format!("http://{}", self.addresses.of(service));
        senani_client::connect(&address, options).expect("an address of our own making is well formed")
    }

    /// Where the provider is, `host:port`.
    #[must_use]
    pub fn provider(&self) -> std::net::SocketAddr {
        self.addresses.of(Service::Simulator)
    }

    /// Waits until everything of a bulletin has left the house, the provider has told all that becomes of it, and the ledger has
    /// taken it in.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn settled(&self, bulletin: &str) -> WatchProgressResponse {
        let desk = self.desk();
        desk.settled(bulletin).await;
        let ledger = self.database(Service::Bulletin).await;
        eventually(PATIENCE, "the last receipt to be told and applied", async || {
            let testimony = provider::testimony(self.provider()).await;
            // In this order: what was told is in the inbox until it is applied.
            testimony.is_some_and(|testimony| testimony.pending == 0)
                && recount::number(&ledger, "SELECT count(*) FROM receipt_inbox").await == 0
        })
        .await;
        desk.settled(bulletin).await
    }

    /// A service's own database, for hand-written SQL.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn database(&self, service: Service) -> DatabaseConnection {
        let mut options = ConnectOptions::new(self.database.url(service.name()));
        options.max_connections(2).sqlx_logging(false);
        Database::connect(options).await.expect("the database of a service opens")
    }

    /// The keys of the phone numbers, for [`Start::keys`].
    ///
    /// # Panics
    /// When membership has not written them.
    #[must_use]
    pub fn keys(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join(KEYS)).expect("membership wrote its keys")
    }

    /// Runs `senani keys` with the key file of this cell, against its gateway where it asks; what it printed, and whether it went
    /// well.
    pub async fn key_command(&self, arguments: &[&str]) -> (String, bool) {
        let mut command = binary::command();
        command.arg("keys").args(arguments).arg("--file").arg(self.folder.path().join(KEYS));
        if arguments != ["rotate"] {
            let gateway = format!("http://{}", self.addresses.of(Service::Gateway));
            command.args(["--address", &gateway, "--token", AUTHOR_TOKEN]);
        }
        let mut process = ChildProcess::spawn(command);
        let status = process.wait(PATIENCE).await;
        (process.output().join("\n"), status.success())
    }

    /// The folder of the cell.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        // Whoever reads a failed test wants to know what the processes had to say.
        if std::thread::panicking() {
            for line in self.output().iter().filter(|line| !line.contains("INFO") && !line.contains("DEBUG")) {
                eprintln!("{line}");
            }
        }
    }
}

/// Writes a file that only its owner may read.
fn write_secret(path: &Path, content: &[u8]) {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content)).expect("a secret is written");
}
