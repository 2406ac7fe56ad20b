//! The one binary: a service, a whole cell, the demo, the client commands.

mod bihar;
mod cell;
mod cli;
mod client;
mod demo;
mod generate;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use senani_telemetry::{LogFormat, Options};

use crate::cli::{Command, LogForm, Senani};

fn main() -> ExitCode {
    let arguments = Senani::parse();
    let quiet = matches!(arguments.command, Command::Demo(_) | Command::Generate(_) | Command::Keys(_))
        || arguments.command.is_client();
    let default_filter = if quiet { "warn" } else { "info" };
    let options = Options {
        otlp: arguments.otlp.clone(),
        format: match arguments.log_format {
            LogForm::Human => LogFormat::Human,
            LogForm::Json => LogFormat::Json,
        },
        filter: arguments.log.clone().unwrap_or_else(|| default_filter.to_owned()),
    };
    match start(arguments, &options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("senani: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Senani, options: &Options) -> anyhow::Result<ExitCode> {
    let _telemetry = senani_telemetry::init("senani", options).context("telemetry cannot be set up")?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")?;
    let code = runtime.block_on(run(arguments));
    // What still runs has had its time to drain.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

async fn run(arguments: Senani) -> anyhow::Result<ExitCode> {
    let config = arguments.config.as_deref();
    match arguments.command {
        Command::Demo(demo) => return demo::run(demo, config).await,
        Command::Up(up) => cell::up(up, config).await?,
        Command::Serve { service } => cell::serve(service, config).await?,
        Command::Migrate { service } => cell::migrate(service, config).await?,
        Command::PrintConfig { service } => print!("{}", cell::print_config(service, config)?),
        Command::Keys(keys) => client::keys::run(&keys.what).await?,
        Command::Generate(generate) => generate::run(&generate)?,
        Command::Unit { unit, as_of, door } => client::unit::show(&unit, &as_of, &door).await?,
        Command::Coverage { unit, by, door } => client::coverage::show(&unit, by, &door).await?,
        Command::Reach { bulletin, door } => client::reach::show(bulletin.as_deref(), &door).await?,
        Command::Roster { what } => client::roster::run(&what).await?,
        Command::Rejected { import, door } => client::rejected::show(&import, &door).await?,
    }
    Ok(ExitCode::SUCCESS)
}
