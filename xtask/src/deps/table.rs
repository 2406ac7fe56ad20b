//! Who may know whom: the table of the architecture as data.

/// What one crate may use.
#[derive(Debug)]
pub(crate) struct Row {
    /// Name of the crate.
    pub(crate) name: &'static str,
    /// Our crates that it may depend on.
    pub(crate) may_use: &'static [&'static str],
    /// Crates of others that it must not depend on.
    pub(crate) must_not_use: &'static [&'static [&'static str]],
}

/// Our crates that any crate may use in its tests.
pub(crate) const IN_TESTS: &[&str] = &["senani-testkit", "senani-simulator"];

/// A way to a database.
const SQL: &[&str] = &["sea-orm", "sea-orm-migration", "sea-query", "sqlx", "rusqlite", "tokio-postgres"];
/// A way to a network.
const NETWORK: &[&str] = &["axum", "hyper", "hyper-util", "tonic-health", "tonic-reflection", "reqwest"];
/// What a rule has no need for: messages, a runtime, a clock, chance.
const EFFECTS: &[&str] =
    &["tonic", "prost", "prost-types", "tokio", "tokio-stream", "tokio-util", "time", "rand", "tracing"];

/// Nothing of ours.
const NO_CRATES: &[&str] = &[];

/// The table. A crate without a row is a violation, and so is a row without a crate.
pub(crate) const TABLE: &[Row] = &[
    // The bottom: these know no more of us than the contracts.
    Row { name: "senani-proto", may_use: NO_CRATES, must_not_use: &[SQL, NETWORK] },
    Row { name: "senani-error", may_use: &["senani-proto"], must_not_use: &[SQL, NETWORK] },
    Row { name: "senani-config", may_use: &["senani-proto"], must_not_use: &[SQL, NETWORK] },
    Row { name: "senani-telemetry", may_use: &["senani-proto"], must_not_use: &[SQL] },
    Row { name: "senani-vault", may_use: &["senani-proto"], must_not_use: &[SQL, NETWORK] },
    Row { name: "senani-unit-tree", may_use: &["senani-proto"], must_not_use: &[SQL, NETWORK] },
    Row { name: "senani-order", may_use: NO_CRATES, must_not_use: &[SQL, NETWORK, EFFECTS] },
    // Numbers as texts: which number a text means is for the vault, which the parser of a stranger's file must not know.
    Row { name: "senani-roster", may_use: NO_CRATES, must_not_use: &[SQL, NETWORK, EFFECTS] },
    // What the services stand on.
    Row {
        name: "senani-access",
        may_use: &["senani-error", "senani-proto", "senani-unit-tree"],
        must_not_use: &[SQL, NETWORK],
    },
    Row {
        name: "senani-store",
        // The contracts, because the event log's wire form is the store's own.
        may_use: &["senani-error", "senani-proto", "senani-telemetry"],
        must_not_use: &[NETWORK],
    },
    Row {
        name: "senani-server",
        // The contracts, because reflection serves their descriptors.
        may_use: &["senani-access", "senani-error", "senani-proto", "senani-telemetry"],
        must_not_use: &[SQL],
    },
    Row {
        name: "senani-client",
        // Access, because a service calls another under its own name.
        may_use: &["senani-access", "senani-error", "senani-proto", "senani-telemetry"],
        must_not_use: &[SQL],
    },
    // The structure in a service's own database, fed by the hierarchy's events.
    Row {
        name: "senani-unit-replica",
        may_use: &["senani-client", "senani-proto", "senani-store", "senani-unit-tree"],
        must_not_use: &[NETWORK],
    },
    // The services: none knows another.
    Row {
        name: "senani-hierarchy",
        may_use: &[
            "senani-access",
            "senani-client",
            "senani-config",
            "senani-error",
            "senani-proto",
            "senani-server",
            "senani-store",
            "senani-telemetry",
            "senani-unit-tree",
        ],
        must_not_use: &[],
    },
    Row {
        name: "senani-membership",
        may_use: &[
            "senani-access",
            "senani-client",
            "senani-config",
            "senani-error",
            "senani-order",
            "senani-proto",
            "senani-roster",
            "senani-server",
            "senani-store",
            "senani-telemetry",
            "senani-unit-replica",
            "senani-unit-tree",
            // Phone numbers live here and nowhere else.
            "senani-vault",
        ],
        must_not_use: &[],
    },
    Row {
        name: "senani-bulletin",
        may_use: &[
            "senani-access",
            "senani-client",
            "senani-config",
            "senani-error",
            "senani-proto",
            "senani-server",
            "senani-store",
            "senani-telemetry",
            "senani-unit-replica",
            "senani-unit-tree",
            // Reports are sealed with a key of each; no number rests here.
            "senani-vault",
        ],
        must_not_use: &[],
    },
    Row {
        name: "senani-analytics",
        may_use: &[
            "senani-access",
            "senani-client",
            "senani-config",
            "senani-error",
            "senani-order",
            "senani-proto",
            "senani-server",
            "senani-store",
            "senani-telemetry",
            "senani-unit-replica",
            "senani-unit-tree",
        ],
        must_not_use: &[],
    },
    Row {
        name: "senani-gateway",
        may_use: &[
            "senani-access",
            "senani-client",
            "senani-config",
            "senani-error",
            "senani-proto",
            "senani-server",
            "senani-telemetry",
            "senani-unit-tree",
        ],
        must_not_use: &[SQL],
    },
    // Stands in for someone else's service, so it knows nothing of ours.
    Row { name: "senani-simulator", may_use: &["senani-telemetry"], must_not_use: &[SQL] },
    // Starts everything and calls it as a client does; the store only derives the services' database URLs.
    Row {
        name: "senani",
        may_use: &[
            "senani-analytics",
            "senani-bulletin",
            "senani-client",
            "senani-config",
            // The client commands tell a person why a call was refused.
            "senani-error",
            "senani-gateway",
            "senani-hierarchy",
            "senani-membership",
            "senani-order",
            "senani-proto",
            // The signals that end the process.
            "senani-server",
            "senani-simulator",
            "senani-store",
            "senani-telemetry",
        ],
        must_not_use: &[SQL],
    },
    // Tests and tools.
    Row { name: "senani-testkit", may_use: &["senani-proto"], must_not_use: &[] },
    Row {
        name: "senani-tests",
        may_use: &[
            "senani-access",
            // The benchmark posts with the very client of its channel.
            "senani-bulletin",
            "senani-client",
            "senani-error",
            "senani-order",
            "senani-proto",
            "senani-simulator",
            "senani-store",
            "senani-telemetry",
            "senani-testkit",
            // The benchmark measures it.
            "senani-unit-tree",
        ],
        must_not_use: &[],
    },
    Row { name: "xtask", may_use: NO_CRATES, must_not_use: &[SQL, NETWORK] },
];
