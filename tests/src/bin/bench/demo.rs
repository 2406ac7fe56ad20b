//! The demo as a whole: its memory on PostgreSQL, its time on the embedded database.

use anyhow::{Context as _, ensure};
use senani_testkit::{ChildProcess, PostgresServer};
use senani_tests::binary;
use serde_json::json;

use crate::figure::{Figure, Limit};
use crate::house::PATIENCE;

/// Name of the demo's databases.
const DATABASE: &str = "demo";

/// What a run of the demo says of itself.
struct Run {
    seconds: f64,
    megabytes: f64,
    /// The lines with the times of its long steps.
    steps: Vec<String>,
}

pub(crate) async fn on_postgres(server: &PostgresServer, members: u64) -> anyhow::Result<Figure> {
    let run = run(members, Some(&server.url(DATABASE))).await?;
    Ok(Figure {
        name: "memory",
        work: format!("peak memory of the whole cell in the demo with {members} members, PostgreSQL"),
        measured: run.megabytes,
        beside: None,
        unit: "MB",
        limit: Limit::AtMost(400.0),
        details: json!({"seconds": run.seconds, "steps": run.steps}),
    })
}

pub(crate) async fn embedded(members: u64) -> anyhow::Result<Figure> {
    let run = run(members, None).await?;
    Ok(Figure {
        name: "embedded",
        work: format!("the demo with {members} members on the embedded database"),
        measured: run.seconds,
        beside: None,
        unit: "s",
        limit: Limit::AtMost(300.0),
        details: json!({"peak_memory_mb": run.megabytes, "steps": run.steps}),
    })
}

async fn run(members: u64, database: Option<&str>) -> anyhow::Result<Run> {
    let folder = tempfile::Builder::new().prefix("senani-demo-").tempdir()?;
    let mut command = binary::command();
    command.args(["demo", "--exit", "--listen", "127.0.0.1:0", "--members", &members.to_string()]);
    command.arg("--data").arg(folder.path());
    if let Some(database) = database {
        command.args(["--database", database]);
    }
    let mut demo = ChildProcess::spawn(command);
    let status = demo.wait(PATIENCE).await;
    senani_testkit::eventually(PATIENCE, "the end of the output", async || demo.output_ended()).await;
    let output = demo.output();
    ensure!(status.success(), "the demo ended with {status}:\n{}", output.join("\n"));
    let done =
        output.iter().find(|line| line.starts_with("Done in ")).context("the demo did not say how long it took")?;
    let words: Vec<&str> = done.split(' ').collect();
    let number_before = |unit: &str| {
        let place = words.iter().position(|word| word.trim_end_matches(';') == unit)?;
        words.get(place.checked_sub(1)?)?.parse().ok()
    };
    Ok(Run {
        seconds: number_before("s").with_context(|| done.clone())?,
        megabytes: number_before("MB").with_context(|| done.clone())?,
        steps: output
            .iter()
            .filter(|line| line.contains(" s (") || line.ends_with(" s"))
            .map(|line| line.trim().to_owned())
            .collect(),
    })
}
