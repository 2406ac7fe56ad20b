//! Bulletins and their numbers.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_store::WriteTransaction;
use uuid::Uuid;

use super::sql::{self, Columns, for_update, unreadable};
use crate::domain::bulletin::{Bulletin, IssuingUnit, State, Visibility};
use crate::domain::code::Code;
use crate::domain::poster::Poster;

const SELECT: &str = "SELECT b.id, b.number, b.issuing_unit_id, b.issuing_unit_slug, b.state, b.category, b.severity, \
     b.headlines, b.texts, b.author, b.approver, b.version, b.created_at, b.approved_at, b.published_at, b.trace_parent, \
     b.poster_sha256, COALESCE(p.media_type, ''), COALESCE(p.size, 0), COALESCE(p.width, 0), COALESCE(p.height, 0), \
     COALESCE(p.sha1, ''), b.visibility, COALESCE(v.code, '') FROM bulletin b LEFT JOIN poster p ON p.sha256 = b.poster_sha256 \
     LEFT JOIN verification v ON v.bulletin_id = b.id";

/// One bulletin.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Bulletin>, DbErr> {
    let row = sql::one(db, &format!("{SELECT} WHERE b.id = $1"), [id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// One bulletin, which nobody else changes until the transaction ends.
pub(crate) async fn lock(txn: &WriteTransaction, id: Uuid) -> Result<Option<Bulletin>, DbErr> {
    let lock = format!("SELECT id FROM bulletin WHERE id = $1{}", for_update(txn.get_database_backend()));
    match sql::one(&**txn, &lock, [id.into()]).await? {
        Some(_) => find(&**txn, id).await,
        None => Ok(None),
    }
}

/// The newest bulletins, after a key.
pub(crate) async fn list(db: &impl ConnectionTrait, before: Option<Uuid>, limit: u64) -> Result<Vec<Bulletin>, DbErr> {
    let query = format!("{SELECT} WHERE b.id < $1 ORDER BY b.id DESC LIMIT $2");
    let rows = sql::all(db, &query, [before.unwrap_or(Uuid::max()).into(), limit.cast_signed().into()]).await?;
    rows.iter().map(read).collect()
}

/// Every bulletin, the oldest first.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Bulletin>, DbErr> {
    sql::all(db, &format!("{SELECT} ORDER BY b.id"), []).await?.iter().map(read).collect()
}

/// Bulletins that are being published.
pub(crate) async fn publishing(db: &impl ConnectionTrait) -> Result<Vec<Uuid>, DbErr> {
    let rows = sql::all(db, "SELECT id FROM bulletin WHERE state = 4 ORDER BY id", []).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// The traceparent of a bulletin's approval; empty when it was not traced or there is no such bulletin.
pub(crate) async fn trace_parent(db: &impl ConnectionTrait, id: Uuid) -> Result<String, DbErr> {
    match sql::one(db, "SELECT trace_parent FROM bulletin WHERE id = $1", [id.into()]).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(String::new()),
    }
}

/// Writes a new bulletin.
pub(crate) async fn insert(txn: &WriteTransaction, bulletin: &Bulletin) -> Result<(), DbErr> {
    let sql = "INSERT INTO bulletin (id, number, issuing_unit_id, issuing_unit_slug, state, category, severity, headlines, texts, \
               poster_sha256, author, approver, version, created_at, approved_at, published_at, trace_parent, \
               visibility) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    let values = [
        bulletin.id.into(),
        bulletin.number.clone().into(),
        bulletin.issuing_unit.id.into(),
        bulletin.issuing_unit.slug.clone().into(),
        bulletin.state.code().into(),
        bulletin.category.into(),
        bulletin.severity.into(),
        json(&bulletin.headlines)?.into(),
        json(&bulletin.texts)?.into(),
        poster_key(bulletin).into(),
        bulletin.author.clone().into(),
        bulletin.approver.clone().into(),
        bulletin.version.into(),
        bulletin.created_at.into(),
        bulletin.approved_at.into(),
        bulletin.published_at.into(),
        bulletin.trace_parent.clone().into(),
        bulletin.visibility.code().into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}

/// Writes what may change after a bulletin was locked: everything but its texts, author and unit.
pub(crate) async fn update(txn: &WriteTransaction, bulletin: &Bulletin) -> Result<(), DbErr> {
    let sql = "UPDATE bulletin SET number = $2, state = $3, poster_sha256 = $4, approver = $5, version = $6, approved_at = $7, \
               published_at = $8, trace_parent = $9 WHERE id = $1";
    let values = [
        bulletin.id.into(),
        bulletin.number.clone().into(),
        bulletin.state.code().into(),
        poster_key(bulletin).into(),
        bulletin.approver.clone().into(),
        bulletin.version.into(),
        bulletin.approved_at.into(),
        bulletin.published_at.into(),
        bulletin.trace_parent.clone().into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}

/// The next number of a unit in a year. Gapless: it is taken in the transaction that uses it, and given back when that fails.
pub(crate) async fn next_number(txn: &WriteTransaction, unit: Uuid, year: i32) -> Result<i64, DbErr> {
    let sql = "INSERT INTO bulletin_counter (unit_id, year, last) VALUES ($1, $2, 1) \
               ON CONFLICT (unit_id, year) DO UPDATE SET last = bulletin_counter.last + 1 RETURNING last";
    let row = sql::one(&**txn, sql, [unit.into(), year.into()]).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("bulletin_counter".into()))?.try_get_by_index(0)
}

fn poster_key(bulletin: &Bulletin) -> String {
    bulletin.poster.as_ref().map_or(String::new(), |poster| poster.sha256.clone())
}

fn json(texts: &BTreeMap<String, String>) -> Result<String, DbErr> {
    serde_json::to_string(texts).map_err(|error| DbErr::Type(error.to_string()))
}

fn texts(json: &str) -> Result<BTreeMap<String, String>, DbErr> {
    serde_json::from_str(json).map_err(|error| DbErr::Type(format!("texts of a bulletin: {error}")))
}

fn read(row: &QueryResult) -> Result<Bulletin, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Bulletin {
        id: columns.take()?,
        number: columns.take()?,
        issuing_unit: IssuingUnit { id: columns.take()?, slug: columns.take()? },
        state: {
            let code = columns.take()?;
            State::from_code(code).ok_or_else(|| unreadable("state of a bulletin", code))?
        },
        category: columns.take()?,
        severity: columns.take()?,
        headlines: texts(&columns.take::<String>()?)?,
        texts: texts(&columns.take::<String>()?)?,
        author: columns.take()?,
        approver: columns.take()?,
        version: columns.take()?,
        created_at: columns.take()?,
        approved_at: columns.take()?,
        published_at: columns.take()?,
        trace_parent: columns.take()?,
        poster: {
            let sha256: String = columns.take()?;
            let poster = Poster {
                media_type: columns.take()?,
                size: columns.take()?,
                width: columns.take()?,
                height: columns.take()?,
                sha256,
                sha1: columns.take()?,
            };
            Some(poster).filter(|poster| !poster.sha256.is_empty())
        },
        visibility: Visibility::from_code(columns.take()?),
        code: Code::parse(&columns.take::<String>()?),
    })
}
