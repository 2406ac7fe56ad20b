//! MemberService over gRPC.

use std::pin::Pin;

use futures::Stream;
use senani_proto::membership::v1::member_service_server::MemberService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{ImportName, MemberName};
use senani_store::{Page, PageError, PageSize, PageToken, Timestamp};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::audience::Selection;
use super::import_members::ImportJob;
use super::personal::check_notice;
use super::{Cell, open, unit_referred};
use crate::convert;
use crate::domain::{ConsentRecord, Import, Member, RejectedRow};
use crate::error::{Error, Resource};
use crate::store::Registry;

/// The gRPC face of the members.
#[derive(Debug)]
pub(crate) struct MemberApi {
    pub(super) registry: Registry,
    pub(super) cell: Cell,
    stop: CancellationToken,
}

impl MemberApi {
    /// Imports end with UNAVAILABLE when `stop` fires, and go on with the same import id.
    pub(crate) fn new(registry: Registry, cell: Cell, stop: CancellationToken) -> Self {
        Self { registry, cell, stop }
    }

    async fn import(&self, name: &str) -> Result<Import, Error> {
        let name: ImportName = convert::name(name, "name")?;
        self.registry.import(name.0).await?.ok_or_else(|| Resource::Import.not_found(name))
    }

    pub(super) fn answer(&self, member: &Member) -> Response<pb::Member> {
        Response::new(convert::member(member, &self.cell.replica.tree()))
    }
}

#[tonic::async_trait]
impl MemberService for MemberApi {
    type ImportMembersStream = Pin<Box<dyn Stream<Item = Result<pb::ImportMembersResponse, Status>> + Send>>;

    async fn import_members(
        &self,
        request: Request<Streaming<pb::ImportMembersRequest>>,
    ) -> Result<Response<Self::ImportMembersStream>, Status> {
        let (principal, pieces) = open(request)?;
        let job = ImportJob {
            registry: self.registry.clone(),
            cell: self.cell.clone(),
            stop: self.stop.clone(),
            subject: principal.subject().to_owned(),
        };
        Ok(Response::new(Box::pin(job.start(pieces))))
    }

    async fn get_import(&self, request: Request<pb::GetImportRequest>) -> Result<Response<pb::MemberImport>, Status> {
        let (_, request) = open(request)?;
        Ok(Response::new(convert::import(&self.import(&request.name).await?)))
    }

