//! Migrations for orders by unit set, groups in several parts, and what follows from them.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// The sets of units and who holds which post, as hierarchy tells them.
pub(super) struct FollowSetsAndPosts;

impl MigrationName for FollowSetsAndPosts {
    fn name(&self) -> &'static str {
        "m0002_follow_sets_and_posts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FollowSetsAndPosts {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        senani_unit_replica::create_set_and_post_tables(manager).await
    }
}

/// Rules for the units in a set; an empty `unit_set` stands for a rule for `unit_kind`.
pub(super) struct OrdersForUnitSets;

impl MigrationName for OrdersForUnitSets {
    fn name(&self) -> &'static str {
        "m0003_orders_for_unit_sets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OrdersForUnitSets {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE order_rule ADD COLUMN unit_set text NOT NULL DEFAULT ''").await.map(drop)
    }
}

/// Misconduct in groups.
pub(super) struct Incidents;

impl MigrationName for Incidents {
    fn name(&self) -> &'static str {
        "m0006_incidents"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Incidents {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let (uuid, bytes) = match db.get_database_backend() {
            DbBackend::Postgres => ("uuid", "bytea"),
            _ => ("blob", "blob"),
        };
        for statement in [
            // The nil UUID for no known member, 0 for no outcome and not closed. `note_sealed` with the member's key.
            format!(
                "CREATE TABLE incident (id {uuid} PRIMARY KEY, group_id {uuid} NOT NULL, member_id {uuid} NOT NULL, \
                 kind integer NOT NULL, state integer NOT NULL, outcome integer NOT NULL, occurred_at bigint NOT NULL, \
                 recorded_at bigint NOT NULL, closed_at bigint NOT NULL, recorded_by text NOT NULL, \
                 closed_by text NOT NULL, evidence_sha256 {bytes} NOT NULL, reference text NOT NULL, \
                 note_sealed {bytes} NOT NULL, version bigint NOT NULL)"
            ),
            "CREATE INDEX incident_member_id ON incident (member_id)".to_owned(),
            "CREATE INDEX incident_group_id ON incident (group_id)".to_owned(),
            "CREATE INDEX incident_occurred_at ON incident (occurred_at)".to_owned(),
            format!(
                "CREATE TABLE incident_action (incident_id {uuid} NOT NULL, position integer NOT NULL, \
                 kind integer NOT NULL, reference text NOT NULL, acted_by text NOT NULL, acted_at bigint NOT NULL, \
                 PRIMARY KEY (incident_id, position))"
            ),
            "ALTER TABLE erasure ADD COLUMN incident_count bigint NOT NULL DEFAULT 0".to_owned(),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
