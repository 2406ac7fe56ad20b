//! The server, and what is measured beside our work: the same rows by the database's own means.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, Statement};
use senani_testkit::{Durability, PostgresServer};

/// A server of its own that keeps what it commits.
pub(crate) fn start() -> anyhow::Result<PostgresServer> {
    PostgresServer::start(Durability::On).context("PostgreSQL is needed for the figures")
}

/// One connection to a database.
pub(crate) async fn connect(url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

/// Runs a statement.
pub(crate) async fn run(db: &DatabaseConnection, sql: &str) -> anyhow::Result<()> {
    db.execute_unprepared(sql).await.with_context(|| sql.to_owned())?;
    Ok(())
}

/// The one number that a query answers.
pub(crate) async fn number(db: &DatabaseConnection, sql: &str) -> anyhow::Result<i64> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.with_context(|| sql.to_owned())?;
    Ok(row.try_get_by_index(0)?)
}

/// Rows of a table, and a table like it for them.
pub(crate) struct Copy<'a> {
    pub(crate) table: &'a str,
    /// Which rows.
    pub(crate) filter: &'a str,
}

impl Copy<'_> {
    fn name(&self) -> String {
        format!("copy_of_{}", self.table)
    }

    /// Makes an empty table with the same columns, constraints, indexes and settings of storage.
    pub(crate) async fn make(&self, db: &DatabaseConnection) -> anyhow::Result<()> {
        let (table, copy) = (self.table, self.name());
        run(db, &format!("DROP TABLE IF EXISTS {copy}")).await?;
        run(db, &format!("CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")).await?;
        let sql = format!(
            "SELECT coalesce(array_to_string(reloptions, ', '), '') FROM pg_class WHERE oid = '{table}'::regclass"
        );
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await?.context("the table is there")?;
        let options: String = row.try_get_by_index(0)?;
        if !options.is_empty() {
            run(db, &format!("ALTER TABLE {copy} SET ({options})")).await?;
        }
        Ok(())
    }

    /// Time of a binary COPY of the rows from a file on the server.
    pub(crate) async fn by_copy(&self, db: &DatabaseConnection, server: &PostgresServer) -> anyhow::Result<Duration> {
        let file = server.directory().join(format!("{}.copy", self.table));
        let (table, filter, file) = (self.table, self.filter, file.display());
        run(db, &format!("COPY (SELECT * FROM {table} WHERE {filter}) TO '{file}' (FORMAT binary)")).await?;
        run(db, "CHECKPOINT").await?;
        let began = Instant::now();
        run(db, &format!("COPY {} FROM '{file}' (FORMAT binary)", self.name())).await?;
        Ok(began.elapsed())
    }

    /// Time of one INSERT … SELECT of the rows.
    pub(crate) async fn by_insert(&self, db: &DatabaseConnection) -> anyhow::Result<Duration> {
        run(db, "CHECKPOINT").await?;
        let began = Instant::now();
        run(db, &format!("INSERT INTO {} SELECT * FROM {} WHERE {}", self.name(), self.table, self.filter)).await?;
        Ok(began.elapsed())
    }

    /// Removes it.
    pub(crate) async fn remove(&self, db: &DatabaseConnection) -> anyhow::Result<()> {
        run(db, &format!("DROP TABLE {}", self.name())).await
    }
}
