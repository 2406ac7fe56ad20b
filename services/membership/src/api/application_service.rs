//! ApplicationService over gRPC.

use senani_access::Principal;
use senani_proto::membership::v1::application_service_server::ApplicationService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::MemberName;
use senani_store::{Page, PageError, PageSize, PageToken, Timestamp};
use senani_vault::PhoneNumber;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::personal::{check_notice, note, notice_unknown, reason, value, wrong_profile};
use super::{Cell, in_force, open, private_repeat, repeat, unit_referred};
use crate::convert;
use crate::domain::{IdentifierKind, Member, Profile, ProfileWords};
use crate::error::{Error, Refused, Wrong};
use crate::store::{Application, Call, Registry, Rejecting};

/// The gRPC face of applications.
#[derive(Debug)]
pub(crate) struct ApplicationApi {
    registry: Registry,
    cell: Cell,
}

impl ApplicationApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }

    async fn answer(&self, member: Uuid) -> Result<Response<pb::Member>, Status> {
        let member = self.registry.member(member).await?;
        Ok(Response::new(convert::member(&member, &self.cell.replica.tree())))
    }

    /// What an application says, as a whole, with everything that is wrong.
    fn read<'r>(&self, request: &'r pb::ApplyRequest, subject: &'r str) -> Result<Application<'r>, Error> {
        let tree = self.cell.structure()?;
        let mut wrong = Vec::new();
        let words = ProfileWords {
            names: &request.display_names,
            category: &request.category,
            rank: request.rank,
            gender: &request.gender,
            language: &request.language,
        };
        let profile = Profile::read(&words);
        if let Err(faults) = &profile {
            wrong.extend(faults.iter().map(|fault| wrong_profile(*fault, "")));
        }
        let phone: Result<PhoneNumber, Wrong> = self
            .cell
            .numbers
            .normalise(&request.phone)
            .map_err(|error| Wrong::new(ErrorReason::PhoneInvalid, "phone", error.to_string()));
        if let Err(fault) = &phone {
            wrong.push(fault.clone());
        }
        let email = (!request.email.is_empty())
            .then(|| value(&self.cell, IdentifierKind::Email, &request.email, "email"))
            .transpose();
        if let Err(fault) = &email {
            wrong.push(fault.clone());
        }
        let unit = open_unit(&self.cell, &tree, &request.unit);
        if let Err(Error::Invalid(faults)) = &unit {
            wrong.extend(faults.iter().cloned());
        }
        if request.notice_version.is_empty() {
            wrong.push(notice_unknown("notice_version"));
        }
        match (profile, phone, email) {
            (Ok(profile), Ok(phone), Ok(email)) if wrong.is_empty() => Ok(Application {
                profile,
                phone,
                email,
                unit_id: unit?,
                consents: request.consents_to_direct_messages,
                notice_version: &request.notice_version,
                subject,
            }),
            _ => Err(Error::Invalid(wrong)),
        }
    }

    /// Whether the caller may decide on an applicant of a unit: an officer of it or of one above it, and not the applicant.
    fn officer_of(&self, principal: &Principal, applicant: Uuid) -> impl Fn(Uuid) -> Result<(), Refused> + Send + Sync {
        let (tree, posts) = (self.cell.replica.tree(), self.cell.replica.posts());
        let officer = principal.member().filter(|officer| *officer != applicant);
        move |unit| {
            let holds = officer.is_some_and(|officer| posts.holds(officer, unit, Timestamp::now().0, &tree));
            let slug = || tree.by_id(unit).map_or_else(String::new, |unit| unit.slug().to_owned());
            if holds { Ok(()) } else { Err(Refused::NotOfficerOfUnit { unit: format!("units/{}", slug()) }) }
        }
    }
}

/// The id of a unit that somebody can be at today.
pub(super) fn open_unit(cell: &Cell, tree: &senani_unit_tree::UnitTree, name: &str) -> Result<Uuid, Error> {
    let unit = unit_referred(tree, name, "unit")?;
    if unit.is_open_on(&cell.today().to_string()) {
        return Ok(unit.id());
    }
    Err(Wrong::new(ErrorReason::UnitUnknown, "unit", "is not open today").with("unit", name).into())
}

#[tonic::async_trait]
impl ApplicationService for ApplicationApi {
    async fn apply(&self, request: Request<pb::ApplyRequest>) -> Result<Response<pb::Member>, Status> {
        let (principal, request) = open(request)?;
        let repeat = private_repeat(
            self.registry.vault(),
            &principal,
            "ApplicationService/Apply",
            &request.request_id,
            &request,
        )?;
        let application = self.read(&request, principal.subject())?;
        check_notice(&self.registry, application.notice_version, "notice_version").await?;
        let member = self.registry.apply(&application, repeat.as_ref()).await?;
        self.answer(member).await
    }

    async fn verify_application(
        &self,
        request: Request<pb::VerifyApplicationRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "ApplicationService/VerifyApplication", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        let call = Call { member: name.0, etag: &request.etag, subject: principal.subject(), repeat: repeat.as_ref() };
        let allowed = self.officer_of(&principal, name.0);
        self.registry.verify_application(call, &in_force, allowed).await?;
        self.answer(name.0).await
    }

    async fn reject_application(
        &self,
        request: Request<pb::RejectApplicationRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (principal, request) = open(request)?;
        let method = "ApplicationService/RejectApplication";
        let repeat = private_repeat(self.registry.vault(), &principal, method, &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let known = pb::RejectionReason::try_from(request.reason).is_ok();
        let rejecting = Rejecting { reason: reason(request.reason, known)?, note: note(&request.note)? };
        self.cell.structure()?;
        let call = Call { member: name.0, etag: &request.etag, subject: principal.subject(), repeat: repeat.as_ref() };
        let allowed = self.officer_of(&principal, name.0);
        self.registry.reject_application(call, rejecting, allowed).await?;
        self.answer(name.0).await
    }

    async fn list_applications(
        &self,
        request: Request<pb::ListApplicationsRequest>,
    ) -> Result<Response<pb::ListApplicationsResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = PageToken::open(&request.page_token, &request.unit).map_err(Error::from)?;
        let after = match after {
            Some(id) => id.parse().map_err(|_| Error::from(PageError::Token))?,
            None => Uuid::nil(),
        };
        let tree = self.cell.structure()?;
        let top = if request.unit.is_empty() { None } else { Some(unit_referred(&tree, &request.unit, "unit")?.id()) };
        let within = |unit: Uuid| top.is_none_or(|top| tree.is_within(top, unit));
        let found = self.registry.list_applications(within, after, size).await?;
        let page = Page::cut(found, size, &request.unit, |member: &Member| member.id.to_string());
        Ok(Response::new(pb::ListApplicationsResponse {
            members: page.items.iter().map(|member| convert::member(member, &tree)).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}
