//! Membership: groups, members, audiences, addresses.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::Stream;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::audience_service_server::AudienceService;
use senani_proto::membership::v1::member_service_server::MemberService;
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;

use super::FakeUnit;

/// A group of a unit.
#[derive(Debug, Clone)]
pub(crate) struct FakeGroup {
    pub(crate) unit: &'static str,
    pub(crate) audience: pb::GroupAudience,
    pub(crate) custodian: Option<Uuid>,
}

impl FakeGroup {
    pub(crate) fn slug(&self) -> String {
        format!("{}-{}", self.unit, self.audience as i32)
    }

    pub(crate) fn id(&self) -> Uuid {
        Uuid::from_u128(FakeUnit::id(self.unit).as_u128() + 0x1_0000 * (self.audience as u128))
    }

    /// As membership tells it.
    pub(crate) fn event(&self) -> Payload {
        let group = pb::Group {
            name: format!("groups/{}", self.slug()),
            uid: self.id().to_string(),
            unit: format!("units/{}", self.unit),
            unit_uid: FakeUnit::id(self.unit).to_string(),
            audience: self.audience.into(),
            state: pb::group::State::Active.into(),
            primary_custodian: self.custodian.map_or(String::new(), |custodian| format!("members/{custodian}")),
            ..pb::Group::default()
        };
        let changed = pb::GroupChanged { group: Some(group) };
        Payload::Membership(pb::MembershipEvent { kind: Some(pb::membership_event::Kind::GroupChanged(changed)) })
    }
}

/// A member of the COMMUNITY group of a unit, and perhaps of others.
#[derive(Debug, Clone)]
pub(crate) struct FakeMember {
    pub(crate) id: Uuid,
    pub(crate) unit: &'static str,
    pub(crate) consents: bool,
    pub(crate) phone: String,
}

/// What membership knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) groups: Vec<FakeGroup>,
    /// In the order of their ids.
    pub(crate) members: Vec<FakeMember>,
    /// Consents withdrawn after the audience was resolved.
    pub(crate) withdrawn: BTreeSet<Uuid>,
    /// Members erased after the audience was resolved.
    pub(crate) gone: BTreeSet<Uuid>,
    /// The audiences that were counted or resolved.
    pub(crate) asked: Vec<pb::AudienceSelector>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FakeRegister {
    pub(crate) state: Arc<Mutex<State>>,
}

/// Members in one message.
const PAGE: usize = 100;

impl FakeRegister {
    /// One COMMUNITY group for each station and an orphaned OFFICERS group for each district; `count` consenting members spread over the
    /// stations, and a tenth more who do not consent.
    pub(crate) fn of(count: usize) -> Self {
        let stations: Vec<_> =
            FakeUnit::ALL.iter().map(|unit| unit.slug).filter(|slug| slug.ends_with("-ps")).collect();
        let mut state = State::default();
        for number in 0..count + count / 10 {
            state.members.push(FakeMember {
                id: Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0000 + number as u128),
                unit: stations[number % stations.len()],
                consents: number < count,
                phone: format!("+9110{number:08}"),
            });
        }
        for (at, unit) in stations.iter().enumerate() {
            let custodian = state.members.get(at).map(|member| member.id);
            state.groups.push(FakeGroup { unit, audience: pb::GroupAudience::Community, custodian });
        }
        for unit in ["patna", "gaya"] {
            state.groups.push(FakeGroup { unit, audience: pb::GroupAudience::Officers, custodian: None });
        }
        Self { state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn group_events(&self) -> Vec<Payload> {
        self.state.lock().expect("nobody panics with it").groups.iter().map(FakeGroup::event).collect()
    }

    /// Consenting members under a unit.
    pub(crate) fn consenting(&self, top: &str) -> Vec<Uuid> {
        let state = self.state.lock().expect("nobody panics with it");
        let members = state.members.iter().filter(|member| member.consents && FakeUnit::is_within(top, member.unit));
        members.map(|member| member.id).collect()
    }

    fn select(&self, audience: &pb::AudienceSelector) -> (Vec<FakeGroup>, Vec<FakeMember>) {
        let mut state = self.state.lock().expect("nobody panics with it");
        state.asked.push(audience.clone());
        let under = |units: &[String], slug: &str| {
            units.iter().any(|unit| FakeUnit::is_within(unit.trim_start_matches("units/"), slug))
        };
        let excluded = audience.excluded.clone().unwrap_or_default();
        let within = |slug: &str| under(&audience.units, slug) && !under(&excluded.units, slug);
        let wanted = |kind: pb::GroupAudience| {
            audience.group_audiences.is_empty() || audience.group_audiences.contains(&kind.into())
        };
        let groups = state.groups.iter().filter(|group| within(group.unit) && wanted(group.audience));
        let members = state.members.iter().filter(|member| within(member.unit) && wanted(pb::GroupAudience::Community));
        (groups.cloned().collect(), members.cloned().collect())
    }
}

fn only_services<T>(request: &Request<T>) -> Result<(), Status> {
    let subject = request.metadata().get("x-senani-subject").and_then(|subject| subject.to_str().ok());
    if subject == Some("services/bulletin") { Ok(()) } else { Err(Status::permission_denied("only services")) }
}

#[tonic::async_trait]
impl AudienceService for FakeRegister {
    type ResolveAudienceStream = Pin<Box<dyn Stream<Item = Result<pb::ResolveAudienceResponse, Status>> + Send>>;

