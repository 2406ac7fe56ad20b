//! AudienceService over gRPC: for services of ours only.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use senani_access::Principal;
use senani_proto::membership::v1::audience_service_server::AudienceService;
use senani_proto::membership::v1::resolve_audience_response::Part;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_store::Timestamp;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::audience::Selection;
use super::{Cell, open};
use crate::domain::IdentifierKind;
use crate::error::Error;
use crate::store::{AudienceReader, OpenedAddress, Reached, Registry};

/// Persons in a message at most.
const PERSONS: usize = 1_000;
/// Messages under way to a slow caller.
const UNDER_WAY: usize = 4;
/// How long a caller may take for a message before its stream is ended: the database keeps a state of the past for it meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// Ids in a request for addresses at most.
const ADDRESSES: usize = 1_000;

/// The gRPC face that the bulletin service sees.
#[derive(Debug)]
pub(crate) struct AudienceApi {
    registry: Registry,
    cell: Cell,
    stop: CancellationToken,
}

impl AudienceApi {
    /// Streams end with UNAVAILABLE when `stop` fires, and are resumed after the last id.
    pub(crate) fn new(registry: Registry, cell: Cell, stop: CancellationToken) -> Self {
        Self { registry, cell, stop }
    }
}

fn services_only(principal: &Principal) -> Result<(), Error> {
    if principal.is_service() { Ok(()) } else { Err(Error::ServicesOnly) }
}

#[tonic::async_trait]
impl AudienceService for AudienceApi {
    type ResolveAudienceStream = Pin<Box<dyn Stream<Item = Result<pb::ResolveAudienceResponse, Status>> + Send>>;

    async fn resolve_audience(
        &self,
        request: Request<pb::ResolveAudienceRequest>,
    ) -> Result<Response<Self::ResolveAudienceStream>, Status> {
        let (principal, request) = open(request)?;
        services_only(&principal)?;
        let after = if request.after_member_uid.is_empty() {
            Uuid::nil()
        } else {
            uuid(&request.after_member_uid, "after_member_uid")?
        };
        let as_of = request.as_of.as_ref().map_or_else(Timestamp::now, Timestamp::from_proto);
        let selection = Selection::read(&self.cell, request.audience)?;
        let groups = selection.choose(&self.registry.audience_groups().await?)?;
        let reader = self.registry.read_audience(groups, selection.persons, as_of, after).await?;

        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                outcome = send(reader, &sender) => {
                    if let Err(error) = outcome {
                        let _ = sender.send(Err(error)).await;
                    }
                }
                () = sender.closed() => {}
                () = stop.cancelled() => {
                    let _ = sender.try_send(Err(Status::unavailable("the service stops, go on after the last id")));
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn open_addresses(
        &self,
        request: Request<pb::OpenAddressesRequest>,
    ) -> Result<Response<pb::OpenAddressesResponse>, Status> {
        let (principal, request) = open(request)?;
        services_only(&principal)?;
        let uids = request.member_uids;
        if uids.is_empty() || uids.len() > ADDRESSES {
            let what = "must hold 1 to 1,000 ids";
            return Err(Error::invalid(ErrorReason::BatchSizeInvalid, "member_uids", what).into());
        }
        let members = uids
            .iter()
            .enumerate()
            .map(|(index, uid)| uuid(uid, &format!("member_uids[{index}]")))
            .collect::<Result<Vec<_>, _>>()?;
        let opened = self.registry.open_addresses(&members).await?;
        Ok(Response::new(pb::OpenAddressesResponse { addresses: opened.iter().map(address).collect() }))
    }
}

type Sender = mpsc::Sender<Result<pb::ResolveAudienceResponse, Status>>;

/// Sends the count and then everybody, until the caller is gone.
async fn send(mut reader: AudienceReader, sender: &Sender) -> Result<(), Status> {
    let count = reader.count();
    let count = pb::ResolvedCount {
        consenting_count: count.consenting,
        enrolment_count: count.enrolments,
        person_count: count.persons,
    };
    put(sender, Part::Count(count)).await?;
    while let Some(persons) = reader.next_page().await? {
        for persons in persons.chunks(PERSONS) {
            let persons = persons.iter().map(person).collect();
            put(sender, Part::Page(pb::AudiencePage { persons })).await?;
        }
    }
    Ok(())
}

async fn put(sender: &Sender, part: Part) -> Result<(), Status> {
    let response = pb::ResolveAudienceResponse { part: Some(part) };
    match sender.send_timeout(Ok(response), PATIENCE).await {
        Ok(()) | Err(mpsc::error::SendTimeoutError::Closed(_)) => Ok(()),
        Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
            Err(Status::unavailable("the caller is too slow, go on after the last id"))
        }
    }
}

fn person(reached: &Reached) -> pb::AudiencePerson {
    pb::AudiencePerson {
        member_uid: Bytes::copy_from_slice(reached.member.as_bytes()),
        unit_uid: Bytes::copy_from_slice(reached.unit.as_bytes()),
        language: reached.language.clone(),
        has_phone: reached.channels.has(IdentifierKind::Phone),
        has_whatsapp_user: reached.channels.has(IdentifierKind::WhatsappUser),
        has_email: reached.channels.has(IdentifierKind::Email),
    }
}

fn address(opened: &OpenedAddress) -> pb::Address {
    use pb::address::Refusal;
    let (phone, refusal) = match opened {
        OpenedAddress::Phone(number) => (number.expose(), Refusal::Unspecified),
        OpenedAddress::MemberGone => ("", Refusal::MemberGone),
        OpenedAddress::ConsentWithdrawn => ("", Refusal::ConsentWithdrawn),
    };
    pb::Address { phone: phone.to_owned(), refusal: refusal as i32 }
}

fn uuid(bytes: &Bytes, field: &str) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes)
        .map_err(|_| Error::invalid(ErrorReason::NameInvalid, field, "must be the 16 bytes of a UUID"))
}
