//! The settings of every service.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use senani_config::ConfigError;

use super::Folder;
use crate::cli::Service;

/// Sections of the file and the environment.
const SECTIONS: [&str; 6] = ["hierarchy", "membership", "bulletin", "analytics", "gateway", "simulator"];

/// The channel that the simulator stands behind.
const SIMULATOR: &str = "simulator";

/// The settings of every service.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) hierarchy: senani_hierarchy::Config,
    pub(crate) membership: senani_membership::Config,
    pub(crate) bulletin: senani_bulletin::Config,
    pub(crate) analytics: senani_analytics::Config,
    pub(crate) gateway: senani_gateway::Config,
    pub(crate) simulator: senani_simulator::Config,
}

impl Settings {
    /// Defaults, then the file, then the environment.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let variables = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("SENANI_") && name.contains("__")
        });
        senani_config::check_sections(&SECTIONS, file, variables)?;
        Self::sections(file).context("the settings cannot be used")
    }

    fn sections(file: Option<&Path>) -> Result<Self, ConfigError> {
        Ok(Self {
            hierarchy: senani_config::load("hierarchy", file)?,
            membership: senani_config::load("membership", file)?,
            bulletin: senani_config::load("bulletin", file)?,
            analytics: senani_config::load("analytics", file)?,
            gateway: senani_config::load("gateway", file)?,
            simulator: senani_config::load("simulator", file)?,
        })
    }

    /// The settings of a cell in one process: everything in one folder, every service but the gateway on a free port, the simulator
    /// as the one channel unless the file names others.
    pub(crate) fn of_a_cell(
        file: Option<&Path>,
        folder: &Folder,
        database: Option<&str>,
        listen: SocketAddr,
    ) -> anyhow::Result<Self> {
        let mut settings = Self::load(file)?;
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.hierarchy.listen = free;
        settings.membership.listen = free;
        settings.bulletin.listen = free;
        settings.analytics.listen = free;
        settings.simulator.listen = free;
        settings.gateway.listen = listen;
        settings.hierarchy.database_url = database_url(folder, database, "hierarchy")?;
        settings.membership.database_url = database_url(folder, database, "membership")?;
        settings.bulletin.database_url = database_url(folder, database, "bulletin")?;
        settings.analytics.database_url = database_url(folder, database, "analytics")?;
        settings.membership.keys_file = folder.file("phone-keys");
        if settings.bulletin.public_url == senani_bulletin::Config::default().public_url {
            settings.bulletin.public_url = format!("http://{listen}");
        }
        settings.bulletin.signing_keys_file = folder.file("signing-keys");
        if !settings.bulletin.poster_store.url.starts_with("s3://") {
            settings.bulletin.poster_store.url = folder.file("posters").display().to_string();
        }
        settings.bulletin.reports.keys_file = folder.file("report-keys");
        settings.gateway.identities_file = folder.file("identities.toml");
        settings.simulator.record_path = Some(folder.file("simulator.record"));
        if settings.bulletin.channels.is_empty() {
            settings.bulletin.channels = vec![senani_bulletin::ChannelConfig {
                name: SIMULATOR.to_owned(),
                token: settings.simulator.token.as_str().into(),
                phone_number_id: settings.simulator.phone_number_id.clone(),
                api_version: settings.simulator.api_version.clone(),
                ..senani_bulletin::ChannelConfig::default()
            }];
            // The simulator's receipts come within seconds: what has none by then was not sent.
            settings.bulletin.unknown_grace_seconds = 15;
        }
        if settings.gateway.webhooks.is_empty() {
            settings.gateway.webhooks = vec![senani_gateway::Webhook {
                channel: SIMULATOR.to_owned(),
                app_secret: settings.simulator.app_secret.as_str().into(),
                // The simulator does not ask whether we are there, so nobody needs to know what to show.
                verify_token: uuid::Uuid::new_v4().to_string().as_str().into(),
                ..senani_gateway::Webhook::default()
            }];
        }
        Ok(settings)
    }

    /// Points the simulator's channel at the simulator.
    pub(crate) fn connect_simulator(&mut self, address: SocketAddr) {
        for channel in &mut self.bulletin.channels {
            if channel.name == SIMULATOR {
                channel.url = format!("http://{address}");
            }
        }
    }

    /// Where the simulator posts its receipts.
    pub(crate) fn webhook_url(gateway: SocketAddr) -> String {
        format!("http://{gateway}/webhooks/whatsapp/{SIMULATOR}")
    }

    /// One service's settings as TOML, secrets hidden.
    pub(crate) fn render(&self, service: Service) -> Result<String, ConfigError> {
        let mut settings = self.clone();
        for url in [
            &mut settings.hierarchy.database_url,
            &mut settings.membership.database_url,
            &mut settings.bulletin.database_url,
            &mut settings.analytics.database_url,
        ] {
            *url = without_password(url);
        }
        match service {
            Service::Hierarchy => senani_config::render("hierarchy", &settings.hierarchy),
            Service::Membership => senani_config::render("membership", &settings.membership),
            Service::Bulletin => senani_config::render("bulletin", &settings.bulletin),
            Service::Analytics => senani_config::render("analytics", &settings.analytics),
            Service::Gateway => senani_config::render("gateway", &settings.gateway),
            Service::Simulator => senani_config::render("simulator", &settings.simulator),
        }
    }
}

/// A service's own database: a file in the folder, or `NAME_<service>` beside the database that was named.
fn database_url(folder: &Folder, database: Option<&str>, service: &str) -> anyhow::Result<String> {
    let Some(url) = database else {
        return Ok(format!("sqlite://{}", folder.file(&format!("{service}.sqlite")).display()));
    };
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let rest = base.strip_prefix("postgres://").or_else(|| base.strip_prefix("postgresql://"));
    let rest = rest.context("--database takes a URL like postgres://user@host:5432/senani")?;
    let (server, name) = rest.split_once('/').unwrap_or((rest, ""));
    let name = if name.is_empty() { "senani" } else { name };
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    Ok(format!("postgres://{server}/{name}_{service}{query}"))
}

/// A database's URL with its password hidden.
fn without_password(url: &str) -> String {
    let hidden = url.split_once("://").and_then(|(scheme, rest)| {
        let (login, place) = rest.split_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    });
    hidden.unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_and_nothing_else() {
        assert_eq!(without_password("postgres://u:p@h:5432/d?x=1"), "postgres://u:***@h:5432/d?x=1");
        assert_eq!(without_password("postgres://u@h/d"), "postgres://u@h/d");
        assert_eq!(without_password("sqlite:///a/b.sqlite"), "sqlite:///a/b.sqlite");
    }
}
