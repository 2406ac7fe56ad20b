use std::process::Command;
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use senani_testkit::{ChildProcess, eventually};

const DEADLINE: Duration = Duration::from_secs(20);

fn shell(script: &str) -> ChildProcess {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    ChildProcess::spawn(command)
}

/// Whether a process of this id exists (as a zombie too).
fn exists(id: u32) -> bool {
    kill(Pid::from_raw(i32::try_from(id).expect("process ids fit in pid_t")), None).is_ok()
}

#[tokio::test]
async fn the_output_of_both_kinds_is_seen_to_the_last_line() {
    let mut process = shell("echo listening at 127.0.0.1:7; echo warning >&2; printf 'no line feed'");
    assert_eq!(process.wait_for_line("listening", DEADLINE).await, "listening at 127.0.0.1:7");
    process.wait_for_line("warning", DEADLINE).await;
    process.wait_for_line("no line feed", DEADLINE).await;
    assert!(process.wait(DEADLINE).await.success());
}

#[tokio::test]
#[should_panic(expected = "the process ended without a line with `ready`; its output:\nport taken")]
async fn a_process_that_ends_early_fails_the_test_with_its_output() {
    shell("echo port taken").wait_for_line("ready", DEADLINE).await;
}

#[tokio::test]
async fn a_stopped_process_goes_on_when_it_is_continued() {
    let mut process = shell("trap 'echo asked to end; exit 0' TERM; echo up; while :; do sleep 0.01; done");
    process.wait_for_line("up", DEADLINE).await;
    process.stop();
    process.terminate();
    assert!(process.is_running());
    process.cont();
    process.wait_for_line("asked to end", DEADLINE).await;
    assert!(process.wait(DEADLINE).await.success());
}

#[tokio::test]
async fn a_killed_process_is_gone_at_once() {
    let mut process = shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
    process.wait_for_line("up", DEADLINE).await;
    process.kill_nine();
    assert!(!exists(process.id()));
}

/// Not a test: [`a_process_does_not_outlive_a_killed_test`] runs it as a process of its own and kills it.
#[tokio::test]
#[ignore = "runs until it is killed"]
async fn hold_a_process() {
    let process = shell("while :; do sleep 0.01; done");
    println!("holds {}.", process.id());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_process_does_not_outlive_a_killed_test() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_process::hold_a_process", "--ignored", "--nocapture"]);
    let mut holder = ChildProcess::spawn(command);
    let line = holder.wait_for_line("holds ", DEADLINE).await;
    let id = line.split("holds ").nth(1).unwrap().split('.').next().unwrap().parse().unwrap();
    assert!(exists(id));
    holder.kill_nine();
    eventually(DEADLINE, "the held process to end", async || !exists(id)).await;
}
