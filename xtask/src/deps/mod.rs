//! `cargo xtask deps`: who knows whom, against the table of the architecture.

mod graph;
mod table;
mod words;

use anyhow::{Result, bail};

use self::graph::{Crate, Dependency};
use self::table::{IN_TESTS, Row, TABLE};

/// Checks the workspace, and prints each violation.
///
/// # Errors
/// When there is one, or cargo or a source cannot be read.
pub(crate) fn run() -> Result<()> {
    let crates = graph::crates(&graph::metadata()?);
    let (edges, mut violations) = check(&crates, TABLE);
    violations.extend(words::check(&crate::workspace::root())?);
    for violation in &violations {
        eprintln!("{violation}");
    }
    match violations.len() {
        0 => println!("deps: {} crates, {edges} edges, all allowed", crates.len()),
        1 => bail!("1 violation of who may know whom (xtask/src/deps has the rules)"),
        count => bail!("{count} violations of who may know whom (xtask/src/deps has the rules)"),
    }
    Ok(())
}

/// The number of edges between our crates, and a line for each that the table does not allow.
fn check(crates: &[Crate], table: &[Row]) -> (usize, Vec<String>) {
    let mut edges = 0;
    let mut violations = Vec::new();
    for one in crates {
        let row = table.iter().find(|row| row.name == one.name);
        if row.is_none() {
            violations.push(format!("{}: has no row in xtask/src/deps/table.rs: say there whom it may know", one.name));
        }
        for dependency in &one.dependencies {
            let ours = crates.iter().any(|other| other.name == dependency.name);
            edges += usize::from(ours);
            let Some(row) = row else { continue };
            violations.extend(if ours { internal(row, dependency) } else { external(row, dependency) });
        }
    }
    for row in table.iter().filter(|row| !crates.iter().any(|one| one.name == row.name)) {
        violations.push(format!("{}: has a row in xtask/src/deps/table.rs, but there is no such crate", row.name));
    }
    (edges, violations)
}

fn internal(row: &Row, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if row.may_use.contains(&name) || (dependency.only_in_tests && IN_TESTS.contains(&name)) {
        return None;
    }
    let (when, allowed) = match dependency.only_in_tests {
        true => (" in its tests", [row.may_use, IN_TESTS].concat()),
        false => ("", row.may_use.to_vec()),
    };
    let allowed = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
    Some(format!("{}: must not use {name}{when}; it may use {allowed}", row.name))
}

