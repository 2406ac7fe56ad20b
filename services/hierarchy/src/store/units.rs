//! Reading units, and creating one.

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_proto::hierarchy::v1 as pb;
use senani_store::request_log::{self, Claim, RequestKey};
use senani_store::{Page, PageSize, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::Units;
use super::row::{self, COLUMNS, to_json};
use crate::convert;
use crate::domain::{Draft, Unit};
use crate::error::{Error, Wrong};
use senani_proto::hierarchy::v1::ErrorReason;

/// Who asks for what, so that a repeated request is answered again.
#[derive(Debug)]
pub(crate) struct Repeat<'a> {
    pub(crate) key: RequestKey<'a>,
    pub(crate) fingerprint: Vec<u8>,
}

impl Units {
    pub(crate) async fn get(&self, slug: &str) -> Result<Unit, Error> {
        find(self.store.reader(), slug).await?.ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))
    }

    /// In the order of `slugs`; the first that is missing is the error.
    pub(crate) async fn batch_get(&self, slugs: &[String]) -> Result<Vec<Unit>, Error> {
        let sql =
            format!("SELECT {COLUMNS} FROM v JOIN unit u ON u.slug = v.slug LEFT JOIN unit p ON p.id = u.parent_id");
        let rows = senani_store::Rows::new()
            .text("slug", slugs.iter().map(String::as_str))
            .query(self.store.reader(), &sql, &[])
            .await?;
        let found = units(&rows)?;
        slugs
            .iter()
            .map(|slug| {
                let unit = found.iter().find(|unit| unit.draft.slug == *slug);
                unit.cloned().ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))
            })
            .collect()
    }

    /// Units after `after` in the order of their slugs, children of `parent` or all.
    pub(crate) async fn list(
        &self,
        parent: Option<&str>,
        kind: Option<i32>,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Unit>, Error> {
        let mut parameters: Vec<Value> = vec![after.unwrap_or_default().into(), size_value(size)];
        let mut condition = String::new();
        if let Some(parent) = parent {
            parameters.push(self.get(parent).await?.id.into());
            condition.push_str(&format!(" AND u.parent_id = ${}", parameters.len()));
        }
        if let Some(kind) = kind {
            parameters.push(kind.into());
            condition.push_str(&format!(" AND u.kind = ${}", parameters.len()));
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM unit u LEFT JOIN unit p ON p.id = u.parent_id \
             WHERE u.slug > $1{condition} ORDER BY u.slug LIMIT $2"
        );
        let db = self.store.reader();
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, parameters)).await?;
        Ok(units(&rows)?)
    }

    /// The way up: the parent first, the root last.
    pub(crate) async fn ancestors(&self, slug: &str) -> Result<Vec<Unit>, Error> {
        let unit = self.get(slug).await?;
        let sql = format!(
            "WITH RECURSIVE up(id, parent_id, steps) AS (\
                SELECT id, parent_id, 0 FROM unit WHERE id = $1 \
                UNION ALL SELECT unit.id, unit.parent_id, up.steps + 1 FROM unit JOIN up ON unit.id = up.parent_id) \
             SELECT {COLUMNS} FROM up JOIN unit u ON u.id = up.id LEFT JOIN unit p ON p.id = u.parent_id \
             WHERE up.steps > 0 ORDER BY up.steps"
        );
        let db = self.store.reader();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [unit.id.into()]);
        Ok(units(&db.query_all_raw(statement).await?)?)
    }

    /// A unit and everything under it with its depth, parents before children.
    pub(crate) async fn subtree(&self, slug: &str) -> Result<Vec<(Unit, i32)>, Error> {
        let top = self.get(slug).await?;
        let sql = format!(
            "WITH RECURSIVE down(id, depth) AS (\
                SELECT id, 0 FROM unit WHERE id = $1 \
                UNION ALL SELECT unit.id, down.depth + 1 FROM unit JOIN down ON unit.parent_id = down.id) \
             SELECT {COLUMNS}, down.depth FROM down JOIN unit u ON u.id = down.id \
             LEFT JOIN unit p ON p.id = u.parent_id ORDER BY down.depth, u.slug"
        );
        let db = self.store.reader();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [top.id.into()]);
        let rows = db.query_all_raw(statement).await?;
        let with_depth = rows.iter().map(|row| Ok((row::unit(row)?, row.try_get_by_index::<i32>(13)?)));
        with_depth.collect::<Result<_, DbErr>>().map_err(Error::from)
    }

    /// One transaction: the claim of the request id, the unit, its event.
    pub(crate) async fn create(
        &self,
        draft: Draft,
        repeat: Option<Repeat<'_>>,
        validate_only: bool,
    ) -> Result<pb::Unit, Error> {
        let mut txn = self.store.begin_write().await?;
        if let Some(repeat) = &repeat {
            match request_log::claim(&txn, repeat.key, &repeat.fingerprint).await? {
                Claim::New => {}
                Claim::Done(response) => return Ok(pb::Unit::decode(response.as_slice())?),
                Claim::Reused => return Err(Error::RequestIdReused),
            }
        }
        let parent = self.place(&txn, &draft).await?;
        let now = Timestamp::now().0;
        let unit = Unit {
            id: Uuid::now_v7(),
            parent_id: parent.map(|parent| parent.id),
            draft,
            closed_on: String::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let answer = convert::unit(&unit);
        if validate_only {
            return Ok(answer);
        }
        insert(&txn, &[&unit]).await?;
        if let Some(repeat) = &repeat {
            request_log::record(&txn, repeat.key, answer.encode_to_vec()).await?;
        }
        txn.append(vec![convert::unit_changed(&unit)]).await?;
        txn.commit().await?;
        Ok(answer)
    }

    /// Whether the register has room for the draft: its slug, its codes and its place; answers the parent.
    async fn place(&self, txn: &WriteTransaction, draft: &Draft) -> Result<Option<Unit>, Error> {
        if find(&**txn, &draft.slug).await?.is_some() {
            return Err(Error::SlugTaken(format!("units/{}", draft.slug)));
        }
        for (system, code) in &draft.codes {
            let taken = Statement::from_sql_and_values(
                txn.get_database_backend(),
                "SELECT 1 FROM unit_code WHERE system = $1 AND code = $2",
                [system.as_str().into(), code.as_str().into()],
            );
            if txn.query_one_raw(taken).await?.is_some() {
                return Err(Error::CodeTaken(system.clone()));
            }
        }
        let parent = match &draft.parent {
            Some(slug) => Some(find(&**txn, slug).await?.ok_or_else(|| {
                let wrong = Wrong::new(ErrorReason::ParentUnknown, "unit.parent", "no such unit");
                Error::Invalid(vec![wrong.with("parent", format!("units/{slug}"))])
            })?),
            None => {
                let root =
                    Statement::from_string(txn.get_database_backend(), "SELECT slug FROM unit WHERE parent_id IS NULL");
                if let Some(row) = txn.query_one_raw(root).await? {
                    let slug: String = row.try_get_by_index(0)?;
                    let wrong = Wrong::new(ErrorReason::RootExists, "unit.parent", "there is one root; name a parent");
                    return Err(Error::Invalid(vec![wrong.with("unit", format!("units/{slug}"))]));
                }
                None
            }
        };
        let parent_kind = parent.as_ref().map(|parent| parent.draft.kind);
        if self.rules.allows(draft.kind, parent_kind) {
            return Ok(parent);
        }
        Err(Error::Invalid(vec![convert::kind_forbidden(draft.kind, parent_kind, &self.rules, "unit.kind")]))
    }
}

