//! Membership, asked who has sent a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::identify_sender_request::Sender;
use senani_proto::membership::v1::sender_service_server::SenderService;
use tonic::{Request, Response, Status};

use super::{FakeRegister, FakeUnit};

/// The register's members by their numbers, and the first of them by the user id `IN.1` too.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeSenders {
    pub(crate) register: FakeRegister,
    /// Nobody answers.
    pub(crate) away: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl SenderService for FakeSenders {
    async fn identify_sender(
        &self,
        request: Request<pb::IdentifySenderRequest>,
    ) -> Result<Response<pb::IdentifySenderResponse>, Status> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let state = self.register.state.lock().expect("nobody panics with it");
        let found = match request.into_inner().sender {
            Some(Sender::Phone(phone)) => state.members.iter().find(|member| member.phone == format!("+{phone}")),
            Some(Sender::WhatsappUserId(user)) => state.members.first().filter(|_| user == "IN.1"),
            None => None,
        };
        let answer = found.map_or_else(pb::IdentifySenderResponse::default, |member| {
            let unit = Bytes::copy_from_slice(FakeUnit::id(member.unit).as_bytes());
            pb::IdentifySenderResponse {
                member_uid: Bytes::copy_from_slice(member.id.as_bytes()),
                // Lives elsewhere than the group is.
                unit_uid: Bytes::copy_from_slice(FakeUnit::id("eou").as_bytes()),
                group_unit_uids: vec![unit],
            }
        });
        Ok(Response::new(answer))
    }
}
