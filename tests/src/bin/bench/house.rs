//! A whole cell in one process, on PostgreSQL, and a provider in another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use senani_client::{Channel, ClientOptions};
use senani_testkit::{ChildProcess, PostgresServer, eventually};
use senani_tests::{Desk, Service, binary, ports};
use serde_json::json;
use tempfile::TempDir;

use crate::figure::{Figure, Limit};
use crate::machine;

/// Longest that a step may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(900);

/// Starts to ready that are measured.
const STARTS: usize = 5;

/// The cell under measurement.
pub(crate) struct House<'s> {
    pub(crate) server: &'s PostgresServer,
    pub(crate) provider: ChildProcess,
    pub(crate) provider_address: SocketAddr,
    cell: ChildProcess,
    gateway: SocketAddr,
    folder: TempDir,
    /// Name of the database; each service adds its own.
    database: String,
}

impl<'s> House<'s> {
    /// Starts a cell on databases of its own, whose names begin with this one.
    pub(crate) async fn start(server: &'s PostgresServer, database: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("senani-bench-").tempdir()?;
        let (gateway, provider_address) = (ports::free(), ports::free());
        std::fs::write(folder.path().join("cell.toml"), cell_settings(provider_address))?;
        std::fs::write(folder.path().join("provider.toml"), provider_settings(provider_address, gateway))?;
        let provider = start(&folder, "provider.toml", &["serve", "simulator"]);
        let cell = start_cell(&folder, &server.url(database), gateway);
        let database = database.to_owned();
        let mut house = Self { server, provider, provider_address, cell, gateway, folder, database };
        house.ready().await;
        eventually(PATIENCE, "the provider", async || {
            senani_tests::provider::testimony(provider_address).await.is_some()
        })
        .await;
        Ok(house)
    }

    async fn ready(&mut self) {
        self.cell.wait_for_line("Senani is ready at", PATIENCE).await;
    }

    /// The officers, at the gateway.
    pub(crate) fn desk(&self) -> Desk {
        Desk::new(self.officer(0), self.officer(1))
    }

    /// A channel to the gateway.
    pub(crate) fn officer(&self, number: usize) -> Channel {
        let identities =
            std::fs::read_to_string(self.folder.path().join("data/identities.toml")).expect("the gateway wrote it");
        let mut tokens = identities.lines().filter_map(|line| line.strip_prefix("token = "));
        let token = tokens.nth(number).expect("there are two officers").trim_matches('"').to_owned();
        let options = ClientOptions { token: Some(token), deadline: PATIENCE, ..ClientOptions::default() };
        senani_client::connect(&format!("http://{}", self.gateway), options).expect("a well-formed address")
    }

    /// A channel straight to a service, past the gateway, as `subject`.
    pub(crate) fn service(&self, service: Service, subject: &str) -> anyhow::Result<Channel> {
        let address = self.cell.output().iter().find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let fields = &line["fields"];
            let listens = line["message"] == "listening" && fields["service"] == service.name();
            listens.then(|| fields["address"].as_str().map(str::to_owned))?
        });
        let address = address.with_context(|| format!("the cell did not say where {} listens", service.name()))?;
        let options =
            ClientOptions { subject: Some(subject.to_owned()), deadline: PATIENCE, ..ClientOptions::default() };
        Ok(senani_client::connect(&format!("http://{address}"), options)?)
    }

    /// URL of a service's own database.
    pub(crate) fn database(&self, service: Service) -> String {
        self.server.url(&format!("{}_{}", self.database, service.name()))
    }

    /// The most memory that the cell has used, in MB.
    pub(crate) fn peak_memory(&self) -> f64 {
        machine::peak_memory(&self.process().to_string())
    }

    /// Id of the cell's process.
    pub(crate) fn process(&self) -> u32 {
        self.cell.id()
    }

    /// Start to ready on the databases that are there.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<Figure> {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            self.end_cell().await?;
            let began = Instant::now();
            self.cell = start_cell(&self.folder, &self.server.url(&self.database), self.gateway);
            self.ready().await;
            times.push(began.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        Ok(Figure {
            name: "ready",
            work: "start to ready on an existing database".to_owned(),
            measured: times[STARTS / 2],
            beside: None,
            unit: "s",
            limit: Limit::AtMost(1.0),
            details: json!({"all": times}),
        })
    }

    async fn end_cell(&mut self) -> anyhow::Result<()> {
        self.cell.terminate();
        let status = self.cell.wait(PATIENCE).await;
        ensure!(status.success(), "the cell ended with {status}:\n{}", self.cell.output().join("\n"));
        Ok(())
    }

    /// Ends the cell in good order.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        self.end_cell().await
    }
}

fn start_cell(folder: &TempDir, url: &str, gateway: SocketAddr) -> ChildProcess {
    let data = folder.path().join("data").display().to_string();
    let listen = gateway.to_string();
    start(folder, "cell.toml", &["up", "--data", &data, "--database", url, "--listen", &listen])
}

fn start(folder: &TempDir, settings: &str, arguments: &[&str]) -> ChildProcess {
    let mut command = binary::command();
    command.args(arguments).arg("--config").arg(folder.path().join(settings)).args(["--log-format", "json"]);
    ChildProcess::spawn(command)
}

/// The time-out is long because the provider is stopped while the ledger is written.
fn cell_settings(provider: SocketAddr) -> String {
    format!(
        "[[bulletin.channels]]\nname = \"provider\"\nurl = \"http://{provider}\"\ntoken = \"provider-token\"\n\
         phone_number_id = \"106540352242922\"\ntimeout_seconds = 600\n\
         [[gateway.webhooks]]\nchannel = \"provider\"\napp_secret = \"provider-secret\"\nverify_token = \"unused\"\n"
    )
}

/// No faults, and receipts only when the measurement is long over: the dispatch is measured, not them.
fn provider_settings(provider: SocketAddr, gateway: SocketAddr) -> String {
    format!(
        "[simulator]\nlisten = \"{provider}\"\nwebhook_url = \"http://{gateway}/webhooks/whatsapp/provider\"\n\
         token = \"provider-token\"\napp_secret = \"provider-secret\"\nphone_number_id = \"106540352242922\"\n\
         pending_capacity = 10000000\n\
         [simulator.delays]\nsent = {{ from = 86400000, to = 86400000 }}\n"
    )
}
