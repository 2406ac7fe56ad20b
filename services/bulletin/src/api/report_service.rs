//! `senani.bulletin.v1.ReportService`.

use std::sync::Arc;

use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::report_entry::Kind;
use senani_proto::bulletin::v1::report_service_server::ReportService;
use senani_proto::name::{MemberName, ReportName};
use senani_store::{Page, PageSize, PageToken, Store, Timestamp};
use senani_unit_replica::UnitReplica;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::parse;
use super::report_evidence::EvidenceStream;
use super::report_requests::{content, due_time, hours, note, outcomes, report_id, token, unit};
use crate::config::ReportConfig;
use crate::domain::report::sight::Sight;
use crate::domain::report::{Judgement, Report};
use crate::error::{Error, ReportError};
use crate::store::bulletins;
use crate::store::desk::Repeatable;
use crate::store::report::{Entry, NewReport, Opened, ReportFilter, Reports, Target};
use crate::wire;

/// Longest time without escalation, in seconds.
const LONGEST_PAUSE: i64 = 30 * 86_400;

/// Reports.
#[derive(Debug)]
pub(crate) struct ReportApi {
    pub(crate) store: Store,
    pub(crate) reports: Reports,
    pub(crate) units: UnitReplica,
    pub(crate) config: ReportConfig,
    /// Files take memory: some at a time.
    pub(crate) evidence: Arc<tokio::sync::Semaphore>,
}

impl ReportApi {
    /// A report that may be seen.
    pub(super) async fn seen(&self, sight: &Sight, id: Uuid) -> Result<Report, Error> {
        let report = self.reports.find(id).await?;
        if sight.covers(report.unit) { Ok(report) } else { Err(ReportError::NotFound(Some(id)).into()) }
    }

    fn answer(&self, report: &Report) -> Response<pb::Report> {
        Response::new(wire::report::report(report, &self.units.tree()))
    }
}

fn entry(entry: Opened) -> pb::ReportEntry {
    pb::ReportEntry {
        sequence: entry.sequence,
        kind: entry.kind,
        actor: entry.actor,
        time: Timestamp(entry.at).to_proto(),
        body: entry.body,
        hash: entry.hash.into(),
    }
}

fn words(text: String) -> Option<pb::ReportEntryBody> {
    (!text.is_empty()).then(|| pb::ReportEntryBody { text, ..pb::ReportEntryBody::default() })
}

#[tonic::async_trait]
impl ReportService for ReportApi {
    type ReadEvidenceStream = EvidenceStream;

