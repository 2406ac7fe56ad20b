//! Membership, asked.

use senani_access::{Principal, SUBJECT_HEADER};
use senani_client::Channel;
use senani_proto::bulletin::v1::ErrorReason;
use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::audience_service_client::AudienceServiceClient;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_store::Timestamp;
use tonic::{Code, Request, Status, Streaming};
use uuid::Uuid;

use crate::domain::Micros;
use crate::domain::audience::Audience;
use crate::error::Error;
use crate::{selector, wire};

/// Messages of a page of persons are larger than gRPC's default would be safe for.
const MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// The register of members, which only membership has.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    channel: Channel,
}

impl Register {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel }
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// How many persons an audience has: what an officer asks stays that officer's request.
    pub(crate) async fn count(&self, caller: &Principal, audience: &Audience) -> Result<pb::AudienceCount, Error> {
        let mut request = Request::new(pb::CountAudienceRequest { audience: Some(selector::of(audience)) });
        if let Ok(subject) = caller.subject().parse() {
            request.metadata_mut().insert(SUBJECT_HEADER, subject);
        }
        let answer = MemberServiceClient::new(self.channel.clone()).count_audience(request).await;
        Ok(answer.map_err(fault_of)?.into_inner())
    }

    /// The consenting persons of an audience as of a moment, after a member.
    pub(crate) async fn resolve(
        &self,
        audience: &Audience,
        as_of: Micros,
        after: Uuid,
    ) -> Result<Streaming<pb::ResolveAudienceResponse>, Status> {
        let request = pb::ResolveAudienceRequest {
            audience: Some(selector::of(audience)),
            as_of: Timestamp(as_of).to_proto(),
            after_member_uid: if after.is_nil() { bytes::Bytes::new() } else { wire::uid_bytes(after) },
        };
        let mut client = AudienceServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES);
        Ok(client.resolve_audience(request).await?.into_inner())
    }

    /// Addresses of some members, in their order, for the moment of sending.
    pub(crate) async fn open(&self, members: impl Iterator<Item = Uuid>) -> Result<Vec<pb::Address>, Status> {
        let member_uids: Vec<_> = members.map(wire::uid_bytes).collect();
        let asked = member_uids.len();
        let mut client = AudienceServiceClient::new(self.channel.clone());
        let answer = client.open_addresses(pb::OpenAddressesRequest { member_uids }).await?.into_inner();
        if answer.addresses.len() == asked {
            Ok(answer.addresses)
        } else {
            Err(Status::internal("not as many addresses as members"))
        }
    }
}

/// What membership refuses, in our words: an audience has the same path in our request, so that the fields stay as it names them.
fn fault_of(status: Status) -> Error {
    let reason = match senani_error::reason_of(&status).as_deref() {
        Some("AUDIENCE_INVALID" | "NAME_INVALID") => ErrorReason::AudienceInvalid,
        Some("UNIT_UNKNOWN") => ErrorReason::UnitUnknown,
        Some("UNIT_SET_UNKNOWN") => ErrorReason::UnitSetUnknown,
        Some("GROUP_UNKNOWN") => ErrorReason::GroupUnknown,
        Some("STRUCTURE_NOT_READY") => return Error::MembershipUnavailable(Box::new(status)),
        _ => {
            return match status.code() {
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted => {
                    Error::MembershipUnavailable(Box::new(status))
                }
                _ => Error::Membership(Box::new(status)),
            };
        }
    };
    let told = senani_error::metadata_of(&status);
    let metadata = ["unit", "unit_set", "group"].into_iter().filter_map(|key| Some((key, told.get(key)?.clone())));
    Error::AudienceRefused { reason, violations: senani_error::violations_of(&status), metadata: metadata.collect() }
}