fn external(row: &Row, dependency: &Dependency) -> Option<String> {
    let forbidden = row.must_not_use.iter().any(|group| group.contains(&dependency.name.as_str()));
    // Tests may look at a database or a wire from outside.
    (forbidden && !dependency.only_in_tests)
        .then(|| format!("{}: must not depend on {}: that belongs to another crate", row.name, dependency.name))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::graph;
    use super::table::{Row, TABLE};

    const SMALL: &[Row] = &[
        Row { name: "senani-proto", may_use: &[], must_not_use: &[&["sea-orm"]] },
        Row { name: "senani-hierarchy", may_use: &["senani-proto"], must_not_use: &[] },
        Row { name: "senani-membership", may_use: &["senani-proto"], must_not_use: &[] },
        Row { name: "senani-testkit", may_use: &["senani-proto"], must_not_use: &[] },
    ];

    /// What cargo would say of crates with these dependencies: `(crate, [(dependency, kind)])`.
    fn violations_of(crates: &[(&str, &[(&str, Value)])], table: &[Row]) -> (usize, Vec<String>) {
        let id = |name: &str| format!("path+file:///w/{name}#0.1.0");
        let packages: Vec<Value> = crates
            .iter()
            .map(|(name, dependencies)| {
                let dependencies: Vec<Value> = dependencies
                    .iter()
                    .map(|(name, kind)| {
                        json!({"name": name, "source": null, "req": "*", "kind": kind, "rename": null, "optional": false,
                               "uses_default_features": true, "features": [], "target": null, "registry": null})
                    })
                    .collect();
                json!({"name": name, "version": "0.1.0", "id": id(name), "license": null, "license_file": null,
                       "description": null, "source": null, "dependencies": dependencies, "targets": [], "features": {},
                       "manifest_path": format!("/w/{name}/Cargo.toml"), "metadata": null, "publish": null, "authors": [],
                       "categories": [], "keywords": [], "readme": null, "repository": null, "homepage": null,
                       "documentation": null, "edition": "2024", "links": null, "default_run": null, "rust_version": null})
            })
            .collect();
        let members: Vec<String> = crates.iter().map(|(name, _)| id(name)).collect();
        let said = json!({"packages": packages, "workspace_members": members, "workspace_default_members": members,
                          "resolve": null, "target_directory": "/w/target", "version": 1, "workspace_root": "/w",
                          "metadata": null});
        let metadata = cargo_metadata::MetadataCommand::parse(said.to_string()).unwrap();
        super::check(&graph::crates(&metadata), table)
    }

    #[test]
    fn what_the_table_allows_is_counted_and_passes() {
        let crates: &[(&str, &[(&str, Value)])] = &[
            ("senani-proto", &[("prost", Value::Null), ("protox", json!("build"))]),
            ("senani-hierarchy", &[("senani-proto", Value::Null), ("senani-testkit", json!("dev"))]),
            ("senani-membership", &[("senani-proto", json!("build"))]),
            ("senani-testkit", &[("sea-orm", Value::Null)]),
        ];
        assert_eq!(violations_of(crates, SMALL), (3, vec![]));
    }

    #[test]
    fn a_service_that_uses_another_is_found_even_in_its_tests_or_its_build_script() {
        for (kind, when) in [(Value::Null, ""), (json!("build"), ""), (json!("dev"), " in its tests")] {
            let crates: &[(&str, &[(&str, Value)])] = &[
                ("senani-proto", &[]),
                ("senani-hierarchy", &[]),
                ("senani-membership", &[("senani-hierarchy", kind)]),
                ("senani-testkit", &[]),
            ];
            let (_, found) = violations_of(crates, SMALL);
            assert_eq!(found.len(), 1, "{found:?}");
            let start = format!("senani-membership: must not use senani-hierarchy{when}; it may use senani-proto");
            assert!(found[0].starts_with(&start), "{found:?}");
        }
    }

    #[test]
    fn the_test_tools_outside_tests_and_a_foreign_crate_are_found() {
        let crates: &[(&str, &[(&str, Value)])] = &[
            ("senani-proto", &[("sea-orm", Value::Null)]),
            ("senani-hierarchy", &[("senani-testkit", Value::Null)]),
            ("senani-membership", &[]),
            ("senani-testkit", &[]),
        ];
        let (_, found) = violations_of(crates, SMALL);
        assert_eq!(
            found,
            [
                "senani-hierarchy: must not use senani-testkit; it may use senani-proto",
                "senani-proto: must not depend on sea-orm: that belongs to another crate",
            ]
        );
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_found() {
        let crates: &[(&str, &[(&str, Value)])] =
            &[("senani-proto", &[]), ("senani-hierarchy", &[]), ("senani-membership", &[]), ("senani-common", &[])];
        let (_, found) = violations_of(crates, SMALL);
        assert!(found[0].starts_with("senani-common: has no row"), "{found:?}");
        assert!(found[1].starts_with("senani-testkit: has a row"), "{found:?}");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn the_table_names_each_crate_once_and_only_crates_of_the_table() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(TABLE[..at].iter().all(|earlier| earlier.name != row.name), "{} has two rows", row.name);
            for used in row.may_use {
                assert!(TABLE.iter().any(|other| &other.name == used), "{}: {used} has no row", row.name);
            }
        }
    }
}
