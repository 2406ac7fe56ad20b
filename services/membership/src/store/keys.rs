//! The members' wrapped keys as a whole: how many each version wraps, and wrapping them again.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use senani_store::Rows;
use uuid::Uuid;

use super::Registry;
use super::personal::wrapped_key;
use crate::error::Error;

/// What became of a batch of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rewrapped {
    /// The last member looked at; `None` when there was none.
    pub(crate) last: Option<Uuid>,
    pub(crate) wrapped: u64,
    /// Keys that cannot be unwrapped: their version is not in the key file, or they are damaged.
    pub(crate) failed: u64,
}

impl Registry {
    /// How many keys each version wraps.
    pub(crate) async fn key_counts(&self) -> Result<BTreeMap<i32, i64>, Error> {
        let db = self.store.reader();
        let sql = "SELECT kek_version, COUNT(*) FROM member_key GROUP BY kek_version";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        let counts = rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
        Ok(counts.collect::<Result<_, DbErr>>()?)
    }

    /// Wraps the next `size` keys after the member `after` that another version than the newest wraps, in one transaction.
    ///
    /// Rows that somebody else holds (another replica at the same work, an erasure) are left out, and each row is written only if the
    /// version that was read still wraps it: a key that was destroyed meanwhile does not come back.
    pub(crate) async fn rewrap_keys(&self, after: Uuid, size: i64) -> Result<Rewrapped, Error> {
        let newest = self.vault.newest_version();
        // Finding out that nothing is left means looking at every row, which no writer has to wait for.
        let first =
            "SELECT member_id FROM member_key WHERE member_id > $1 AND kek_version <> $2 ORDER BY member_id LIMIT 1";
        let db = self.store.reader();
        let values = [after.into(), i32::from(newest).into()];
        let found = db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), first, values)).await?;
        let Some(found) = found else { return Ok(Rewrapped { last: None, wrapped: 0, failed: 0 }) };
        let first: Uuid = found.try_get_by_index(0)?;

        let txn = self.store.begin_write().await?;
        let lock = if txn.get_database_backend() == DbBackend::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
        let sql = format!(
            "SELECT member_id, kek_version, wrapped FROM member_key WHERE member_id >= $1 AND kek_version <> $2 \
             ORDER BY member_id LIMIT $3{lock}"
        );
        let values = [first.into(), i32::from(newest).into(), size.into()];
        let rows = txn.query_all_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
        let mut done = Rewrapped { last: Some(first), wrapped: 0, failed: 0 };
        let mut fresh = Vec::with_capacity(rows.len());
        for row in &rows {
            let member: Uuid = row.try_get_by_index(0)?;
            done.last = Some(member);
            let Some(old) = wrapped_key(row, 1)? else { continue };
            match self.vault.rewrap(member, &old) {
                Ok(new) => fresh.push((member, old.version, new)),
                Err(_) => done.failed += 1,
            }
        }
        done.wrapped = Rows::new()
            .uuid("member_id", fresh.iter().map(|(member, ..)| *member))
            .int("old", fresh.iter().map(|(_, old, _)| i32::from(*old)))
            .int("new", fresh.iter().map(|(.., new)| i32::from(new.version)))
            .bytes("wrapped", fresh.iter().map(|(.., new)| new.bytes.clone()))
            .execute(
                &*txn,
                "UPDATE member_key SET kek_version = v.new, wrapped = v.wrapped FROM v \
                 WHERE member_key.member_id = v.member_id AND member_key.kek_version = v.old",
                &[],
            )
            .await?;
        txn.commit().await?;
        Ok(done)
    }
}
