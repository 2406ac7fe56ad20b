//! Membership, asked who has sent a message.

use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::identify_sender_request::Sender;
use senani_proto::membership::v1::sender_service_client::SenderServiceClient;
use tonic::Status;
use uuid::Uuid;

use crate::register::Register;

/// A member who has sent a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identified {
    pub(crate) member: Uuid,
    pub(crate) unit: Uuid,
    /// Units of the groups that the member is in, communities first.
    pub(crate) group_units: Vec<Uuid>,
}

impl Register {
    /// Whose a number is now.
    pub(crate) async fn identify_phone(&self, phone: &str) -> Result<Option<Identified>, Status> {
        self.identify(Sender::Phone(phone.to_owned())).await
    }

    /// Whose a user id of the provider is now.
    pub(crate) async fn identify_user(&self, user_id: &str) -> Result<Option<Identified>, Status> {
        self.identify(Sender::WhatsappUserId(user_id.to_owned())).await
    }

    async fn identify(&self, sender: Sender) -> Result<Option<Identified>, Status> {
        let request = pb::IdentifySenderRequest { sender: Some(sender) };
        let answer = SenderServiceClient::new(self.channel()).identify_sender(request).await?.into_inner();
        if answer.member_uid.is_empty() {
            return Ok(None);
        }
        let uuid = |bytes: &[u8]| Uuid::from_slice(bytes).map_err(|_| Status::internal("a member without a UUID"));
        Ok(Some(Identified {
            member: uuid(&answer.member_uid)?,
            unit: uuid(&answer.unit_uid)?,
            group_units: answer.group_unit_uids.iter().map(|bytes| uuid(bytes)).collect::<Result<_, _>>()?,
        }))
    }
}
