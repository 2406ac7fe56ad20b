//! Migrations, one migrator at a time.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use crate::{Store, StoreOptions};

/// The key of PostgreSQL's advisory lock; any constant of our own.
const LOCK: i64 = 0x5e_4a_4e_49;

/// Applies the pending migrations of `M`, in order. sea-orm-migration takes no lock of its own (SeaQL/sea-orm#1378), so this holds one
/// meanwhile: PostgreSQL's advisory lock on the one connection in use, or a locked file beside the SQLite database.
///
/// # Errors
/// The database's, or the lock file cannot be made.
pub async fn migrate<M: MigratorTrait>(url: &str) -> Result<(), DbErr> {
    let store = Store::connect(url, &StoreOptions { max_connections: 1 }).await?;
    let db = store.reader();
    let result = match store.backend() {
        DbBackend::Postgres => {
            let lock = |call| Statement::from_sql_and_values(DbBackend::Postgres, call, [LOCK.into()]);
            db.execute_raw(lock("SELECT pg_advisory_lock($1)")).await?;
            let result = M::up(db, None).await;
            db.execute_raw(lock("SELECT pg_advisory_unlock($1)")).await?;
            result
        }
        _ => {
            let file = lock_file(url).await?;
            let result = M::up(db, None).await;
            drop(file);
            result
        }
    };
    db.clone().close().await?;
    result
}

async fn lock_file(url: &str) -> Result<std::fs::File, DbErr> {
    let path = url.trim_start_matches("sqlite://").split('?').next().unwrap_or_default().to_owned() + ".migrating";
    let locked = tokio::task::spawn_blocking(move || {
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    locked
        .await
        .map_err(|error| DbErr::Custom(error.to_string()))?
        .map_err(|error| DbErr::Custom(format!("the lock file of the migration cannot be used: {error}")))
}

/// Makes the PostgreSQL database that `url` names when it is missing; SQLite files make themselves.
///
/// # Errors
/// The server cannot be reached, or refuses.
pub async fn create_database(url: &str) -> Result<(), DbErr> {
    let Some((server, rest)) = url.rsplit_once('/').filter(|_| url.starts_with("postgres")) else { return Ok(()) };
    let (name, query) = rest.split_once('?').map_or((rest, None), |(name, query)| (name, Some(query)));
    let query = query.map_or(String::new(), |query| format!("?{query}"));
    let mut connect = ConnectOptions::new(format!("{server}/postgres{query}"));
    connect.max_connections(1).sqlx_logging(false);
    let db = Database::connect(connect).await?;
    let find = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT 1 FROM pg_database WHERE datname = $1",
        [name.into()],
    );
    if db.query_one_raw(find).await?.is_none() {
        let quoted = name.replace('"', "\"\"");
        let created = db.execute_unprepared(&format!("CREATE DATABASE \"{quoted}\"")).await;
        // Another process may have been faster.
        let exists = |error: &DbErr| {
            let text = error.to_string();
            text.contains("already exists") || text.contains("duplicate key")
        };
        match created {
            Err(error) if !exists(&error) => return Err(error),
            _ => {}
        }
    }
    db.close().await
}
