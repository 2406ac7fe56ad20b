//! One empty database per service of a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use tempfile::TempDir;
use uuid::Uuid;

use crate::engine::Engine;
use crate::postgres;

/// Where the services of one test keep their databases. Removed when it is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    engine: Engine,
    /// SQLite's files.
    directory: TempDir,
    /// Name of the PostgreSQL database of each service that asked for one.
    created: Mutex<BTreeMap<String, String>>,
}

/// A place for the databases of one test on `engine`. PostgreSQL is started on the first use in a process.
///
/// # Panics
/// When there is no temporary directory, or PostgreSQL does not start.
#[must_use]
pub fn database(engine: Engine) -> TestDatabase {
    let directory = match tempfile::Builder::new().prefix("senani-test-").tempdir() {
        Ok(directory) => directory,
        Err(error) => panic!("no temporary directory for a test's databases: {error}"),
    };
    if engine == Engine::Postgres {
        postgres::shared_url();
    }
    TestDatabase { engine, directory, created: Mutex::default() }
}

impl TestDatabase {
    /// The engine that the databases are on.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The URL of the database of `service`: empty at first, the same at every call.
    ///
    /// # Panics
    /// When PostgreSQL cannot create it.
    #[must_use]
    pub fn url(&self, service: &str) -> String {
        match self.engine {
            Engine::Sqlite => {
                format!("sqlite://{}?mode=rwc", self.directory.path().join(service).with_extension("sqlite").display())
            }
            Engine::Postgres => {
                let base = postgres::shared_url();
                let mut created = self.created.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                let name = created.entry(service.to_owned()).or_insert_with(|| create(base, service));
                format!("{base}/{name}")
            }
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let created = std::mem::take(self.created.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()));
        for name in created.values() {
            // At best: a server of our own takes everything with it when it ends.
            _ = postgres::execute(postgres::shared_url(), &format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"));
        }
    }
}

fn create(base: &str, service: &str) -> String {
    let mut name = String::from("test_");
    name.extend(service.chars().filter(char::is_ascii_alphanumeric).take(20));
    _ = write!(name, "_{}", Uuid::new_v4().simple());
    // Not template1: that fails while anyone is connected to it.
    match postgres::execute(base, &format!("CREATE DATABASE \"{name}\" TEMPLATE template0")) {
        Ok(()) => name,
        Err(error) => panic!("no PostgreSQL database for `{service}`: {error}"),
    }
}
