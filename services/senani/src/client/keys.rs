//! `senani keys`.

use std::path::Path;

use anyhow::{Context as _, bail};
use senani_membership::key_file;
use senani_proto::membership::v1::privacy_service_client::PrivacyServiceClient;
use senani_proto::membership::v1::{GetKeyStatusRequest, KeyVersion};

use super::{connect, told};
use crate::cli::{Door, KeysCommand};

/// Does what was asked with the key file.
pub(crate) async fn run(command: &KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::Rotate { file } => rotate(&file.file),
        KeysCommand::Show { file, door } => show(&file.file, door).await,
        KeysCommand::Drop { version, file, door } => drop_version(&file.file, *version, door).await,
    }
}

fn rotate(file: &Path) -> anyhow::Result<()> {
    let version = key_file::rotate(file).context("the key file is as it was")?;
    println!("version {version} wraps from now on; keep a copy of {} in a safe place", file.display());
    Ok(())
}

async fn show(file: &Path, door: &Door) -> anyhow::Result<()> {
    let versions = key_file::versions(file)?;
    let counts = match status(door).await {
        Ok(status) => Some(status),
        Err(error) => {
            eprintln!("senani: how many keys each version wraps is not known: {error:#}");
            None
        }
    };
    println!("version  wraps");
    for version in &versions {
        let count = counts.as_ref().map(|status| wrapped_by(status, *version));
        let newest = if versions.last() == Some(version) { "  (wraps new keys)" } else { "" };
        println!("{version:>7}  {}{newest}", count.map_or_else(|| "?".to_owned(), |count| count.to_string()));
    }
    for lost in counts.iter().flatten().filter(|version| !version.held && version.key_count > 0) {
        println!(
            "{:>7}  {}  (the services do not have it: these members cannot be read)",
            lost.version, lost.key_count
        );
    }
    Ok(())
}

async fn drop_version(file: &Path, version: u16, door: &Door) -> anyhow::Result<()> {
    let status = status(door).await.context("only the running cell knows whether the version is still needed")?;
    let newest = status.iter().find(|version| version.newest).map(|version| version.version);
    if key_file::versions(file)?.last().map(|version| i32::from(*version)) != newest {
        bail!("the cell that was asked does not have this key file's newest version, try again in ten seconds");
    }
    let count = wrapped_by(&status, version);
    if count > 0 {
        bail!(
            "version {version} still wraps the keys of {count} members; rotate, wait, and look with `senani keys show`"
        );
    }
    key_file::drop_version(file, version).context("the key file is as it was")?;
    println!("version {version} is dropped");
    Ok(())
}

async fn status(door: &Door) -> anyhow::Result<Vec<KeyVersion>> {
    let mut client = PrivacyServiceClient::new(connect(door)?);
    let status = client.get_key_status(GetKeyStatusRequest {}).await.map_err(|status| told(&status))?;
    Ok(status.into_inner().versions)
}

fn wrapped_by(status: &[KeyVersion], version: u16) -> i64 {
    status.iter().find(|known| known.version == i32::from(version)).map_or(0, |known| known.key_count)
}
