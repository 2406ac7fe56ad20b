//! The figures of the main job and of the register, each beside its limit in the same run: `cargo run --release -p senani-tests --bin bench`.
//!
//! Everything runs on this machine: a PostgreSQL server of its own that keeps what it commits, a whole cell in one process, a provider in
//! another, and this program. A table goes to standard error, JSON to standard output or `--out`.

mod audience;
mod coverage;
mod demo;
mod figure;
mod house;
mod import;
mod ledger;
mod lookups;
mod machine;
mod points;
mod postgres;
mod tree;
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
    /// Also import a tenth of the members and ten times as many, each into a cell of its own: takes minutes
    #[arg(long)]
    points: bool,
    /// Measure a tree of so many units and nothing else: what a child of this program does
    #[arg(long, hide = true, value_name = "UNITS")]
    tree: Option<u64>,
    /// Where the JSON goes instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Import of members
    Import,
    /// The same import again
    Again,
    /// Expansion of a publication
    Publish,
    /// Dispatch to the provider
    Dispatch,
    /// GetUnit through the gateway
    Unit,
    /// Coverage while an import runs
    Coverage,
    /// GetMember and search by phone
    Lookups,
    /// ResolveAudience
    Audience,
    /// Start to ready
    Ready,
    /// Peak memory in the demo, on PostgreSQL
    Memory,
    /// Time of the demo on the embedded database
    Embedded,
    /// The structure in memory
    Tree,
    /// Three sizes of import, as with `--points`
    Points,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(units) = arguments.tree {
        return match tree::measure_here(units) {
            Ok(measured) => {
                println!("{measured}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("bench: {error:#}");
                ExitCode::FAILURE
            }
        };
    }
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

    if wanted(Name::Tree) {
        tree::measure().await?.into_iter().for_each(&mut add);
    }
    let imported = [Name::Import, Name::Again, Name::Publish, Name::Dispatch, Name::Lookups, Name::Audience];
    if any(&imported) || any(&[Name::Unit, Name::Coverage, Name::Ready]) {
        let mut house = House::start(&server, "bench").await?;
        house.desk().found().await;
        if any(&imported) {
            let first = import::measure(&house, arguments.members).await?;
            let again = match wanted(Name::Again) {
                true => Some(import::again(&house, arguments.members, &first).await?),
                false => None,
            };
            add(first);
            again.into_iter().for_each(&mut add);
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
        if wanted(Name::Lookups) {
            lookups::measure(&house, arguments.members).await?.into_iter().for_each(&mut add);
        }
        if wanted(Name::Audience) {
            add(audience::measure(&house, arguments.members).await?);
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
    if arguments.points || arguments.only.contains(&Name::Points) {
        points::measure(&server, arguments.members).await?.into_iter().for_each(&mut add);
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
