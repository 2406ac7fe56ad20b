//! Writing units: their rows, codes and versions. The caller holds the structure still and appends the events.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use super::row::to_json;
use crate::domain::{FOREVER, Unit};

/// Lets no other transaction change the structure until this one ends: a change is judged by the whole of it. On SQLite there is
/// one writer anyway.
pub(super) async fn lock_structure(txn: &WriteTransaction) -> Result<(), DbErr> {
    match txn.get_database_backend() {
        // Readers are not held up.
        DbBackend::Postgres => txn.execute_unprepared("LOCK TABLE unit IN SHARE ROW EXCLUSIVE MODE").await.map(drop),
        _ => Ok(()),
    }
}

/// Inserts units, parents before children.
pub(super) async fn insert(txn: &WriteTransaction, units: &[&Unit]) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", units.iter().map(|unit| unit.id))
        .text("slug", units.iter().map(|unit| unit.draft.slug.as_str()))
        // The root has no parent: the nil UUID stands for NULL.
        .uuid("parent_id", units.iter().map(|unit| unit.parent_id.unwrap_or_default()))
        .int("kind", units.iter().map(|unit| unit.draft.kind as i32))
        .text("names", units.iter().map(|unit| to_json(&unit.draft.names)))
        .text("codes", units.iter().map(|unit| to_json(&unit.draft.codes)))
        .text("opened_on", units.iter().map(|unit| unit.draft.opened_on.as_str()))
        .int("certainty", units.iter().map(|unit| unit.draft.certainty as i32))
        .big_int("version", units.iter().map(|unit| unit.version))
        .big_int("created_at", units.iter().map(|unit| unit.created_at))
        .execute(
            &**txn,
            "INSERT INTO unit (id, slug, parent_id, kind, names, codes, opened_on, closed_on, certainty, version, \
             created_at, updated_at) SELECT v.id, v.slug, NULLIF(v.parent_id, :1), v.kind, v.names, v.codes, \
             v.opened_on, '', v.certainty, v.version, v.created_at, v.created_at FROM v",
            &[Uuid::nil().into()],
        )
        .await?;
    insert_codes(txn, units).await
}

async fn insert_codes(txn: &WriteTransaction, units: &[&Unit]) -> Result<(), DbErr> {
    let codes: Vec<(&str, &str, Uuid)> = units
        .iter()
        .flat_map(|unit| unit.draft.codes.iter().map(|(system, code)| (system.as_str(), code.as_str(), unit.id)))
        .collect();
    Rows::new()
        .text("system", codes.iter().map(|code| code.0))
        .text("code", codes.iter().map(|code| code.1))
        .uuid("unit_id", codes.iter().map(|code| code.2))
        .execute(&**txn, "INSERT INTO unit_code (system, code, unit_id) SELECT v.system, v.code, v.unit_id FROM v", &[])
        .await
        .map(drop)
}

/// Takes the codes away, so that they may pass to others.
pub(super) async fn delete_codes(txn: &WriteTransaction, units: &[&Unit]) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", units.iter().map(|unit| unit.id))
        .execute(&**txn, "DELETE FROM unit_code WHERE unit_id IN (SELECT v.id FROM v)", &[])
        .await
        .map(drop)
}

/// Writes what changed units are now.
pub(super) async fn update(txn: &WriteTransaction, units: &[&Unit]) -> Result<(), DbErr> {
    delete_codes(txn, units).await?;
    Rows::new()
        .uuid("id", units.iter().map(|unit| unit.id))
        .uuid("parent_id", units.iter().map(|unit| unit.parent_id.unwrap_or_default()))
        .int("kind", units.iter().map(|unit| unit.draft.kind as i32))
        .text("names", units.iter().map(|unit| to_json(&unit.draft.names)))
        .text("codes", units.iter().map(|unit| to_json(&unit.draft.codes)))
        .text("opened_on", units.iter().map(|unit| unit.draft.opened_on.as_str()))
        .text("closed_on", units.iter().map(|unit| unit.closed_on.as_str()))
        .text("successor", units.iter().map(|unit| unit.successor.as_str()))
        .int("certainty", units.iter().map(|unit| unit.draft.certainty as i32))
        .big_int("version", units.iter().map(|unit| unit.version))
        .big_int("updated_at", units.iter().map(|unit| unit.updated_at))
        .execute(
            &**txn,
            "UPDATE unit SET parent_id = NULLIF(v.parent_id, :1), kind = v.kind, names = v.names, codes = v.codes, \
             opened_on = v.opened_on, closed_on = v.closed_on, successor = v.successor, certainty = v.certainty, \
             version = v.version, updated_at = v.updated_at FROM v WHERE unit.id = v.id",
            &[Uuid::nil().into()],
        )
        .await?;
    insert_codes(txn, units).await
}

/// Puts on record what each unit is from a day on: what was before ends there, and what was on record from the same day on is
/// replaced.
pub(super) async fn versions(txn: &WriteTransaction, units: &[(&Unit, &str)]) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", units.iter().map(|(unit, _)| unit.id))
        .text("since", units.iter().map(|(_, from)| *from))
        .execute(
            &**txn,
            "UPDATE unit_version SET valid_until = v.since FROM v \
             WHERE unit_id = v.id AND valid_until = :1 AND valid_from < v.since",
            &[FOREVER.into()],
        )
        .await?;
    Rows::new()
        .uuid("id", units.iter().map(|(unit, _)| unit.id))
        .text("since", units.iter().map(|(_, from)| *from))
        .uuid("parent_id", units.iter().map(|(unit, _)| unit.parent_id.unwrap_or_default()))
        .int("kind", units.iter().map(|(unit, _)| unit.draft.kind as i32))
        .text("names", units.iter().map(|(unit, _)| to_json(&unit.draft.names)))
        .text("codes", units.iter().map(|(unit, _)| to_json(&unit.draft.codes)))
        .text("closed_on", units.iter().map(|(unit, _)| unit.closed_on.as_str()))
        .text("successor", units.iter().map(|(unit, _)| unit.successor.as_str()))
        .int("certainty", units.iter().map(|(unit, _)| unit.draft.certainty as i32))
        .big_int("version", units.iter().map(|(unit, _)| unit.version))
        .big_int("recorded_at", units.iter().map(|(unit, _)| unit.updated_at))
        .execute(
            &**txn,
            // `WHERE true`: without it SQLite reads ON as part of a join.
            "INSERT INTO unit_version (unit_id, valid_from, valid_until, parent_id, kind, names, codes, closed_on, \
             successor, certainty, version, recorded_at) SELECT v.id, v.since, :2, NULLIF(v.parent_id, :1), v.kind, v.names, \
             v.codes, v.closed_on, v.successor, v.certainty, v.version, v.recorded_at FROM v WHERE true \
             ON CONFLICT (unit_id, valid_from) DO UPDATE SET parent_id = excluded.parent_id, kind = excluded.kind, \
             names = excluded.names, codes = excluded.codes, closed_on = excluded.closed_on, successor = excluded.successor, \
             certainty = excluded.certainty, version = excluded.version, recorded_at = excluded.recorded_at",
            &[Uuid::nil().into(), FOREVER.into()],
        )
        .await
        .map(drop)
}
