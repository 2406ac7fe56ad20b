//! Importing units: the register is read, compared and changed in one transaction.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Statement};
use senani_store::Timestamp;
use uuid::Uuid;

use super::row::COLUMNS;
use super::units::units;
use super::versions::{self, Scope};
use super::{Units, write};
use crate::convert;
use crate::domain::{Change, Draft, FOREVER, Import, ImportRow, Span, Unit, plan_import};
use crate::error::Error;

impl Units {
    /// Applies a file, or with `validate_only` only answers what it would change.
    pub(crate) async fn import(&self, rows: &[ImportRow], today: &str, validate_only: bool) -> Result<Import, Error> {
        let mut txn = self.store.begin_write().await?;
        write::lock_structure(&txn).await?;
        let sql = format!("SELECT {COLUMNS} FROM unit u LEFT JOIN unit p ON p.id = u.parent_id");
        let found = txn.query_all_raw(Statement::from_string(txn.get_database_backend(), sql)).await?;
        let register: HashMap<String, Unit> =
            units(&found)?.into_iter().map(|unit| (unit.draft.slug.clone(), unit)).collect();
        let import = plan_import(&register, rows, &self.rules, senani_proto::name::is_slug)
            .map_err(|problems| Error::Invalid(convert::row_problems(&problems, &self.rules)))?;
        if validate_only || import.differences.is_empty() {
            return Ok(import);
        }

        let now = Timestamp::now().0;
        let mut ids: HashMap<&str, Uuid> = register.iter().map(|(slug, unit)| (slug.as_str(), unit.id)).collect();
        let mut added = Vec::new();
        let mut changed = Vec::new();
        for difference in &import.differences {
            let draft = &difference.draft;
            let parent_id = draft.parent.as_deref().and_then(|parent| ids.get(parent).copied());
            match (difference.change, register.get(&draft.slug)) {
                (Change::Added, _) | (_, None) => {
                    let id = Uuid::now_v7();
                    ids.insert(&draft.slug, id);
                    added.push(Unit {
                        id,
                        parent_id,
                        draft: draft.clone(),
                        closed_on: String::new(),
                        successor: String::new(),
                        version: 1,
                        created_at: now,
                        updated_at: now,
                    });
                }
                (_, Some(known)) => changed.push(Unit {
                    parent_id,
                    draft: draft.clone(),
                    version: known.version + 1,
                    updated_at: now,
                    ..known.clone()
                }),
            }
        }
        // Added units are on record from their opening day on, as far as the units above were there, parents first.
        let mut timeline = versions::timeline(&*txn, Scope::Since("")).await?;
        let mut starts = Vec::with_capacity(added.len());
        for unit in &added {
            let Draft { kind, opened_on, .. } = &unit.draft;
            let from = timeline.record_start(*kind, unit.parent_id, opened_on, today, &self.rules);
            starts.push(from.clone());
            let until = FOREVER.to_owned();
            timeline.enter(unit.id, Span { from, until, parent: unit.parent_id, kind: *kind, closed: false });
        }
        // A unit that changes may stand under one that is added, and codes may pass from one unit to another.
        let changed: Vec<&Unit> = changed.iter().collect();
        write::delete_codes(&txn, &changed).await?;
        write::insert(&txn, &added.iter().collect::<Vec<_>>()).await?;
        write::update(&txn, &changed).await?;
        let added_from = added.iter().zip(&starts).map(|(unit, from)| (unit, from.as_str()));
        write::versions(&txn, &added_from.collect::<Vec<_>>()).await?;
        write::versions(&txn, &changed.iter().map(|unit| (*unit, today)).collect::<Vec<_>>()).await?;
        txn.append(added.iter().chain(changed).map(convert::unit_changed).collect()).await?;
        txn.commit().await?;
        Ok(import)
    }
}
