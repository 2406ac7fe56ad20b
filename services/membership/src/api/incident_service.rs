//! IncidentService over gRPC.

use senani_access::Principal;
use senani_proto::membership::v1::incident_service_server::IncidentService;
use senani_proto::membership::v1::list_repeated_incidents_request::Subject as WireSubject;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{GroupName, IncidentName, MemberName};
use senani_store::{Page, PageError, PageSize, PageToken, Timestamp};
use senani_unit_tree::UnitTree;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Cell, open, repeat, unit_referred};
use crate::convert;
use crate::domain::{
    ActionKind, Incident, IncidentAction, IncidentKind, IncidentState, Note, Outcome, Repeated, is_reference, repeated,
};
use crate::error::{Error, Wrong};
use crate::store::{IncidentCall, IncidentFilter, IncidentStep, Registry, Repeat, Subject};

/// Characters of a note at most.
const NOTE_LENGTH: usize = 1_000;

/// What is looked at when no period is given: 90 days, in microseconds.
const PERIOD: i64 = 90 * 86_400 * 1_000_000;

/// The gRPC face of the incidents.
#[derive(Debug)]
pub(crate) struct IncidentApi {
    registry: Registry,
    cell: Cell,
}

impl IncidentApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }

    /// The unit that a list is about; `None` for all.
    fn top(&self, tree: &UnitTree, unit: &str) -> Result<Option<Uuid>, Error> {
        if unit.is_empty() {
            return Ok(None);
        }
        self.cell.structure()?;
        Ok(Some(unit_referred(tree, unit, "unit")?.id()))
    }

    async fn step(
        &self,
        name: &str,
        etag: &str,
        repeat: Option<&Repeat<'_>>,
        step: IncidentStep,
    ) -> Result<Response<pb::Incident>, Status> {
        let name: IncidentName = convert::name(name, "name")?;
        let call = IncidentCall { id: name.0, etag, repeat };
        Ok(Response::new(self.registry.step_incident(call, step).await?))
    }
}

#[tonic::async_trait]
impl IncidentService for IncidentApi {
    async fn record_incident(
        &self,
        request: Request<pb::RecordIncidentRequest>,
    ) -> Result<Response<pb::Incident>, Status> {
        let (principal, request) = open(request)?;
        let mut repeat = repeat(&principal, "IncidentService/RecordIncident", &request.request_id, &request)?;
        if let Some(repeat) = &mut repeat {
            // The note may say something of a person: what is kept of it cannot be tried out without the key.
            repeat.fingerprint = self.registry.vault().fingerprint(&repeat.fingerprint).to_vec();
        }
        let (incident, note) = read(request.incident.unwrap_or_default(), &principal)?;
        Ok(Response::new(self.registry.record_incident(incident, &note, repeat.as_ref()).await?))
    }