    async fn list_rejected_rows(
        &self,
        request: Request<pb::ListRejectedRowsRequest>,
    ) -> Result<Response<pb::ListRejectedRowsResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = PageToken::open(&request.page_token, &request.name).map_err(Error::from)?;
        let after = match after {
            Some(line) => line.parse().map_err(|_| Error::from(PageError::Token))?,
            None => 0,
        };
        let import = self.import(&request.name).await?;
        let found = self.registry.rejected_rows(import.id, after, size).await?;
        let page = Page::cut(found, size, &request.name, |row: &RejectedRow| row.line.to_string());
        Ok(Response::new(pb::ListRejectedRowsResponse {
            rows: page.items.iter().map(convert::rejected_row).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn get_member(&self, request: Request<pb::GetMemberRequest>) -> Result<Response<pb::Member>, Status> {
        let (_, request) = open(request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        Ok(self.answer(&self.registry.member(name.0).await?))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = PageToken::open(&request.page_token, &request.unit).map_err(Error::from)?;
        let after = match after {
            Some(id) => id.parse().map_err(|_| Error::from(PageError::Token))?,
            None => Uuid::nil(),
        };
        let tree = self.cell.replica.tree();
        let unit = if request.unit.is_empty() {
            None
        } else {
            self.cell.structure()?;
            Some(unit_referred(&tree, &request.unit, "unit")?.id())
        };
        let found = self.registry.list_members(unit, after, size).await?;
        let page = Page::cut(found, size, &request.unit, |member: &Member| member.id.to_string());
        Ok(Response::new(pb::ListMembersResponse {
            members: page.items.iter().map(|member| convert::member(member, &tree)).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn find_member_by_phone(
        &self,
        request: Request<pb::FindMemberByPhoneRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        let (_, request) = open(request)?;
        let number = self
            .cell
            .numbers
            .normalise(&request.phone)
            .map_err(|error| Error::invalid(ErrorReason::PhoneInvalid, "phone", error.to_string()))?;
        Ok(self.answer(&self.registry.member_by_phone(&number).await?))
    }

    async fn record_consent(&self, request: Request<pb::RecordConsentRequest>) -> Result<Response<pb::Member>, Status> {
        let (principal, request) = open(request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        check_notice(&self.registry, &request.notice_version, "notice_version").await?;
        let record = ConsentRecord {
            consents: request.consents,
            notice_version: &request.notice_version,
            recorded_by: principal.subject(),
        };
        Ok(self.answer(&self.registry.record_consent(name.0, record).await?))
    }

    async fn count_audience(
        &self,
        request: Request<pb::CountAudienceRequest>,
    ) -> Result<Response<pb::AudienceCount>, Status> {
        let (_, request) = open(request)?;
        let selection = Selection::read(&self.cell, request.audience)?;
        let groups = selection.choose(&self.registry.audience_groups().await?)?;
        let count = self.registry.count_audience(&groups, &selection.persons, Timestamp::now()).await?;
        Ok(Response::new(pb::AudienceCount {
            group_count: groups.count(),
            enrolment_count: count.enrolments,
            person_count: count.persons,
            consenting_count: count.consenting,
        }))
    }

    async fn update_member(&self, request: Request<pb::UpdateMemberRequest>) -> Result<Response<pb::Member>, Status> {
        self.update(request).await
    }

    async fn add_identifier(&self, request: Request<pb::AddIdentifierRequest>) -> Result<Response<pb::Member>, Status> {
        self.begin_identifier(request).await
    }

    async fn end_identifier(&self, request: Request<pb::EndIdentifierRequest>) -> Result<Response<pb::Member>, Status> {
        self.finish_identifier(request).await
    }

    async fn list_identifiers(
        &self,
        request: Request<pb::ListIdentifiersRequest>,
    ) -> Result<Response<pb::ListIdentifiersResponse>, Status> {
        self.identifiers(request).await
    }

    async fn enrol_member(&self, request: Request<pb::EnrolMemberRequest>) -> Result<Response<pb::Member>, Status> {
        self.enrol(request).await
    }

    async fn end_enrolment(&self, request: Request<pb::EndEnrolmentRequest>) -> Result<Response<pb::Member>, Status> {
        self.leave_group(request).await
    }

    async fn list_enrolments(
        &self,
        request: Request<pb::ListEnrolmentsRequest>,
    ) -> Result<Response<pb::ListEnrolmentsResponse>, Status> {
        self.enrolments(request).await
    }

    async fn transfer_member(
        &self,
        request: Request<pb::TransferMemberRequest>,
    ) -> Result<Response<pb::TransferMemberResponse>, Status> {
        self.transfer(request).await
    }

    async fn suspend_member(&self, request: Request<pb::SuspendMemberRequest>) -> Result<Response<pb::Member>, Status> {
        self.suspend(request).await
    }

    async fn reinstate_member(
        &self,
        request: Request<pb::ReinstateMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        self.reinstate(request).await
    }

    async fn withdraw_member(
        &self,
        request: Request<pb::WithdrawMemberRequest>,
    ) -> Result<Response<pb::Member>, Status> {
        self.withdraw(request).await
    }

    async fn merge_members(
        &self,
        request: Request<pb::MergeMembersRequest>,
    ) -> Result<Response<pb::MergeMembersResponse>, Status> {
        self.merge(request).await
    }

    async fn list_member_history(
        &self,
        request: Request<pb::ListMemberHistoryRequest>,
    ) -> Result<Response<pb::ListMemberHistoryResponse>, Status> {
        self.history(request).await
    }

    async fn list_consents(
        &self,
        request: Request<pb::ListConsentsRequest>,
    ) -> Result<Response<pb::ListConsentsResponse>, Status> {
        self.consents(request).await
    }
}
