//! The replica in a database: what was heard is there after a restart, and a snapshot replaces it.

use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};
use senani_client::follower::Sink as _;
use senani_proto::eventlog::v1::{Event, event::Payload};
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::{
    Appointment, AppointmentChanged, AppointmentNature, HierarchyEvent, Post, Unit, UnitChanged, UnitSet,
    UnitSetChanged,
};
use senani_store::{Store, StoreOptions, Timestamp, cursor};
use senani_testkit::{database, engines};
use senani_unit_replica::UnitReplica;
use uuid::Uuid;

struct Migrator;

struct Units;

struct SetsAndPosts;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Units), Box::new(SetsAndPosts)]
    }
}

impl MigrationName for Units {
    fn name(&self) -> &'static str {
        "m0001_units"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Units {
    async fn up(&self, manager: &SchemaManager) -> Result<(), sea_orm::DbErr> {
        senani_store::event_log::create_tables(manager).await?;
        senani_unit_replica::create_table(manager).await?;
        cursor::save(manager.get_connection(), "hierarchy", "a:7").await?;
        cursor::save(manager.get_connection(), "membership", "b:7").await
    }
}

impl MigrationName for SetsAndPosts {
    fn name(&self) -> &'static str {
        "m0002_sets_and_posts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SetsAndPosts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), sea_orm::DbErr> {
        senani_unit_replica::create_set_and_post_tables(manager).await
    }
}

const STATE: Uuid = Uuid::from_u128(1);
const STATION: Uuid = Uuid::from_u128(2);
const OFFICER: Uuid = Uuid::from_u128(100);

fn event(kind: Kind) -> Event {
    let payload = Payload::Hierarchy(HierarchyEvent { kind: Some(kind) });
    Event { payload: Some(payload), ..Event::default() }
}

fn unit(id: Uuid, parent: Option<Uuid>, slug: &str) -> Event {
    let unit = Unit { name: format!("units/{slug}"), uid: id.to_string(), kind: 1, ..Unit::default() };
    let parent_uid = parent.map_or_else(String::new, |parent| parent.to_string());
    event(Kind::UnitChanged(UnitChanged { unit: Some(unit), parent_uid }))
}

fn set(slug: &str, added: &[Uuid], removed: &[Uuid]) -> Event {
    let texts = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect();
    event(Kind::UnitSetChanged(UnitSetChanged {
        unit_set: Some(UnitSet { name: format!("unitSets/{slug}"), ..UnitSet::default() }),
        added_unit_uids: texts(added),
        removed_unit_uids: texts(removed),
    }))
}

fn head(unit: Uuid, start: i64, end: i64) -> Event {
    let appointment = Appointment {
        name: format!("appointments/{}", Uuid::from_u128(7)),
        officer: format!("members/{OFFICER}"),
        post: Post::Head.into(),
        nature: AppointmentNature::Substantive.into(),
        start_time: Timestamp(start).to_proto(),
        end_time: Timestamp(end).to_proto(),
        ..Appointment::default()
    };
    event(Kind::AppointmentChanged(AppointmentChanged { appointment: Some(appointment), unit_uid: unit.to_string() }))
}

#[tokio::test]
async fn sets_and_posts_are_kept_with_the_units_and_heard_from_the_beginning_after_their_migration() {
    for engine in engines() {
        let database = database(engine);
        let url = database.url("replica");
        senani_store::create_database(&url).await.expect("creates");
        senani_store::migrate::<Migrator>(&url).await.expect("migrates");
        let store = Store::connect(&url, &StoreOptions { max_connections: 2 }).await.expect("connects");
        assert_eq!(cursor::load(store.reader(), "membership").await.expect("a cursor"), "b:7");

        let replica = UnitReplica::load(store.clone()).await.expect("loads");
        let mut sink = replica.sink();
        assert_eq!(sink.cursor().await.expect("a cursor"), "", "the log is heard again");
        let events = [
            unit(STATE, None, "state"),
            unit(STATION, Some(STATE), "station"),
            set("railway", &[], &[]),
            set("border", &[STATE, STATION], &[]),
            set("border", &[], &[STATE]),
            head(STATE, 10, 0),
        ];
        sink.apply(&events, "", "a:6").await.expect("applies");
        let restarted = UnitReplica::load(store.clone()).await.expect("loads");
        for replica in [&replica, &restarted] {
            let (tree, sets, posts) = (replica.tree(), replica.sets(), replica.posts());
            assert_eq!(tree.len(), 2);
            assert!(sets.knows("railway") && sets.contains("border", STATION) && !sets.contains("border", STATE));
            assert!(posts.holds(OFFICER, STATION, 10, &tree) && !posts.holds(OFFICER, STATION, 9, &tree));
            assert_eq!((posts.head_of(STATE, 11), posts.head_of(STATION, 11)), (Some(OFFICER), None));
        }

        let later = [set("border", &[STATE], &[STATION]), head(STATE, 10, 20)];
        sink.apply(&later, "a:6", "a:8").await.expect("applies");
        let restarted = UnitReplica::load(store.clone()).await.expect("loads");
        for replica in [&replica, &restarted] {
            assert!(replica.sets().contains("border", STATE) && !replica.sets().contains("border", STATION));
            assert_eq!(replica.posts().head_of(STATE, 20), None);
        }

        let snapshot = [unit(STATE, None, "state"), set("river", &[STATE], &[])];
        sink.replace(&snapshot, "c:3").await.expect("replaces");
        let restarted = UnitReplica::load(store.clone()).await.expect("loads");
        for replica in [&replica, &restarted] {
            assert_eq!(replica.tree().len(), 1);
            assert_eq!(replica.sets().all().collect::<Vec<_>>(), ["river"]);
            assert!(replica.posts().is_empty());
        }
    }
}
