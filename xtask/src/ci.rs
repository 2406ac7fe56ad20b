//! `cargo xtask ci`: all that must hold before a change lands. `.ci/run` installs what is missing and calls this.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

/// One check.
#[derive(Debug)]
struct Step {
    name: &'static str,
    program: Program,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

#[derive(Debug, PartialEq)]
enum Program {
    Cargo,
    /// This one.
    Xtask,
}

/// In order of cost: what fails fastest first.
const STEPS: &[Step] = &[
    Step { name: "format", program: Program::Cargo, arguments: &["fmt", "--all", "--check"], environment: &[] },
    Step { name: "who knows whom", program: Program::Xtask, arguments: &["deps"], environment: &[] },
    Step { name: "contracts: style", program: Program::Xtask, arguments: &["proto", "lint"], environment: &[] },
    Step { name: "contracts: callers", program: Program::Xtask, arguments: &["proto", "breaking"], environment: &[] },
    Step {
        name: "structure of Bihar Police",
        program: Program::Xtask,
        arguments: &["bihar", "--check"],
        environment: &[],
    },
    Step {
        name: "clippy",
        program: Program::Cargo,
        arguments: &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        environment: &[],
    },
    Step { name: "documentation", program: Program::Xtask, arguments: &["docs"], environment: &[] },
    Step {
        name: TESTS,
        program: Program::Cargo,
        arguments: &["test", "--workspace", "--locked", "--no-fail-fast"],
        // Both engines, or none.
        environment: &[("SENANI_TEST_POSTGRES", "require")],
    },
];

/// The step whose output is counted.
const TESTS: &str = "tests on SQLite and PostgreSQL";

/// Runs each step, and says how long it took.
///
/// # Errors
/// At the first step that fails, with its name; or when no test ran.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let mut tests = Tests::default();
    for step in STEPS {
        let mut command = step.command()?;
        println!("\n==> {}: {}", step.name, workspace::shown(&command));
        let began = Instant::now();
        let outcome = match step.name {
            TESTS => run_counted(&mut command, &mut tests),
            _ => workspace::run(&mut command),
        };
        let seconds = began.elapsed().as_secs_f64();
        if let Err(error) = outcome {
            println!("==> {} FAILED after {seconds:.1} s", step.name);
            if tests != Tests::default() {
                println!("{tests}");
            }
            return Err(error.context(format!("step `{}`", step.name)));
        }
        println!("==> {}: {seconds:.1} s", step.name);
    }
    ensure!(tests.passed > 0, "no test ran");
    println!("\n==> all {} steps hold, after {:.0} s", STEPS.len(), start.elapsed().as_secs_f64());
    println!("{tests}");
    Ok(())
}

impl Step {
    fn command(&self) -> Result<Command> {
        let mut command = match self.program {
            Program::Cargo => workspace::cargo(),
            Program::Xtask => Command::new(std::env::current_exe().context("this program has no path")?),
        };
        command
            .args(self.arguments)
            .envs(self.environment.iter().copied())
            .current_dir(workspace::root())
            .stdin(Stdio::null());
        Ok(command)
    }
}

/// How many tests ended how.
#[derive(Debug, Default, PartialEq)]
struct Tests {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl std::fmt::Display for Tests {
    /// The form that continuous integration reads, whatever ran the tests.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "tests: {} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Tests {
    /// Counts what `cargo test` says at the end of each test program:
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
    fn count(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        for part in result.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next().and_then(|number| number.parse::<u64>().ok()), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// Runs it, passing its output on and counting its tests.
fn run_counted(command: &mut Command, tests: &mut Tests) -> Result<()> {
    let shown = workspace::shown(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{shown}` does not start"))?;
    let output = child.stdout.take().context("the output was not piped")?;
    let mut ours = std::io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.with_context(|| format!("reading the output of `{shown}`"))?;
        tests.count(&String::from_utf8_lossy(&line));
        ours.write_all(&line)?;
        ours.write_all(b"\n")?;
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Tests;

    #[test]
    fn the_results_of_all_test_programs_are_added_up() {
        let mut tests = Tests::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 5 filtered out; finished in 12.00s",
        ] {
            tests.count(line);
        }
        assert_eq!(tests.to_string(), "tests: 5 passed, 1 failed, 1 skipped");
    }
}
