//! Coverage of the whole state by district, while an import runs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use senani_proto::hierarchy::v1::UnitKind;
use senani_tests::material::{self, STATE};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::figure::{Figure, Limit};
use crate::house::House;

/// From one question to the next, at least.
const PAUSE: Duration = Duration::from_millis(5);

/// Questions without which the figure says nothing.
const FEWEST: usize = 100;

pub(crate) async fn measure(house: &House<'_>, members: u64) -> anyhow::Result<Figure> {
    let desk = house.desk();
    let file = Bytes::from(material::members(usize::try_from(members / 3)?, 2));
    let import = {
        let desk = desk.clone();
        tokio::spawn(async move { desk.import_once(Uuid::now_v7(), &file).await })
    };
    let mut times = Vec::new();
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !import.is_finished() {
        ticks.tick().await;
        let began = Instant::now();
        desk.coverage(STATE, UnitKind::District).await.context("coverage was not answered")?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    let import = import.await?.context("the import failed")?;
    ensure!(times.len() >= FEWEST, "the import was over after {} questions; take more members", times.len());
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Ok(Figure {
        name: "coverage",
        work: format!("coverage of the state by district while {} members are imported, p99", import.row_count),
        measured: at(0.99),
        beside: None,
        unit: "ms",
        limit: Limit::AtMost(20.0),
        details: json!({"questions": times.len(), "p50": at(0.5), "p90": at(0.9), "most": at(1.0)}),
    })
}
