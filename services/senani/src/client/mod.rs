//! Commands that ask a running cell, through the gateway like any other client.

pub(crate) mod coverage;
pub(crate) mod figures;
pub(crate) mod keys;
pub(crate) mod reach;
pub(crate) mod rejected;
pub(crate) mod roster;
pub(crate) mod unit;

use anyhow::Context as _;
use senani_client::{Channel, ClientOptions};
use serde::Deserialize;
use tonic::Status;

use crate::cell::Running;
use crate::cli::Door;

/// What the gateway keeps of who may come in; only the tokens matter here.
#[derive(Deserialize)]
struct Identities {
    identity: Vec<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    token: String,
}

/// A channel to the gateway of a running cell.
pub(crate) fn connect(door: &Door) -> anyhow::Result<Channel> {
    let address = match &door.address {
        Some(address) => address.clone(),
        None => Running::read(&door.data)?.address,
    };
    let token = match &door.token {
        Some(token) => token.clone(),
        None => {
            let path = door.data.join("identities.toml");
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("no token in {}; give one with --token", path.display()))?;
            let identities: Identities =
                toml::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))?;
            identities.identity.into_iter().next().context("there is no identity; give a token with --token")?.token
        }
    };
    as_officer(&address, &token)
}

/// A channel to the gateway at `address`, showing `token`.
pub(crate) fn as_officer(address: &str, token: &str) -> anyhow::Result<Channel> {
    let options = ClientOptions { token: Some(token.to_owned()), ..ClientOptions::default() };
    Ok(senani_client::connect(address, options)?)
}

/// What a call that failed says to a person: the message, the wrong fields, the listed reason.
pub(crate) fn told(status: &Status) -> anyhow::Error {
    let mut text = if status.message().is_empty() {
        format!("the call failed: {:?}", status.code())
    } else {
        status.message().to_owned()
    };
    for violation in senani_error::violations_of(status) {
        text.push_str(&format!("\n  {}: {}", violation.field, violation.description));
    }
    if let Some(reason) = senani_error::reason_of(status) {
        text.push_str(&format!(" [{reason}]"));
    }
    anyhow::anyhow!(text)
}
