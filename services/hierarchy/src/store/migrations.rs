//! The schema. Fix forward: a migration that was released is never edited.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// The migrations of hierarchy, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(CreateUnits),
            Box::new(CreateUnitVersions),
            Box::new(CreateUnitSets),
            Box::new(CreateAppointments),
            Box::new(CloseUnitSets),
        ]
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

struct CreateAppointments;

impl MigrationName for CreateAppointments {
    fn name(&self) -> &'static str {
        "m0004_create_appointments"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateAppointments {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let uuid = if db.get_database_backend() == DbBackend::Postgres { "uuid" } else { "blob" };
        for statement in [
            // Held from `start_at` until before `end_at`, which is the largest number while nobody has ended a substantive one (nature
            // 1); those have their days besides, the last 9999-12-31.
            format!(
                "CREATE TABLE appointment (id {uuid} PRIMARY KEY, officer {uuid} NOT NULL, \
                 unit_id {uuid} NOT NULL REFERENCES unit (id), post integer NOT NULL, nature integer NOT NULL, \
                 start_date text NOT NULL, end_date text NOT NULL, start_at bigint NOT NULL, end_at bigint NOT NULL, \
                 delegated_from {uuid} REFERENCES appointment (id), reason text NOT NULL, appointed_by text NOT NULL, \
                 ended_by text NOT NULL, version bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL)"
            ),
            "CREATE INDEX appointment_unit_id_id ON appointment (unit_id, id)".to_owned(),
            "CREATE INDEX appointment_officer_id ON appointment (officer, id)".to_owned(),
            // One head at a time, whatever the rules overlook.
            format!(
                "CREATE UNIQUE INDEX appointment_head ON appointment (unit_id) \
                 WHERE post = 1 AND nature = 1 AND end_at = {}",
                i64::MAX
            ),
            // `left_behind` is JSON; empty when nobody could say.
            format!(
                "CREATE TABLE transfer (id {uuid} PRIMARY KEY, appointment_id {uuid} NOT NULL REFERENCES appointment (id), \
                 officer {uuid} NOT NULL, unit_id {uuid} NOT NULL REFERENCES unit (id), post integer NOT NULL, \
                 effective_date text NOT NULL, state integer NOT NULL, left_behind text NOT NULL, \
                 new_appointment {uuid} REFERENCES appointment (id), force_reason text NOT NULL, forced_by text NOT NULL, \
                 begun_by text NOT NULL, version bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL, \
                 ended_at bigint NOT NULL)"
            ),
            "CREATE INDEX transfer_officer_id ON transfer (officer, id)".to_owned(),
            "CREATE INDEX transfer_unit_id_id ON transfer (unit_id, id)".to_owned(),
            "CREATE UNIQUE INDEX transfer_pending ON transfer (appointment_id) WHERE state = 1".to_owned(),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

struct CloseUnitSets;

impl MigrationName for CloseUnitSets {
    fn name(&self) -> &'static str {
        "m0005_close_unit_sets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CloseUnitSets {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for column in ["closed_on text NOT NULL DEFAULT ''", "version bigint NOT NULL DEFAULT 1"] {
            db.execute_unprepared(&format!("ALTER TABLE unit_set ADD COLUMN {column}")).await?;
        }
        Ok(())
    }
}
