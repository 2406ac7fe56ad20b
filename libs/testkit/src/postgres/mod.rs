//! A PostgreSQL server of the test process's own.

mod programs;
mod server;

pub(crate) use programs::find as find_programs;
pub use server::{Durability, PostgresServer};

/// The folder of PostgreSQL's programs: those of the servers that are started here, and `psql`.
#[must_use]
pub fn postgres_programs() -> Option<std::path::PathBuf> {
    find_programs()
}

use std::sync::OnceLock;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DbErr};

/// Names a running server to use instead of an own one: `postgres://user:password@host:port`. The user may create databases.
pub(crate) const URL_VARIABLE: &str = "SENANI_TEST_POSTGRES_URL";

/// The server given by the environment.
pub(crate) fn given_url() -> Option<String> {
    std::env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty())
}

/// Base URL (without a database) of the server that this process's tests share; starts it on first use.
///
/// # Panics
/// When it cannot be started.
pub(crate) fn shared_url() -> &'static str {
    static BASE: OnceLock<String> = OnceLock::new();
    // A static is never dropped: the server's supervisor ends it when the process ends.
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    BASE.get_or_init(|| match given_url() {
        Some(url) => base(&url),
        None => {
            let server = SERVER.get_or_init(|| match PostgresServer::start(Durability::Off) {
                Ok(server) => server,
                Err(error) => panic!("PostgreSQL for the tests does not start: {error:#}"),
            });
            server.base_url()
        }
    })
}

/// `url` without its path and query.
fn base(url: &str) -> String {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?']).map_or(url.len(), |at| authority + at);
    url[..end].to_owned()
}

/// Runs one statement on the server's maintenance database, from wherever the caller is, inside a runtime or not.
pub(crate) fn execute(base_url: &str, statement: &str) -> Result<(), DbErr> {
    let mut options = ConnectOptions::new(format!("{base_url}/postgres"));
    options.max_connections(1).sqlx_logging(false);
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| DbErr::Custom(format!("no runtime: {error}")))?;
        runtime.block_on(async {
            let connection = Database::connect(options).await?;
            connection.execute_unprepared(statement).await?;
            connection.close().await
        })
    };
    // Its own thread: a runtime cannot be entered from within another one.
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_panicked| Err(DbErr::Custom("the thread of an administrative statement panicked".into())))
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn the_base_of_a_url_ends_before_its_path_and_query() {
        assert_eq!(base("postgres://u:p@host:5432/postgres?sslmode=disable"), "postgres://u:p@host:5432");
        assert_eq!(base("postgres://host?x=/"), "postgres://host");
        assert_eq!(base("postgres://host:1"), "postgres://host:1");
    }
}
