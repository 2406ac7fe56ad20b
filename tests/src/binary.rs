//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use senani_testkit::ChildProcess;

/// Names a binary to test instead of the one that is built here.
const GIVEN: &str = "SENANI_TEST_BINARY";

/// The `senani` of the profile that this program was built with, up to date: Cargo does not build it for the tests of another
/// package. The first use in a process builds it, or takes what `SENANI_TEST_BINARY` names.
///
/// # Panics
/// When it cannot be built.
pub fn senani() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os(GIVEN) {
            return given.into();
        }
        let here = std::env::current_exe().expect("a running program has a path");
        // A test is in `target/PROFILE/deps`, a program in `target/PROFILE`.
        let folder =
            here.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).expect("a program is in a folder");
        build(folder);
        let binary = folder.join(format!("senani{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "there is no {}", binary.display());
        binary
    })
}

fn build(folder: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "-p", "senani"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // The folder of the profile `dev` is called `debug`.
    if let Some(profile) = folder.file_name().filter(|name| *name != "debug") {
        cargo.arg("--profile").arg(profile);
    }
    let built = cargo.status().is_ok_and(|status| status.success());
    assert!(built, "`cargo build -p senani` failed");
}

/// A command of the binary, without the settings of whoever runs the tests.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(senani());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SENANI_") {
            command.env_remove(name);
        }
    }
    command
}

/// Starts the binary with these arguments.
#[must_use]
pub fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> ChildProcess {
    let mut command = command();
    command.args(arguments);
    ChildProcess::spawn(command)
}
