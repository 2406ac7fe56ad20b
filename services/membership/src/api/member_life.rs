//! The part of MemberService that changes a member, and lists what was.

use senani_access::Principal;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{GroupName, MemberName};
use senani_store::{Page, PageSize, PageToken};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::application_service::open_unit;
use super::in_force;
use super::member_service::MemberApi;
use super::personal::{kind, moment, note, position, reason, value, wrong_profile};
use super::{open, private_repeat};
use crate::convert;
use crate::domain::{Happening, IdentifierKind, ListedConsent, ProfileFault};
use crate::error::Error;
use crate::store::{Amendment, Call, ListedStay, Merging, NewIdentifier, Repeat};

type Answer = Result<Response<pb::Member>, Status>;

impl MemberApi {
    async fn answer_anew(&self, member: Uuid) -> Answer {
        Ok(self.answer(&self.registry.member(member).await?))
    }

    fn known_again<'p>(
        &self,
        principal: &'p Principal,
        method: &'p str,
        request_id: &str,
        request: &impl prost::Message,
    ) -> Result<Option<Repeat<'p>>, Error> {
        private_repeat(self.registry.vault(), principal, method, request_id, request)
    }

    pub(super) async fn update(&self, request: Request<pb::UpdateMemberRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/UpdateMember", &request.request_id, &request)?;
        let mask = request.update_mask.unwrap_or_default();
        let given = request.member.unwrap_or_default();
        let name: MemberName = convert::name(&given.name, "member.name")?;
        let amendment = amendment(given, &mask.paths)?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        let call = call(name.0, &request.etag, &principal, repeat.as_ref());
        let judge = |faults: Vec<ProfileFault>| {
            Error::Invalid(faults.into_iter().map(|fault| wrong_profile(fault, "member.")).collect())
        };
        self.registry.amend(call, &amendment, &in_force, judge).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn begin_identifier(&self, request: Request<pb::AddIdentifierRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/AddIdentifier", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let kind = kind(request.kind)?;
        let value = value(&self.cell, kind, &request.value, "value").map_err(Error::from)?;
        let valid_from = moment(request.start_time.as_ref(), "start_time")?;
        let call = call(name.0, &request.etag, &principal, repeat.as_ref());
        self.registry.add_identifier(call, NewIdentifier { kind, value: &value, valid_from }).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn finish_identifier(&self, request: Request<pb::EndIdentifierRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/EndIdentifier", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let kind = kind(request.kind)?;
        if kind == IdentifierKind::Phone {
            let what = "a phone number ends when another begins";
            return Err(Error::invalid(ErrorReason::IdentifierInvalid, "kind", what).into());
        }
        let call = call(name.0, &request.etag, &principal, repeat.as_ref());
        self.registry.end_identifier(call, kind).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn enrol(&self, request: Request<pb::EnrolMemberRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/EnrolMember", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let group: GroupName = convert::name(&request.group, "group")?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        let call = call(name.0, &request.etag, &principal, repeat.as_ref());
        self.registry.enrol(call, group.slug(), &in_force).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn leave_group(&self, request: Request<pb::EndEnrolmentRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/EndEnrolment", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let group: GroupName = convert::name(&request.group, "group")?;
        let call = call(name.0, &request.etag, &principal, repeat.as_ref());
        self.registry.end_enrolment(call, group.slug()).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn transfer(
        &self,
        request: Request<pb::TransferMemberRequest>,
    ) -> Result<Response<pb::TransferMemberResponse>, Status> {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/TransferMember", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        let unit = open_unit(&self.cell, &in_force.tree, &request.unit)?;
        let call = call(name.0, &request.etag, &principal, repeat.as_ref());
        let places = self.registry.transfer(call, unit, request.validate_only, &in_force).await?;
        let member = self.answer_anew(name.0).await?.into_inner();
        Ok(Response::new(pb::TransferMemberResponse { member: Some(member), places: Some(places) }))
    }

    pub(super) async fn suspend(&self, request: Request<pb::SuspendMemberRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/SuspendMember", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let known = pb::SuspensionReason::try_from(request.reason).is_ok();
        let (reason, note) = (reason(request.reason, known)?, note(&request.note)?);
        let call = call(name.0, &request.etag, &principal, repeat.as_ref());
        self.registry.suspend(call, reason, note).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn reinstate(&self, request: Request<pb::ReinstateMemberRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/ReinstateMember", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        self.registry.reinstate(call(name.0, &request.etag, &principal, repeat.as_ref())).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn withdraw(&self, request: Request<pb::WithdrawMemberRequest>) -> Answer {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/WithdrawMember", &request.request_id, &request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        self.registry.withdraw(call(name.0, &request.etag, &principal, repeat.as_ref())).await?;
        self.answer_anew(name.0).await
    }

    pub(super) async fn merge(
        &self,
        request: Request<pb::MergeMembersRequest>,
    ) -> Result<Response<pb::MergeMembersResponse>, Status> {
        let (principal, request) = open(request)?;
        let repeat = self.known_again(&principal, "MemberService/MergeMembers", &request.request_id, &request)?;
        let survivor: MemberName = convert::name(&request.survivor, "survivor")?;
        let duplicate: MemberName = convert::name(&request.duplicate, "duplicate")?;
        if survivor == duplicate {
            let what = "must be another member than the survivor";
            return Err(Error::invalid(ErrorReason::MergeInvalid, "duplicate", what).into());
        }
        let merging = Merging {
            survivor: survivor.0,
            duplicate: duplicate.0,
            survivor_etag: &request.survivor_etag,
            duplicate_etag: &request.duplicate_etag,
            validate_only: request.validate_only,
            subject: principal.subject(),
            repeat: repeat.as_ref(),
        };
        let places = self.registry.merge(merging).await?;
        let member = self.answer_anew(survivor.0).await?.into_inner();
        Ok(Response::new(pb::MergeMembersResponse { member: Some(member), places: Some(places) }))
    }

    pub(super) async fn identifiers(
        &self,
        request: Request<pb::ListIdentifiersRequest>,
    ) -> Result<Response<pb::ListIdentifiersResponse>, Status> {
        let (_, request) = open(request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let found = self.registry.identifiers(name.0).await?;
        Ok(Response::new(pb::ListIdentifiersResponse { identifiers: found.iter().map(convert::identifier).collect() }))
    }

    pub(super) async fn enrolments(
        &self,
        request: Request<pb::ListEnrolmentsRequest>,
    ) -> Result<Response<pb::ListEnrolmentsResponse>, Status> {
        let (_, request) = open(request)?;
        let (name, size, token) = listing(&request.name, request.page_size, &request.page_token)?;
        let before = position::<2>(token)?.map(|(at, [member, group])| (at, member, group));
        let found = self.registry.stays(name.0, before, size).await?;
        let key = |stay: &ListedStay| format!("{}/{}/{}", stay.started_at, stay.member, stay.group_id);
        let page = Page::cut(found, size, &request.name, key);
        Ok(Response::new(pb::ListEnrolmentsResponse {
            enrolments: page.items.iter().map(convert::past_enrolment).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    pub(super) async fn history(
        &self,
        request: Request<pb::ListMemberHistoryRequest>,
    ) -> Result<Response<pb::ListMemberHistoryResponse>, Status> {
        let (_, request) = open(request)?;
        let (name, size, token) = listing(&request.name, request.page_size, &request.page_token)?;
        let before = position::<1>(token)?.map(|(at, [member])| (at, member));
        let found = self.registry.happenings(name.0, before, size).await?;
        let key = |happening: &Happening| format!("{}/{}", happening.at, happening.member);
        let page = Page::cut(found, size, &request.name, key);
        let tree = self.cell.replica.tree();
        Ok(Response::new(pb::ListMemberHistoryResponse {
            events: page.items.iter().map(|happening| convert::happening(happening, &tree)).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    pub(super) async fn consents(
        &self,
        request: Request<pb::ListConsentsRequest>,
    ) -> Result<Response<pb::ListConsentsResponse>, Status> {
        let (_, request) = open(request)?;
        let (name, size, token) = listing(&request.name, request.page_size, &request.page_token)?;
        let before = position::<1>(token)?.map(|(at, [member])| (at, member));
        let found = self.registry.consents(name.0, before, size).await?;
        let key = |consent: &ListedConsent| format!("{}/{}", consent.recorded_at, consent.member);
        let page = Page::cut(found, size, &request.name, key);
        Ok(Response::new(pb::ListConsentsResponse {
            consents: page.items.iter().map(convert::consent).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

fn call<'c>(member: Uuid, etag: &'c str, principal: &'c Principal, repeat: Option<&'c Repeat<'c>>) -> Call<'c> {
    Call { member, etag, subject: principal.subject(), repeat }
}

fn listing(name: &str, page_size: i32, page_token: &str) -> Result<(MemberName, PageSize, Option<String>), Error> {
    let member: MemberName = convert::name(name, "name")?;
    Ok((member, PageSize::from_wire(page_size)?, PageToken::open(page_token, &name)?))
}

/// What an update sets.
fn amendment(given: pb::Member, mask: &[String]) -> Result<Amendment, Error> {
    let wrong = |what: &str| Error::invalid(ErrorReason::UpdateMaskInvalid, "update_mask", what);
    if mask.is_empty() {
        return Err(wrong("names no field"));
    }
    let mut amendment = Amendment::default();
    for path in mask {
        match path.as_str() {
            "display_names" => amendment.names = Some(given.display_names.clone()),
            "category" => amendment.category = Some(given.category.clone()),
            "rank" => amendment.rank = Some(given.rank),
            "gender" => amendment.gender = Some(given.gender.clone()),
            "language" => amendment.language = Some(given.language.clone()),
            _ => return Err(wrong("may name display_names, category, rank, gender and language only")),
        }
    }
    Ok(amendment)
}
