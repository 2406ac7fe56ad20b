//! What the project checks about itself: `cargo xtask ci | deps | proto | docs | bihar`.

mod bihar;
mod ci;
mod deps;
mod docs;
mod proto;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What Senani checks about itself
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Everything that must hold before a change lands, in order of cost; stops at the first failure
    Ci,
    /// Who knows whom: the crates' dependencies and the words in their rooms, against the table of the architecture
    Deps,
    /// The contracts: style, and whether they break a caller
    Proto {
        #[command(subcommand)]
        check: Option<ProtoCheck>,
    },
    /// The documentation: links between the pages, and rustdoc without a warning
    Docs,
    /// The structure of Bihar Police: writes data/bihar/units.csv from its sources
    Bihar {
        /// Only compare the file with what the sources give
        #[arg(long)]
        check: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ProtoCheck {
    /// buf lint with the rules of proto/buf.yaml
    Lint,
    /// buf breaking against an earlier commit
    Breaking {
        /// The commit to compare with [default: HEAD when contracts are changed but not committed, else the commit before HEAD]
        #[arg(long)]
        against: Option<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Ci => ci::run(),
        Task::Deps => deps::run(),
        Task::Proto { check: None } => proto::lint().and_then(|()| proto::breaking(None)),
        Task::Proto { check: Some(ProtoCheck::Lint) } => proto::lint(),
        Task::Proto { check: Some(ProtoCheck::Breaking { against }) } => proto::breaking(against.as_deref()),
        Task::Docs => docs::run(),
        Task::Bihar { check } => bihar::run(check),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
