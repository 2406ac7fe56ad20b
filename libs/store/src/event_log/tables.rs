//! The tables that every service has for what it tells and what it hears.

use sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::SchemaManager;
use uuid::Uuid;

/// Creates the event log, the followers' cursors and the request log; part of each service's first migration.
///
/// # Errors
/// The database's.
pub async fn create_tables(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let (bytes, uuid) = match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => ("bytea", "uuid"),
        _ => ("blob", "blob"),
    };
    for statement in [
        format!(
            "CREATE TABLE event_log (position bigint PRIMARY KEY, occurred_at bigint NOT NULL, \
             trace_parent text NOT NULL, payload {bytes} NOT NULL)"
        ),
        "CREATE TABLE event_head (id integer PRIMARY KEY CHECK (id = 1), epoch text NOT NULL, \
         position bigint NOT NULL, pruned_through bigint NOT NULL)"
            .to_owned(),
        "CREATE TABLE follow_cursor (source text PRIMARY KEY, cursor text NOT NULL)".to_owned(),
        format!(
            "CREATE TABLE request_log (subject text NOT NULL, method text NOT NULL, request_id {uuid} NOT NULL, \
             fingerprint {bytes} NOT NULL, response {bytes} NOT NULL, created_at bigint NOT NULL, \
             PRIMARY KEY (subject, method, request_id))"
        ),
        "CREATE INDEX request_log_created_at ON request_log (created_at)".to_owned(),
    ] {
        db.execute_unprepared(&statement).await?;
    }
    // The epoch names this incarnation of the database. Restoring a backup must renew it.
    let head = Statement::from_sql_and_values(
        db.get_database_backend(),
        "INSERT INTO event_head (id, epoch, position, pruned_through) VALUES (1, $1, 0, 0)",
        [Uuid::new_v4().simple().to_string().into()],
    );
    db.execute_raw(head).await.map(drop)
}
