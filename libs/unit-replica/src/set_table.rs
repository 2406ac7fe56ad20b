//! The tables of the sets: which there are, and which units are in them now.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::eventlog::v1::{Event, event::Payload};
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use crate::UnitSets;

/// What events change in the sets, the last word on each unit of each set.
#[derive(Debug, Default)]
pub(crate) struct SetChanges {
    sets: BTreeSet<String>,
    /// By set and unit: whether it is in it.
    units: BTreeMap<(String, Uuid), bool>,
}

impl SetChanges {
    /// Units without a usable id are left out, as are those of the structure.
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut changes = Self::default();
        for event in events {
            let Some(Payload::Hierarchy(event)) = &event.payload else { continue };
            let Some(Kind::UnitSetChanged(changed)) = &event.kind else { continue };
            let name = changed.unit_set.as_ref().map(|set| set.name.as_str());
            let Some(slug) = name.and_then(|name| name.strip_prefix("unitSets/")) else { continue };
            changes.sets.insert(slug.to_owned());
            for (uids, within) in [(&changed.removed_unit_uids, false), (&changed.added_unit_uids, true)] {
                let units = uids.iter().filter_map(|uid| uid.parse::<Uuid>().ok());
                changes.units.extend(units.map(|unit| ((slug.to_owned(), unit), within)));
            }
        }
        changes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Makes the same changes in memory.
    pub(crate) fn apply_to(&self, sets: &mut UnitSets) {
        self.sets.iter().for_each(|set| _ = sets.know(set));
        self.units.iter().for_each(|((set, unit), within)| sets.put(set, *unit, *within));
    }

    pub(crate) async fn store(&self, txn: &WriteTransaction) -> Result<(), DbErr> {
        Rows::new()
            .text("slug", self.sets.iter().map(String::as_str))
            .execute(
                &**txn,
                // `WHERE true`: without it SQLite reads ON as part of a join.
                "INSERT INTO unit_set_replica (slug) SELECT v.slug FROM v WHERE true ON CONFLICT (slug) DO NOTHING",
                &[],
            )
            .await?;
        let rows = |within: bool| {
            let units = || self.units.iter().filter(move |(_, is)| **is == within).map(|(key, _)| key);
            Rows::new()
                .text("set_slug", units().map(|(set, _)| set.as_str()))
                .uuid("unit_id", units().map(|(_, unit)| *unit))
        };
        rows(true)
            .execute(
                &**txn,
                "INSERT INTO unit_set_member_replica (set_slug, unit_id) SELECT v.set_slug, v.unit_id FROM v WHERE true \
                 ON CONFLICT (set_slug, unit_id) DO NOTHING",
                &[],
            )
            .await?;
        rows(false)
            .execute(
                &**txn,
                "DELETE FROM unit_set_member_replica WHERE (set_slug, unit_id) IN (SELECT v.set_slug, v.unit_id FROM v)",
                &[],
            )
            .await
            .map(drop)
    }
}

/// Forgets every set.
pub(crate) async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
    for statement in ["DELETE FROM unit_set_member_replica", "DELETE FROM unit_set_replica"] {
        txn.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Every stored set.
pub(crate) async fn load(db: &impl ConnectionTrait) -> Result<UnitSets, DbErr> {
    let query = |sql: &str| db.query_all_raw(Statement::from_string(db.get_database_backend(), sql));
    let mut sets = UnitSets::default();
    for row in query("SELECT slug FROM unit_set_replica").await? {
        sets.know(&row.try_get_by_index::<String>(0)?);
    }
    for row in query("SELECT set_slug, unit_id FROM unit_set_member_replica").await? {
        sets.put(&row.try_get_by_index::<String>(0)?, row.try_get_by_index(1)?, true);
    }
    Ok(sets)
}
