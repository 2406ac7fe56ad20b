//! Reports that come in by a call, and what their reporters may know.

use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::report_entry::Kind;
use senani_proto::name::{BulletinName, MemberName};
use senani_store::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::parse;
use super::report_requests::{content, hours, unit};
use super::report_service::ReportApi;
use crate::domain::report::Report;
use crate::error::{Error, ReportError};
use crate::store::bulletins;
use crate::store::report::{Entry, Opened};
use crate::wire;

/// Entries of a report that its reporter is shown.
const MINE: u64 = 500;

impl ReportApi {
    /// A report that comes in by a call.
    pub(super) async fn new_report(
        &self,
        request: pb::SubmitReportRequest,
        caller: &Principal,
    ) -> Result<(Report, Entry), Error> {
        let told = content(request.content)?;
        let tree = self.units.tree();
        let desk =
            tree.by_slug(&self.config.desk_unit).or_else(|| tree.root()).ok_or(ReportError::StructureNotReady)?;
        let to = if request.unit.is_empty() { desk } else { unit(&tree, "unit", &request.unit)? };
        let bulletin: Option<BulletinName> = parse::optional("bulletin", &request.bulletin)?;
        let answered = match bulletin {
            None => None,
            Some(name) => {
                let found = bulletins::find(self.store.reader(), name.0).await?;
                Some(found.ok_or(Error::BulletinNotFound(name.0))?)
            }
        };
        let reporter: Option<MemberName> = parse::optional("reporter", &request.reporter)?;
        let reporter = reporter.map(|name| name.0).filter(|_| !request.anonymous);
        let own = request.anonymous || reporter.is_some() && reporter == caller.member();
        let now = Timestamp::now().0;
        let due_at = now.saturating_add(hours(self.config.triage_hours)).max(1);
        let category = match (pb::Category::try_from(request.category), &answered) {
            (Ok(pb::Category::Unspecified) | Err(_), Some(bulletin)) => bulletin.category,
            (Ok(category), _) => category as i32,
            (Err(_), None) => 0,
        };
        let report = Report {
            kind: pb::ReportKind::try_from(request.kind).map_or(0, |kind| kind as i32).max(pb::ReportKind::Tip as i32),
            category,
            bulletin: answered.map(|bulletin| bulletin.id),
            reporter,
            anonymous: request.anonymous,
            ..Report::received(Uuid::now_v7(), to.id(), pb::ReportSource::Api.into(), now, due_at)
        };
        let actor = if own { "reporter" } else { caller.subject() };
        Ok((report, Entry::new(Kind::Received, actor, Some(wire::report::body(told)))))
    }

    /// What a reporter may know of their report.
    pub(super) async fn mine(&self, token: &[u8; 16]) -> Result<pb::MyReport, Error> {
        let report = self.reports.find_by_token(&hex::encode(Sha256::digest(token))).await?;
        let state = match report.merged_into {
            Some(survivor) => self.reports.find(survivor).await?.state,
            None => report.state,
        };
        let entries = self.reports.history(report.id, 0, MINE).await?;
        Ok(pb::MyReport {
            state: state.code(),
            receive_time: Timestamp(report.received_at).to_proto(),
            entries: entries.iter().filter_map(my_entry).collect(),
        })
    }
}

/// What the reporter told, or was told.
fn my_entry(entry: &Opened) -> Option<pb::MyReportEntry> {
    let body = entry.body.as_ref()?;
    let mine = [Kind::Received, Kind::Added].iter().any(|kind| *kind as i32 == entry.kind);
    // What others told is in the report since they were merged, and is theirs.
    let shown = (mine && body.other_report.is_empty()) || entry.kind == Kind::ToReporter as i32;
    shown.then(|| pb::MyReportEntry { mine, time: Timestamp(entry.at).to_proto(), text: body.text.clone() })
}
