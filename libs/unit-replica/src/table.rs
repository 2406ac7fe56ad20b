//! The table of the replica: each unit as hierarchy last told it.

use prost::Message;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sea_orm_migration::SchemaManager;
use senani_proto::eventlog::v1::{Event, event::Payload};
use senani_proto::hierarchy::v1::{UnitChanged, hierarchy_event::Kind};
use senani_store::{Rows, WriteTransaction};
use senani_unit_tree::UnitEntry;
use uuid::Uuid;

/// Creates the table; part of a service's first migration.
///
/// # Errors
/// The database's.
pub async fn create_table(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let (uuid, bytes) = match db.get_database_backend() {
        DbBackend::Postgres => ("uuid", "bytea"),
        _ => ("blob", "blob"),
    };
    // `unit_changed` is senani.hierarchy.v1.UnitChanged, encoded: what a later version adds to a unit is there already.
    let statement = format!("CREATE TABLE unit_replica (id {uuid} PRIMARY KEY, unit_changed {bytes} NOT NULL)");
    db.execute_unprepared(&statement).await.map(drop)
}

/// The units in events; those of other kinds are none of ours.
pub(crate) fn units_in(events: &[Event]) -> impl Iterator<Item = &UnitChanged> {
    events.iter().filter_map(|event| match &event.payload {
        Some(Payload::Hierarchy(event)) => match &event.kind {
            Some(Kind::UnitChanged(changed)) => Some(changed),
            Some(Kind::UnitSetChanged(_) | Kind::AppointmentChanged(_)) | None => None,
        },
        _ => None,
    })
}

/// The unit as the tree takes it; `None` when it has no usable id.
pub(crate) fn entry(changed: &UnitChanged) -> Option<UnitEntry> {
    let unit = changed.unit.as_ref()?;
    let day = |date: &String| (!date.is_empty()).then(|| date.clone());
    Some(UnitEntry {
        id: unit.uid.parse().ok()?,
        parent: if changed.parent_uid.is_empty() { None } else { Some(changed.parent_uid.parse().ok()?) },
        kind: unit.kind,
        slug: unit.name.strip_prefix("units/")?.to_owned(),
        names: unit.display_names.clone().into_iter().collect(),
        open_date: day(&unit.open_date),
        close_date: day(&unit.close_date),
    })
}

/// Stores units, the later of two with one id.
pub(crate) async fn store(txn: &WriteTransaction, events: &[Event]) -> Result<(), DbErr> {
    let rows: std::collections::BTreeMap<Uuid, Vec<u8>> =
        units_in(events).filter_map(|changed| Some((entry(changed)?.id, changed.encode_to_vec()))).collect();
    let (ids, units): (Vec<Uuid>, Vec<Vec<u8>>) = rows.into_iter().unzip();
    Rows::new()
        .uuid("id", ids)
        .bytes("unit_changed", units)
        .execute(
            &**txn,
            // `WHERE true`: without it SQLite reads ON as part of a join.
            "INSERT INTO unit_replica (id, unit_changed) SELECT v.id, v.unit_changed FROM v WHERE true \
             ON CONFLICT (id) DO UPDATE SET unit_changed = excluded.unit_changed",
            &[],
        )
        .await
        .map(drop)
}

/// Forgets every unit.
pub(crate) async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
    txn.execute_unprepared("DELETE FROM unit_replica").await.map(drop)
}

/// Every stored unit.
pub(crate) async fn load(db: &impl ConnectionTrait) -> Result<Vec<UnitEntry>, DbErr> {
    let statement = Statement::from_string(db.get_database_backend(), "SELECT unit_changed FROM unit_replica");
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| {
            let bytes: Vec<u8> = row.try_get_by_index(0)?;
            let changed = UnitChanged::decode(bytes.as_slice()).map_err(|error| DbErr::Type(error.to_string()))?;
            entry(&changed).ok_or_else(|| DbErr::Type("a unit of the replica has no id".into()))
        })
        .collect()
}
