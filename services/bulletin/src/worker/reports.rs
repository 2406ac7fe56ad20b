//! The clock of reports: what is due is told above, what was kept long enough is destroyed.

use std::time::Duration;

use senani_store::Timestamp;
use senani_unit_replica::UnitReplica;
use tokio_util::sync::CancellationToken;

use super::{pause, within};
use crate::config::ReportConfig;
use crate::error::Error;
use crate::store::report::{Clock, Reports};

/// Looks after reports until the stop.
pub(crate) async fn run(reports: Reports, units: UnitReplica, config: ReportConfig, stop: CancellationToken) {
    let clock = Clock { every: i64::from(config.escalate_every_hours.max(1)) * 3_600_000_000 };
    let every = Duration::from_millis(config.look_every_ms.max(10));
    while !stop.is_cancelled() {
        let span = tracing::info_span!(parent: None, "look after reports");
        match within(span, round(&reports, &units, clock)).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(error = %error, "reports could not be looked after, will try again"),
        }
        pause(every, &stop).await;
    }
}

async fn round(reports: &Reports, units: &UnitReplica, clock: Clock) -> Result<(), Error> {
    let now = Timestamp::now().0;
    let escalated = reports.escalate(clock, &units.tree(), now).await?;
    if escalated > 0 {
        tracing::info!(count = escalated, "reports were not dealt with in time, the units above were told");
    }
    let erased = reports.erase_due(now).await?;
    if erased > 0 {
        tracing::info!(count = erased, "reports were kept long enough, their content is destroyed");
    }
    let wrapped = reports.rewrap().await?;
    if wrapped > 0 {
        tracing::info!(count = wrapped, "keys of reports were wrapped again by the newest version of the key file");
    }
    Ok(())
}
