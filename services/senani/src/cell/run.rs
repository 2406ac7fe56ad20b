//! Building and running services in this process.

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Folder, Ready, Running, Settings};
use crate::cli::Service;

macro_rules! ready {
    ($name:literal, $app:expr) => {{
        let app = $app;
        let address = app.address();
        Ready { name: $name, address, run: Box::new(move |stop| tokio::spawn(async move { Ok(app.run(stop).await?) })) }
    }};
}

pub(super) async fn hierarchy(config: senani_hierarchy::Config) -> anyhow::Result<Ready> {
    Ok(ready!("hierarchy", hierarchy_app(config).await?))
}

async fn hierarchy_app(config: senani_hierarchy::Config) -> anyhow::Result<senani_hierarchy::App> {
    senani_hierarchy::App::build(config).await.context("hierarchy cannot start")
}

pub(super) async fn membership(config: senani_membership::Config) -> anyhow::Result<Ready> {
    Ok(ready!("membership", senani_membership::App::build(config).await.context("membership cannot start")?))
}

pub(super) async fn bulletin(config: senani_bulletin::Config) -> anyhow::Result<Ready> {
    Ok(ready!("bulletin", senani_bulletin::App::build(config).await.context("bulletin cannot start")?))
}

pub(super) async fn analytics(config: senani_analytics::Config) -> anyhow::Result<Ready> {
    Ok(ready!("analytics", senani_analytics::App::build(config).await.context("analytics cannot start")?))
}

/// The gateway, and the tokens that it knows with the officers who hold them.
pub(super) async fn gateway(config: senani_gateway::Config) -> anyhow::Result<(Ready, Vec<(String, String)>)> {
    let app = senani_gateway::App::build(config).await.context("the gateway cannot start")?;
    let tokens = app
        .identities()
        .iter()
        .map(|identity| (identity.subject().to_owned(), identity.token().expose().to_owned()))
        .collect();
    Ok((ready!("gateway", app), tokens))
}

/// The simulator, and the handle to look into it.
pub(super) async fn simulator(config: senani_simulator::Config) -> anyhow::Result<(Ready, senani_simulator::Handle)> {
    let app = senani_simulator::App::build(config).await.context("the simulator cannot start")?;
    let handle = app.handle();
    Ok((ready!("simulator", app), handle))
}

/// Migrates the database of one service, or of all.
pub(super) async fn migrate(settings: &Settings, service: Option<Service>) -> anyhow::Result<()> {
    let wanted = |one| service.is_none_or(|service| service == one);
    if wanted(Service::Hierarchy) {
        senani_hierarchy::App::migrate(&settings.hierarchy).await.context("hierarchy cannot be migrated")?;
    }
    if wanted(Service::Membership) {
        senani_membership::App::migrate(&settings.membership).await.context("membership cannot be migrated")?;
    }
    if wanted(Service::Bulletin) {
        senani_bulletin::App::migrate(&settings.bulletin).await.context("bulletin cannot be migrated")?;
    }
    if wanted(Service::Analytics) {
        senani_analytics::App::migrate(&settings.analytics).await.context("analytics cannot be migrated")?;
    }
    Ok(())
}

/// A whole cell in this process.
pub(crate) struct Cell {
    address: String,
    tokens: Vec<(String, String)>,
    simulator: senani_simulator::Handle,
    services: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl Cell {
    /// Migrates, builds and starts every service. They find each other by the ports that they took, so each is built after those
    /// that it calls; the simulator learns last where its receipts go.
    pub(crate) async fn start(
        mut settings: Settings,
        folder: &Folder,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        migrate(&settings, None).await?;
        let url = |ready: &Ready| format!("http://{}", ready.address);
        let (simulator, handle) = simulator(settings.simulator.clone()).await?;
        settings.connect_simulator(simulator.address);
        let mut structure = hierarchy_app(settings.hierarchy).await?;
        let structure_url = format!("http://{}", structure.address());
        settings.membership.hierarchy_url.clone_from(&structure_url);
        let membership = membership(settings.membership).await?;
        settings.bulletin.hierarchy_url.clone_from(&structure_url);
        settings.bulletin.membership_url = url(&membership);
        let bulletin = bulletin(settings.bulletin).await?;
        // They call each other: hierarchy is built before them, and asks them only when an officer is transferred.
        structure.ask(&url(&membership), &url(&bulletin))?;
        let hierarchy = ready!("hierarchy", structure);
        settings.analytics.hierarchy_url = url(&hierarchy);
        settings.analytics.membership_url = url(&membership);
        settings.analytics.bulletin_url = url(&bulletin);
        let analytics = analytics(settings.analytics).await?;
        settings.gateway.hierarchy_url = url(&hierarchy);
        settings.gateway.membership_url = url(&membership);
        settings.gateway.bulletin_url = url(&bulletin);
        settings.gateway.analytics_url = url(&analytics);
        let (gateway, tokens) = gateway(settings.gateway).await?;
        handle.set_webhook_url(&Settings::webhook_url(gateway.address))?;
        let address = format!("http://{}", gateway.address);
        folder.announce(&Running { address: address.clone() })?;

        let mut services = JoinSet::new();
        for ready in [simulator, hierarchy, membership, bulletin, analytics, gateway] {
            services.spawn(ready.spawn(stop.clone()).ended());
        }
        Ok(Self { address, tokens, simulator: handle, services, stop })
    }

    /// Address of the gateway.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The token of the first officer.
    pub(crate) fn token(&self) -> &str {
        self.tokens.first().map_or("", |(_, token)| token)
    }

    /// The officers and their tokens.
    pub(crate) fn tokens(&self) -> &[(String, String)] {
        &self.tokens
    }

    /// The provider's own record.
    pub(crate) fn simulator(&self) -> &senani_simulator::Handle {
        &self.simulator
    }

    /// Waits until every service has ended; the first that fails stops the others.
    pub(crate) async fn finished(mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        while let Some(ended) = self.services.join_next().await {
            let ended = ended.context("a service ended abruptly").and_then(|ended| ended);
            self.stop.cancel();
            outcome = outcome.and(ended);
        }
        outcome
    }
}
