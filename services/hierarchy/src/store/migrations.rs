//! The schema. Fix forward: a migration that was released is never edited.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// The migrations of hierarchy, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateUnits), Box::new(CreateUnitVersions), Box::new(CreateUnitSets)]
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

struct CreateUnitVersions;

impl MigrationName for CreateUnitVersions {
    fn name(&self) -> &'static str {
        "m0002_create_unit_versions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateUnitVersions {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let (uuid, today) = match db.get_database_backend() {
            DbBackend::Postgres => ("uuid", "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
            _ => ("blob", "date('now')"),
        };
        // What a unit was from `valid_from` until the day before `valid_until`, which is 9999-12-31 while it holds. A unit's versions
        // follow each other without a gap; the last is what `unit` says.
        for statement in [
            // The slug of the unit with which a closed one was merged; a slug never changes.
            "ALTER TABLE unit ADD COLUMN successor text NOT NULL DEFAULT ''".to_owned(),
            format!(
                "CREATE TABLE unit_version (unit_id {uuid} NOT NULL REFERENCES unit (id), valid_from text NOT NULL, \
                 valid_until text NOT NULL, parent_id {uuid} REFERENCES unit (id), kind integer NOT NULL, \
                 names text NOT NULL, codes text NOT NULL, closed_on text NOT NULL, successor text NOT NULL, \
                 certainty integer NOT NULL, version bigint NOT NULL, recorded_at bigint NOT NULL, PRIMARY KEY (unit_id, valid_from))"
            ),
            "CREATE INDEX unit_version_parent_id ON unit_version (parent_id, valid_from)".to_owned(),
            // The units that are there: from their opening day, but not before the unit above is on record, and at the latest today.
            format!(
                "WITH RECURSIVE down(id, since) AS (\
                    SELECT id, CASE WHEN opened_on < {today} THEN opened_on ELSE {today} END \
                    FROM unit WHERE parent_id IS NULL \
                    UNION ALL SELECT unit.id, CASE WHEN unit.opened_on <= down.since THEN down.since \
                        WHEN unit.opened_on < {today} THEN unit.opened_on ELSE {today} END \
                    FROM unit JOIN down ON unit.parent_id = down.id) \
                 INSERT INTO unit_version (unit_id, valid_from, valid_until, parent_id, kind, names, codes, closed_on, \
                 successor, certainty, version, recorded_at) SELECT unit.id, down.since, '9999-12-31', unit.parent_id, unit.kind, \
                 unit.names, unit.codes, unit.closed_on, '', unit.certainty, unit.version, unit.updated_at \
                 FROM unit JOIN down ON down.id = unit.id"
            ),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

struct CreateUnitSets;

impl MigrationName for CreateUnitSets {
    fn name(&self) -> &'static str {
        "m0003_create_unit_sets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateUnitSets {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let uuid = if db.get_database_backend() == DbBackend::Postgres { "uuid" } else { "blob" };
        // A unit is in a set from `valid_from` until the day before `valid_until`, which is 9999-12-31 while it is.
        for statement in [
            "CREATE TABLE unit_set (slug text PRIMARY KEY, names text NOT NULL, created_at bigint NOT NULL)".to_owned(),
            format!(
                "CREATE TABLE unit_set_member (set_slug text NOT NULL REFERENCES unit_set (slug), \
                 unit_id {uuid} NOT NULL REFERENCES unit (id), valid_from text NOT NULL, valid_until text NOT NULL, \
                 PRIMARY KEY (set_slug, unit_id, valid_from))"
            ),
            "CREATE INDEX unit_set_member_unit_id ON unit_set_member (unit_id)".to_owned(),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
