//! Posters, once by content. The contents themselves are not in the database.

use sea_orm::DbErr;
use senani_store::{Timestamp, WriteTransaction};

use super::sql;
use crate::domain::poster::Poster;

/// Records a poster whose content is in the store of posters; the same twice is recorded once.
pub(crate) async fn insert(txn: &WriteTransaction, poster: &Poster) -> Result<(), DbErr> {
    let sql = "INSERT INTO poster (sha256, media_type, size, width, height, sha1, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO NOTHING";
    let values = [
        poster.sha256.clone().into(),
        poster.media_type.clone().into(),
        poster.size.into(),
        poster.width.into(),
        poster.height.into(),
        poster.sha1.clone().into(),
        Timestamp::now().0.into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}
