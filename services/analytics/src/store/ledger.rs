//! Bulletins and the counts of their deliveries and tasks. Read when asked for: a year of them need not lie in memory.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_store::{Rows, Store, WriteTransaction};
use uuid::Uuid;

use crate::domain::{ReachLine, TaskLine};

/// What events of the bulletin service change, the last word on each key.
#[derive(Debug, Default)]
pub(crate) struct LedgerChanges {
    /// Numbers of bulletins, by id; empty before approval.
    pub(crate) bulletins: BTreeMap<Uuid, String>,
    /// Deliveries by bulletin, unit, state and reason.
    pub(crate) deliveries: BTreeMap<(Uuid, Uuid, i32, String), i64>,
    /// Open and orphaned tasks by bulletin and unit.
    pub(crate) tasks: BTreeMap<(Uuid, Uuid), (i64, i64)>,
}

/// What is known of one bulletin.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Empty before approval.
    pub(crate) number: String,
    pub(crate) deliveries: Vec<ReachLine>,
    pub(crate) tasks: Vec<TaskLine>,
}

/// Stores changes.
pub(crate) async fn write(txn: &WriteTransaction, changes: &LedgerChanges) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", changes.bulletins.keys().copied())
        .text("number", changes.bulletins.values().map(String::as_str))
        .execute(
            &**txn,
            // `WHERE true`: without it SQLite reads ON as part of a join.
            "INSERT INTO bulletin_replica (id, number) SELECT v.id, v.number FROM v WHERE true \
             ON CONFLICT (id) DO UPDATE SET number = excluded.number",
            &[],
        )
        .await?;
    let deliveries = &changes.deliveries;
    Rows::new()
        .uuid("bulletin_id", deliveries.keys().map(|key| key.0))
        .uuid("unit_id", deliveries.keys().map(|key| key.1))
        .int("state", deliveries.keys().map(|key| key.2))
        .text("reason", deliveries.keys().map(|key| key.3.as_str()))
        .big_int("delivery_count", deliveries.values().copied())
        .execute(
            &**txn,
            "INSERT INTO reach_line (bulletin_id, unit_id, state, reason, delivery_count) \
             SELECT v.bulletin_id, v.unit_id, v.state, v.reason, v.delivery_count FROM v WHERE true \
             ON CONFLICT (bulletin_id, unit_id, state, reason) DO UPDATE SET delivery_count = excluded.delivery_count",
            &[],
        )
        .await?;
    let tasks = &changes.tasks;
    Rows::new()
        .uuid("bulletin_id", tasks.keys().map(|key| key.0))
        .uuid("unit_id", tasks.keys().map(|key| key.1))
        .big_int("open_count", tasks.values().map(|counts| counts.0))
        .big_int("orphaned_count", tasks.values().map(|counts| counts.1))
        .execute(
            &**txn,
            "INSERT INTO task_line (bulletin_id, unit_id, open_count, orphaned_count) \
             SELECT v.bulletin_id, v.unit_id, v.open_count, v.orphaned_count FROM v WHERE true \
             ON CONFLICT (bulletin_id, unit_id) DO UPDATE SET open_count = excluded.open_count, \
             orphaned_count = excluded.orphaned_count",
            &[],
        )
        .await
        .map(drop)
}

/// Forgets everything that came from the bulletin service.
pub(crate) async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
    for statement in ["DELETE FROM bulletin_replica", "DELETE FROM reach_line", "DELETE FROM task_line"] {
        txn.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// One bulletin, in one consistent read; `None` for one that is not known.
pub(crate) async fn find(store: &Store, bulletin: Uuid) -> Result<Option<Ledger>, DbErr> {
    let txn = store.begin_read().await?;
    let select = |sql| Statement::from_sql_and_values(txn.get_database_backend(), sql, [bulletin.into()]);
    let found = txn.query_one_raw(select("SELECT number FROM bulletin_replica WHERE id = $1")).await?;
    let Some(found) = found else { return Ok(None) };
    let deliveries = txn
        .query_all_raw(select(
            "SELECT unit_id, state, reason, delivery_count FROM reach_line \
             WHERE bulletin_id = $1 AND delivery_count <> 0",
        ))
        .await?;
    let tasks = txn
        .query_all_raw(select("SELECT unit_id, open_count, orphaned_count FROM task_line WHERE bulletin_id = $1"))
        .await?;
    let deliveries = deliveries.iter().map(|row| {
        Ok(ReachLine {
            unit: row.try_get_by_index(0)?,
            state: row.try_get_by_index(1)?,
            reason: row.try_get_by_index(2)?,
            count: row.try_get_by_index(3)?,
        })
    });
    let tasks = tasks.iter().map(|row| {
        Ok(TaskLine {
            unit: row.try_get_by_index(0)?,
            open: row.try_get_by_index(1)?,
            orphaned: row.try_get_by_index(2)?,
        })
    });
    Ok(Some(Ledger {
        number: found.try_get_by_index(0)?,
        deliveries: deliveries.collect::<Result<_, DbErr>>()?,
        tasks: tasks.collect::<Result<_, DbErr>>()?,
    }))
}
