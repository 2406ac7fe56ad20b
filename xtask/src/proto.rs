//! `cargo xtask proto`: the contracts in proto/, judged by buf.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

/// The version that proto/buf.yaml is written for; newer ones have more rules.
const BUF: &str = "1.75.0";

/// Checks the contracts' style.
///
/// # Errors
/// When a rule is broken (buf prints which), or there is no buf.
pub(crate) fn lint() -> Result<()> {
    workspace::run(buf()?.args(["lint", "proto"]))?;
    println!("proto lint: clean");
    Ok(())
}

/// Checks that the contracts break no caller of those at the commit `against`.
///
/// # Errors
/// When they do (buf prints where), or there is no buf.
pub(crate) fn breaking(against: Option<&str>) -> Result<()> {
    let Some(commit) = baseline(against)? else {
        println!("proto breaking: there is no earlier commit with contracts to compare with");
        return Ok(());
    };
    let earlier = tempfile::tempdir().context("no temporary directory")?;
    let archive = earlier.path().join("proto.tar");
    workspace::run(git().args(["archive", "--format=tar", "--output"]).arg(&archive).args([&commit, "--", "proto"]))?;
    workspace::run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(earlier.path()))?;
    workspace::run(buf()?.args(["breaking", "proto", "--against"]).arg(earlier.path().join("proto")))?;
    println!("proto breaking: no caller of {commit} breaks");
    Ok(())
}

/// The commit to compare with: the wished one, else HEAD when contracts are changed but not committed, else the one before
/// HEAD. `None` when it does not exist or has no contracts.
fn baseline(wish: Option<&str>) -> Result<Option<String>> {
    let reference = match wish {
        Some(wish) => wish,
        None if uncommitted()? => "HEAD",
        None => "HEAD~1",
    };
    let resolve = |what: String| -> Result<Option<String>> {
        let output =
            git().args(["rev-parse", "--verify", "--quiet", &what]).output().context("`git` does not start")?;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    };
    let commit = resolve(format!("{reference}^{{commit}}"))?;
    ensure!(commit.is_some() || wish.is_none(), "`{reference}` is not a commit");
    let Some(commit) = commit else { return Ok(None) };
    Ok(resolve(format!("{commit}:proto/buf.yaml"))?.map(|_| commit))
}

/// Whether a contract differs from the last commit.
fn uncommitted() -> Result<bool> {
    let output = git().args(["status", "--porcelain", "--", "proto"]).output().context("`git` does not start")?;
    Ok(!output.stdout.is_empty())
}

fn git() -> Command {
    let mut command = Command::new("git");
    command.current_dir(workspace::root());
    command
}

/// buf: the one on the search path when it is of this version, else the npm package, which brings the program along.
fn buf() -> Result<Command> {
    let mut command = if answers(Command::new("buf").arg("--version"), BUF) {
        Command::new("buf")
    } else if answers(Command::new("npx").arg("--version"), "") {
        let mut npx = Command::new("npx");
        npx.args(["--yes", &format!("@bufbuild/buf@{BUF}")]);
        npx
    } else {
        bail!("there is neither buf {BUF} nor npx (Node.js), which would fetch it from the npm registry");
    };
    command.current_dir(workspace::root());
    Ok(command)
}

/// Whether the program is there and says `text`.
fn answers(command: &mut Command, text: &str) -> bool {
    let output = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success() && String::from_utf8_lossy(&output.stdout).contains(text))
}
