//! The tables beside that of the units.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

/// Creates the tables of the sets and of the appointments, and forgets where the service stands in hierarchy's log: it hears the log
/// again, or takes a snapshot, and so also what was told before these tables were there. For a migration of its own after the one
/// that calls `create_table`; the cursors are those of `senani_store::event_log::create_tables`.
///
/// # Errors
/// The database's.
pub async fn create_set_and_post_tables(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let (uuid, bytes, clustered) = match db.get_database_backend() {
        DbBackend::Postgres => ("uuid", "bytea", ""),
        _ => ("blob", "blob", " WITHOUT ROWID"),
    };
    for statement in [
        "CREATE TABLE unit_set_replica (slug text PRIMARY KEY)".to_owned(),
        format!(
            "CREATE TABLE unit_set_member_replica (set_slug text NOT NULL, unit_id {uuid} NOT NULL, \
             PRIMARY KEY (set_slug, unit_id)){clustered}"
        ),
        // `appointment_changed` is senani.hierarchy.v1.AppointmentChanged, encoded.
        format!("CREATE TABLE appointment_replica (id {uuid} PRIMARY KEY, appointment_changed {bytes} NOT NULL)"),
        format!("DELETE FROM follow_cursor WHERE source = '{}'", crate::sink::SOURCE),
    ] {
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}
