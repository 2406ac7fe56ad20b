//! The demo and the commands, as a person runs them.

use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Database};
use senani_testkit::{ChildProcess, Engine, TestDatabase, database, engines};
use senani_tests::binary;
use tempfile::TempDir;

/// Longest for one run of the demo: the binary may be a debug build and the machine busy.
const RUN: Duration = Duration::from_secs(180);

/// Where a demo lives.
struct Place {
    folder: TempDir,
    database: TestDatabase,
}

impl Place {
    fn new(engine: Engine) -> Self {
        let folder = tempfile::Builder::new().prefix("senani-demo-").tempdir().expect("a temporary directory");
        Self { folder, database: database(engine) }
    }

    fn data(&self) -> &str {
        text(self.folder.path())
    }

    /// Starts a command on this place.
    fn run(&self, arguments: &[&str]) -> ChildProcess {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--data", self.data(), "--listen", "127.0.0.1:0"]);
        let url = self.database.url("demo");
        if self.database.engine() == Engine::Postgres {
            arguments.extend(["--database", &url]);
        }
        binary::start(arguments)
    }

    /// Removes the databases that the services have made for themselves.
    async fn remove(self) {
        if self.database.engine() != Engine::Postgres {
            return;
        }
        let url = self.database.url("demo");
        let (server, name) = url.rsplit_once('/').expect("the URL names a database");
        let db = Database::connect(format!("{server}/postgres")).await.expect("the server is up");
        for service in ["hierarchy", "membership", "bulletin", "analytics"] {
            let dropping = format!("DROP DATABASE IF EXISTS \"{name}_{service}\" WITH (FORCE)");
            db.execute_unprepared(&dropping).await.expect("a database can be dropped");
        }
    }
}

/// Waits for the end of a process; its exit code and all that it said.
async fn ended(mut process: ChildProcess) -> (Option<i32>, String) {
    let status = process.wait(RUN).await;
    // The threads that read its output end a moment after it.
    senani_testkit::eventually(RUN, "the end of the output", async || process.output_ended()).await;
    (status.code(), process.output().join("\n"))
}

fn assert_says(output: &str, texts: &[&str]) {
    for text in texts {
        assert!(output.contains(text), "`{text}` is missing in:\n{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_adds_up_and_a_second_run_says_what_is_there() {
    for engine in engines() {
        let place = Place::new(engine);
        let (code, output) = ended(place.run(&["demo", "--members", "2000", "--exit"])).await;
        assert_eq!(code, Some(0), "{engine}:\n{output}");
        assert_says(&output, &["The figures add up", "2,000 rows", "approved by a second officer", "groups formed"]);
        assert!(!output.contains("ADD UP:"), "{output}");

        let (code, output) = ended(place.run(&["demo", "--members", "2000", "--exit"])).await;
        assert_eq!(code, Some(0), "{engine}:\n{output}");
        let there = ["are there already", "issued before", "every group that the orders demand is there already"];
        assert_says(&output, &there);
        assert_says(&output, &["the bulletin of an earlier run", "The figures add up"]);
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_interrupted_stops_cleanly_and_goes_on_when_it_is_run_again() {
    for engine in engines() {
        let place = Place::new(engine);
        for step in ["4  ", "5  "] {
            let mut demo = place.run(&["demo", "--members", "2000", "--exit"]);
            demo.wait_for_line(step, RUN).await;
            demo.interrupt();
            let (code, output) = ended(demo).await;
            assert_eq!(code, Some(130), "{engine}:\n{output}");
            assert_says(&output, &["Run it again to go on from here"]);
            assert!(!output.contains("panicked"), "{output}");
        }
        let (code, output) = ended(place.run(&["demo", "--members", "2000", "--exit"])).await;
        assert_eq!(code, Some(0), "{engine}:\n{output}");
        assert_says(&output, &["are there already", "2,000 rows", "The figures add up"]);
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_cell_answers_the_commands_and_lets_no_second_one_into_its_folder() {
    let place = Place::new(Engine::Sqlite);
    let mut demo = place.run(&["demo", "--members", "500"]);
    demo.wait_for_line("Ctrl-C stops it", RUN).await;
    let invitation = demo.output().join("\n");
    assert_says(&invitation, &["A token to try it with:", " -- reach", " -- coverage", " -- unit"]);

    let (code, output) = ended(place.run(&["up"])).await;
    assert_eq!(code, Some(1), "{output}");
    assert_says(&output, &["another cell runs in", "--data", "--listen"]);

    demo.interrupt();
    let (code, output) = ended(demo).await;
    assert_eq!(code, Some(0), "{output}");

    let mut up = place.run(&["up"]);
    up.wait_for_line("Senani is ready at", RUN).await;
    for (arguments, texts) in [
        (vec!["unit", "units/patna-district"], vec!["Bihar Police Headquarters", "Patna", "(district)"]),
        (
            vec!["coverage", "units/bihar-hq", "--by", "district"],
            vec!["expected", "missing", "Patna", "units/bihar-hq"],
        ),
        (vec!["reach"], vec!["posting tasks", "persons, directly", "delivered", "failed"]),
    ] {
        let (code, output) = client(&place, &arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}:\n{output}");
        assert_says(&output, &texts);
    }
    let (code, output) = client(&place, &["unit", "units/atlantis"]).await;
    assert_eq!(code, Some(1), "{output}");
    assert_says(&output, &["UNIT_NOT_FOUND"]);
    let (code, output) = client(&place, &["reach", "--token", "00000000000000000000000000000000"]).await;
    assert_eq!(code, Some(1), "{output}");

    up.terminate();
    let (code, output) = ended(up).await;
    assert_eq!(code, Some(0), "{output}");
    let (code, output) = client(&place, &["reach"]).await;
    assert_eq!(code, Some(1), "{output}");
}

async fn client(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let mut arguments = arguments.to_vec();
    arguments.extend(["--data", place.data()]);
    ended(binary::start(arguments)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_on_the_command_line_are_answered_with_help() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    let settings = folder.path().join("wrong.toml");
    std::fs::write(&settings, "[membership]\nkeys_fil = \"x\"\n").unwrap();
    let (missing, settings) = (text(&missing), text(&settings));
    for (arguments, code, texts) in [
        (vec!["demo", "--member", "5"], 2, vec!["--members"]),
        (vec!["demo", "--members", "0"], 2, vec!["--members"]),
        (vec!["serve", "hierarch"], 2, vec!["hierarchy"]),
        (vec!["dmo"], 2, vec!["demo"]),
        (vec!["reach", "--data", missing], 1, vec!["no cell has run in", "--data", "--address"]),
        (vec!["migrate", "--config", settings], 1, vec!["keys_fil", "keys_file"]),
        (vec!["migrate", "--config", missing], 1, vec!["none"]),
        (vec!["--help"], 0, vec!["demo", "up", "serve", "coverage", "--otlp", "Begin with"]),
    ] {
        let (ended, output) = ended(binary::start(arguments.clone())).await;
        assert_eq!(ended, Some(code), "{arguments:?}:\n{output}");
        assert_says(&output, &texts);
        assert!(!output.contains("panicked"), "{output}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of our own making is text")
}
