//! RosterService over gRPC.

use senani_access::Principal;
use senani_proto::membership::v1::reconcile_roster_request::Piece;
use senani_proto::membership::v1::roster_service_server::RosterService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{GroupName, ReconciliationName};
use senani_store::{Page, PageError, PageSize, PageToken};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::roster_upload::read;
use super::{Cell, in_force, open, repeat, roster_answer};
use crate::convert;
use crate::domain::roster::{MAX_SELECTED, RosterLine, Upload};
use crate::error::{Error, RosterRefusal, Wrong};
use crate::store::{Registry, Repeat, Selection};

/// The gRPC face of the rosters.
#[derive(Debug)]
pub(crate) struct RosterApi {
    registry: Registry,
    cell: Cell,
}

impl RosterApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }

    /// Parses the file away from the threads that answer calls: sixteen megabytes take a while.
    async fn read(&self, content: Vec<u8>, principal: &Principal) -> Result<Upload, Error> {
        let uploader = principal.member();
        let (numbers, vault) = (self.cell.numbers, self.registry.vault().clone());
        let read = tokio::task::spawn_blocking(move || read(&content, numbers, &vault));
        let upload = match read.await {
            Ok(upload) => upload?,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return Err(Error::Stream(Box::new(Status::unavailable("the service stops")))),
            },
        };
        Ok(Upload { uploader, ..upload })
    }
}

#[tonic::async_trait]
impl RosterService for RosterApi {
    async fn list_roster(
        &self,
        request: Request<pb::ListRosterRequest>,
    ) -> Result<Response<pb::ListRosterResponse>, Status> {
        let (_, request) = open(request)?;
        let name: GroupName = convert::name(&request.group, "group")?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = PageToken::open(&request.page_token, &request.group).map_err(Error::from)?;
        let after = match after {
            Some(id) => id.parse().map_err(|_| Error::from(PageError::Token))?,
            None => Uuid::nil(),
        };
        let found = self.registry.roster(name.slug(), after, size).await?;
        let page = Page::cut(found, size, &request.group, |line: &RosterLine| line.member.to_string());
        Ok(Response::new(pb::ListRosterResponse {
            entries: page.items.iter().map(roster_answer::entry).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn reconcile_roster(
        &self,
        request: Request<Streaming<pb::ReconcileRosterRequest>>,
    ) -> Result<Response<pb::Reconciliation>, Status> {
        let (principal, mut pieces) = open(request)?;
        let options = match next(&mut pieces).await? {
            Some(Piece::Options(options)) => options,
            _ => return Err(out_of_order("the first message carries the options").into()),
        };
        let name: GroupName = convert::name(&options.group, "options.group")?;
        let mut content = Vec::new();
        while let Some(piece) = next(&mut pieces).await? {
            let Piece::Content(bytes) = piece else { return Err(out_of_order("the options come once").into()) };
            if content.len() + bytes.len() > senani_roster::MAX_BYTES {
                return Err(Error::from(RosterRefusal::Unreadable(senani_roster::RosterError::TooLarge)).into());
            }
            content.extend_from_slice(&bytes);
        }
        let repeat = match self::repeat(&principal, "RosterService/ReconcileRoster", &options.request_id, &options)? {
            // Keyed: a list of a few numbers could be found again by trying.
            Some(Repeat { key, mut fingerprint }) => {
                fingerprint.extend_from_slice(&self.registry.vault().fingerprint(&content));
                Some(Repeat { key, fingerprint })
            }
            None => None,
        };
        let upload = self.read(content, &principal).await?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        let reconciliation = self.registry.reconcile(name.slug(), &upload, &in_force, repeat.as_ref()).await?;
        Ok(Response::new(roster_answer::reconciliation(&reconciliation)))
    }

    async fn get_reconciliation(
        &self,
        request: Request<pb::GetReconciliationRequest>,
    ) -> Result<Response<pb::Reconciliation>, Status> {
        let (_, request) = open(request)?;
        let name: ReconciliationName = convert::name(&request.name, "name")?;
        Ok(Response::new(roster_answer::reconciliation(&self.registry.reconciliation(&name).await?)))
    }

    async fn apply_reconciliation(
        &self,
        request: Request<pb::ApplyReconciliationRequest>,
    ) -> Result<Response<pb::Reconciliation>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "RosterService/ApplyReconciliation", &request.request_id, &request)?;
        let name: ReconciliationName = convert::name(&request.name, "name")?;
        let places = places(&request.difference_ids)?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        let selection = Selection {
            name: &name,
            places: &places,
            etag: &request.etag,
            subject: principal.subject(),
            validate_only: request.validate_only,
        };
        let reconciliation = self.registry.apply_reconciliation(selection, &in_force, repeat.as_ref()).await?;
        Ok(Response::new(roster_answer::reconciliation(&reconciliation)))
    }
}

/// The places of the differences that a request names.
fn places(ids: &[String]) -> Result<Vec<i32>, Error> {
    let unknown = |field: String, what: &str| Wrong::new(ErrorReason::DifferenceUnknown, field, what);
    if ids.is_empty() || ids.len() > MAX_SELECTED {
        return Err(unknown("difference_ids".to_owned(), "must hold 1 to 10,000 ids").into());
    }
    let mut wrong = Vec::new();
    let mut places = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        match id.parse() {
            Ok(place) => places.push(place),
            Err(_) => {
                let field = format!("difference_ids[{index}]");
                wrong.push(unknown(field, "is not of this reconciliation").with("difference", id));
            }
        }
    }
    if wrong.is_empty() { Ok(places) } else { Err(Error::Invalid(wrong)) }
}

async fn next(pieces: &mut Streaming<pb::ReconcileRosterRequest>) -> Result<Option<Piece>, Error> {
    let message = pieces.message().await.map_err(|status| Error::Stream(Box::new(status)))?;
    match message {
        Some(pb::ReconcileRosterRequest { piece: Some(piece) }) => Ok(Some(piece)),
        Some(_) => Err(out_of_order("a message is empty")),
        None => Ok(None),
    }
}

fn out_of_order(what: &str) -> Error {
    Error::invalid(ErrorReason::StreamOutOfOrder, "piece", what)
}
