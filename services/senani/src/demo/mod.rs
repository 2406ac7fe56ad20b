//! The demo: the main job of Senani, through the gateway, on a cell of its own.

mod bulletin;
mod check;
mod groups;
mod members;
mod notice;
mod progress;
mod structure;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use senani_client::Channel;
use senani_proto::hierarchy::v1::UnitKind;

use crate::cell::{Cell, Folder, Settings};
use crate::cli;
use crate::client::figures::number;
use crate::client::{as_officer, coverage, reach};

/// The whole state.
const STATE: &str = "units/bihar-hq";

/// The range that gets the bulletin first.
const RANGE: &str = "units/patna-range";

/// How long what follows by itself (replicas, projections) may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who does what.
struct Officers {
    author: Channel,
    approver: Channel,
}

/// Runs the demo; with `--exit` the code says whether the figures add up.
pub(crate) async fn run(demo: cli::Demo, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let stop = senani_server::stop_signal();
    let folder = Folder::open(&demo.place.data)?;
    let settings = Settings::of_a_cell(config, &folder, demo.place.database.as_deref(), demo.place.listen)?;
    let cell = Cell::start(settings, &folder, stop.clone()).await?;
    let engine = if demo.place.database.is_some() { "PostgreSQL" } else { "the embedded database" };
    println!("Senani: a cell on {engine}, ready in {} ms at {}", began.elapsed().as_millis(), cell.address());

    let outcome = tokio::select! {
        outcome = steps(&cell, &demo) => outcome,
        () = stop.cancelled() => {
            println!("\nStopping. Run it again to go on from here.");
            cell.finished().await?;
            return Ok(ExitCode::from(130));
        }
    };
    let problems = match outcome {
        Ok(problems) => problems,
        Err(error) => {
            stop.cancel();
            cell.finished().await?;
            return Err(error);
        }
    };
    println!("\nDone in {:.1} s; at most {} of memory.", began.elapsed().as_secs_f64(), peak_memory());
    if demo.exit {
        stop.cancel();
        cell.finished().await?;
    } else {
        invite(&cell, &demo);
        cell.finished().await?;
    }
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every step of the main job; answers how many figures do not add up.
async fn steps(cell: &Cell, demo: &cli::Demo) -> anyhow::Result<usize> {
    let token = |index: usize| cell.tokens().get(index).map(|(_, token)| token).context("two officers are needed");
    let officers =
        Officers { author: as_officer(cell.address(), token(0)?)?, approver: as_officer(cell.address(), token(1)?)? };

    println!("\n1  The structure of Bihar Police");
    structure::import(&officers.author).await?;
    println!("\n2  The orders");
    structure::issue_orders(&officers.author).await?;
    println!("\n3  The groups that the orders demand");
    groups::form(&officers.author).await?;
    println!("\n4  {} members from a CSV stream", number(i64::try_from(demo.members).unwrap_or(i64::MAX)));
    let import = members::enrol(&officers.author, demo.members).await?;
    println!("\n5  A cyber bulletin");
    let published = bulletin::publish(&officers, cell.simulator()).await?;
    println!("\n6  Where do we stand, and did it arrive?");
    let (coverage, reach) = check::settled(&officers.author, &import, &published).await?;
    println!("\n   Coverage by district (groups expected, formed, short; members of the minimum)\n");
    print!("{}", coverage::render(&coverage));
    println!("\n   Reach\n");
    print!("{}", reach::render(&reach));
    let problems = check::problems(&import, &published, &coverage, &reach, &cell.simulator().witness());
    if problems.is_empty() {
        println!("\n   The figures add up: rows = accepted + rejected; deliveries = consenting persons, each once.");
    }
    for problem in &problems {
        println!("\n   DOES NOT ADD UP: {problem}");
    }
    Ok(problems.len())
}

/// What to go on with.
fn invite(cell: &Cell, demo: &cli::Demo) {
    let default = Path::new("senani-data") == demo.place.data;
    let data = if default { String::new() } else { format!(" --data {}", demo.place.data.display()) };
    println!(
        "\nThe cell runs on at {address}\nA token to try it with: {token}\n\nGo on with, in another terminal:\n  \
         cargo run --release -- coverage units/patna-district --by subdivision{data}\n  \
         cargo run --release -- unit units/patna-kotwali-ps{data}\n  \
         cargo run --release -- reach{data}\n\nCtrl-C stops it.",
        address = cell.address(),
        token = cell.token(),
    );
}

/// The most memory that this process has used, as Linux tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
    kibibytes
        .map_or_else(|| "an unknown amount".to_owned(), |kibibytes: u64| format!("{} MB", kibibytes * 1024 / 1_000_000))
}

/// The kind by which the demo divides.
const BY: UnitKind = UnitKind::District;