pub(super) async fn find(db: &impl ConnectionTrait, slug: &str) -> Result<Option<Unit>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM unit u LEFT JOIN unit p ON p.id = u.parent_id WHERE u.slug = $1");
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [slug.into()]);
    db.query_one_raw(statement).await?.as_ref().map(row::unit).transpose()
}

pub(super) fn units(rows: &[QueryResult]) -> Result<Vec<Unit>, DbErr> {
    rows.iter().map(row::unit).collect()
}

/// Inserts units, parents before children.
pub(super) async fn insert(txn: &WriteTransaction, units: &[&Unit]) -> Result<(), DbErr> {
    senani_store::Rows::new()
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

pub(super) async fn insert_codes(txn: &WriteTransaction, units: &[&Unit]) -> Result<(), DbErr> {
    let codes: Vec<(&str, &str, Uuid)> = units
        .iter()
        .flat_map(|unit| unit.draft.codes.iter().map(|(system, code)| (system.as_str(), code.as_str(), unit.id)))
        .collect();
    senani_store::Rows::new()
        .text("system", codes.iter().map(|code| code.0))
        .text("code", codes.iter().map(|code| code.1))
        .uuid("unit_id", codes.iter().map(|code| code.2))
        .execute(&**txn, "INSERT INTO unit_code (system, code, unit_id) SELECT v.system, v.code, v.unit_id FROM v", &[])
        .await
        .map(drop)
}

fn size_value(size: PageSize) -> Value {
    i64::try_from(size.limit()).unwrap_or(i64::MAX).into()
}

/// A page of units by slug.
pub(crate) fn page(found: Vec<Unit>, size: PageSize, filter: &impl std::hash::Hash) -> Page<pb::Unit> {
    Page::cut(found, size, filter, |unit| unit.draft.slug.clone()).map(|unit| convert::unit(&unit))
}
