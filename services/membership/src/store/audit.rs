//! The audit of disclosures and erasures. Only ever added to, in the transaction of what it records.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_store::{PageSize, Timestamp, WriteTransaction};
use senani_vault::{Context, DataKey};
use uuid::Uuid;

use super::Registry;
use super::listed::is_one_of;
use crate::domain::{AuditAction, AuditEntry, DisclosureReason, ErasureReason};
use crate::error::Error;

/// Where the reason of an entry is kept, which is authenticated with it.
fn reason_place(entry: Uuid) -> Context<'static> {
    Context::new("audit_entry", "reason_sealed", entry)
}

/// Which entries to list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Audited {
    Everybody,
    /// Of a member and of those merged into them.
    Member(Uuid),
}

/// What is said of a disclosure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disclosure<'d> {
    /// Who sees it.
    pub(crate) subject: &'d str,
    pub(crate) reason: &'d DisclosureReason,
}

/// Records a disclosure. Its reason is sealed with the member's key; without one nothing is said of it.
pub(super) async fn record_disclosure(
    txn: &WriteTransaction,
    member: Uuid,
    key: Option<&DataKey>,
    action: AuditAction,
    disclosure: Disclosure<'_>,
) -> Result<(), DbErr> {
    let id = Uuid::now_v7();
    let sealed = key.map(|key| key.seal(disclosure.reason.as_str().as_bytes(), &reason_place(id))).unwrap_or_default();
    insert(txn, id, member, action, disclosure.subject, sealed, 0, "").await
}

/// Records an erasure.
pub(super) async fn record_erasure(
    txn: &WriteTransaction,
    member: Uuid,
    subject: &str,
    reason: ErasureReason,
    reference: &str,
) -> Result<(), DbErr> {
    let action = AuditAction::PersonErased;
    insert(txn, Uuid::now_v7(), member, action, subject, Vec::new(), reason as i32, reference).await
}

#[expect(clippy::too_many_arguments, reason = "the columns of one table")]
async fn insert(
    txn: &WriteTransaction,
    id: Uuid,
    member: Uuid,
    action: AuditAction,
    subject: &str,
    reason_sealed: Vec<u8>,
    erasure_reason: i32,
    reference: &str,
) -> Result<(), DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "INSERT INTO audit_entry (id, member_id, recorded_at, action, erasure_reason, subject, reference, reason_sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            id.into(),
            member.into(),
            Timestamp::now().0.into(),
            (action as i32).into(),
            erasure_reason.into(),
            subject.into(),
            reference.into(),
            reason_sealed.into(),
        ],
    );
    txn.execute_raw(statement).await.map(drop)
}

impl Registry {
    /// Entries before the entry `before` (all for `None`), the latest first.
    pub(crate) async fn audit_entries(
        &self,
        of: Audited,
        before: Option<Uuid>,
        size: PageSize,
    ) -> Result<Vec<AuditEntry>, Error> {
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let mut values: Vec<Value> = vec![before.unwrap_or(Uuid::max()).into(), limit.into()];
        let condition = match of {
            Audited::Everybody => "a.id < $1 ORDER BY a.id DESC LIMIT $2",
            Audited::Member(member) => {
                values.push(member.into());
                "a.member_id IN (SELECT m.id FROM member m WHERE m.id = $3 OR m.merged_into = $3) AND a.id < $1 \
                 ORDER BY a.id DESC LIMIT $2"
            }
        };
        self.audit_where(self.store.reader(), condition, values).await
    }

    /// All entries of some records, the earliest first.
    pub(super) async fn audit_of(&self, db: &impl ConnectionTrait, records: &[Uuid]) -> Result<Vec<AuditEntry>, Error> {
        let mut values = Vec::new();
        let listed = is_one_of(db.get_database_backend(), "a.member_id", records, &mut values);
        self.audit_where(db, &format!("{listed} ORDER BY a.id"), values).await
    }

    async fn audit_where(
        &self,
        db: &impl ConnectionTrait,
        condition: &str,
        values: Vec<Value>,
    ) -> Result<Vec<AuditEntry>, Error> {
        let sql = format!(
            "SELECT a.id, a.member_id, a.recorded_at, a.action, a.erasure_reason, a.subject, a.reference, a.reason_sealed, \
             k.kek_version, k.wrapped FROM audit_entry a LEFT JOIN member_key k ON k.member_id = a.member_id WHERE {condition}"
        );
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        rows.iter().map(|row| self.read_entry(row)).collect()
    }

    fn read_entry(&self, row: &QueryResult) -> Result<AuditEntry, Error> {
        let (id, member): (Uuid, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let action: i32 = row.try_get_by_index(3)?;
        let sealed: Vec<u8> = row.try_get_by_index(7)?;
        let reason = match self.read_key(row, 8, member)? {
            Some(key) if !sealed.is_empty() => {
                String::from_utf8_lossy(&key.open(&sealed, &reason_place(id))?).into_owned()
            }
            _ => String::new(),
        };
        Ok(AuditEntry {
            id,
            member,
            action: AuditAction::from_number(action)
                .ok_or_else(|| DbErr::Type(format!("a stored action of the audit is unknown: {action}")))?,
            subject: row.try_get_by_index(5)?,
            recorded_at: row.try_get_by_index(2)?,
            reason,
            erasure_reason: ErasureReason::from_number(row.try_get_by_index(4)?),
            reference: row.try_get_by_index(6)?,
        })
    }
}
