//! AppointmentService over gRPC.

use prost::Message;
use senani_access::Principal;
use senani_error::Kind;
use senani_proto::hierarchy::v1::appointment_service_server::AppointmentService;
use senani_proto::hierarchy::v1::who_is_answerable_request::Moment;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_proto::name::MemberName;
use senani_store::{Page, PageSize, PageToken, Timestamp};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::UnitApi;
use super::changes::repeat;
use super::unit_service::as_of;
use crate::convert;
use crate::domain::{Day, Post};
use crate::error::Error;
use crate::holdings::Holdings;
use crate::store::{Deed, Emergency, Listing, Term};

/// Characters of a reason at most.
const REASON: usize = 1_000;

/// The gRPC face of the posts of units.
#[derive(Debug, Clone)]
pub(crate) struct AppointmentApi {
    pub(super) register: UnitApi,
    pub(super) holdings: Holdings,
    /// Hours that a break-glass may last.
    longest_hours: i64,
}

impl AppointmentApi {
    pub(crate) fn new(register: UnitApi, holdings: Holdings, longest_hours: i64) -> Self {
        Self { register, holdings, longest_hours }
    }

    pub(super) fn today(&self) -> Result<Day, Error> {
        self.register.units.day(&self.register.today())
    }
}

#[tonic::async_trait]
impl AppointmentService for AppointmentApi {
    async fn appoint(&self, request: Request<pb::AppointRequest>) -> Result<Response<pb::Appointment>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let asked = request.appointment.unwrap_or_default();
        let officer = convert::officer(&asked.officer, "appointment.officer")?;
        let unit = convert::slug(&asked.unit, "appointment.unit")?;
        let post = post(asked.post, "appointment.post")?;
        let units = &self.register.units;
        let from = units.day(&self.register.effective(asked.start_date)?)?;
        let deed = Deed {
            by: principal.subject(),
            etag: String::new(),
            repeat: repeat(&principal, "AppointmentService/Appoint", &request.request_id, fingerprint)?,
            validate_only: request.validate_only,
        };
        Ok(Response::new(units.appoint(officer, &unit, post, &from, deed).await?))
    }

    async fn relieve(&self, request: Request<pb::RelieveRequest>) -> Result<Response<pb::Appointment>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let id = convert::appointment_id(&request.name, "name")?;
        let units = &self.register.units;
        let from = units.day(&self.register.effective(request.effective_date)?)?;
        let deed = Deed {
            by: principal.subject(),
            etag: request.etag,
            repeat: repeat(&principal, "AppointmentService/Relieve", &request.request_id, fingerprint)?,
            validate_only: request.validate_only,
        };
        Ok(Response::new(units.relieve(id, &from, deed).await?))
    }

    async fn get_appointment(
        &self,
        request: Request<pb::GetAppointmentRequest>,
    ) -> Result<Response<pb::Appointment>, Status> {
        Principal::of(&request)?;
        let id = convert::appointment_id(&request.into_inner().name, "name")?;
        Ok(Response::new(convert::appointment(&self.register.units.appointment(id).await?)))
    }

    async fn list_appointments(
        &self,
        request: Request<pb::ListAppointmentsRequest>,
    ) -> Result<Response<pb::ListAppointmentsResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let filter =
            ((&request.unit, &request.officer, request.post), (request.nature, &request.as_of, request.show_ended));
        let after = after(&request.page_token, &filter)?;
        let unit = if request.unit.is_empty() { None } else { Some(convert::slug(&request.unit, "unit")?) };
        let units = &self.register.units;
        let listing = Listing {
            unit: unit.as_deref(),
            officer: given(&request.officer)?,
            post: (request.post != 0).then_some(request.post),
            nature: (request.nature != 0).then_some(request.nature),
            day: as_of(&request.as_of)?.map(|date| units.day(date)).transpose()?,
            ended: request.show_ended,
        };
        let found = units.appointments(&listing, after, size).await?;
        let page = Page::cut(found, size, &filter, |appointment| appointment.id.to_string());
        let appointments = page.items.iter().map(convert::appointment).collect();
        Ok(Response::new(pb::ListAppointmentsResponse { appointments, next_page_token: page.next_page_token }))
    }

    async fn delegate(&self, request: Request<pb::DelegateRequest>) -> Result<Response<pb::Appointment>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let id = convert::appointment_id(&request.name, "name")?;
        let term = Term {
            officer: convert::officer(&request.officer, "officer")?,
            start: moment(request.start_time.as_ref(), "start_time")?,
            end: moment(request.end_time.as_ref(), "end_time")?,
        };
        let deed = Deed {
            by: principal.subject(),
            etag: String::new(),
            repeat: repeat(&principal, "AppointmentService/Delegate", &request.request_id, fingerprint)?,
            validate_only: false,
        };
        Ok(Response::new(self.register.units.delegate(id, term, deed).await?))
    }

    async fn break_glass(&self, request: Request<pb::BreakGlassRequest>) -> Result<Response<pb::Appointment>, Status> {
        let principal = Principal::of(&request)?;
        let mut request = request.into_inner();
        let reason = reason(std::mem::take(&mut request.reason), "reason")?;
        let fingerprint = without_reason(&request, &reason);
        let emergency = Emergency {
            unit: convert::slug(&request.unit, "unit")?,
            post: if request.post == 0 { Post::Head } else { post(request.post, "post")? },
            reason,
            term: Term {
                officer: for_oneself(&principal, &request.officer)?,
                start: None,
                end: moment(request.end_time.as_ref(), "end_time")?,
            },
            longest_hours: self.longest_hours,
        };
        let deed = Deed {
            by: principal.subject(),
            etag: String::new(),
            repeat: repeat(&principal, "AppointmentService/BreakGlass", &request.request_id, fingerprint)?,
            validate_only: false,
        };
        Ok(Response::new(self.register.units.break_glass(emergency, deed).await?))
    }

    async fn end_appointment(
        &self,
        request: Request<pb::EndAppointmentRequest>,
    ) -> Result<Response<pb::Appointment>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let id = convert::appointment_id(&request.name, "name")?;
        let deed = Deed {
            by: principal.subject(),
            etag: request.etag,
            repeat: repeat(&principal, "AppointmentService/EndAppointment", &request.request_id, fingerprint)?,
            validate_only: false,
        };
        Ok(Response::new(self.register.units.end(id, deed).await?))
    }

    async fn who_is_answerable(
        &self,
        request: Request<pb::WhoIsAnswerableRequest>,
    ) -> Result<Response<pb::WhoIsAnswerableResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let unit = convert::slug(&request.unit, "unit")?;
        let (units, now) = (&self.register.units, Timestamp::now().0);
        let today = units.day_at(now)?;
        let (day, at) = match request.moment {
            None => (today, now),
            Some(Moment::Time(time)) => {
                let at = moment(Some(&time), "time")?.unwrap_or(now);
                (units.day_at(at)?, at)
            }
            Some(Moment::Date(date)) => match as_of(&date)? {
                Some(date) if date != today.date => {
                    let day = units.day(date)?;
                    let last = day.last();
                    (day, last)
                }
                _ => (today, now),
            },
        };
        Ok(Response::new(convert::answer(&units.who_is_answerable(&unit, &day, at).await?)))
    }

    async fn begin_transfer(
        &self,
        request: Request<pb::BeginTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        self.begin(request).await
    }

    async fn complete_transfer(
        &self,
        request: Request<pb::CompleteTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        self.complete(request).await
    }

    async fn cancel_transfer(
        &self,
        request: Request<pb::CancelTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        self.cancel(request).await
    }

    async fn get_transfer(&self, request: Request<pb::GetTransferRequest>) -> Result<Response<pb::Transfer>, Status> {
        Principal::of(&request)?;
        let id = convert::transfer_id(&request.into_inner().name)?;
        Ok(Response::new(convert::transfer(&self.register.units.transfer(id).await?)))
    }

    async fn list_transfers(
        &self,
        request: Request<pb::ListTransfersRequest>,
    ) -> Result<Response<pb::ListTransfersResponse>, Status> {
        self.transfers(request).await
    }
}

