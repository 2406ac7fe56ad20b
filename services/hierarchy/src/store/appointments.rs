//! Rows of `appointment`: reading and writing them.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_store::{PageSize, Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::Units;
use super::units::size_value;
use crate::convert;
use crate::domain::{Appointment, Day, Nature, Posts};
use crate::error::Error;

/// What every query of appointments selects, from `appointment a JOIN unit u`.
const COLUMNS: &str = "a.id, a.officer, a.unit_id, u.slug, a.post, a.nature, a.start_date, a.end_date, a.start_at, a.end_at, \
     a.delegated_from, a.reason, a.appointed_by, a.ended_by, a.version, a.created_at, a.updated_at";

/// Which appointments to list.
#[derive(Debug, Default)]
pub(crate) struct Listing<'a> {
    /// Slug of the unit.
    pub(crate) unit: Option<&'a str>,
    pub(crate) officer: Option<Uuid>,
    /// Numbers of the contract.
    pub(crate) post: Option<i32>,
    pub(crate) nature: Option<i32>,
    /// Held on this day or during a part of it.
    pub(crate) day: Option<Day>,
    /// Also those that are over.
    pub(crate) ended: bool,
}

impl Units {
    pub(crate) async fn appointment(&self, id: Uuid) -> Result<Appointment, Error> {
        find(self.store.reader(), id).await?.ok_or_else(|| convert::appointment_not_found(id))
    }

    /// Appointments after `after` in the order of their ids.
    pub(crate) async fn appointments(
        &self,
        listing: &Listing<'_>,
        after: Uuid,
        size: PageSize,
    ) -> Result<Vec<Appointment>, Error> {
        let mut values: Vec<Value> = vec![after.into(), size_value(size)];
        let mut conditions = String::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push_str(&format!(" AND {condition} ${}", values.len()));
        };
        if let Some(slug) = listing.unit {
            add("a.unit_id =", self.get(slug, None).await?.id.into());
        }
        if let Some(officer) = listing.officer {
            add("a.officer =", officer.into());
        }
        if let Some(post) = listing.post {
            add("a.post =", post.into());
        }
        if let Some(nature) = listing.nature {
            add("a.nature =", nature.into());
        }
        match &listing.day {
            Some(day) => {
                add("a.start_at <=", day.last().into());
                add("a.end_at >", day.begins.into());
                conditions.push_str(" AND a.end_at > a.start_at");
            }
            None if listing.ended => {}
            None => {
                add("a.end_at >", Timestamp::now().0.into());
                conditions.push_str(" AND a.end_at > a.start_at");
            }
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM appointment a JOIN unit u ON u.id = a.unit_id WHERE a.id > $1{conditions} \
             ORDER BY a.id LIMIT $2"
        );
        let db = self.store.reader();
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        Ok(rows.iter().map(appointment).collect::<Result<_, _>>()?)
    }
}

pub(super) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Appointment>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM appointment a JOIN unit u ON u.id = a.unit_id WHERE a.id = $1");
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()]);
    db.query_one_raw(statement).await?.as_ref().map(appointment).transpose()
}

/// Every appointment in some units, past ones too.
pub(super) async fn posts(db: &impl ConnectionTrait, units: &[Uuid]) -> Result<Posts, DbErr> {
    let sql = format!(
        "SELECT {COLUMNS} FROM v CROSS JOIN appointment a JOIN unit u ON u.id = a.unit_id WHERE a.unit_id = v.key"
    );
    let rows = Rows::new().uuid("key", units.iter().copied()).query(db, &sql, &[]).await?;
    Ok(Posts::new(rows.iter().map(appointment).collect::<Result<Vec<_>, _>>()?))
}

/// Every appointment, in the order of their ids.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Appointment>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM appointment a JOIN unit u ON u.id = a.unit_id ORDER BY a.id");
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(appointment).collect()
}

/// Writes what has changed: what ends first, so that a post is free for the next.
pub(super) async fn write(txn: &WriteTransaction, posts: &Posts) -> Result<(), DbErr> {
    let (new, known): (Vec<&Appointment>, _) = posts.changed().partition(|changed| changed.version == 1);
    Rows::new()
        .uuid("key", known.iter().map(|known| known.id))
        .text("end_date", known.iter().map(|known| known.end_date.as_str()))
        .big_int("end_at", known.iter().map(|known| known.end))
        .text("ended_by", known.iter().map(|known| known.ended_by.as_str()))
        .big_int("version", known.iter().map(|known| known.version))
        .big_int("updated_at", known.iter().map(|known| known.updated_at))
        .execute(
            &**txn,
            "UPDATE appointment SET end_date = v.end_date, end_at = v.end_at, ended_by = v.ended_by, version = v.version, \
             updated_at = v.updated_at FROM v WHERE appointment.id = v.key",
            &[],
        )
        .await?;
    Rows::new()
        .uuid("key", new.iter().map(|new| new.id))
        .uuid("officer", new.iter().map(|new| new.officer))
        .uuid("unit_id", new.iter().map(|new| new.unit))
        .int("post", new.iter().map(|new| new.post as i32))
        .int("nature", new.iter().map(|new| new.nature as i32))
        .text("start_date", new.iter().map(|new| new.start_date.as_str()))
        .text("end_date", new.iter().map(|new| new.end_date.as_str()))
        .big_int("start_at", new.iter().map(|new| new.start))
        .big_int("end_at", new.iter().map(|new| new.end))
        // The nil UUID stands for NULL.
        .uuid("delegated_from", new.iter().map(|new| new.delegated_from.unwrap_or_default()))
        .text("reason", new.iter().map(|new| new.reason.as_str()))
        .text("appointed_by", new.iter().map(|new| new.appointed_by.as_str()))
        .text("ended_by", new.iter().map(|new| new.ended_by.as_str()))
        .big_int("created_at", new.iter().map(|new| new.created_at))
        .execute(
            &**txn,
            "INSERT INTO appointment (id, officer, unit_id, post, nature, start_date, end_date, start_at, end_at, \
             delegated_from, reason, appointed_by, ended_by, version, created_at, updated_at) SELECT v.key, v.officer, \
             v.unit_id, v.post, v.nature, v.start_date, v.end_date, v.start_at, v.end_at, NULLIF(v.delegated_from, :1), \
             v.reason, v.appointed_by, v.ended_by, 1, v.created_at, v.created_at FROM v",
            &[Uuid::nil().into()],
        )
        .await
        .map(drop)
}

fn appointment(row: &QueryResult) -> Result<Appointment, DbErr> {
    let (post, nature): (i32, i32) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
    Ok(Appointment {
        id: row.try_get_by_index(0)?,
        officer: row.try_get_by_index(1)?,
        unit: row.try_get_by_index(2)?,
        unit_slug: row.try_get_by_index(3)?,
        post: super::row::post(post)?,
        nature: Nature::from_number(nature).ok_or_else(|| DbErr::Type(format!("unknown nature {nature}")))?,
        start_date: row.try_get_by_index(6)?,
        end_date: row.try_get_by_index(7)?,
        start: row.try_get_by_index(8)?,
        end: row.try_get_by_index(9)?,
        delegated_from: row.try_get_by_index(10)?,
        reason: row.try_get_by_index(11)?,
        appointed_by: row.try_get_by_index(12)?,
        ended_by: row.try_get_by_index(13)?,
        version: row.try_get_by_index(14)?,
        created_at: row.try_get_by_index(15)?,
        updated_at: row.try_get_by_index(16)?,
    })
}
