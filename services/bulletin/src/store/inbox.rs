//! Webhook bodies, from their arrival until they are applied.

use sea_orm::DbErr;
use senani_store::{Rows, Store, Timestamp, WriteTransaction};

use super::report::{self, SealedMessage};
use super::sql::{self, Columns};

/// A body that waits.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) id: i64,
    pub(crate) channel: String,
    pub(crate) content: Vec<u8>,
}

/// Makes bodies and the messages that were in them durable, all or none.
pub(crate) async fn store_all(
    store: &Store,
    bodies: Vec<(String, Vec<u8>)>,
    messages: Vec<SealedMessage>,
) -> Result<(), DbErr> {
    let (channels, contents): (Vec<String>, Vec<Vec<u8>>) = bodies.into_iter().unzip();
    let txn = store.begin_write().await?;
    Rows::new()
        .text("channel", channels)
        .bytes("body", contents)
        .execute(
            &*txn,
            "INSERT INTO receipt_inbox (channel, received_at, body) SELECT v.channel, :1, v.body FROM v",
            &[Timestamp::now().0.into()],
        )
        .await?;
    report::inbox::insert(&txn, messages).await?;
    txn.commit().await
}

/// The oldest bodies: `limit` at most, and no more than about `bytes` together.
pub(crate) async fn oldest(store: &Store, limit: u64, bytes: usize) -> Result<Vec<Body>, DbErr> {
    let sizes = "SELECT id, CAST(LENGTH(body) AS bigint) FROM receipt_inbox ORDER BY id LIMIT $1";
    let mut last = None;
    let mut total = 0;
    for row in sql::all(store.reader(), sizes, [limit.cast_signed().into()]).await? {
        let mut columns = Columns::of(&row);
        let (id, size): (i64, i64) = (columns.take()?, columns.take()?);
        total += usize::try_from(size).unwrap_or(0);
        if last.is_some() && total > bytes {
            break;
        }
        last = Some(id);
    }
    let Some(last) = last else { return Ok(Vec::new()) };
    let sql = "SELECT id, channel, body FROM receipt_inbox WHERE id <= $1 ORDER BY id LIMIT $2";
    let rows = sql::all(store.reader(), sql, [last.into(), limit.cast_signed().into()]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(Body { id: columns.take()?, channel: columns.take()?, content: columns.take()? })
        })
        .collect()
}

/// Removes bodies that the same transaction applies; false when another worker has applied one of them.
pub(crate) async fn remove(txn: &WriteTransaction, ids: &[i64]) -> Result<bool, DbErr> {
    let rows = Rows::new().big_int("key", ids.iter().copied());
    let removed = rows.execute(&**txn, "DELETE FROM receipt_inbox WHERE id IN (SELECT v.key FROM v)", &[]).await?;
    Ok(removed == ids.len() as u64)
}

/// A body that is not as documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) channel: String,
    /// Bytes.
    pub(crate) size: i64,
    /// Lower-case hexadecimal digits.
    pub(crate) sha256: String,
}

/// Keeps the digests of bodies that are not as documented. Not the bodies: they may hold numbers.
pub(crate) async fn park(txn: &WriteTransaction, bodies: &[Unreadable]) -> Result<(), DbErr> {
    Rows::new()
        .text("channel", bodies.iter().map(|body| body.channel.as_str()))
        .big_int("body_size", bodies.iter().map(|body| body.size))
        .text("body_sha256", bodies.iter().map(|body| body.sha256.as_str()))
        .execute(
            &**txn,
            "INSERT INTO receipt_parked (channel, parked_at, why, delivery_id, status, occurred_at, body_size, body_sha256) \
             SELECT v.channel, :1, 'UNREADABLE', :2, '', 0, v.body_size, v.body_sha256 FROM v",
            &[Timestamp::now().0.into(), uuid::Uuid::nil().into()],
        )
        .await
        .map(drop)
}