    async fn submit_report(
        &self,
        request: Request<pb::SubmitReportRequest>,
    ) -> Result<Response<pb::SubmitReportResponse>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let veil = request.anonymous.then(|| self.reports.veiled(caller.subject()));
        let mut repeatable = self.repeatable(&caller, "ReportService/SubmitReport", &request_id, &request)?;
        if let Some(veil) = &veil {
            repeatable.subject = veil;
        }
        // Of a request that comes again the same; once its id is forgotten nobody can make it again.
        let token = match repeatable.request_id {
            Some(id) => self.reports.token_of(caller.subject(), id),
            None => rand::random(),
        };
        let (report, entry) = self.new_report(request, &caller).await?;
        let token_hash = hex::encode(Sha256::digest(token));
        let id = self.reports.submit(&repeatable, NewReport { report, entry, token_hash }).await?;
        let name = ReportName(id).to_string();
        Ok(Response::new(pb::SubmitReportResponse { name, callback_token: hex::encode(token) }))
    }

    async fn get_my_report(&self, request: Request<pb::GetMyReportRequest>) -> Result<Response<pb::MyReport>, Status> {
        Principal::of(&request)?;
        Ok(Response::new(self.mine(&token(&request.into_inner().callback_token)?).await?))
    }

    async fn add_to_my_report(
        &self,
        request: Request<pb::AddToMyReportRequest>,
    ) -> Result<Response<pb::MyReport>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let veil = self.reports.veiled(caller.subject());
        let repeatable = self.repeatable(&caller, "ReportService/AddToMyReport", &request_id, &request)?;
        let repeatable = Repeatable { subject: &veil, ..repeatable };
        let token = token(&request.callback_token)?;
        let told = content(request.content)?;
        let report = self.reports.find_by_token(&hex::encode(Sha256::digest(token))).await?;
        self.reports.add(&repeatable, report.id, told).await?;
        Ok(Response::new(self.mine(&token).await?))
    }

    async fn get_report(&self, request: Request<pb::GetReportRequest>) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let report = self.seen(&self.sight(&caller), report_id(&request.into_inner().name)?).await?;
        let first = self.reports.history(report.id, 0, 1).await?.into_iter().next();
        let body = first.and_then(|entry| entry.body);
        let mut answer = wire::report::report(&report, &self.units.tree());
        answer.content =
            body.map(|body| pb::ReportContent { text: body.text, place: body.place, occur_time: body.occur_time });
        Ok(Response::new(answer))
    }

    async fn list_reports(
        &self,
        request: Request<pb::ListReportsRequest>,
    ) -> Result<Response<pb::ListReportsResponse>, Status> {
        let caller = Principal::of(&request)?;
        let request = request.into_inner();
        let tree = self.units.tree();
        let filter: ReportFilter = self.filter(&caller, &request, &tree)?;
        let asked =
            ((request.unit, request.state, request.category), (request.bulletin, request.assignee, request.overdue));
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let before = parse::page_key(&request.page_token, &asked)?.unwrap_or(Uuid::max());
        let found = self.reports.list(&filter, before, size.limit()).await.map_err(Error::from)?;
        let page = Page::cut(found, size, &asked, |report| report.id.to_string());
        Ok(Response::new(pb::ListReportsResponse {
            reports: page.items.iter().map(|report| wire::report::report(report, &tree)).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn triage_report(&self, request: Request<pb::TriageReportRequest>) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let repeatable = self.repeatable(&caller, "ReportService/TriageReport", &request_id, &request)?;
        let id = report_id(&request.name)?;
        if matches!(request.category(), pb::Category::Unspecified) {
            return Err(Error::from(ReportError::CategoryMissing).into());
        }
        let now = Timestamp::now().0;
        let severity = request.severity.clamp(pb::Severity::Routine as i32, pb::Severity::Urgent as i32);
        let due_at = match &request.due_time {
            Some(given) => due_time(given, now)?,
            None => now.saturating_add(hours(self.config.due_hours.of(severity))).max(1),
        };
        let tree = self.units.tree();
        let to = if request.unit.is_empty() { None } else { Some(unit(&tree, "unit", &request.unit)?.id()) };
        let sight = self.sight(&caller);
        let target = Target { id, sight: &sight, etag: &request.etag };
        let changed = self.reports.change(&repeatable, &target, None, |report| {
            let unit = to.unwrap_or(report.unit);
            let judgement = Judgement { category: request.category, severity, due_at, unit };
            let moved = unit != report.unit;
            report.triage(&judgement, now).map_err(ReportError::from)?;
            let body =
                moved.then(|| pb::ReportEntryBody { unit: request.unit.clone(), ..pb::ReportEntryBody::default() });
            Ok(Entry::new(Kind::Triaged, caller.subject(), body))
        });
        Ok(self.answer(&changed.await?))
    }

    async fn assign_report(&self, request: Request<pb::AssignReportRequest>) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let repeatable = self.repeatable(&caller, "ReportService/AssignReport", &request_id, &request)?;
        let id = report_id(&request.name)?;
        let assignee: Option<MemberName> = parse::optional("assignee", &request.assignee)?;
        let (tree, posts) = (self.units.tree(), self.units.posts());
        let sight = self.sight(&caller);
        let target = Target { id, sight: &sight, etag: &request.etag };
        let now = Timestamp::now().0;
        let changed = self.reports.change(&repeatable, &target, None, |report| {
            if let Some(officer) = assignee
                && !posts.holds(officer.0, report.unit, now, &tree)
            {
                return Err(ReportError::AssigneeOutside(officer.0).into());
            }
            report.assign(assignee.map(|officer| officer.0)).map_err(ReportError::from)?;
            let body = pb::ReportEntryBody { assignee: request.assignee.clone(), ..pb::ReportEntryBody::default() };
            Ok(Entry::new(Kind::Assigned, caller.subject(), Some(body)))
        });
        Ok(self.answer(&changed.await?))
    }

    async fn add_note(&self, request: Request<pb::AddNoteRequest>) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let repeatable = self.repeatable(&caller, "ReportService/AddNote", &request_id, &request)?;
        let id = report_id(&request.name)?;
        let text = note("text", request.text, true)?;
        let kind = if request.to_reporter { Kind::ToReporter } else { Kind::Note };
        let sight = self.sight(&caller);
        let target = Target { id, sight: &sight, etag: "" };
        let changed = self.reports.change(&repeatable, &target, None, |report| {
            report.check_note().map_err(ReportError::from)?;
            report.touch();
            Ok(Entry::new(kind, caller.subject(), words(text)))
        });
        Ok(self.answer(&changed.await?))
    }

    async fn add_evidence(
        &self,
        request: Request<Streaming<pb::AddEvidenceRequest>>,
    ) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let report = self.take_evidence(&caller, request.into_inner()).await?;
        Ok(self.answer(&report))
    }

    async fn read_evidence(
        &self,
        request: Request<pb::ReadEvidenceRequest>,
    ) -> Result<Response<Self::ReadEvidenceStream>, Status> {
        let caller = Principal::of(&request)?;
        Ok(Response::new(self.give_evidence(&caller, request.into_inner()).await?))
    }

    async fn verify_evidence(
        &self,
        request: Request<pb::VerifyEvidenceRequest>,
    ) -> Result<Response<pb::VerifyEvidenceResponse>, Status> {
        let caller = Principal::of(&request)?;
        let report = self.seen(&self.sight(&caller), report_id(&request.into_inner().name)?).await?;
        let found = self.reports.verify(&report).await?;
        Ok(Response::new(pb::VerifyEvidenceResponse {
            intact: found.first_broken == 0,
            first_broken_sequence: found.first_broken,
            entry_count: found.entries,
            file_count: found.files,
            head: found.head.into(),
            erased: report.erased_at != 0,
        }))
    }

    async fn list_history(
        &self,
        request: Request<pb::ListHistoryRequest>,
    ) -> Result<Response<pb::ListHistoryResponse>, Status> {
        let caller = Principal::of(&request)?;
        let request = request.into_inner();
        let report = self.seen(&self.sight(&caller), report_id(&request.name)?).await?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let key = PageToken::open(&request.page_token, &request.name).map_err(Error::from)?;
        let after = key.map_or(Ok(0), |key| key.parse()).map_err(|_| Error::Page(senani_store::PageError::Token))?;
        let found = self.reports.history(report.id, after, size.limit()).await?;
        let page = Page::cut(found, size, &request.name, |entry| entry.sequence.to_string()).map(entry);
        Ok(Response::new(pb::ListHistoryResponse { entries: page.items, next_page_token: page.next_page_token }))
    }

    async fn suggest_duplicates(
        &self,
        request: Request<pb::SuggestDuplicatesRequest>,
    ) -> Result<Response<pb::SuggestDuplicatesResponse>, Status> {
        let caller = Principal::of(&request)?;
        let sight = self.sight(&caller);
        let report = self.seen(&sight, report_id(&request.into_inner().name)?).await?;
        let found = self.reports.duplicates(&report, &sight).await?;
        let suggestions = found.into_iter().map(|duplicate| pb::DuplicateSuggestion {
            report: ReportName(duplicate.report).to_string(),
            score: duplicate.likeness.score,
            text_similarity: duplicate.likeness.text,
            distance_metres: duplicate.likeness.distance.unwrap_or(-1.0),
            time_apart: Some(prost_types::Duration { seconds: duplicate.likeness.apart / 1_000_000, nanos: 0 }),
        });
        Ok(Response::new(pb::SuggestDuplicatesResponse { suggestions: suggestions.collect() }))
    }

    async fn merge_reports(&self, request: Request<pb::MergeReportsRequest>) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let repeatable = self.repeatable(&caller, "ReportService/MergeReports", &request_id, &request)?;
        let id = report_id(&request.name)?;
        let into: ReportName = parse::parsed("into", &request.into)?;
        if into.0 == id {
            return Err(Error::from(ReportError::MergeWithItself).into());
        }
        let sight = self.sight(&caller);
        let target = Target { id, sight: &sight, etag: &request.etag };
        Ok(self.answer(&self.reports.merge(&repeatable, &target, into.0).await?))
    }

    async fn resolve_report(&self, request: Request<pb::ResolveReportRequest>) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let repeatable = self.repeatable(&caller, "ReportService/ResolveReport", &request_id, &request)?;
        let id = report_id(&request.name)?;
        let outcomes = outcomes(&request.outcomes)?;
        let text = note("note", request.note, false)?;
        let now = Timestamp::now().0;
        let retain_until = self.config.retention_days.rule().until(&outcomes, now);
        let sight = self.sight(&caller);
        let target = Target { id, sight: &sight, etag: &request.etag };
        let changed = self.reports.change(&repeatable, &target, None, |report| {
            report.resolve(outcomes, now, retain_until).map_err(ReportError::from)?;
            let body = pb::ReportEntryBody { text, outcomes: request.outcomes, ..pb::ReportEntryBody::default() };
            Ok(Entry::new(Kind::Resolved, caller.subject(), Some(body)))
        });
        Ok(self.answer(&changed.await?))
    }

    async fn reopen_report(&self, request: Request<pb::ReopenReportRequest>) -> Result<Response<pb::Report>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = std::mem::take(&mut request.request_id);
        let repeatable = self.repeatable(&caller, "ReportService/ReopenReport", &request_id, &request)?;
        let id = report_id(&request.name)?;
        let text = note("note", request.note, false)?;
        let sight = self.sight(&caller);
        let target = Target { id, sight: &sight, etag: &request.etag };
        let now = Timestamp::now().0;
        let changed = self.reports.change(&repeatable, &target, None, |report| {
            let due_at = now.saturating_add(hours(self.config.due_hours.of(report.severity))).max(1);
            report.reopen(due_at).map_err(ReportError::from)?;
            Ok(Entry::new(Kind::Reopened, caller.subject(), words(text)))
        });
        Ok(self.answer(&changed.await?))
    }

    async fn list_rumours(
        &self,
        request: Request<pb::ListRumoursRequest>,
    ) -> Result<Response<pb::ListRumoursResponse>, Status> {
        let caller = Principal::of(&request)?;
        Ok(Response::new(self.rumours(&caller, request.into_inner()).await?))
    }

    async fn judge_rumour(
        &self,
        request: Request<pb::JudgeRumourRequest>,
    ) -> Result<Response<pb::JudgeRumourResponse>, Status> {
        let caller = Principal::of(&request)?;
        Ok(Response::new(self.judge(&caller, request.into_inner()).await?))
    }

    async fn count_responses(
        &self,
        request: Request<pb::CountResponsesRequest>,
    ) -> Result<Response<pb::CountResponsesResponse>, Status> {
        Principal::of(&request)?;
        let id = parse::bulletin_id(&request.into_inner().name)?;
        let found = bulletins::find(self.store.reader(), id).await.map_err(Error::from)?;
        found.ok_or(Error::BulletinNotFound(id))?;
        let (acknowledged_count, reacted_count) = self.reports.responses(id).await.map_err(Error::from)?;
        Ok(Response::new(pb::CountResponsesResponse { acknowledged_count, reacted_count }))
    }

    async fn suppress_escalation(
        &self,
        request: Request<pb::SuppressEscalationRequest>,
    ) -> Result<Response<pb::SuppressEscalationResponse>, Status> {
        let caller = Principal::of(&request)?;
        let request = request.into_inner();
        let tree = self.units.tree();
        let unit = unit(&tree, "unit", &request.unit)?;
        if !self.sight(&caller).covers(unit.id()) {
            return Err(Error::UnitUnknown { field: "unit".to_owned(), unit: request.unit }.into());
        }
        let seconds = request.duration.map_or(-1, |duration| duration.seconds);
        if !(0..=LONGEST_PAUSE).contains(&seconds) {
            return Err(Error::from(ReportError::Duration).into());
        }
        let until = if seconds == 0 { 0 } else { Timestamp::now().0 + seconds * 1_000_000 };
        self.reports.pause_escalation(unit.id(), until, caller.subject()).await.map_err(Error::from)?;
        Ok(Response::new(pb::SuppressEscalationResponse { until_time: Timestamp(until).to_proto() }))
    }
}
