//! The schema. Fix forward: a migration that was released is never edited.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// The migrations of hierarchy, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateUnits)]
    }
}

struct CreateUnits;

impl MigrationName for CreateUnits {
    fn name(&self) -> &'static str {
        "m0001_create_units"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateUnits {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        senani_store::event_log::create_tables(manager).await?;
        let db = manager.get_connection();
        let uuid = if db.get_database_backend() == DbBackend::Postgres { "uuid" } else { "blob" };
        // Names and codes are JSON objects, read with the unit in one row; `unit_code` is there for uniqueness within a system.
        for statement in [
            format!(
                "CREATE TABLE unit (id {uuid} PRIMARY KEY, slug text NOT NULL CONSTRAINT unit_slug_key UNIQUE, \
                 parent_id {uuid} REFERENCES unit (id), kind integer NOT NULL, names text NOT NULL, \
                 codes text NOT NULL, opened_on text NOT NULL, closed_on text NOT NULL, certainty integer NOT NULL, \
                 version bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL)"
            ),
            "CREATE INDEX unit_parent_id_slug ON unit (parent_id, slug)".to_owned(),
            format!(
                "CREATE TABLE unit_code (system text NOT NULL, code text NOT NULL, \
                 unit_id {uuid} NOT NULL REFERENCES unit (id), PRIMARY KEY (system, code))"
            ),
            "CREATE INDEX unit_code_unit_id ON unit_code (unit_id)".to_owned(),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
