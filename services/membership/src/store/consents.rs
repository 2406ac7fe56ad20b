//! The ledger of consents: only ever added to.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_proto::membership::v1 as pb;
use senani_store::{PageSize, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::Registry;
use super::held::{Begun, Beside};
use super::listed::is_one_of;
use crate::domain::{Act, ConsentRecord, ListedConsent, Member, Purpose};
use crate::error::Error;

/// What a consent is for: direct messages.
pub(super) const DIRECT_MESSAGES: i32 = Purpose::DirectMessages as i32;
/// How a consent came here, as in senani.membership.v1.ConsentChannel: by an import …
pub(super) const BY_IMPORT: i32 = 1;
/// … by a call …
const BY_CALL: i32 = 2;
/// … by the erasure of the person …
pub(super) const BY_ERASURE: i32 = 3;
/// … with an application …
pub(super) const BY_APPLICATION: i32 = 4;
/// … by the end of a membership …
pub(super) const BY_WITHDRAWAL: i32 = 5;
/// … or by a merge.
pub(super) const BY_MERGE: i32 = 6;

/// An entry to add.
#[derive(Debug)]
pub(super) struct LedgerEntry<'e> {
    pub(super) member: Uuid,
    pub(super) purpose: Purpose,
    /// True: given. False: withdrawn.
    pub(super) given: bool,
    pub(super) channel: i32,
    /// May be empty.
    pub(super) notice_version: &'e str,
    pub(super) language: &'e str,
    pub(super) recorded_by: &'e str,
}

impl LedgerEntry<'_> {
    /// Adds it, with a time of its own also when two come in one microsecond or the clock steps back. The member is held.
    pub(super) async fn add(&self, txn: &WriteTransaction, now: Timestamp) -> Result<(), DbErr> {
        let add = "INSERT INTO member_consent (member_id, recorded_at, consents, purpose, channel, notice_version, language, \
                   recorded_by) SELECT $1, CASE WHEN last.at >= $2 THEN last.at + 1 ELSE $2 END, $3, $4, $5, $6, $7, $8 \
                   FROM (SELECT COALESCE(MAX(recorded_at), 0) AS at FROM member_consent WHERE member_id = $1) AS last";
        let values: [Value; 8] = [
            self.member.into(),
            now.0.into(),
            self.given.into(),
            (self.purpose as i32).into(),
            self.channel.into(),
            self.notice_version.into(),
            self.language.into(),
            self.recorded_by.into(),
        ];
        txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), add, values)).await.map(drop)
    }
}

impl Registry {
    /// Adds to the ledger and sets what holds now, in one transaction.
    pub(crate) async fn record_consent(&self, id: Uuid, record: ConsentRecord<'_>) -> Result<Member, Error> {
        let begun = self.hold::<pb::GetMemberRequest>(&[(id, "")], Beside::NoGroups, None, None).await?;
        if let Begun::Held(held) = begun {
            let member = held.member().clone();
            member.after(Act::Amend)?;
            let entry = LedgerEntry {
                member: id,
                purpose: Purpose::DirectMessages,
                given: record.consents,
                channel: BY_CALL,
                notice_version: record.notice_version,
                language: &member.language,
                recorded_by: record.recorded_by,
            };
            entry.add(&held.txn, held.now).await?;
            held.set_member(&member, ", consents = $3", vec![record.consents.into()]).await?;
            held.finish(None, &pb::GetMemberRequest::default()).await?;
        }
        self.member(id).await
    }

    /// The ledger of a member and of those merged into them, the newest first, before an entry by its time and member.
    pub(crate) async fn consents(
        &self,
        member: Uuid,
        before: Option<(i64, Uuid)>,
        size: PageSize,
    ) -> Result<Vec<ListedConsent>, Error> {
        let db = self.store.reader();
        let backend = db.get_database_backend();
        let ids = self.records_of(db, member).await?;
        let (at, id) = before.unwrap_or((i64::MAX, Uuid::max()));
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let mut values: Vec<Value> = vec![at.into(), id.into(), limit.into()];
        let listed = is_one_of(backend, "member_id", &ids, &mut values);
        let sql = format!(
            "{FIND_CONSENTS} {listed} AND (recorded_at, member_id) < ($1, $2) \
             ORDER BY recorded_at DESC, member_id DESC LIMIT $3"
        );
        let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        Ok(rows.iter().map(listed_consent).collect::<Result<_, DbErr>>()?)
    }
}

/// What every query of the ledger begins with, up to its condition.
pub(super) const FIND_CONSENTS: &str = "SELECT member_id, recorded_at, consents, purpose, channel, notice_version, language, recorded_by FROM member_consent WHERE";

/// A row of [`FIND_CONSENTS`].
pub(super) fn listed_consent(row: &QueryResult) -> Result<ListedConsent, DbErr> {
    Ok(ListedConsent {
        member: row.try_get_by_index(0)?,
        recorded_at: row.try_get_by_index(1)?,
        given: row.try_get_by_index(2)?,
        purpose: row.try_get_by_index(3)?,
        channel: row.try_get_by_index(4)?,
        notice_version: row.try_get_by_index(5)?,
        language: row.try_get_by_index(6)?,
        recorded_by: row.try_get_by_index(7)?,
    })
}
