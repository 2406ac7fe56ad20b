//! Posters, once by content.

use sea_orm::{ConnectionTrait, DbErr};
use senani_store::{Timestamp, WriteTransaction};

use super::sql;
use crate::domain::poster::Poster;

/// Stores a poster; the same bytes twice are stored once.
pub(crate) async fn insert(txn: &WriteTransaction, poster: &Poster, content: Vec<u8>) -> Result<(), DbErr> {
    let sql = "INSERT INTO poster (sha256, media_type, size, width, height, content, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO NOTHING";
    let values = [
        poster.sha256.clone().into(),
        poster.media_type.clone().into(),
        poster.size.into(),
        poster.width.into(),
        poster.height.into(),
        content.into(),
        Timestamp::now().0.into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}

/// Media type and bytes of a poster.
pub(crate) async fn read(db: &impl ConnectionTrait, sha256: &str) -> Result<Option<(String, Vec<u8>)>, DbErr> {
    let row = sql::one(db, "SELECT media_type, content FROM poster WHERE sha256 = $1", [sha256.into()]).await?;
    row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
}
