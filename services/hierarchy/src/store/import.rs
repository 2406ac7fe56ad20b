//! Importing units: the register is read, compared and changed in one transaction.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Statement};
use senani_store::{Rows, Timestamp};
use uuid::Uuid;

use super::Units;
use super::row::{COLUMNS, to_json};
use super::units::{insert, insert_codes, units};
use crate::convert;
use crate::domain::{Change, Import, ImportRow, Unit, plan_import};
use crate::error::Error;

impl Units {
    /// Applies a file, or with `validate_only` only answers what it would change.
    pub(crate) async fn import(&self, rows: &[ImportRow], validate_only: bool) -> Result<Import, Error> {
        let mut txn = self.store.begin_write().await?;
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
        // A unit that changes may stand under one that is added, and codes may pass from one unit to another.
        delete_codes(&*txn, &changed).await?;
        insert(&txn, &added.iter().collect::<Vec<_>>()).await?;
        update(&*txn, &changed).await?;
        insert_codes(&txn, &changed.iter().collect::<Vec<_>>()).await?;
        txn.append(added.iter().chain(&changed).map(convert::unit_changed).collect()).await?;
        txn.commit().await?;
        Ok(import)
    }
}

async fn delete_codes(db: &impl ConnectionTrait, changed: &[Unit]) -> Result<(), Error> {
    Rows::new()
        .uuid("id", changed.iter().map(|unit| unit.id))
        .execute(db, "DELETE FROM unit_code WHERE unit_id IN (SELECT v.id FROM v)", &[])
        .await?;
    Ok(())
}

async fn update(db: &impl ConnectionTrait, changed: &[Unit]) -> Result<(), Error> {
    Rows::new()
        .uuid("id", changed.iter().map(|unit| unit.id))
        .uuid("parent_id", changed.iter().map(|unit| unit.parent_id.unwrap_or_default()))
        .text("names", changed.iter().map(|unit| to_json(&unit.draft.names)))
        .text("codes", changed.iter().map(|unit| to_json(&unit.draft.codes)))
        .text("opened_on", changed.iter().map(|unit| unit.draft.opened_on.as_str()))
        .int("certainty", changed.iter().map(|unit| unit.draft.certainty as i32))
        .big_int("version", changed.iter().map(|unit| unit.version))
        .execute(
            db,
            "UPDATE unit SET parent_id = NULLIF(v.parent_id, :1), names = v.names, codes = v.codes, \
             opened_on = v.opened_on, certainty = v.certainty, version = v.version, updated_at = :2 \
             FROM v WHERE unit.id = v.id",
            &[Uuid::nil().into(), Timestamp::now().0.into()],
        )
        .await?;
    Ok(())
}
