//! Where this service stands in the logs of others: written in the transaction that applies the events.

use sea_orm::{ConnectionTrait, DbErr, Statement};

/// The cursor in the log of `source`; empty before the first event.
///
/// # Errors
/// The database's.
pub async fn load(db: &impl ConnectionTrait, source: &str) -> Result<String, DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT cursor FROM follow_cursor WHERE source = $1",
        [source.into()],
    );
    match db.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(String::new()),
    }
}

/// Moves the cursor in the log of `source` from where the consumer read it to `to`; make it the first statement of the transaction that
/// applies the events. It fails when the cursor is no longer at `from`: a consumer that died with its commit under way, or another
/// replica, has applied these events, and applying them again would count them twice.
///
/// # Errors
/// The database's, or [`DbErr::RecordNotUpdated`] when the cursor has moved.
pub async fn advance(db: &impl ConnectionTrait, source: &str, from: &str, to: &str) -> Result<(), DbErr> {
    let sql = if from.is_empty() {
        "INSERT INTO follow_cursor (source, cursor) VALUES ($1, $3) ON CONFLICT (source) \
         DO UPDATE SET cursor = excluded.cursor WHERE follow_cursor.cursor = $2"
    } else {
        "UPDATE follow_cursor SET cursor = $3 WHERE source = $1 AND cursor = $2"
    };
    let statement =
        Statement::from_sql_and_values(db.get_database_backend(), sql, [source.into(), from.into(), to.into()]);
    if db.execute_raw(statement).await?.rows_affected() == 1 { Ok(()) } else { Err(DbErr::RecordNotUpdated) }
}

/// Sets the cursor in the log of `source`, wherever it was: with a snapshot that replaces everything from that log.
///
/// # Errors
/// The database's.
pub async fn save(db: &impl ConnectionTrait, source: &str, cursor: &str) -> Result<(), DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "INSERT INTO follow_cursor (source, cursor) VALUES ($1, $2) \
         ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor",
        [source.into(), cursor.into()],
    );
    db.execute_raw(statement).await.map(drop)
}
