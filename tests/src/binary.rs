//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use senani_testkit::ChildProcess;

/// The `senani` of the profile that this program was built with; built once when it is not there.
///
/// # Panics
/// When it is not there and cannot be built.
pub fn senani() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let here = std::env::current_exe().expect("a running program has a path");
        // A test is in `target/PROFILE/deps`, a program in `target/PROFILE`.
        let folder =
            here.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).expect("a program is in a folder");
        let binary = folder.join(format!("senani{}", std::env::consts::EXE_SUFFIX));
        if !binary.is_file() {
            build(folder);
        }
        assert!(binary.is_file(), "there is no {}; run `cargo build -p senani` first", binary.display());
        binary
    })
}

fn build(folder: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "-p", "senani"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        cargo.arg("--release");
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
