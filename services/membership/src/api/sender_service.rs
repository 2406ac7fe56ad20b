//! SenderService over gRPC: for services of ours only.

use bytes::Bytes;
use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::identify_sender_request::Sender;
use senani_proto::membership::v1::sender_service_server::SenderService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Cell, open};
use crate::domain::IdentifierKind;
use crate::error::Error;
use crate::store::Registry;

/// The gRPC face that the bulletin service sees when a message came in.
#[derive(Debug)]
pub(crate) struct SenderApi {
    registry: Registry,
    cell: Cell,
}

impl SenderApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }
}

#[tonic::async_trait]
impl SenderService for SenderApi {
    async fn identify_sender(
        &self,
        request: Request<pb::IdentifySenderRequest>,
    ) -> Result<Response<pb::IdentifySenderResponse>, Status> {
        let (principal, request) = open(request)?;
        if !principal.is_service() {
            return Err(Error::ServicesOnly.into());
        }
        let index = match &request.sender {
            // A number that nobody in the register can have is nobody's.
            Some(Sender::Phone(phone)) => {
                self.cell.numbers.normalise(phone).ok().map(|number| self.registry.vault().phone_index(&number))
            }
            Some(Sender::WhatsappUserId(user)) => {
                let kind = IdentifierKind::WhatsappUser.index_kind();
                Some(self.registry.vault().blind_index(kind, user.as_bytes()))
            }
            None => None,
        };
        let found = match index {
            Some(index) => self.registry.sender(&index).await?,
            None => None,
        };
        let bytes = |id: Uuid| Bytes::copy_from_slice(id.as_bytes());
        Ok(Response::new(found.map_or_else(pb::IdentifySenderResponse::default, |sender| pb::IdentifySenderResponse {
            member_uid: bytes(sender.member),
            unit_uid: bytes(sender.unit),
            group_unit_uids: sender.group_units.into_iter().map(bytes).collect(),
        })))
    }
}
