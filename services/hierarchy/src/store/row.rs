//! A row of `unit` and the unit in it.

use std::collections::BTreeMap;

use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use crate::domain::{Certainty, Draft, Kind, Post, Unit};

/// What every query of units selects, from `unit u LEFT JOIN unit p`.
pub(super) const COLUMNS: &str = "u.id, u.slug, u.parent_id, p.slug AS parent_slug, u.kind, u.names, u.codes, \
     u.opened_on, u.closed_on, u.certainty, u.version, u.created_at, u.updated_at, u.successor";

/// How many columns these are: what a query selects besides comes after them.
pub(super) const WIDTH: usize = 14;

/// What a query reads instead of `unit` to answer as of a day; `day` is the placeholder of the day.
pub(super) fn source(as_of: Option<&str>, day: &str) -> String {
    if as_of.is_none() {
        return "unit".to_owned();
    }
    format!(
        "(SELECT n.id, n.slug, w.parent_id, w.kind, w.names, w.codes, n.opened_on, w.closed_on, w.certainty, w.version, \
         n.created_at, w.recorded_at AS updated_at, w.successor FROM unit_version w JOIN unit n ON n.id = w.unit_id \
         WHERE w.valid_from <= {day} AND w.valid_until > {day})"
    )
}

pub(super) fn unit(row: &QueryResult) -> Result<Unit, DbErr> {
    let kind: i32 = row.try_get_by_index(4)?;
    let certainty: i32 = row.try_get_by_index(9)?;
    Ok(Unit {
        id: row.try_get_by_index(0)?,
        parent_id: row.try_get_by_index::<Option<Uuid>>(2)?,
        draft: Draft {
            slug: row.try_get_by_index(1)?,
            parent: row.try_get_by_index(3)?,
            kind: Kind::from_number(kind).ok_or_else(|| DbErr::Type(format!("unknown unit kind {kind}")))?,
            names: from_json(&row.try_get_by_index::<String>(5)?)?,
            codes: from_json(&row.try_get_by_index::<String>(6)?)?,
            opened_on: row.try_get_by_index(7)?,
            certainty: Certainty::from_number(certainty).unwrap_or_default(),
        },
        closed_on: row.try_get_by_index(8)?,
        successor: row.try_get_by_index(13)?,
        version: row.try_get_by_index(10)?,
        created_at: row.try_get_by_index(11)?,
        updated_at: row.try_get_by_index(12)?,
    })
}

pub(super) fn to_json(map: &BTreeMap<String, String>) -> String {
    serde_json::Value::from_iter(map.iter().map(|(key, value)| (key.clone(), value.clone()))).to_string()
}

pub(super) fn from_json(text: &str) -> Result<BTreeMap<String, String>, DbErr> {
    serde_json::from_str(text).map_err(|error| DbErr::Json(error.to_string()))
}

pub(super) fn post(number: i32) -> Result<Post, DbErr> {
    Post::from_number(number).ok_or_else(|| DbErr::Type(format!("unknown post {number}")))
}
