//! Settings of the gateway.

use std::{net::SocketAddr, path::PathBuf};

use senani_config::Secret;
use serde::{Deserialize, Serialize};

/// Configuration of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen, for gRPC and for webhooks.
    pub listen: SocketAddr,
    /// Where hierarchy is: `http://host:port`.
    pub hierarchy_url: String,
    /// Where membership is.
    pub membership_url: String,
    /// Where bulletin is.
    pub bulletin_url: String,
    /// Where analytics is.
    pub analytics_url: String,
    /// Who may come in, with which token; written with two desk officers when it is not there.
    pub identities_file: PathBuf,
    /// The providers that post to us, one for each channel.
    pub webhooks: Vec<Webhook>,
    /// Largest message of a call or an answer, in bytes.
    pub max_message_bytes: usize,
    /// Most streaming calls that are open at once. Each may hold 1 MiB in each direction, so this bounds memory.
    pub max_streams: usize,
    /// Seconds that open calls may go on after the stop. Streams that may have no end are ended after half of it.
    pub drain_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7360)),
            hierarchy_url: "http://127.0.0.1:7361".to_owned(),
            membership_url: "http://127.0.0.1:7362".to_owned(),
            bulletin_url: "http://127.0.0.1:7363".to_owned(),
            analytics_url: "http://127.0.0.1:7364".to_owned(),
            identities_file: PathBuf::from("identities.toml"),
            webhooks: Vec::new(),
            max_message_bytes: senani_server::DEFAULT_MAX_MESSAGE,
            max_streams: 256,
            drain_seconds: senani_server::DRAIN_TIMEOUT.as_secs(),
        }
    }
}

/// A provider that posts receipts and messages to `/webhooks/whatsapp/{channel}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Name of the channel, as in the path: `simulator`.
    pub channel: String,
    /// What the provider signs with.
    pub app_secret: Secret,
    /// What it signed with before, while the secret is being exchanged; empty at other times.
    pub previous_app_secret: Secret,
    /// What it shows when it asks whether we are there.
    pub verify_token: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_come_from_the_environment_with_their_secrets_and_are_shown_without() {
        let webhooks = r#"[{ channel = "simulator", app_secret = "sesame", verify_token = "open" }]"#;
        let environment = [("SENANI_GATEWAY__WEBHOOKS", webhooks), ("SENANI_GATEWAY__MAX_STREAMS", "8")];
        let config: Config = senani_config::load_from("gateway", None, environment).unwrap();
        assert_eq!((config.max_streams, config.listen), (8, Config::default().listen));
        let [webhook] = &config.webhooks[..] else { panic!("{:?}", config.webhooks) };
        assert_eq!((webhook.channel.as_str(), webhook.app_secret.expose()), ("simulator", "sesame"));
        assert!(webhook.previous_app_secret.is_empty());
        assert!(!senani_config::render("gateway", &config).unwrap().contains("sesame"));
    }

    #[test]
    fn a_webhooks_secret_comes_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, file) = (folder.path().join("secret"), folder.path().join("senani.toml"));
        std::fs::write(&secret, "sesame\n").unwrap();
        let section = format!("[[gateway.webhooks]]\nchannel = \"simulator\"\napp_secret = {{ file = {secret:?} }}\n");
        std::fs::write(&file, section).unwrap();
        let config: Config =
            senani_config::load_from("gateway", Some(&file), std::iter::empty::<(String, String)>()).unwrap();
        assert_eq!(config.webhooks[0].app_secret.expose(), "sesame");
    }
}
