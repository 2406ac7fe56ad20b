//! Messages that go round, and what the rumour desk says of them.

use sea_orm::DbErr;
use senani_proto::bulletin::v1 as pb;
use senani_proto::name::BulletinName;
use senani_store::Timestamp;
use uuid::Uuid;

use super::change::{answered, finish};
use super::entries::Entry;
use super::{Reports, rows};
use crate::domain::Micros;
use crate::domain::report::outcome::Outcome;
use crate::domain::report::sight::Sight;
use crate::domain::report::{Judgement, Report, ReportState, rumour};
use crate::error::{Error, ReportError};
use crate::store::desk::Repeatable;
use crate::store::sql::{self, Columns};

/// The newest reports that are looked at; 256 bytes each.
const NEWEST: i64 = 5_000;

/// Reports of nearly the same message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rumour {
    /// The oldest first.
    pub(crate) reports: Vec<Uuid>,
    /// Where it was seen, each once.
    pub(crate) units: Vec<Uuid>,
    pub(crate) first: Micros,
    pub(crate) last: Micros,
}

/// What is said of a rumour.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) code: pb::RumourVerdict,
    pub(crate) bulletin: Uuid,
    pub(crate) note: String,
    /// Of those that end with it.
    pub(crate) retain_until: Micros,
}

impl Reports {
    /// Messages that go round since a time, the most reported first.
    pub(crate) async fn rumours(&self, sight: &Sight, since: Micros) -> Result<Vec<Rumour>, DbErr> {
        let sql = "SELECT id, unit_id, received_at, similarity FROM report WHERE frequently_forwarded AND received_at >= $1 \
             AND state <> 5 AND erased_at = 0 ORDER BY id DESC LIMIT $2";
        let rows = sql::all(self.store.reader(), sql, [since.into(), NEWEST.into()]).await?;
        let (mut seen, mut signatures) = (Vec::new(), Vec::new());
        for row in rows.iter().rev() {
            let mut columns = Columns::of(row);
            let (id, unit, at): (Uuid, Uuid, Micros) = (columns.take()?, columns.take()?, columns.take()?);
            if sight.covers(unit) {
                seen.push((id, unit, at));
                signatures.push(columns.take::<Vec<u8>>()?);
            }
        }
        let rumour = |cluster: Vec<usize>| {
            let reports: Vec<_> = cluster.iter().map(|at| seen[*at]).collect();
            let mut units: Vec<Uuid> = reports.iter().map(|(_, unit, _)| *unit).collect();
            units.sort_unstable();
            units.dedup();
            let times = || reports.iter().map(|(_, _, at)| *at);
            Rumour {
                units,
                first: times().min().unwrap_or(0),
                last: times().max().unwrap_or(0),
                reports: reports.iter().map(|(id, _, _)| *id).collect(),
            }
        };
        Ok(rumour::clusters(&signatures).into_iter().map(rumour).collect())
    }

    /// Writes a verdict into the history of each report, all or none. Answers where it was seen.
    pub(crate) async fn judge(
        &self,
        request: &Repeatable<'_>,
        sight: &Sight,
        ids: &[Uuid],
        verdict: &Verdict,
    ) -> Result<Vec<Uuid>, Error> {
        let mut txn = self.store.begin_write().await?;
        if answered(request, &txn).await?.is_some() {
            drop(txn);
            return Ok(self.units_of(ids).await?);
        }
        // In the order of their ids, so that two verdicts never wait for each other.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let now = Timestamp::now().0;
        let mut judged = Vec::new();
        for id in ids {
            let mut report = rows::lock(&txn, id).await?;
            if !sight.covers(report.unit) {
                return Err(ReportError::NotFound(Some(id)).into());
            }
            if report.state == ReportState::Merged {
                continue;
            }
            report.check_content().map_err(ReportError::from)?;
            let key = self.key(&*txn, id).await?;
            for entry in entries(&mut report, verdict, request.subject, now)? {
                self.append(&txn, &mut report, key.as_ref(), entry, now).await?;
            }
            rows::update(&txn, &report).await?;
            judged.push(report);
        }
        finish(&mut txn, request, &judged.iter().collect::<Vec<_>>()).await?;
        txn.commit().await?;
        let mut units: Vec<Uuid> = judged.iter().map(|report| report.unit).collect();
        units.sort_unstable();
        units.dedup();
        Ok(units)
    }

    async fn units_of(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, DbErr> {
        let rows = senani_store::Rows::new().uuid("key", ids.iter().copied());
        let sql = "SELECT DISTINCT r.unit_id FROM v CROSS JOIN report r WHERE r.id = v.key AND r.state <> 5";
        let rows = rows.query(self.store.reader(), sql, &[]).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect()
    }
}

/// What a verdict does to a report, and what the history says of it.
fn entries(report: &mut Report, verdict: &Verdict, actor: &str, now: Micros) -> Result<Vec<Entry>, Error> {
    use pb::report_entry::Kind;
    let mut entries = Vec::new();
    let open = report.state.is_open();
    report.bulletin = Some(verdict.bulletin);
    report.kind = pb::ReportKind::Rumour.into();
    if open {
        let judgement = Judgement {
            category: pb::Category::Rumour.into(),
            severity: report.severity.max(pb::Severity::Routine.into()),
            due_at: report.due_at,
            unit: report.unit,
        };
        report.triage(&judgement, now).map_err(ReportError::from)?;
        entries.push(Entry::new(Kind::Triaged, actor, None));
    } else {
        report.touch();
    }
    let body = pb::ReportEntryBody {
        text: verdict.note.clone(),
        bulletin: BulletinName(verdict.bulletin).to_string(),
        verdict: verdict.code.into(),
        ..pb::ReportEntryBody::default()
    };
    entries.push(Entry::new(Kind::Verdict, actor, Some(body)));
    let outcome = match verdict.code {
        pb::RumourVerdict::False => Outcome::FalseReport,
        pb::RumourVerdict::Unproven => Outcome::NothingFound,
        pb::RumourVerdict::True | pb::RumourVerdict::Unspecified => return Ok(entries),
    };
    if open {
        let outcomes = vec![crate::wire::report::outcome(&outcome)];
        report.resolve(vec![outcome], now, verdict.retain_until).map_err(ReportError::from)?;
        let body = pb::ReportEntryBody { outcomes, ..pb::ReportEntryBody::default() };
        entries.push(Entry::new(Kind::Resolved, actor, Some(body)));
    }
    Ok(entries)
}
