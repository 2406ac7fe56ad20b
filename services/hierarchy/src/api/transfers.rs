//! Requests about transfers.

use senani_access::Principal;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_proto::name::MemberName;
use senani_store::{Page, PageSize};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::AppointmentApi;
use super::appointment_service::{after, given, open, post, reason, without_reason};
use super::changes::repeat;
use crate::convert;
use crate::domain::is_date;
use crate::error::Error;
use crate::store::{Deed, Handover, NewTransfer, TransferListing};

impl AppointmentApi {
    pub(super) async fn begin(
        &self,
        request: Request<pb::BeginTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        let principal = Principal::of(&request)?;
        let mut request = request.into_inner();
        let force_reason = forced(std::mem::take(&mut request.force_reason))?;
        let fingerprint = without_reason(&request, &force_reason);
        let appointment = convert::appointment_id(&request.appointment, "appointment")?;
        let (units, today) = (&self.register.units, self.today()?);
        let from = match request.effective_date.as_str() {
            "" => today.clone(),
            date if is_date(date) => units.day(date)?,
            _ => {
                let what = "a date is a day as YYYY-MM-DD";
                return Err(Error::invalid(ErrorReason::DateInvalid, "effective_date", what).into());
            }
        };
        let new = NewTransfer {
            appointment,
            unit: convert::slug(&request.unit, "unit")?,
            post: post(request.post, "post")?,
            from,
            today,
        };
        let deed = Deed {
            by: principal.subject(),
            etag: String::new(),
            repeat: repeat(&principal, "AppointmentService/BeginTransfer", &request.request_id, fingerprint)?,
            validate_only: request.validate_only,
        };
        let officer = units.appointment(appointment).await?.officer;
        let handover = self.handover(officer, force_reason).await;
        Ok(Response::new(units.begin_transfer(new, handover, deed).await?))
    }

    pub(super) async fn complete(
        &self,
        request: Request<pb::CompleteTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        let principal = Principal::of(&request)?;
        let mut request = request.into_inner();
        let force_reason = forced(std::mem::take(&mut request.force_reason))?;
        let fingerprint = without_reason(&request, &force_reason);
        let id = convert::transfer_id(&request.name)?;
        let deed = Deed {
            by: principal.subject(),
            etag: request.etag,
            repeat: repeat(&principal, "AppointmentService/CompleteTransfer", &request.request_id, fingerprint)?,
            validate_only: request.validate_only,
        };
        let units = &self.register.units;
        let officer = units.transfer(id).await?.officer;
        let handover = self.handover(officer, force_reason).await;
        Ok(Response::new(units.complete_transfer(id, handover, &self.today()?, deed).await?))
    }

    pub(super) async fn cancel(
        &self,
        request: Request<pb::CancelTransferRequest>,
    ) -> Result<Response<pb::Transfer>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let id = convert::transfer_id(&request.name)?;
        let deed = Deed {
            by: principal.subject(),
            etag: request.etag,
            repeat: repeat(&principal, "AppointmentService/CancelTransfer", &request.request_id, fingerprint)?,
            validate_only: false,
        };
        Ok(Response::new(self.register.units.cancel_transfer(id, deed).await?))
    }

    pub(super) async fn transfers(
        &self,
        request: Request<pb::ListTransfersRequest>,
    ) -> Result<Response<pb::ListTransfersResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let filter = (&request.officer, &request.unit, request.state);
        let after = after(&request.page_token, &filter)?;
        let unit = if request.unit.is_empty() { None } else { Some(convert::slug(&request.unit, "unit")?) };
        let listing = TransferListing {
            unit: unit.as_deref(),
            officer: given(&request.officer)?,
            state: (request.state != 0).then_some(request.state),
        };
        let found = self.register.units.transfers(&listing, after, size).await?;
        let page = Page::cut(found, size, &filter, |transfer| transfer.id.to_string());
        let transfers = page.items.iter().map(convert::transfer).collect();
        Ok(Response::new(pb::ListTransfersResponse { transfers, next_page_token: page.next_page_token }))
    }

    /// Asks, before any transaction, what the officer holds.
    async fn handover(&self, officer: Uuid, force_reason: String) -> Handover {
        Handover { left: self.holdings.of(MemberName(officer)).await, force_reason }
    }
}

/// A reason that may be given.
fn forced(text: String) -> Result<String, Error> {
    if text.is_empty() { Ok(text) } else { reason(text, "force_reason") }
}
