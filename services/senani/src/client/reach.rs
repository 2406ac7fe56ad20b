//! `senani reach`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use senani_client::Channel;
use senani_proto::analytics::v1::reach_service_client::ReachServiceClient;
use senani_proto::analytics::v1::{GetReachRequest, Reach};
use senani_proto::bulletin::v1::ListBulletinsRequest;
use senani_proto::bulletin::v1::bulletin_service_client::BulletinServiceClient;

use super::figures::{number, share};
use super::{connect, told};
use crate::cli::Door;

/// Prints the reach of a bulletin, the newest when none is named.
pub(crate) async fn show(bulletin: Option<&str>, door: &Door) -> anyhow::Result<()> {
    let channel = connect(door)?;
    let bulletin = match bulletin {
        Some(bulletin) => bulletin.to_owned(),
        None => newest(channel.clone()).await?,
    };
    print!("{}", render(&get(channel, &bulletin).await?));
    Ok(())
}

async fn newest(channel: Channel) -> anyhow::Result<String> {
    let request = ListBulletinsRequest { page_size: 1, ..ListBulletinsRequest::default() };
    let response = BulletinServiceClient::new(channel).list_bulletins(request).await;
    let bulletins = response.map_err(|status| told(&status))?.into_inner().bulletins;
    Ok(bulletins.into_iter().next().context("there is no bulletin yet")?.name)
}

/// Asks for the reach of a bulletin.
pub(crate) async fn get(channel: Channel, bulletin: &str) -> anyhow::Result<Reach> {
    let request = GetReachRequest { bulletin: bulletin.to_owned() };
    let response = ReachServiceClient::new(channel).get_reach(request).await;
    Ok(response.map_err(|status| told(&status))?.into_inner())
}

/// Reach as lines.
pub(crate) fn render(reach: &Reach) -> String {
    let figures = reach.figures.clone().unwrap_or_default();
    let mut text = format!("  {} {}\n", reach.number, reach.bulletin);
    let mut line = |name: &str, value: i64, whole: Option<i64>| {
        let part = whole.map_or_else(String::new, |whole| format!("{:>9}", share(value, whole)));
        text.push_str(&format!("  {name:<24}{:>12}{part}\n", number(value)));
    };
    line("posting tasks", figures.tasks, None);
    line("  without a custodian", figures.orphaned_tasks, None);
    line("persons, directly", figures.persons, None);
    line("  delivered", figures.delivered, Some(figures.persons));
    line("    of these read", figures.read, Some(figures.persons));
    line("  accepted, no receipt", figures.accepted, Some(figures.persons));
    line("  still to send", figures.pending, Some(figures.persons));
    line("  failed", figures.failed, Some(figures.persons));
    for (reason, count) in figures.failed_by_reason.iter().collect::<BTreeMap<_, _>>() {
        line(&format!("    {reason}"), *count, Some(figures.persons));
    }
    text
}
