//! One sender at a provider: where it posts and as whom.

use http::{HeaderValue, Uri};

use super::connection::Connection;
use crate::config::ChannelConfig;

/// A channel that cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("channel {channel}: {field} {what}")]
pub struct ChannelError {
    /// The channel's name.
    pub channel: String,
    /// The field of its configuration.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

/// A sender: the parts of a request that are the same for every message.
#[derive(Debug, Clone)]
pub struct Sender {
    pub(super) host: String,
    pub(super) port: u16,
    /// `host:port`, for the header.
    pub(super) authority: HeaderValue,
    /// `Bearer …`, never shown.
    pub(super) authorization: HeaderValue,
    /// `/{version}/{sender}/messages`.
    pub(super) messages: Uri,
    /// `/{version}/{sender}/media`.
    pub(super) media: Uri,
    /// `/{version}/`, before the id of a file.
    pub(super) root: String,
    /// The sender, of whom files are asked.
    pub(super) phone_number_id: String,
    pub(super) timeout: std::time::Duration,
}

impl Sender {
    /// The sender of a channel.
    ///
    /// # Errors
    /// [`ChannelError`] names the field that is wrong.
    pub fn new(config: &ChannelConfig) -> Result<Self, ChannelError> {
        let wrong = |field, what| ChannelError { channel: config.name.clone(), field, what };
        let segment = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if !segment(&config.name) {
            return Err(wrong("name", "must be letters, digits, dots and dashes"));
        }
        let url: Uri = config.url.parse().map_err(|_| wrong("url", "must be http://host:port"))?;
        let authority = url
            .authority()
            .filter(|_| url.scheme_str() == Some("http") && matches!(url.path(), "" | "/") && url.query().is_none())
            .ok_or_else(|| wrong("url", "must be http://host:port"))?;
        if !segment(&config.api_version) || !segment(&config.phone_number_id) {
            return Err(wrong("phone_number_id", "and api_version must be path segments"));
        }
        if config.template.is_empty()
            || !config.template.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            return Err(wrong("template", "must be the name of a template"));
        }
        let path = |last: &str| {
            let path = format!("/{}/{}/{last}", config.api_version, config.phone_number_id);
            path.parse::<Uri>().map_err(|_| wrong("phone_number_id", "must be a path segment"))
        };
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", config.token.expose()))
            .map_err(|_| wrong("token", "holds characters that no token has"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            host: authority.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::try_from(authority.as_str())
                .map_err(|_| wrong("url", "must be http://host:port"))?,
            authorization,
            messages: path("messages")?,
            media: path("media")?,
            root: format!("/{}/", config.api_version),
            phone_number_id: config.phone_number_id.clone(),
            timeout: std::time::Duration::from_secs(config.timeout_seconds.max(1)),
        })
    }

    /// A connection of its own, made when first used.
    pub fn connection(&self) -> Connection {
        Connection::new(self.clone())
    }
}