    async fn resolve_audience(
        &self,
        request: Request<pb::ResolveAudienceRequest>,
    ) -> Result<Response<Self::ResolveAudienceStream>, Status> {
        only_services(&request)?;
        let request = request.into_inner();
        let (_, members) = self.select(&request.audience.unwrap_or_default());
        let members: Vec<_> = members.into_iter().filter(|member| member.consents).collect();
        let count = pb::ResolvedCount { consenting_count: members.len() as i64, ..Default::default() };
        let after = Uuid::from_slice(&request.after_member_uid).unwrap_or_default();
        let rest: Vec<_> = members.into_iter().filter(|member| member.id > after).collect();
        let mut parts = vec![pb::resolve_audience_response::Part::Count(count)];
        for page in rest.chunks(PAGE) {
            let person = |member: &FakeMember| pb::AudiencePerson {
                member_uid: Bytes::copy_from_slice(member.id.as_bytes()),
                unit_uid: Bytes::copy_from_slice(FakeUnit::id(member.unit).as_bytes()),
                language: "hi".to_owned(),
                has_phone: true,
                ..Default::default()
            };
            let persons = page.iter().map(person).collect();
            parts.push(pb::resolve_audience_response::Part::Page(pb::AudiencePage { persons }));
        }
        let responses = parts.into_iter().map(|part| Ok(pb::ResolveAudienceResponse { part: Some(part) }));
        Ok(Response::new(Box::pin(futures::stream::iter(responses))))
    }

    async fn open_addresses(
        &self,
        request: Request<pb::OpenAddressesRequest>,
    ) -> Result<Response<pb::OpenAddressesResponse>, Status> {
        only_services(&request)?;
        let state = self.state.lock().expect("nobody panics with it");
        let open = |uid: &Bytes| {
            let id = Uuid::from_slice(uid).expect("a UUID");
            let refused = |refusal: pb::address::Refusal| pb::Address { phone: String::new(), refusal: refusal.into() };
            if state.withdrawn.contains(&id) {
                return refused(pb::address::Refusal::ConsentWithdrawn);
            }
            match state.members.binary_search_by_key(&id, |member| member.id) {
                Ok(at) if !state.gone.contains(&id) => {
                    pb::Address { phone: state.members[at].phone.clone(), refusal: 0 }
                }
                _ => refused(pb::address::Refusal::MemberGone),
            }
        };
        let addresses = request.get_ref().member_uids.iter().map(open).collect();
        Ok(Response::new(pb::OpenAddressesResponse { addresses }))
    }
}

/// Only counting is asked of it.
#[tonic::async_trait]
impl MemberService for FakeRegister {
    type ImportMembersStream = Pin<Box<dyn Stream<Item = Result<pb::ImportMembersResponse, Status>> + Send>>;

    async fn count_audience(
        &self,
        request: Request<pb::CountAudienceRequest>,
    ) -> Result<Response<pb::AudienceCount>, Status> {
        let audience = request.into_inner().audience.unwrap_or_default();
        if audience.excluded.as_ref().is_some_and(|excluded| !excluded.groups.is_empty()) {
            let domain = "membership.senani.dev";
            return Err(senani_error::status(Code::InvalidArgument, domain, "GROUP_UNKNOWN", "no such group"));
        }
        let (groups, members) = self.select(&audience);
        Ok(Response::new(pb::AudienceCount {
            group_count: groups.len() as i64,
            enrolment_count: members.len() as i64,
            person_count: members.len() as i64,
            consenting_count: members.iter().filter(|member| member.consents).count() as i64,
        }))
    }

    async fn update_member(&self, _: Request<pb::UpdateMemberRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn add_identifier(&self, _: Request<pb::AddIdentifierRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn end_identifier(&self, _: Request<pb::EndIdentifierRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn list_identifiers(
        &self,
        _: Request<pb::ListIdentifiersRequest>,
    ) -> Result<Response<pb::ListIdentifiersResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn enrol_member(&self, _: Request<pb::EnrolMemberRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn end_enrolment(&self, _: Request<pb::EndEnrolmentRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn list_enrolments(
        &self,
        _: Request<pb::ListEnrolmentsRequest>,
    ) -> Result<Response<pb::ListEnrolmentsResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn transfer_member(
        &self,
        _: Request<pb::TransferMemberRequest>,
    ) -> Result<Response<pb::TransferMemberResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn suspend_member(&self, _: Request<pb::SuspendMemberRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn reinstate_member(&self, _: Request<pb::ReinstateMemberRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn withdraw_member(&self, _: Request<pb::WithdrawMemberRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn merge_members(
        &self,
        _: Request<pb::MergeMembersRequest>,
    ) -> Result<Response<pb::MergeMembersResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn list_member_history(
        &self,
        _: Request<pb::ListMemberHistoryRequest>,
    ) -> Result<Response<pb::ListMemberHistoryResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn list_consents(
        &self,
        _: Request<pb::ListConsentsRequest>,
    ) -> Result<Response<pb::ListConsentsResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn import_members(
        &self,
        _: Request<Streaming<pb::ImportMembersRequest>>,
    ) -> Result<Response<Self::ImportMembersStream>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn get_import(&self, _: Request<pb::GetImportRequest>) -> Result<Response<pb::MemberImport>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn list_rejected_rows(
        &self,
        _: Request<pb::ListRejectedRowsRequest>,
    ) -> Result<Response<pb::ListRejectedRowsResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn get_member(&self, _: Request<pb::GetMemberRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn list_members(
        &self,
        _: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn find_member_by_phone(
        &self,
        _: Request<pb::FindMemberByPhoneRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }

    async fn record_consent(&self, _: Request<pb::RecordConsentRequest>) -> Result<Response<pb::Member>, Status> {
        Err(Status::unimplemented("not asked of this fake"))
    }
}
