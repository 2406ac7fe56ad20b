//! Starting services: one, or a whole cell in this process.

mod folder;
mod run;
mod settings;

use std::path::Path;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

pub(crate) use folder::{Folder, Running};
pub(crate) use run::Cell;
pub(crate) use settings::Settings;

use crate::cli::{Service, Up};

/// Runs a whole cell until a signal.
pub(crate) async fn up(up: Up, config: Option<&Path>) -> anyhow::Result<()> {
    let stop = senani_server::stop_signal();
    let folder = Folder::open(&up.place.data)?;
    let settings = Settings::of_a_cell(config, &folder, up.place.database.as_deref(), up.place.listen)?;
    let cell = Cell::start(settings, &folder, stop.clone()).await?;
    println!("Senani is ready at {}", cell.address());
    println!("A token to try it with: {}", cell.token());
    println!("Ctrl-C stops it.");
    cell.finished().await
}

/// Runs one service until a signal. Its database must be migrated (`senani migrate`).
pub(crate) async fn serve(service: Service, config: Option<&Path>) -> anyhow::Result<()> {
    let stop = senani_server::stop_signal();
    let settings = Settings::load(config)?;
    match service {
        Service::Hierarchy => run::hierarchy(settings.hierarchy).await?.spawn(stop).ended().await,
        Service::Membership => run::membership(settings.membership).await?.spawn(stop).ended().await,
        Service::Bulletin => run::bulletin(settings.bulletin).await?.spawn(stop).ended().await,
        Service::Analytics => run::analytics(settings.analytics).await?.spawn(stop).ended().await,
        Service::Gateway => run::gateway(settings.gateway).await?.0.spawn(stop).ended().await,
        Service::Simulator => run::simulator(settings.simulator).await?.0.spawn(stop).ended().await,
    }
}

/// Migrates one service's database, or all.
pub(crate) async fn migrate(service: Option<Service>, config: Option<&Path>) -> anyhow::Result<()> {
    let settings = Settings::load(config)?;
    run::migrate(&settings, service).await
}

/// A service's settings in force.
pub(crate) fn print_config(service: Service, config: Option<&Path>) -> anyhow::Result<String> {
    let settings = Settings::load(config)?;
    settings.render(service).context("the settings cannot be printed")
}

/// A service that runs in this process.
pub(crate) struct Started {
    pub(crate) name: &'static str,
    pub(crate) task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

/// A service that is connected and bound, not yet serving.
pub(crate) struct Ready {
    pub(crate) name: &'static str,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) run: Box<dyn FnOnce(CancellationToken) -> tokio::task::JoinHandle<anyhow::Result<()>> + Send>,
}

impl Ready {
    pub(crate) fn spawn(self, stop: CancellationToken) -> Started {
        tracing::info!(service = self.name, address = %self.address, "listening");
        Started { name: self.name, task: (self.run)(stop) }
    }
}

impl Started {
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        let ended = self.task.await.with_context(|| format!("{} ended abruptly", self.name))?;
        ended.with_context(|| format!("{} failed", self.name))
    }
}
