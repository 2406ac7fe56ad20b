//! PrivacyService over gRPC.

use senani_proto::membership::v1::privacy_service_server::PrivacyService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::MemberName;
use senani_store::{Page, PageError, PageSize, PageToken};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Cell, open, privacy_answers as answers, private_repeat};
use crate::convert;
use crate::domain::{AuditEntry, DisclosureReason, ErasureReason, is_reference};
use crate::error::Error;
use crate::store::{Audited, Disclosure, ErasureRequest, Registry};

/// The parent of everybody's entries in the audit.
const EVERYBODY: &str = "members/-";

/// The gRPC face of what concerns a person's data.
#[derive(Debug)]
pub(crate) struct PrivacyApi {
    registry: Registry,
    cell: Cell,
}

impl PrivacyApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }
}

fn disclosure_reason(text: &str) -> Result<DisclosureReason, Error> {
    DisclosureReason::parse(text).ok_or_else(|| {
        let what = "must say in 10 to 500 characters what it is needed for";
        Error::invalid(ErrorReason::DisclosureReasonInvalid, "reason", what)
    })
}

#[tonic::async_trait]
impl PrivacyService for PrivacyApi {
    async fn reveal_phone(
        &self,
        request: Request<pb::RevealPhoneRequest>,
    ) -> Result<Response<pb::RevealPhoneResponse>, Status> {
        let (principal, request) = open(request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let reason = disclosure_reason(&request.reason)?;
        let disclosure = Disclosure { subject: principal.subject(), reason: &reason };
        let number = self.registry.reveal_phone(name.0, disclosure).await?;
        Ok(Response::new(pb::RevealPhoneResponse { phone: number.expose().to_owned() }))
    }

    async fn export_person(
        &self,
        request: Request<pb::ExportPersonRequest>,
    ) -> Result<Response<pb::PersonExport>, Status> {
        let (principal, request) = open(request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let reason = disclosure_reason(&request.reason)?;
        let disclosure = Disclosure { subject: principal.subject(), reason: &reason };
        let export = self.registry.export_person(name.0, disclosure).await?;
        Ok(Response::new(answers::export(&export, &self.cell.replica.tree())))
    }

    async fn erase_person(
        &self,
        request: Request<pb::ErasePersonRequest>,
    ) -> Result<Response<pb::ErasureReceipt>, Status> {
        let (principal, request) = open(request)?;
        let name: MemberName = convert::name(&request.name, "name")?;
        let invalid = |field, what| Error::invalid(ErrorReason::ErasureReasonInvalid, field, what);
        let reason = ErasureReason::from_number(request.reason).ok_or_else(|| invalid("reason", "names no reason"))?;
        if !is_reference(&request.reference) {
            let what = "has at most 40 of A–Z, 0–9, /, - and ., at least one of them a digit";
            return Err(invalid("reference", what).into());
        }
        let vault = self.registry.vault();
        let repeat = private_repeat(vault, &principal, "PrivacyService/ErasePerson", &request.request_id, &request)?;
        let asked = ErasureRequest {
            reason,
            reference: &request.reference,
            subject: principal.subject(),
            validate_only: request.validate_only,
        };
        let erasure = self.registry.erase_person(name.0, asked, repeat.as_ref()).await?;
        let mut receipt = answers::receipt(&erasure);
        if request.validate_only {
            receipt.erase_time = None;
        }
        Ok(Response::new(receipt))
    }

    async fn list_audit_entries(
        &self,
        request: Request<pb::ListAuditEntriesRequest>,
    ) -> Result<Response<pb::ListAuditEntriesResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let before = PageToken::open(&request.page_token, &request.parent).map_err(Error::from)?;
        let before: Option<Uuid> =
            before.map(|id| id.parse().map_err(|_| Error::from(PageError::Token))).transpose()?;
        let of = if request.parent == EVERYBODY {
            Audited::Everybody
        } else {
            let name: MemberName = convert::name(&request.parent, "parent")?;
            Audited::Member(name.0)
        };
        let found = self.registry.audit_entries(of, before, size).await?;
        let page = Page::cut(found, size, &request.parent, |entry: &AuditEntry| entry.id.to_string());
        Ok(Response::new(pb::ListAuditEntriesResponse {
            audit_entries: page.items.iter().map(answers::audit_entry).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn get_key_status(
        &self,
        request: Request<pb::GetKeyStatusRequest>,
    ) -> Result<Response<pb::KeyStatus>, Status> {
        let (_, _) = open(request)?;
        let counts = self.registry.key_counts().await?;
        Ok(Response::new(answers::key_status(&counts, self.registry.vault())))
    }
}
