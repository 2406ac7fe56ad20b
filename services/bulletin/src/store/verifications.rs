//! Codes, their signatures, and what strangers may read of the bulletins that have them.

use sea_orm::{ConnectionTrait, DbErr};
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::bulletins;
use super::sql::{self, Columns};
use crate::domain::code::Code;
use crate::domain::verification::{Fate, Reference, Signed};

/// What of it: its columns after those of the bulletin.
const FATE: &str = "SELECT v.code, v.signature, v.key_id, b.exercise, b.expires_at, b.withdrawn_at, b.corrects_id, b.id \
     FROM verification v JOIN bulletin b ON b.id = v.bulletin_id";

/// Records the code of a bulletin. A code that another bulletin has is refused by the database: the approval fails and may be asked again.
pub(crate) async fn insert(
    txn: &WriteTransaction,
    bulletin: Uuid,
    code: Code,
    signature: Vec<u8>,
    key_id: String,
) -> Result<(), DbErr> {
    let sql = "INSERT INTO verification (code, bulletin_id, signature, key_id, created_at) VALUES ($1, $2, $3, $4, $5)";
    let values = [code.plain().into(), bulletin.into(), signature.into(), key_id.into(), Timestamp::now().0.into()];
    sql::execute(&**txn, sql, values).await.map(drop)
}

/// The bulletin that has a code.
pub(crate) async fn by_code(db: &impl ConnectionTrait, code: Code) -> Result<Option<Signed>, DbErr> {
    let row = sql::one(db, &format!("{FATE} WHERE v.code = $1"), [code.plain().into()]).await?;
    match row {
        Some(row) => read(db, &row).await,
        None => Ok(None),
    }
}

/// The bulletin that is public and published under an id.
pub(crate) async fn public(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Signed>, DbErr> {
    let query = format!("{FATE} WHERE b.id = $1 AND b.visibility = 2 AND b.published_at > 0");
    match sql::one(db, &query, [id.into()]).await? {
        Some(row) => read(db, &row).await,
        None => Ok(None),
    }
}

/// The public bulletins that were published or withdrawn last, corrected ones among them.
pub(crate) async fn newest(db: &impl ConnectionTrait, limit: i64) -> Result<Vec<Signed>, DbErr> {
    let query = format!(
        "{FATE} WHERE b.visibility = 2 AND b.published_at > 0 \
         ORDER BY CASE WHEN b.withdrawn_at > b.published_at THEN b.withdrawn_at ELSE b.published_at END DESC, b.id DESC \
         LIMIT $1"
    );
    let mut found = Vec::new();
    for row in sql::all(db, &query, [limit.into()]).await? {
        found.extend(read(db, &row).await?);
    }
    Ok(found)
}

async fn read(db: &impl ConnectionTrait, row: &sea_orm::QueryResult) -> Result<Option<Signed>, DbErr> {
    let mut columns = Columns::of(row);
    let code = code(&columns.take::<String>()?)?;
    let (signature, key_id) = (columns.take()?, columns.take()?);
    let mut fate = Fate {
        exercise: columns.take()?,
        expires_at: columns.take()?,
        withdrawn_at: columns.take()?,
        ..Fate::default()
    };
    let (corrects, id): (Uuid, Uuid) = (columns.take()?, columns.take()?);
    if !corrects.is_nil() {
        fate.corrects = reference(db, "b.id = $1", corrects).await?;
    }
    fate.corrected_by = reference(db, "b.corrects_id = $1 AND b.published_at > 0", id).await?;
    let bulletin = bulletins::find(db, id).await?;
    Ok(bulletin.map(|bulletin| Signed { bulletin, code, signature, key_id, fate }))
}

/// The last bulletin with a code for which a condition holds.
async fn reference(db: &impl ConnectionTrait, condition: &str, id: Uuid) -> Result<Option<Reference>, DbErr> {
    let query = format!(
        "SELECT b.id, b.number, v.code, b.published_at, b.visibility \
         FROM bulletin b JOIN verification v ON v.bulletin_id = b.id WHERE {condition} ORDER BY b.id DESC LIMIT 1"
    );
    let Some(row) = sql::one(db, &query, [id.into()]).await? else { return Ok(None) };
    let mut columns = Columns::of(&row);
    Ok(Some(Reference {
        id: columns.take()?,
        number: columns.take()?,
        code: code(&columns.take::<String>()?)?,
        published_at: columns.take()?,
        public: columns.take::<i32>()? == 2,
    }))
}

fn code(text: &str) -> Result<Code, DbErr> {
    Code::parse(text).ok_or_else(|| DbErr::Type("a stored code is none".to_owned()))
}
