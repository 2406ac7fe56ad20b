//! The ledger of consents.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use senani_store::Timestamp;
use uuid::Uuid;

use super::Registry;
use crate::convert;
use crate::domain::{ConsentRecord, Member};
use crate::error::{Error, Resource};

/// What a consent is for: direct messages.
pub(super) const DIRECT_MESSAGES: i32 = 1;
/// How a consent came here: by an import …
pub(super) const BY_IMPORT: i32 = 1;
/// … or by a call.
const BY_CALL: i32 = 2;

impl Registry {
    /// Adds to the ledger and sets what holds now, in one transaction.
    pub(crate) async fn record_consent(&self, id: Uuid, record: ConsentRecord<'_>) -> Result<Member, Error> {
        let txn = self.store.begin_write().await?;
        let backend = txn.get_database_backend();
        let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
        let find = format!("SELECT language FROM member WHERE id = $1{lock}");
        let found = txn.query_one_raw(Statement::from_sql_and_values(backend, find, [id.into()])).await?;
        let found = found.ok_or_else(|| Resource::Member.not_found(convert::member_name(id)))?;
        let language: String = found.try_get_by_index(0)?;
        // A record has a time of its own, also when two come in one microsecond or the clock steps back.
        let add = Statement::from_sql_and_values(
            backend,
            "INSERT INTO member_consent (member_id, recorded_at, consents, purpose, channel, notice_version, language, \
             recorded_by) SELECT $1, CASE WHEN last.at >= $2 THEN last.at + 1 ELSE $2 END, $3, $4, $5, $6, $7, $8 \
             FROM (SELECT COALESCE(MAX(recorded_at), 0) AS at FROM member_consent WHERE member_id = $1) AS last",
            [
                id.into(),
                Timestamp::now().0.into(),
                record.consents.into(),
                DIRECT_MESSAGES.into(),
                BY_CALL.into(),
                record.notice_version.into(),
                language.into(),
                record.recorded_by.into(),
            ],
        );
        txn.execute_raw(add).await?;
        let set = "UPDATE member SET consents = $2 WHERE id = $1";
        txn.execute_raw(Statement::from_sql_and_values(backend, set, [id.into(), record.consents.into()])).await?;
        txn.commit().await?;
        self.member(id).await
    }
}
