//! Versions of the tables.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

use super::{schema, verification_schema};

/// All of them, in order.
#[derive(Debug)]
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(First),
            Box::new(FollowSetsAndPosts),
            Box::new(FindDuties),
            Box::new(WidenAudiences),
            Box::new(PosterContentsLeave),
            Box::new(Verification),
            Box::new(super::report::CreateReports),
        ]
    }
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "m0001_first"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for First {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        senani_store::event_log::create_tables(manager).await?;
        senani_unit_replica::create_table(manager).await?;
        schema::create_tables(manager).await
    }
}

/// The sets of units and who holds which post, as hierarchy tells them.
struct FollowSetsAndPosts;

impl MigrationName for FollowSetsAndPosts {
    fn name(&self) -> &str {
        "m0002_follow_sets_and_posts"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for FollowSetsAndPosts {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        senani_unit_replica::create_set_and_post_tables(manager).await
    }
}

/// What waits for an officer is found by the officer, among all bulletins of all years.
struct FindDuties;

impl MigrationName for FindDuties {
    fn name(&self) -> &str {
        "m0003_find_duties"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for FindDuties {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // State 1: open.
        let index = "CREATE INDEX task_open_custodian_id ON task (custodian_id, id) WHERE state = 1";
        manager.get_connection().execute_unprepared(index).await.map(drop)
    }
}

/// What an audience can ask for beside units and audiences of groups.
struct WidenAudiences;

impl MigrationName for WidenAudiences {
    fn name(&self) -> &str {
        "m0004_widen_audiences"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for WidenAudiences {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::widen_audiences(manager).await
    }
}

/// The contents of posters live in the store of posters. Nothing was released before this: what an exercise left in the column goes with it.
struct PosterContentsLeave;

impl MigrationName for PosterContentsLeave {
    fn name(&self) -> &str {
        "m0005_poster_contents_leave"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for PosterContentsLeave {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE poster DROP COLUMN content").await?;
        db.execute_unprepared("ALTER TABLE poster ADD COLUMN sha1 text NOT NULL DEFAULT ''").await.map(drop)
    }
}

/// Codes on posters, who may read a bulletin, and what became of it.
struct Verification;

impl MigrationName for Verification {
    fn name(&self) -> &str {
        "m0006_verification"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Verification {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        verification_schema::create(manager).await
    }
}
