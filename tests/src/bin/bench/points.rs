//! Imports of ten times as many members, twice: the time grows with them and no faster, the memory does not grow.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use senani_testkit::PostgresServer;
use senani_tests::material::{self, UNITS};
use serde_json::json;
use uuid::Uuid;

use crate::figure::{Figure, Limit};
use crate::house::House;
use crate::import::SEED;
use crate::machine;

/// Members of the first point beside those of `--members`; each next one has ten times as many.
const SMALLER: u64 = 10;

/// Stations beside those of Bihar Police: groups of 1,024 have room for the members of the last point.
const STATIONS: usize = 4_400;

/// Times of the line: indexes on random keys get a level deeper, and leave the database's memory, on the way.
const LINEAR: f64 = 1.25;

/// Times of the memory before: what an allocator keeps.
const FLAT: f64 = 1.15;

/// What was seen at a point.
struct Point {
    members: u64,
    seconds: f64,
    megabytes: f64,
}

/// A tenth of `members`, as many, and ten times as many: each in a cell of its own on the same wide structure.
pub(crate) async fn measure(server: &PostgresServer, members: u64) -> anyhow::Result<Vec<Figure>> {
    let units = wide_structure();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("units.csv");
    std::fs::write(&file, &units)?;
    let mut points = Vec::<Point>::new();
    for (number, members) in [members / SMALLER, members, members * SMALLER].into_iter().enumerate() {
        let rows = Bytes::from(material::members_of(usize::try_from(members)?, SEED, &file));
        let house = House::start(server, &format!("points{number}")).await?;
        let desk = house.desk();
        desk.found_on(units.as_bytes()).await;
        let before = machine::peak_memory(&house.process().to_string());
        let began = Instant::now();
        let import = desk.import_once(Uuid::now_v7(), &rows).await.context("the import failed")?;
        let seconds = began.elapsed().as_secs_f64();
        ensure!(import.row_count == i64::try_from(members)?, "{import:?}");
        // About one row in a hundred is wrong on purpose.
        ensure!(import.rejected_count * 50 < import.row_count, "{import:?}");
        let megabytes = house.peak_memory();
        eprintln!(
            "point: {members} members in {seconds:.2} s, {:.0} a second; peak memory {megabytes:.0} MB ({before:.0} MB before)",
            members as f64 / seconds
        );
        points.push(Point { members, seconds, megabytes });
        house.close().await?;
    }
    let details = json!(
        points
            .iter()
            .map(|point| json!({"members": point.members, "seconds": point.seconds, "peak_memory_mb": point.megabytes}))
            .collect::<Vec<_>>()
    );
    let pairs = || points.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
    let time = pairs().map(|(less, more)| Figure {
        name: "points",
        work: format!("import {} members", more.members),
        measured: more.seconds,
        beside: Some(("ten times that of a tenth", less.seconds * SMALLER as f64)),
        unit: "s",
        limit: Limit::TimesOf(LINEAR),
        details: details.clone(),
    });
    let memory = pairs().map(|(less, more)| Figure {
        name: "points_memory",
        work: format!("peak memory of the cell, import of {} members", more.members),
        measured: more.megabytes,
        beside: Some(("with a tenth", less.megabytes)),
        unit: "MB",
        limit: Limit::TimesOf(FLAT),
        details: details.clone(),
    });
    Ok(time.chain(memory).collect())
}

/// The structure of Bihar Police with more stations in its subdivisions.
fn wide_structure() -> String {
    let of_kind = |line: &&str| line.split(',').nth(2) == Some("subdivision");
    let parents: Vec<&str> = UNITS.lines().filter(of_kind).filter_map(|line| line.split(',').next()).collect();
    let mut units = UNITS.trim_end().to_owned();
    for (number, parent) in (0..STATIONS).zip(parents.iter().cycle()) {
        _ = write!(units, "\nwide-{number}-ps,{parent},station,Wide {number},विस्तृत {number},2000-11-15,synthetic,");
    }
    units + "\n"
}
