//! A small service: a table of its own and an event log.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::hierarchy::v1::{HierarchyEvent, Unit, UnitChanged, hierarchy_event::Kind};
use senani_store::{Store, StoreOptions};
use senani_testkit::{Engine, TestDatabase, database};

pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First)]
    }
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &'static str {
        "m0001"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        senani_store::event_log::create_tables(manager).await?;
        let db = manager.get_connection();
        db.execute_unprepared("CREATE TABLE thing (name text PRIMARY KEY, count bigint NOT NULL)").await?;
        Ok(())
    }
}

/// A migrated database; keep the first part alive.
pub(crate) async fn store(engine: Engine) -> (TestDatabase, Store) {
    let database = database(engine);
    let url = database.url("store");
    senani_store::migrate::<Migrator>(&url).await.expect("migrates");
    let store = Store::connect(&url, &StoreOptions::default()).await.expect("connects");
    (database, store)
}

/// An event that says `name`.
pub(crate) fn payload(name: String) -> Payload {
    let unit = Unit { name, ..Unit::default() };
    let changed = UnitChanged { unit: Some(unit), parent_uid: String::new() };
    Payload::Hierarchy(HierarchyEvent { kind: Some(Kind::UnitChanged(changed)) })
}

/// What [`payload`] said.
pub(crate) fn name_in(payload: Option<&Payload>) -> String {
    match payload {
        Some(Payload::Hierarchy(HierarchyEvent { kind: Some(Kind::UnitChanged(changed)) })) => {
            changed.unit.as_ref().map_or_else(String::new, |unit| unit.name.clone())
        }
        _ => String::new(),
    }
}