    async fn act_on_incident(
        &self,
        request: Request<pb::ActOnIncidentRequest>,
    ) -> Result<Response<pb::Incident>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "IncidentService/ActOnIncident", &request.request_id, &request)?;
        let wanted = request.action.clone().unwrap_or_default();
        let mut wrong = Vec::new();
        check_reference(&wanted.reference, "action.reference", &mut wrong);
        let kind = ActionKind::from_number(wanted.kind);
        if kind.is_none() {
            wrong.push(invalid("action.kind", "is required and names what was done"));
        }
        let (Some(kind), true) = (kind, wrong.is_empty()) else { return Err(Error::Invalid(wrong).into()) };
        if kind == ActionKind::MemberRemoved {
            let name: IncidentName = convert::name(&request.name, "name")?;
            if self.registry.incident(name.0).await?.member.is_none() {
                let what = "needs an incident of a known member";
                return Err(Error::from(invalid("action.kind", what)).into());
            }
        }
        let action = IncidentAction {
            kind,
            reference: wanted.reference,
            acted_by: principal.subject().to_owned(),
            acted_at: Timestamp::now().0,
        };
        self.step(&request.name, &request.etag, repeat.as_ref(), IncidentStep::Act(action)).await
    }

    async fn close_incident(
        &self,
        request: Request<pb::CloseIncidentRequest>,
    ) -> Result<Response<pb::Incident>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "IncidentService/CloseIncident", &request.request_id, &request)?;
        let outcome = Outcome::from_number(request.outcome)
            .ok_or_else(|| Error::from(invalid("outcome", "is required: upheld, or not")))?;
        let step = IncidentStep::Close { outcome, by: principal.subject().to_owned(), at: Timestamp::now().0 };
        self.step(&request.name, &request.etag, repeat.as_ref(), step).await
    }

    async fn get_incident(&self, request: Request<pb::GetIncidentRequest>) -> Result<Response<pb::Incident>, Status> {
        let (_, request) = open(request)?;
        let name: IncidentName = convert::name(&request.name, "name")?;
        let (incident, Note(note)) = self.registry.incident_with_note(name.0).await?;
        Ok(Response::new(pb::Incident { note, ..convert::incident(&incident) }))
    }

    async fn list_incidents(
        &self,
        request: Request<pb::ListIncidentsRequest>,
    ) -> Result<Response<pb::ListIncidentsResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let key = (&request.unit, &request.group, &request.member, request.state);
        let after = PageToken::open(&request.page_token, &key).map_err(Error::from)?;
        let before = after.map(|id| id.parse::<Uuid>().map_err(|_| Error::from(PageError::Token))).transpose()?;
        let group = match request.group.as_str() {
            "" => String::new(),
            name => convert::name::<GroupName>(name, "group")?.slug().to_owned(),
        };
        let member = match request.member.as_str() {
            "" => None,
            name => Some(convert::name::<MemberName>(name, "member")?.0),
        };
        let state = match request.state {
            0 => None,
            number => Some(
                IncidentState::from_number(number)
                    .ok_or_else(|| Error::from(invalid("state", "names no state of an incident")))?,
            ),
        };
        let tree = self.cell.replica.tree();
        let top = self.top(&tree, &request.unit)?;
        let within = |unit: Uuid| top.is_some_and(|top| tree.is_within(top, unit));
        let unit: Option<&(dyn Fn(Uuid) -> bool + Send + Sync)> = if top.is_some() { Some(&within) } else { None };
        let filter = IncidentFilter { unit, group: &group, member, state };
        let found = self.registry.list_incidents(&filter, before, size).await?;
        let page = Page::cut(found, size, &key, |incident: &Incident| incident.id.to_string());
        Ok(Response::new(pb::ListIncidentsResponse {
            incidents: page.items.iter().map(convert::incident).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn list_repeated_incidents(
        &self,
        request: Request<pb::ListRepeatedIncidentsRequest>,
    ) -> Result<Response<pb::ListRepeatedIncidentsResponse>, Status> {
        let (_, request) = open(request)?;
        Ok(Response::new(self.repeated(&request).await?))
    }
}

impl IncidentApi {
    async fn repeated(
        &self,
        request: &pb::ListRepeatedIncidentsRequest,
    ) -> Result<pb::ListRepeatedIncidentsResponse, Error> {
        let size = PageSize::from_wire(request.page_size)?;
        let start = request.start_time.as_ref().map(|time| Timestamp::from_proto(time).0);
        let end = request.end_time.as_ref().map(|time| Timestamp::from_proto(time).0);
        let key = (request.subject, &request.unit, start, end, request.min_count);
        let after = PageToken::open(&request.page_token, &key)?;
        let subject = match WireSubject::try_from(request.subject) {
            Ok(WireSubject::Unspecified | WireSubject::Members) => Subject::Members,
            Ok(WireSubject::Groups) => Subject::Groups,
            Err(_) => return Err(invalid("subject", "is members or groups").into()),
        };
        let min = match request.min_count {
            0 => 2,
            count => usize::try_from(count)
                .ok()
                .filter(|count| *count >= 2)
                .ok_or_else(|| Error::from(invalid("min_count", "is 2 or more")))?,
        };
        let end = end.unwrap_or_else(|| Timestamp::now().0.saturating_add(1));
        let start = start.unwrap_or(end.saturating_sub(PERIOD));
        if start >= end {
            return Err(invalid("end_time", "is not after start_time").into());
        }
        let tree = self.cell.replica.tree();
        let top = self.top(&tree, &request.unit)?;
        let within = |unit: Uuid| top.is_some_and(|top| tree.is_within(top, unit));
        let unit: Option<&(dyn Fn(Uuid) -> bool + Send + Sync)> = if top.is_some() { Some(&within) } else { None };
        let all = repeated(self.registry.incidents_within(subject, start..end, unit).await?, min);
        // The list is counted anew for each page: the next one begins after the one that the page before ended with.
        let after: Option<Uuid> = after.map(|id| id.parse().map_err(|_| Error::from(PageError::Token))).transpose()?;
        let begin = match after {
            Some(after) => all.iter().position(|one| one.subject == after).map_or(0, |last| last + 1),
            None => 0,
        };
        let limit = usize::try_from(size.limit()).unwrap_or(usize::MAX);
        let found: Vec<Repeated> = all.into_iter().skip(begin).take(limit).collect();
        let page = Page::cut(found, size, &key, |one: &Repeated| one.subject.to_string());
        let groups: Vec<Uuid> =
            page.items.iter().filter(|_| subject == Subject::Groups).map(|one| one.subject).collect();
        let slugs = self.registry.group_slugs(&groups).await?;
        let wire = |one: &Repeated| pb::RepeatedIncidents {
            member: if subject == Subject::Members { convert::member_name(one.subject) } else { String::new() },
            group: slugs.get(&one.subject).map_or_else(String::new, |slug| convert::group_name(slug)),
            count: i32::try_from(one.count).unwrap_or(i32::MAX),
            last_occur_time: Timestamp(one.last_occurred_at).to_proto(),
            incidents: one.incidents.iter().copied().map(convert::incident_name).collect(),
        };
        Ok(pb::ListRepeatedIncidentsResponse {
            repeated_incidents: page.items.iter().map(wire).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

fn invalid(field: &str, what: &str) -> Wrong {
    Wrong::new(ErrorReason::IncidentInvalid, field, what)
}

fn check_reference(reference: &str, field: &str, wrong: &mut Vec<Wrong>) {
    if !is_reference(reference) {
        wrong.push(invalid(field, "has at most 40 of A–Z, 0–9, `/`, `-`, `.`, with a digit"));
    }
}

/// The incident of a request, without what its group says, and the note; otherwise everything that is wrong with it.
fn read(wanted: pb::Incident, principal: &Principal) -> Result<(Incident, Note), Error> {
    let group: GroupName = convert::name(&wanted.group, "incident.group")?;
    let member = match wanted.member.as_str() {
        "" => None,
        name => Some(convert::name::<MemberName>(name, "incident.member")?.0),
    };
    let mut wrong = Vec::new();
    let kind = IncidentKind::from_number(wanted.kind);
    if kind.is_none() {
        wrong.push(invalid("incident.kind", "is required and names what it was"));
    }
    let now = Timestamp::now();
    let occurred_at = wanted.occur_time.as_ref().map_or(now.0, |time| Timestamp::from_proto(time).0);
    if occurred_at > now.0 {
        wrong.push(invalid("incident.occur_time", "is in the future"));
    }
    let evidence = hexadecimal(&wanted.evidence_sha256);
    if evidence.is_none() {
        wrong.push(invalid("incident.evidence_sha256", "has 64 hexadecimal digits"));
    }
    check_reference(&wanted.reference, "incident.reference", &mut wrong);
    if wanted.note.chars().count() > NOTE_LENGTH {
        wrong.push(invalid("incident.note", "has at most 1,000 characters"));
    }
    if member.is_none() && !wanted.note.is_empty() {
        wrong.push(invalid("incident.note", "needs a known member, with whose key it is sealed"));
    }
    let (Some(kind), Some(evidence), true) = (kind, evidence, wrong.is_empty()) else {
        return Err(Error::Invalid(wrong));
    };
    let incident = Incident {
        id: Uuid::now_v7(),
        group_id: Uuid::nil(),
        group_slug: group.slug().to_owned(),
        unit_id: Uuid::nil(),
        unit_slug: String::new(),
        member,
        kind,
        state: IncidentState::Open,
        outcome: None,
        occurred_at,
        recorded_at: now.0,
        closed_at: 0,
        recorded_by: principal.subject().to_owned(),
        closed_by: String::new(),
        evidence,
        reference: wanted.reference,
        actions: Vec::new(),
        version: 1,
    };
    Ok((incident, Note(wanted.note)))
}

/// The bytes of a checksum: 32, or none of an empty text; `None` of anything else.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).map(|index| u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()).collect()
}
