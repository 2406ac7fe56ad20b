//! Sets of units.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_error::Kind;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_store::{PageSize, Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::Units;
use super::row::{self, COLUMNS, source, to_json};
use super::units::{Beginning, Repeat, day, finish, size_value, units};
use crate::convert;
use crate::domain::{FOREVER, Unit, UnitSet};
use crate::error::Error;

/// What every query of sets selects, from `unit_set s`; the parameter is [`FOREVER`].
const SET: &str = "SELECT s.slug, s.names, s.created_at, s.closed_on, s.version, (SELECT COUNT(*) FROM unit_set_member m \
     WHERE m.set_slug = s.slug AND m.valid_until = $1) FROM unit_set s";

/// Whether units come into a set or leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

impl Units {
    pub(crate) async fn create_set(
        &self,
        slug: &str,
        names: BTreeMap<String, String>,
        repeat: Option<Repeat<'_>>,
    ) -> Result<pb::UnitSet, Error> {
        let mut txn = match self.begin(repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::UnitSet::decode(answer.as_slice())?),
        };
        let set = UnitSet {
            slug: slug.to_owned(),
            names,
            units: 0,
            closed_on: String::new(),
            version: 1,
            created_at: Timestamp::now().0,
        };
        let insert = Statement::from_sql_and_values(
            txn.get_database_backend(),
            "INSERT INTO unit_set (slug, names, created_at) VALUES ($1, $2, $3) ON CONFLICT (slug) DO NOTHING",
            [slug.into(), to_json(&set.names).into(), set.created_at.into()],
        );
        if txn.execute_raw(insert).await?.rows_affected() == 0 {
            return Err(Error::UnitSetExists(format!("unitSets/{slug}")));
        }
        let answer = convert::unit_set(&set);
        finish(&txn, repeat.as_ref(), &answer).await?;
        txn.append(vec![convert::unit_set_changed(&set, &[], &[])]).await?;
        txn.commit().await?;
        Ok(answer)
    }

    pub(crate) async fn set(&self, slug: &str) -> Result<UnitSet, Error> {
        find(self.store.reader(), slug).await
    }

    /// Sets after `after` in the order of their slugs.
    pub(crate) async fn sets(&self, after: Option<&str>, closed: bool, size: PageSize) -> Result<Vec<UnitSet>, Error> {
        let db = self.store.reader();
        let condition = if closed { "" } else { " AND s.closed_on = ''" };
        let sql = format!("{SET} WHERE s.slug > $2{condition} ORDER BY s.slug LIMIT $3");
        let parameters: [Value; 3] = [FOREVER.into(), after.unwrap_or_default().into(), size_value(size)];
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, parameters)).await?;
        Ok(rows.iter().map(unit_set).collect::<Result<_, _>>()?)
    }

    /// Puts units into a set or takes them out, from a day on.
    pub(crate) async fn change_set(
        &self,
        slug: &str,
        direction: Direction,
        members: &[String],
        from: &str,
        repeat: Option<Repeat<'_>>,
    ) -> Result<pb::UnitSet, Error> {
        let mut txn = match self.begin(repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::UnitSet::decode(answer.as_slice())?),
        };
        let known = find(&*txn, slug).await?;
        if direction == Direction::In {
            check_open(&known)?;
        }
        let mut changed = Vec::new();
        for (unit, id) in ids(&txn, members).await? {
            let last = last_change(&txn, slug, id).await?;
            let within = last.as_ref().is_some_and(|(_, until)| until == FOREVER);
            if within == (direction == Direction::In) {
                continue;
            }
            // The day on which it last came in or left.
            let earliest = last.map(|(since, until)| if within { since } else { until });
            match earliest {
                Some(earliest) if from < earliest.as_str() => {
                    return Err(convert::too_early(&format!("units/{unit}"), &earliest));
                }
                _ => changed.push(id),
            }
        }
        match direction {
            Direction::In => put_in(&txn, slug, &changed, from).await?,
            Direction::Out => take_out(&txn, slug, &changed, from).await?,
        }
        let mut set = find(&*txn, slug).await?;
        if !changed.is_empty() {
            set.version += 1;
            update(&txn, &set).await?;
        }
        let answer = convert::unit_set(&set);
        finish(&txn, repeat.as_ref(), &answer).await?;
        if !changed.is_empty() {
            let event = match direction {
                Direction::In => convert::unit_set_changed(&set, &changed, &[]),
                Direction::Out => convert::unit_set_changed(&set, &[], &changed),
            };
            txn.append(vec![event]).await?;
        }
        txn.commit().await?;
        Ok(answer)
    }

    /// Units of a set after `after` in the order of their slugs.
    pub(crate) async fn units_of_set(
        &self,
        slug: &str,
        as_of: Option<&str>,
        closed: bool,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Unit>, Error> {
        let db = self.store.reader();
        find(db, slug).await?;
        let mut parameters: Vec<Value> = vec![slug.into(), after.unwrap_or_default().into(), size_value(size)];
        // Now is the day before forever: what holds until then.
        let held = match as_of {
            Some(_) => "m.valid_from <= $4 AND m.valid_until > $4",
            None => "m.valid_until = $4",
        };
        parameters.extend(if as_of.is_some() { day(as_of) } else { vec![FOREVER.into()] });
        let condition = if closed { "" } else { " AND u.closed_on = ''" };
        let sql = format!(
            "SELECT {COLUMNS} FROM unit_set_member m JOIN {} u ON u.id = m.unit_id \
             LEFT JOIN unit p ON p.id = u.parent_id \
             WHERE m.set_slug = $1 AND {held} AND u.slug > $2{condition} ORDER BY u.slug LIMIT $3",
            source(as_of, "$4")
        );
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, parameters)).await?;
        Ok(units(&rows)?)
    }
}

