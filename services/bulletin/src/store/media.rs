//! Posters as providers know them.

use std::time::Duration;

use sea_orm::DbErr;
use senani_store::{Store, Timestamp};

use super::sql;

/// How long an uploaded poster is used: the provider keeps it for 30 days.
const KEPT: Duration = Duration::from_secs(29 * 24 * 60 * 60);

/// The provider's id of a poster that was uploaded; `None` when it was not, or too long ago.
pub(crate) async fn find(store: &Store, channel: &str, sha256: &str) -> Result<Option<String>, DbErr> {
    let since = Timestamp::now().0 - i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX);
    let sql = "SELECT media_id FROM channel_media WHERE channel = $1 AND sha256 = $2 AND uploaded_at > $3";
    let row = sql::one(store.reader(), sql, [channel.into(), sha256.into(), since.into()]).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// Remembers the provider's id.
pub(crate) async fn save(store: &Store, channel: &str, sha256: &str, media_id: &str) -> Result<(), DbErr> {
    let txn = store.begin_write().await?;
    let sql = "INSERT INTO channel_media (channel, sha256, media_id, uploaded_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (channel, sha256) \
               DO UPDATE SET media_id = excluded.media_id, uploaded_at = excluded.uploaded_at";
    sql::execute(&*txn, sql, [channel.into(), sha256.into(), media_id.into(), Timestamp::now().0.into()]).await?;
    txn.commit().await
}

/// Forgets an id that the provider does not know any more.
pub(crate) async fn forget(store: &Store, channel: &str, media_id: &str) -> Result<(), DbErr> {
    let txn = store.begin_write().await?;
    let sql = "DELETE FROM channel_media WHERE channel = $1 AND media_id = $2";
    sql::execute(&*txn, sql, [channel.into(), media_id.into()]).await?;
    txn.commit().await
}