/// The caller, the message, and what the message is known by when it is repeated.
pub(super) fn open<T: Message>(request: Request<T>) -> Result<(Principal, T, Vec<u8>), Status> {
    let principal = Principal::of(&request)?;
    let request = request.into_inner();
    let fingerprint = request.encode_to_vec();
    Ok((principal, request, fingerprint))
}

/// What a request is known by that has lost its reason: an officer's own words are kept in one place only.
pub(super) fn without_reason(request: &impl Message, reason: &str) -> Vec<u8> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    reason.hash(&mut hasher);
    let mut fingerprint = request.encode_to_vec();
    fingerprint.extend(hasher.finish().to_be_bytes());
    fingerprint
}

pub(super) fn post(number: i32, field: &str) -> Result<Post, Error> {
    Post::from_number(number)
        .ok_or_else(|| Error::invalid(ErrorReason::PostMissing, field, "an appointment needs a post"))
}

/// A reason that is given.
pub(super) fn reason(text: String, field: &str) -> Result<String, Error> {
    let length = text.trim().chars().count();
    if (1..=REASON).contains(&length) {
        return Ok(text.trim().to_owned());
    }
    let what = format!("a reason has 1 to {REASON} characters");
    Err(Error::invalid(ErrorReason::ReasonInvalid, field, what))
}

/// An officer who may be named.
pub(super) fn given(officer: &str) -> Result<Option<Uuid>, Error> {
    if officer.is_empty() { Ok(None) } else { convert::officer(officer, "officer").map(Some) }
}

/// The id after which a page begins.
pub(super) fn after(token: &str, filter: &impl std::hash::Hash) -> Result<Uuid, Error> {
    let after = PageToken::open(token, filter)?;
    let id = after.map(|id| id.parse::<Uuid>()).transpose();
    id.map(Option::unwrap_or_default).map_err(|_| senani_store::PageError::Token.into())
}

fn moment(time: Option<&prost_types::Timestamp>, field: &str) -> Result<Option<i64>, Error> {
    let Some(time) = time else { return Ok(None) };
    let second = (0..1_000_000_000).contains(&time.nanos);
    // From the year 1 to the year 9999, as the type has it.
    if !second || !(-62_135_596_800..=253_402_300_799).contains(&time.seconds) {
        return Err(Error::invalid(ErrorReason::TimeInvalid, field, "a time is between the years 1 and 9999"));
    }
    Ok(Some(Timestamp::from_proto(time).0))
}

/// The officer who takes power: the caller where that is an officer whose id is a member's.
fn for_oneself(principal: &Principal, named: &str) -> Result<Uuid, Error> {
    let (_, id) = principal.subject().split_once('/').unwrap_or_default();
    let caller: Option<Uuid> = if principal.is_service() { None } else { id.parse().ok() };
    match (caller, given(named)?) {
        (Some(caller), None) => Ok(caller),
        (Some(caller), Some(officer)) if officer != caller => {
            let name = MemberName(officer).to_string();
            let what = "an officer takes power in an emergency for themselves alone";
            Err(Error::listed(Kind::PermissionDenied, ErrorReason::NotTheOfficer, what, &[("officer", &name)]))
        }
        (_, Some(officer)) => Ok(officer),
        (None, None) => Err(Error::invalid(ErrorReason::NameInvalid, "officer", "an officer is needed")),
    }
}