pub(super) async fn find(db: &impl ConnectionTrait, slug: &str) -> Result<UnitSet, Error> {
    let sql = format!("{SET} WHERE s.slug = $2");
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [FOREVER.into(), slug.into()]);
    let row = db.query_one_raw(statement).await?;
    Ok(unit_set(&row.ok_or_else(|| Error::UnitSetNotFound(format!("unitSets/{slug}")))?)?)
}

fn unit_set(row: &QueryResult) -> Result<UnitSet, DbErr> {
    Ok(UnitSet {
        slug: row.try_get_by_index(0)?,
        names: row::from_json(&row.try_get_by_index::<String>(1)?)?,
        created_at: row.try_get_by_index(2)?,
        closed_on: row.try_get_by_index(3)?,
        version: row.try_get_by_index(4)?,
        units: row.try_get_by_index(5)?,
    })
}

/// Writes what a set is now.
pub(super) async fn update(txn: &WriteTransaction, set: &UnitSet) -> Result<(), DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "UPDATE unit_set SET names = $2, closed_on = $3, version = $4 WHERE slug = $1",
        [set.slug.as_str().into(), to_json(&set.names).into(), set.closed_on.as_str().into(), set.version.into()],
    );
    txn.execute_raw(statement).await.map(drop)
}

/// Whether a set may still have units.
pub(super) fn check_open(set: &UnitSet) -> Result<(), Error> {
    if set.closed_on.is_empty() {
        return Ok(());
    }
    let name = format!("unitSets/{}", set.slug);
    let what = format!("the set is closed from {} on", set.closed_on);
    Err(Error::listed(Kind::FailedPrecondition, ErrorReason::UnitSetClosed, what, &[("unit_set", &name)]))
}

/// Every set with the units that are in it now.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<(UnitSet, Vec<Uuid>)>, DbErr> {
    let backend = db.get_database_backend();
    let sql = format!("{SET} ORDER BY s.slug");
    let mut sets = Vec::new();
    for row in db.query_all_raw(Statement::from_sql_and_values(backend, sql, [FOREVER.into()])).await? {
        let set = unit_set(&row)?;
        let members = members(db, &set.slug).await?;
        sets.push((set, members));
    }
    Ok(sets)
}

/// The units that are in a set now, in the order of their ids.
pub(super) async fn members(db: &impl ConnectionTrait, slug: &str) -> Result<Vec<Uuid>, DbErr> {
    let sql = "SELECT unit_id FROM unit_set_member WHERE set_slug = $1 AND valid_until = $2 ORDER BY unit_id";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [slug.into(), FOREVER.into()]);
    db.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Each unit once with its id, in the order of the slugs.
async fn ids(txn: &WriteTransaction, slugs: &[String]) -> Result<Vec<(String, Uuid)>, Error> {
    let slugs: BTreeSet<&str> = slugs.iter().map(String::as_str).collect();
    let rows = Rows::new()
        .text("slug", slugs.iter().copied())
        .query(&**txn, "SELECT unit.slug, unit.id FROM v JOIN unit ON unit.slug = v.slug", &[])
        .await?;
    let read = |row: &QueryResult| Ok::<(String, Uuid), DbErr>((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    let found: BTreeMap<String, Uuid> = rows.iter().map(read).collect::<Result<_, _>>()?;
    match slugs.iter().find(|slug| !found.contains_key(**slug)) {
        Some(missing) => Err(Error::UnitNotFound(format!("units/{missing}"))),
        None => Ok(found.into_iter().collect()),
    }
}

/// From when until when a unit was last in a set.
async fn last_change(txn: &WriteTransaction, slug: &str, unit: Uuid) -> Result<Option<(String, String)>, DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "SELECT valid_from, valid_until FROM unit_set_member WHERE set_slug = $1 AND unit_id = $2 \
         ORDER BY valid_from DESC LIMIT 1",
        [slug.into(), unit.into()],
    );
    let row = txn.query_one_raw(statement).await?;
    row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
}

async fn put_in(txn: &WriteTransaction, slug: &str, units: &[Uuid], from: &str) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", units.iter().copied())
        .execute(
            &**txn,
            "INSERT INTO unit_set_member (set_slug, unit_id, valid_from, valid_until) SELECT :1, v.id, :2, :3 FROM v",
            &[slug.into(), from.into(), FOREVER.into()],
        )
        .await
        .map(drop)
}

pub(super) async fn take_out(txn: &WriteTransaction, slug: &str, units: &[Uuid], from: &str) -> Result<(), DbErr> {
    let parameters = [slug.into(), from.into(), FOREVER.into()];
    // In and out on one day was not in.
    for rest in [
        "DELETE FROM unit_set_member WHERE set_slug = :1 AND valid_until = :3 AND valid_from = :2 \
         AND unit_id IN (SELECT v.id FROM v)",
        "UPDATE unit_set_member SET valid_until = :2 WHERE set_slug = :1 AND valid_until = :3 \
         AND unit_id IN (SELECT v.id FROM v)",
    ] {
        Rows::new().uuid("id", units.iter().copied()).execute(&**txn, rest, &parameters).await?;
    }
    Ok(())
}
