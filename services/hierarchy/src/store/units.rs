//! Reading units, and creating one.

use std::collections::BTreeMap;

use prost::Message;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use senani_proto::hierarchy::v1 as pb;
use senani_store::request_log::{self, Claim, RequestKey};
use senani_store::{Page, PageSize, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::row::{self, COLUMNS, source};
use super::versions::{self, Scope};
use super::{Units, write};
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

/// Which units to list.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    /// Slug of the unit above.
    pub(crate) parent: Option<&'a str>,
    /// Number of the kind.
    pub(crate) kind: Option<i32>,
    /// The day that is asked about.
    pub(crate) as_of: Option<&'a str>,
    /// Also closed ones.
    pub(crate) closed: bool,
}

/// How a request with effects begins.
#[derive(Debug)]
pub(super) enum Beginning {
    New(WriteTransaction),
    /// Its encoded answer.
    Done(Vec<u8>),
}

impl Units {
    pub(crate) async fn get(&self, slug: &str, as_of: Option<&str>) -> Result<Unit, Error> {
        let found = find(self.store.reader(), slug, as_of).await?;
        found.ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))
    }

    /// In the order of `slugs`; the first that is missing is the error.
    pub(crate) async fn batch_get(&self, slugs: &[String], as_of: Option<&str>) -> Result<Vec<Unit>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM v JOIN {} u ON u.slug = v.slug LEFT JOIN unit p ON p.id = u.parent_id",
            source(as_of, ":1")
        );
        let rows = senani_store::Rows::new()
            .text("slug", slugs.iter().map(String::as_str))
            .query(self.store.reader(), &sql, &day(as_of))
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

    /// The unit that has a code.
    pub(crate) async fn by_code(&self, system: &str, code: &str, as_of: Option<&str>) -> Result<Unit, Error> {
        let db = self.store.reader();
        let sql = match as_of {
            None => format!(
                "SELECT {COLUMNS} FROM unit_code c JOIN unit u ON u.id = c.unit_id \
                 LEFT JOIN unit p ON p.id = u.parent_id WHERE c.system = $1 AND c.code = $2"
            ),
            // Codes of the past are in the versions alone.
            Some(_) => {
                let member = match db.get_database_backend() {
                    DbBackend::Postgres => "u.codes::jsonb ->> $1::text = $2",
                    _ => "EXISTS (SELECT 1 FROM json_each(u.codes) e WHERE e.key = $1 AND e.value = $2)",
                };
                format!(
                    "SELECT {COLUMNS} FROM {} u LEFT JOIN unit p ON p.id = u.parent_id WHERE {member} \
                     ORDER BY u.slug LIMIT 1",
                    source(as_of, "$3")
                )
            }
        };
        let parameters = [vec![system.into(), code.into()], day(as_of)].concat();
        let row = db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, parameters)).await?;
        let unit = row.as_ref().map(row::unit).transpose()?;
        unit.ok_or_else(|| Error::CodeNotFound(system.to_owned()))
    }

    /// Every open unit, parents before children.
    pub(crate) async fn structure(&self, as_of: Option<&str>) -> Result<Vec<Unit>, Error> {
        let source = source(as_of, "$1");
        let sql = format!(
            "WITH RECURSIVE down(id, depth) AS (\
                SELECT n.id, 0 FROM {source} n WHERE n.parent_id IS NULL \
                UNION ALL SELECT n.id, down.depth + 1 FROM {source} n JOIN down ON n.parent_id = down.id) \
             SELECT {COLUMNS} FROM down JOIN {source} u ON u.id = down.id \
             LEFT JOIN unit p ON p.id = u.parent_id WHERE u.closed_on = '' ORDER BY down.depth, u.slug"
        );
        let db = self.store.reader();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, day(as_of));
        Ok(units(&db.query_all_raw(statement).await?)?)
    }

    /// Units after `after` in the order of their slugs.
    pub(crate) async fn list(
        &self,
        selection: &Selection<'_>,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Unit>, Error> {
        let mut parameters: Vec<Value> = vec![after.unwrap_or_default().into(), size_value(size)];
        let mut condition = String::new();
        if let Some(parent) = selection.parent {
            parameters.push(self.get(parent, selection.as_of).await?.id.into());
            condition.push_str(&format!(" AND u.parent_id = ${}", parameters.len()));
        }
        if let Some(kind) = selection.kind {
            parameters.push(kind.into());
            condition.push_str(&format!(" AND u.kind = ${}", parameters.len()));
        }
        if !selection.closed {
            condition.push_str(" AND u.closed_on = ''");
        }
        parameters.extend(day(selection.as_of));
        let source = source(selection.as_of, &format!("${}", parameters.len()));
        let sql = format!(
            "SELECT {COLUMNS} FROM {source} u LEFT JOIN unit p ON p.id = u.parent_id \
             WHERE u.slug > $1{condition} ORDER BY u.slug LIMIT $2"
        );
        let db = self.store.reader();
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, parameters)).await?;
        Ok(units(&rows)?)
    }

    /// The way up: the parent first, the root last.
    pub(crate) async fn ancestors(&self, slug: &str, as_of: Option<&str>) -> Result<Vec<Unit>, Error> {
        let unit = self.get(slug, as_of).await?;
        let source = source(as_of, "$2");
        let sql = format!(
            "WITH RECURSIVE up(id, parent_id, steps) AS (\
                SELECT n.id, n.parent_id, 0 FROM {source} n WHERE n.id = $1 \
                UNION ALL SELECT n.id, n.parent_id, up.steps + 1 FROM {source} n JOIN up ON n.id = up.parent_id) \
             SELECT {COLUMNS} FROM up JOIN {source} u ON u.id = up.id LEFT JOIN unit p ON p.id = u.parent_id \
             WHERE up.steps > 0 ORDER BY up.steps"
        );
        let db = self.store.reader();
        let parameters = [vec![unit.id.into()], day(as_of)].concat();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, parameters);
        Ok(units(&db.query_all_raw(statement).await?)?)
    }

    /// A unit and everything under it with its depth, parents before children.
    pub(crate) async fn subtree(
        &self,
        slug: &str,
        as_of: Option<&str>,
        closed: bool,
    ) -> Result<Vec<(Unit, i32)>, Error> {
        let top = self.get(slug, as_of).await?;
        let source = source(as_of, "$2");
        // Nothing open stands under a closed unit, so that leaving out the closed ones leaves a tree.
        let condition = if closed { "" } else { "WHERE u.closed_on = '' OR down.depth = 0 " };
        let sql = format!(
            "WITH RECURSIVE down(id, depth) AS (\
                SELECT n.id, 0 FROM {source} n WHERE n.id = $1 \
                UNION ALL SELECT n.id, down.depth + 1 FROM {source} n JOIN down ON n.parent_id = down.id) \
             SELECT {COLUMNS}, down.depth FROM down JOIN {source} u ON u.id = down.id \
             LEFT JOIN unit p ON p.id = u.parent_id {condition}ORDER BY down.depth, u.slug"
        );
        let db = self.store.reader();
        let parameters = [vec![top.id.into()], day(as_of)].concat();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, parameters);
        let rows = db.query_all_raw(statement).await?;
        let with_depth = rows.iter().map(|row| Ok((row::unit(row)?, row.try_get_by_index::<i32>(row::WIDTH)?)));
        with_depth.collect::<Result<_, DbErr>>().map_err(Error::from)
    }

    /// One transaction: the claim of the request id, the unit, its event.
    pub(crate) async fn create(
        &self,
        draft: Draft,
        today: &str,
        repeat: Option<Repeat<'_>>,
        validate_only: bool,
    ) -> Result<pb::Unit, Error> {
        let mut txn = match self.begin(repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::Unit::decode(answer.as_slice())?),
        };
        let parent = self.place(&txn, &draft).await?;
        let now = Timestamp::now().0;
        let unit = Unit {
            id: Uuid::now_v7(),
            parent_id: parent.map(|parent| parent.id),
            draft,
            closed_on: String::new(),
            successor: String::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let answer = convert::unit(&unit);
        if validate_only {
            return Ok(answer);
        }
        let draft = &unit.draft;
        let above = versions::timeline(&*txn, Scope::Unit(unit.parent_id.unwrap_or_default())).await?;
        let start = above.record_start(draft.kind, unit.parent_id, &draft.opened_on, today, &self.rules);
        write::insert(&txn, &[&unit]).await?;
        write::versions(&txn, &[(&unit, start.as_str())]).await?;
        finish(&txn, repeat.as_ref(), &answer).await?;
        txn.append(vec![convert::unit_changed(&unit)]).await?;
        txn.commit().await?;
        Ok(answer)
    }

    /// A writing transaction that holds the structure still, unless the request was done already.
    pub(super) async fn begin(&self, repeat: Option<&Repeat<'_>>) -> Result<Beginning, Error> {
        let txn = self.store.begin_write().await?;
        if let Some(repeat) = repeat {
            match request_log::claim(&txn, repeat.key, &repeat.fingerprint).await? {
                Claim::New => {}
                Claim::Done(answer) => return Ok(Beginning::Done(answer)),
                Claim::Reused => return Err(Error::RequestIdReused),
            }
        }
        write::lock_structure(&txn).await?;
        Ok(Beginning::New(txn))
    }

    /// Whether the register has room for the draft: its slug, its codes and its place; answers the parent.
    async fn place(&self, txn: &WriteTransaction, draft: &Draft) -> Result<Option<Unit>, Error> {
        if find(&**txn, &draft.slug, None).await?.is_some() {
            return Err(Error::SlugTaken(format!("units/{}", draft.slug)));
        }
        check_codes(txn, &draft.codes, Uuid::nil()).await?;
        let parent = match &draft.parent {
            Some(slug) => {
                let parent = find_parent(txn, slug, "unit.parent").await?;
                if !parent.closed_on.is_empty() {
                    return Err(Error::parent_closed(slug, &parent.closed_on));
                }
                Some(parent)
            }
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

pub(super) async fn find(db: &impl ConnectionTrait, slug: &str, as_of: Option<&str>) -> Result<Option<Unit>, DbErr> {
    let source = source(as_of, "$2");
    let sql = format!("SELECT {COLUMNS} FROM {source} u LEFT JOIN unit p ON p.id = u.parent_id WHERE u.slug = $1");
    let parameters = [vec![slug.into()], day(as_of)].concat();
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, parameters);
    db.query_one_raw(statement).await?.as_ref().map(row::unit).transpose()
}

/// The unit that a request names as a parent; `field` is where.
pub(super) async fn find_parent(txn: &WriteTransaction, slug: &str, field: &str) -> Result<Unit, Error> {
    find(&**txn, slug, None).await?.ok_or_else(|| {
        let wrong = Wrong::new(ErrorReason::ParentUnknown, field, "no such unit");
        Error::Invalid(vec![wrong.with("parent", format!("units/{slug}"))])
    })
}

/// Whether no unit but `owner` has one of the codes.
pub(super) async fn check_codes(
    txn: &WriteTransaction,
    codes: &BTreeMap<String, String>,
    owner: Uuid,
) -> Result<(), Error> {
    for (system, code) in codes {
        let taken = Statement::from_sql_and_values(
            txn.get_database_backend(),
            "SELECT 1 FROM unit_code WHERE system = $1 AND code = $2 AND unit_id <> $3",
            [system.as_str().into(), code.as_str().into(), owner.into()],
        );
        if txn.query_one_raw(taken).await?.is_some() {
            return Err(Error::CodeTaken(system.clone()));
        }
    }
    Ok(())
}

/// Records the answer for a repeated request.
pub(super) async fn finish(
    txn: &WriteTransaction,
    repeat: Option<&Repeat<'_>>,
    answer: &impl Message,
) -> Result<(), DbErr> {
    match repeat {
        Some(repeat) => request_log::record(txn, repeat.key, answer.encode_to_vec()).await,
        None => Ok(()),
    }
}

/// The day as a parameter, if there is one.
pub(super) fn day(as_of: Option<&str>) -> Vec<Value> {
    as_of.map(Value::from).into_iter().collect()
}

pub(super) fn units(rows: &[QueryResult]) -> Result<Vec<Unit>, DbErr> {
    rows.iter().map(row::unit).collect()
}

pub(super) fn size_value(size: PageSize) -> Value {
    i64::try_from(size.limit()).unwrap_or(i64::MAX).into()
}

/// A page of units by slug.
pub(crate) fn page(found: Vec<Unit>, size: PageSize, filter: &impl std::hash::Hash) -> Page<pb::Unit> {
    Page::cut(found, size, filter, |unit| unit.draft.slug.clone()).map(|unit| convert::unit(&unit))
}
