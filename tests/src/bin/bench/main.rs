//! The figures of the main job, each beside its limit in the same run: `cargo run --release -p senani-tests --bin bench`.
//!
//! Everything runs on this machine: a PostgreSQL server of its own that keeps what it commits, a whole cell in one process, a provider in
//! another, and this program. A table goes to standard error, JSON to standard output or `--out`.

mod coverage;
mod demo;
mod figure;
mod house;
mod import;
mod ledger;
mod machine;
mod postgres;
mod unit;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};

use crate::figure::Figure;
use crate::house::House;

/// Measures the figures of the main job.
#[derive(Debug, Parser)]
struct Arguments {
    /// Members to import and to send to
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    members: u64,
    /// Only this figure, and what it needs; may be given several times
    #[arg(long, value_enum)]
    only: Vec<Name>,
    /// Where the JSON goes instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Import of members
    Import,
    /// Expansion of a publication
    Publish,
    /// Dispatch to the provider
    Dispatch,
    /// GetUnit through the gateway
    Unit,
    /// Coverage while an import runs
    Coverage,
    /// Start to ready
    Ready,
    /// Peak memory in the demo, on PostgreSQL
    Memory,
    /// Time of the demo on the embedded database
    Embedded,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bench: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(measure(&arguments)).and_then(|figures| report(&arguments, &figures)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Vec<Figure>> {
    let wanted = |name: Name| arguments.only.is_empty() || arguments.only.contains(&name);
    let any = |names: &[Name]| names.iter().any(|name| wanted(*name));
    let server = postgres::start()?;
    let mut figures = Vec::new();
    let mut add = |figure: Figure| {
        eprintln!("{figure}");
        figures.push(figure);
    };

    if any(&[Name::Import, Name::Publish, Name::Dispatch, Name::Unit, Name::Coverage, Name::Ready]) {
        let mut house = House::start(&server).await?;
        house.desk().found().await;
        if any(&[Name::Import, Name::Publish, Name::Dispatch]) {
            add(import::measure(&house, arguments.members).await?);
        }
        if any(&[Name::Publish, Name::Dispatch]) {
            let publication = ledger::publish(&mut house).await?;
            add(publication.figure);
            if wanted(Name::Dispatch) {
                add(ledger::dispatch(&mut house, publication.deliveries).await?);
            }
        }
        if wanted(Name::Unit) {
            add(unit::measure(&house).await?);
        }
        if wanted(Name::Coverage) {
            add(coverage::measure(&house, arguments.members).await?);
        }
        if wanted(Name::Ready) {
            add(house.restart().await?);
        }
        house.close().await?;
    }
    if wanted(Name::Memory) {
        add(demo::on_postgres(&server, arguments.members).await?);
    }
    if wanted(Name::Embedded) {
        add(demo::embedded(arguments.members).await?);
    }
    Ok(figures)
}

/// Writes the table and the JSON; whether every limit is kept.
fn report(arguments: &Arguments, figures: &[Figure]) -> anyhow::Result<bool> {
    let machine = machine::facts();
    eprint!("\n{}", figure::table(&machine, arguments.members, figures));
    let json = figure::json(&machine, arguments.members, figures);
    let text = serde_json::to_string_pretty(&json).context("the figures cannot be written as JSON")?;
    match &arguments.out {
        Some(path) => {
            std::fs::write(path, text + "\n").with_context(|| format!("{} cannot be written", path.display()))?
        }
        None => println!("{text}"),
    }
    Ok(figures.iter().all(Figure::is_kept))
}
