//! Rows of reports.

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use senani_proto::bulletin::v1 as pb;
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use super::Reports;
use crate::domain::Micros;
use crate::domain::report::outcome::Outcome;
use crate::domain::report::{Report, ReportState};
use crate::error::{Error, ReportError};
use crate::store::sql::{self, Columns, for_update, unreadable};
use crate::wire;

const COLUMNS: &str = "r.id, r.state, r.kind, r.category, r.severity, r.unit_id, r.escalated_unit_id, r.escalation_count, \
     r.bulletin_id, r.member_id, r.anonymous, r.source, r.assignee_id, r.merged_into, r.frequently_forwarded, r.outcomes, \
     r.due_at, r.escalate_at, r.received_at, r.triaged_at, r.resolved_at, r.retain_until, r.erased_at, r.version, \
     r.entry_count, r.chain_head";

/// What is kept of a report beside what callers see.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    pub(super) sender_index: String,
    pub(super) token_hash: String,
    pub(super) similarity: Vec<u8>,
    pub(super) last_message_at: Micros,
}

/// Which reports to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReportFilter {
    /// Only of these; `None`: of all.
    pub(crate) units: Option<Vec<Uuid>>,
    /// Numbers of the contract; 0 for any.
    pub(crate) state: i32,
    pub(crate) category: i32,
    /// Nil for any.
    pub(crate) bulletin: Uuid,
    pub(crate) assignee: Uuid,
    /// Only what was due before this time, or was escalated; 0 for any.
    pub(crate) overdue_at: Micros,
}

impl Reports {
    /// A report, by its id.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Report, Error> {
        let query = format!("SELECT {COLUMNS} FROM report r WHERE r.id = $1");
        let row = sql::one(self.store.reader(), &query, [id.into()]).await?;
        Ok(read(&row.ok_or(ReportError::NotFound(Some(id)))?)?)
    }

    /// A report, by the hash of its call-back token.
    pub(crate) async fn find_by_token(&self, token_hash: &str) -> Result<Report, Error> {
        let query = format!("SELECT {COLUMNS} FROM report r WHERE r.token_hash = $1 AND r.token_hash <> ''");
        let row = sql::one(self.store.reader(), &query, [token_hash.into()]).await?;
        Ok(read(&row.ok_or(ReportError::NotFound(None))?)?)
    }

    /// Reports before `before`, the newest first.
    pub(crate) async fn list(&self, filter: &ReportFilter, before: Uuid, limit: u64) -> Result<Vec<Report>, DbErr> {
        let db = self.store.reader();
        let parameters: [Value; 8] = [
            before.into(),
            filter.state.into(),
            filter.category.into(),
            filter.bulletin.into(),
            filter.assignee.into(),
            filter.overdue_at.into(),
            Uuid::nil().into(),
            limit.cast_signed().into(),
        ];
        let rows = match &filter.units {
            // Statements of some units each on SQLite: what they find is put in order below.
            Some(units) => {
                let query = format!(
                    "SELECT {COLUMNS} FROM v CROSS JOIN report r WHERE r.unit_id = v.key AND {}",
                    condition(':')
                );
                Rows::new().uuid("key", units.iter().copied()).query(db, &query, &parameters).await?
            }
            None => {
                let query = format!("SELECT {COLUMNS} FROM report r WHERE {}", condition('$'));
                sql::all(db, &query, parameters).await?
            }
        };
        let mut reports = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        reports.sort_by_key(|report| std::cmp::Reverse(report.id));
        reports.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(reports)
    }

    /// The reports that an officer has, the oldest first, at most `limit`; and how many there are.
    pub(crate) async fn assigned_to(&self, officer: Uuid, limit: i64) -> Result<(Vec<Uuid>, i64), DbErr> {
        let db = self.store.reader();
        let query = "SELECT id FROM report WHERE assignee_id = $1 AND state = 3 ORDER BY id LIMIT $2";
        let rows = sql::all(db, query, [officer.into(), limit.into()]).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<Uuid>, _>>()?;
        let query = "SELECT COUNT(*) FROM report WHERE assignee_id = $1 AND state = 3";
        let count = sql::one(db, query, [officer.into()]).await?;
        let count = count.ok_or_else(|| DbErr::RecordNotFound("report".into()))?.try_get_by_index(0)?;
        Ok((ids, count))
    }
}

/// Parameters: before, state, category, bulletin, assignee, overdue_at, nil, limit.
fn condition(mark: char) -> String {
    let text = "r.id < $1 AND ($2 = 0 OR r.state = $2) AND ($3 = 0 OR r.category = $3) AND ($4 = $7 OR r.bulletin_id = $4) \
         AND ($5 = $7 OR r.assignee_id = $5) \
         AND ($6 = 0 OR r.due_at > 0 AND r.due_at < $6 OR r.escalation_count > 0) ORDER BY r.id DESC LIMIT $8";
    text.replace('$', &mark.to_string())
}

/// Every report, as events.
pub(crate) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Report>, DbErr> {
    let query = format!("SELECT {COLUMNS} FROM report r ORDER BY r.id");
    sql::all(db, &query, []).await?.iter().map(read).collect()
}

