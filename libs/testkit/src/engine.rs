//! The database engines that tests run on.

use std::fmt;
use std::io::Write as _;
use std::sync::Once;

use crate::postgres;

/// Set to `require`, a missing PostgreSQL fails the tests instead of leaving them out (CI does so); set to `skip`, it is
/// left out even where it is installed.
const WISH: &str = "SENANI_TEST_POSTGRES";

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Embedded, one file per service.
    Sqlite,
    /// A server of the test process's own, or the one at `SENANI_TEST_POSTGRES_URL`.
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// The engines that a test of storage runs on: SQLite always, PostgreSQL where its programs are installed or
/// `SENANI_TEST_POSTGRES_URL` names a server.
///
/// Without PostgreSQL it says so once on standard error, or panics when `SENANI_TEST_POSTGRES=require`.
///
/// # Panics
/// When PostgreSQL is required and missing, or `SENANI_TEST_POSTGRES` has another value than `require` or `skip`.
#[must_use]
pub fn engines() -> Vec<Engine> {
    let wish = std::env::var(WISH).unwrap_or_default();
    let required = match wish.as_str() {
        "require" => true,
        "" => false,
        "skip" => return without_postgres("SENANI_TEST_POSTGRES=skip"),
        other => panic!("{WISH} is `{other}`: it may be `require`, `skip` or not set"),
    };
    if postgres::given_url().is_some() {
        return vec![Engine::Sqlite, Engine::Postgres];
    }
    match postgres::find_programs() {
        Some(_) => vec![Engine::Sqlite, Engine::Postgres],
        None if required => panic!(
            "{WISH}=require, but there is no PostgreSQL: neither `initdb` on PATH nor in /usr/lib/postgresql/*/bin; \
             install the package `postgresql`, or name a server in {}",
            postgres::URL_VARIABLE
        ),
        None => without_postgres("PostgreSQL is not installed"),
    }
}

fn without_postgres(reason: &str) -> Vec<Engine> {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        // Not `eprintln!`: the test harness would swallow it, and a run without PostgreSQL must be seen as such.
        _ = writeln!(std::io::stderr(), "testkit: tests on PostgreSQL are left out: {reason}");
    });
    vec![Engine::Sqlite]
}
