//! The structure in memory, in a process of its own so that the memory is its own.

use std::hint::black_box;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use senani_unit_tree::{UnitEntry, UnitTree};
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

use crate::figure::{Figure, Limit};

/// Units among which a subtree test is timed.
const UNITS: u64 = 100_000;

/// Units that are loaded.
const MANY: u64 = 1_000_000;

/// Subtree tests timed.
const TESTS: usize = 10_000_000;

/// Children of each unit: a tree as flat as the real one, seven levels for a million.
const CHILDREN: u64 = 10;

pub(crate) async fn measure() -> anyhow::Result<[Figure; 3]> {
    let (some, many) = (child(UNITS).await?, child(MANY).await?);
    let of = |of: &Value, name: &str| of[name].as_f64().with_context(|| format!("the child did not say {name}"));
    let figure = |name, work: String, measured, unit, most, details: &Value| Figure {
        name,
        work,
        measured,
        beside: None,
        unit,
        limit: Limit::AtMost(most),
        details: details.clone(),
    };
    Ok([
        figure(
            "subtree",
            format!("subtree test by two ids among {UNITS} units"),
            of(&some, "by_ids_ns")?,
            "ns",
            50.0,
            &some,
        ),
        figure("load", format!("load {MANY} units"), of(&many, "load_seconds")?, "s", 2.0, &many),
        figure(
            "load_memory",
            format!("memory at the peak of it, {MANY} units"),
            of(&many, "peak_mb")?,
            "MB",
            200.0,
            &many,
        ),
    ])
}

/// What this program measures as a child of itself.
async fn child(units: u64) -> anyhow::Result<Value> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--tree", &units.to_string()]).stderr(Stdio::inherit());
    let output = command.output().await?;
    ensure!(output.status.success(), "the child ended with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The child's part.
pub(crate) fn measure_here(units: u64) -> anyhow::Result<Value> {
    let before = peak_memory();
    let start = Instant::now();
    let tree = UnitTree::build((0..units).map(unit))?;
    let load_seconds = start.elapsed().as_secs_f64();
    let peak = peak_memory() - before;

    let pairs: Vec<_> = (0..TESTS as u64).map(|test| (mix(test) % units, mix(!test) % units)).collect();
    let places = (0..units).map(|number| tree.by_id(id(number)).map(|unit| unit.place()).context("it was loaded"));
    let places = places.collect::<anyhow::Result<Vec<_>>>()?;
    let start = Instant::now();
    let inside = pairs.iter().filter(|(above, below)| tree.contains(places[*above as usize], places[*below as usize]));
    let by_place = black_box(inside.count());
    let by_place_ns = nanoseconds(start);
    let pairs: Vec<_> = pairs.into_iter().map(|(above, below)| (id(above), id(below))).collect();
    let start = Instant::now();
    let inside = black_box(pairs.iter().filter(|(above, below)| tree.is_within(*above, *below)).count());
    let by_ids_ns = nanoseconds(start);
    ensure!(inside == by_place, "by places {by_place} are inside, by ids {inside}");
    Ok(json!({
        "units": units, "load_seconds": load_seconds, "peak_mb": peak, "by_place_ns": by_place_ns, "by_ids_ns": by_ids_ns,
        "tests": TESTS, "inside": inside,
    }))
}

/// A unit with texts as long as those of a real station.
fn unit(number: u64) -> UnitEntry {
    UnitEntry {
        id: id(number),
        parent: (number > 0).then(|| id((number - 1) / CHILDREN)),
        kind: 10,
        slug: format!("muzaffarpur-station-{number}"),
        names: [("en".to_owned(), format!("Muzaffarpur {number}")), ("hi".to_owned(), format!("मुजफ्फरपुर {number}"))]
            .into(),
        open_date: Some("2018-08-10".to_owned()),
        close_date: None,
    }
}

fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(mix(number), mix(number + (1 << 40)))
}

/// SplitMix64.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn nanoseconds(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64 / TESTS as f64
}

/// Peak resident memory of this process in MB.
fn peak_memory() -> f64 {
    crate::machine::peak_memory("self")
}