/// A report, locked until the transaction ends. Whoever locks two locks the smaller id first.
pub(super) async fn lock(txn: &WriteTransaction, id: Uuid) -> Result<Report, Error> {
    let lock = for_update(txn.get_database_backend());
    let query = format!("SELECT {COLUMNS} FROM report r WHERE r.id = $1{lock}");
    let row = sql::one(&**txn, &query, [id.into()]).await?;
    Ok(read(&row.ok_or(ReportError::NotFound(Some(id)))?)?)
}

pub(super) async fn insert(txn: &WriteTransaction, report: &Report, marks: Marks) -> Result<(), DbErr> {
    let sql = "INSERT INTO report (id, state, kind, category, severity, unit_id, escalated_unit_id, escalation_count, bulletin_id, \
         member_id, anonymous, source, assignee_id, merged_into, frequently_forwarded, outcomes, due_at, escalate_at, \
         received_at, triaged_at, resolved_at, retain_until, erased_at, version, entry_count, chain_head, sender_index, \
         token_hash, similarity, last_message_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $24, $25, $26, $27, $28, $29, $30)";
    let values: [Value; 30] = [
        report.id.into(),
        report.state.code().into(),
        report.kind.into(),
        report.category.into(),
        report.severity.into(),
        report.unit.into(),
        report.escalated_unit.unwrap_or_default().into(),
        report.escalation_count.into(),
        report.bulletin.unwrap_or_default().into(),
        report.reporter.unwrap_or_default().into(),
        report.anonymous.into(),
        report.source.into(),
        report.assignee.unwrap_or_default().into(),
        report.merged_into.unwrap_or_default().into(),
        report.frequently_forwarded.into(),
        encoded(&report.outcomes).into(),
        report.due_at.into(),
        report.escalate_at.into(),
        report.received_at.into(),
        report.triaged_at.into(),
        report.resolved_at.into(),
        report.retain_until.into(),
        report.erased_at.into(),
        report.version.into(),
        report.entry_count.into(),
        report.chain_head.clone().into(),
        marks.sender_index.into(),
        marks.token_hash.into(),
        marks.similarity.into(),
        marks.last_message_at.into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}

/// Writes what can change of a locked report.
pub(super) async fn update(txn: &WriteTransaction, report: &Report) -> Result<(), DbErr> {
    let sql = "UPDATE report SET state = $2, category = $3, severity = $4, unit_id = $5, escalated_unit_id = $6, \
         escalation_count = $7, bulletin_id = $8, member_id = $9, assignee_id = $10, merged_into = $11, \
         frequently_forwarded = $12, outcomes = $13, due_at = $14, escalate_at = $15, triaged_at = $16, resolved_at = $17, \
         retain_until = $18, erased_at = $19, version = $20, entry_count = $21, chain_head = $22, kind = $23 WHERE id = $1";
    let values: [Value; 23] = [
        report.id.into(),
        report.state.code().into(),
        report.category.into(),
        report.severity.into(),
        report.unit.into(),
        report.escalated_unit.unwrap_or_default().into(),
        report.escalation_count.into(),
        report.bulletin.unwrap_or_default().into(),
        report.reporter.unwrap_or_default().into(),
        report.assignee.unwrap_or_default().into(),
        report.merged_into.unwrap_or_default().into(),
        report.frequently_forwarded.into(),
        encoded(&report.outcomes).into(),
        report.due_at.into(),
        report.escalate_at.into(),
        report.triaged_at.into(),
        report.resolved_at.into(),
        report.retain_until.into(),
        report.erased_at.into(),
        report.version.into(),
        report.entry_count.into(),
        report.chain_head.clone().into(),
        report.kind.into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}

fn encoded(outcomes: &[Outcome]) -> Vec<u8> {
    let outcomes = outcomes.iter().map(wire::report::outcome).collect();
    pb::ReportEntryBody { outcomes, ..pb::ReportEntryBody::default() }.encode_to_vec()
}

pub(super) fn read(row: &QueryResult) -> Result<Report, DbErr> {
    let some = |id: Uuid| Some(id).filter(|id| !id.is_nil());
    let mut columns = Columns::of(row);
    Ok(Report {
        id: columns.take()?,
        state: {
            let code = columns.take()?;
            ReportState::from_code(code).ok_or_else(|| unreadable("state of a report", code))?
        },
        kind: columns.take()?,
        category: columns.take()?,
        severity: columns.take()?,
        unit: columns.take()?,
        escalated_unit: some(columns.take()?),
        escalation_count: columns.take()?,
        bulletin: some(columns.take()?),
        reporter: some(columns.take()?),
        anonymous: columns.take()?,
        source: columns.take()?,
        assignee: some(columns.take()?),
        merged_into: some(columns.take()?),
        frequently_forwarded: columns.take()?,
        outcomes: {
            let bytes: Vec<u8> = columns.take()?;
            let body = pb::ReportEntryBody::decode(bytes.as_slice());
            let body = body.map_err(|error| DbErr::Type(format!("outcomes of a report: {error}")))?;
            body.outcomes.iter().filter_map(wire::report::outcome_of).collect()
        },
        due_at: columns.take()?,
        escalate_at: columns.take()?,
        received_at: columns.take()?,
        triaged_at: columns.take()?,
        resolved_at: columns.take()?,
        retain_until: columns.take()?,
        erased_at: columns.take()?,
        version: columns.take()?,
        entry_count: columns.take()?,
        chain_head: columns.take()?,
    })
}
