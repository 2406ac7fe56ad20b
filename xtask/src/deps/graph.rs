//! The workspace's crates and what each depends on.

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata};

/// One crate of the workspace.
#[derive(Debug)]
pub(crate) struct Crate {
    /// Its name.
    pub(crate) name: String,
    /// What its manifest names, ours and others'.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One dependency of a crate.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// Name of the crate, not what it may be renamed to.
    pub(crate) name: String,
    /// Whether only tests, examples and benchmarks see it.
    pub(crate) only_in_tests: bool,
}

/// The crates of the workspace, from what `cargo metadata` says.
pub(crate) fn crates(metadata: &Metadata) -> Vec<Crate> {
    let mut crates: Vec<Crate> = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    only_in_tests: dependency.kind == DependencyKind::Development,
                })
                .collect(),
        })
        .collect();
    crates.sort_by(|one, other| one.name.cmp(&other.name));
    crates
}

/// Asks cargo.
///
/// # Errors
/// A manifest that cargo refuses.
pub(crate) fn metadata() -> Result<Metadata> {
    cargo_metadata::MetadataCommand::new()
        .manifest_path(crate::workspace::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("`cargo metadata` failed")
}
