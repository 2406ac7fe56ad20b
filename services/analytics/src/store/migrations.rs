//! The schema. Fix forward: a migration that was released is never edited.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// The migrations of analytics, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateProjections), Box::new(FollowSetsAndPosts)]
    }
}

struct CreateProjections;

impl MigrationName for CreateProjections {
    fn name(&self) -> &'static str {
        "m0001_create_projections"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateProjections {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Analytics tells nothing, so its event log stays empty; the cursors are made with it.
        senani_store::event_log::create_tables(manager).await?;
        senani_unit_replica::create_table(manager).await?;
        let db = manager.get_connection();
        let (uuid, bytes) = match db.get_database_backend() {
            DbBackend::Postgres => ("uuid", "bytea"),
            _ => ("blob", "blob"),
        };
        // All enums are numbers of the contracts. No foreign keys: what refers to another log's row may come before it.
        for statement in [
            // `issued` is senani.membership.v1.Order, encoded: what a later version adds to an order is there already.
            format!("CREATE TABLE order_replica (slug text PRIMARY KEY, issued {bytes} NOT NULL)"),
            format!(
                "CREATE TABLE group_replica (id {uuid} PRIMARY KEY, unit_id {uuid} NOT NULL, audience integer NOT NULL, \
                 rank integer NOT NULL, active boolean NOT NULL, enrolled_count bigint NOT NULL)"
            ),
            format!("CREATE TABLE bulletin_replica (id {uuid} PRIMARY KEY, number text NOT NULL)"),
            format!(
                "CREATE TABLE reach_line (bulletin_id {uuid} NOT NULL, unit_id {uuid} NOT NULL, state integer NOT NULL, \
                 reason text NOT NULL, delivery_count bigint NOT NULL, \
                 PRIMARY KEY (bulletin_id, unit_id, state, reason))"
            ),
            format!(
                "CREATE TABLE task_line (bulletin_id {uuid} NOT NULL, unit_id {uuid} NOT NULL, \
                 open_count bigint NOT NULL, orphaned_count bigint NOT NULL, PRIMARY KEY (bulletin_id, unit_id))"
            ),
            // Until when, in microseconds since the epoch, everything that happened at a source is in these tables.
            "CREATE TABLE freshness (source text PRIMARY KEY, as_of bigint NOT NULL)".to_owned(),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

/// The sets of units and who holds which post, as hierarchy tells them.
struct FollowSetsAndPosts;

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
