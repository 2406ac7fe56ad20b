//! Connections and transactions.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use senani_proto::eventlog::v1::event::Payload;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::event_log;

/// How to connect.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Connections at most. A service needs few: its work is short transactions.
    pub max_connections: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { max_connections: 8 }
    }
}

/// Connections to an SQLite file at most.
const SQLITE_CONNECTIONS: u32 = 4;

/// A service's own database.
#[derive(Debug, Clone)]
pub struct Store {
    db: DatabaseConnection,
    /// SQLite has one writer; waiting for it here is fair and costs nothing, while SQLite's own waiting polls and starves.
    writer: Option<Arc<Mutex<()>>>,
    /// The head of the event log as this process last committed it: wakes the feed.
    bell: watch::Sender<i64>,
}

impl Store {
    /// Connects to `sqlite://PATH` (created when missing) or `postgres://…`.
    ///
    /// # Errors
    /// The database cannot be reached or opened.
    pub async fn connect(url: &str, options: &StoreOptions) -> Result<Self, DbErr> {
        let sqlite = url.starts_with("sqlite:");
        let mut connect = ConnectOptions::new(url);
        connect
            .max_connections(options.max_connections)
            .acquire_timeout(Duration::from_secs(30))
            .connect_timeout(Duration::from_secs(10))
            .sqlx_logging(false);
        if sqlite {
            // One writes and the others read; each is a thread with caches of its own.
            connect.max_connections(options.max_connections.min(SQLITE_CONNECTIONS));
            connect.min_connections(1).map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .create_if_missing(true)
                    .busy_timeout(Duration::from_secs(30))
                    .pragma("journal_mode", "WAL")
                    // FULL: a commit that was answered survives a power cut.
                    .pragma("synchronous", "FULL")
                    .pragma("cache_size", "-4096")
                    .pragma("temp_store", "MEMORY")
                    // What is deleted is overwritten, not only forgotten: a wrapped key that an erasure has deleted is not left in a free
                    // page. It costs a write for each page that is given up.
                    .pragma("secure_delete", "ON")
                    // Without it the planner, which knows no sizes, goes through a whole table to look each row up in an index that it
                    // makes of a `Rows`, instead of looking up the few in the table's own index.
                    .pragma("automatic_index", "OFF")
                    // Pages; four times the default: a checkpoint costs two more syncs.
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("journal_size_limit", "67108864")
            });
        } else {
            connect.map_sqlx_postgres_opts(|postgres| postgres.application_name("senani"));
        }
        let db = Database::connect(connect).await?;
        Ok(Self { db, writer: sqlite.then(Arc::default), bell: watch::channel(0).0 })
    }

    /// For single reading statements. Several that must agree with each other belong in [`Store::begin_read`].
    pub fn reader(&self) -> &DatabaseConnection {
        &self.db
    }

    /// Which engine this is: only for SQL that pays on one of them.
    pub fn backend(&self) -> DbBackend {
        self.db.get_database_backend()
    }

    /// Begins the only kind of transaction that may write. On SQLite it takes the write lock at once: one that reads first and
    /// writes later would fail with SQLITE_BUSY instead of waiting. Dropped without commit, it rolls back.
    ///
    /// # Errors
    /// No connection within 30 seconds, or the database is gone.
    pub async fn begin_write(&self) -> Result<WriteTransaction, DbErr> {
        let turn = match &self.writer {
            Some(writer) => Some(writer.clone().lock_owned().await),
            None => None,
        };
        let transaction = self
            .db
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?;
        Ok(WriteTransaction { transaction, bell: self.bell.clone(), head: None, _turn: turn })
    }

    /// Begins a transaction that sees one state of the database and never writes.
    ///
    /// # Errors
    /// No connection within 30 seconds, or the database is gone.
    pub async fn begin_read(&self) -> Result<ReadTransaction, DbErr> {
        let options = match self.backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            },
        };
        Ok(ReadTransaction { transaction: self.db.begin_with_options(options).await? })
    }

    /// Changes whenever this process commits events.
    pub(crate) fn bell(&self) -> watch::Receiver<i64> {
        self.bell.subscribe()
    }
}

/// A transaction that may write.
#[derive(Debug)]
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    bell: watch::Sender<i64>,
    head: Option<i64>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl WriteTransaction {
    /// Appends events to the service's log, in order. Make it the last statement before [`WriteTransaction::commit`]: it locks
    /// the head of the log until then, which is what puts positions in commit order.
    ///
    /// # Errors
    /// The database's.
    pub async fn append(&mut self, payloads: Vec<Payload>) -> Result<(), DbErr> {
        if let Some(head) = event_log::append(&self.transaction, payloads).await? {
            self.head = Some(head);
        }
        Ok(())
    }

    /// Makes everything durable, then wakes the feed.
    ///
    /// # Errors
    /// The database's. When the connection breaks at this moment the outcome is unknown: read before you repeat.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.transaction.commit().await?;
        if let Some(head) = self.head {
            self.bell.send_if_modified(|known| {
                let newer = *known < head;
                *known = (*known).max(head);
                newer
            });
        }
        Ok(())
    }
}

impl Deref for WriteTransaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

/// A transaction that reads one state of the database.
#[derive(Debug)]
pub struct ReadTransaction {
    transaction: DatabaseTransaction,
}

impl Deref for ReadTransaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}
