//! What the bulletin service asks when a message came in.

use senani_proto::membership::v1::identify_sender_request::Sender;
use senani_proto::membership::v1::sender_service_client::SenderServiceClient;
use senani_proto::membership::v1::{
    GetGroupRequest, IdentifySenderRequest, IdentifySenderResponse, ListMembersRequest,
};
use senani_testkit::engines;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, connect, public};

async fn identified(membership: &Membership, subject: &str, sender: Sender) -> Result<IdentifySenderResponse, Status> {
    let mut senders = SenderServiceClient::new(connect(membership.address, subject));
    let request = IdentifySenderRequest { sender: Some(sender) };
    Ok(senders.identify_sender(request).await?.into_inner())
}

#[tokio::test]
async fn a_sender_is_known_by_the_number_in_any_spelling_with_unit_and_groups_and_nobody_else_is() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(HEADER.to_owned() + &public(7, "kotwali-ps")).await.expect("imports");
        let request = ListMembersRequest::default();
        let member = membership.members.list_members(request).await.expect("lists").into_inner().members.remove(0);
        let group = GetGroupRequest { name: "groups/kotwali-ps-community".to_owned() };
        let group = membership.groups.get_group(group).await.expect("a group").into_inner();
        let unit: Uuid = group.unit_uid.parse().expect("a UUID");
        for spelling in ["911000000007", "+91 10000 00007", "01000000007"] {
            let phone = Sender::Phone(spelling.to_owned());
            let found = identified(&membership, "services/bulletin", phone).await.expect("answers");
            let id = Uuid::from_slice(&found.member_uid).expect("a UUID");
            assert_eq!(format!("members/{id}"), member.name, "{engine}: {spelling}");
            assert_eq!(found.unit_uid, unit.as_bytes().as_slice(), "{engine}");
            assert_eq!(found.group_unit_uids, std::slice::from_ref(&found.unit_uid), "{engine}");
        }
        for nobody in [
            Sender::Phone("911000000008".to_owned()),
            Sender::Phone("not a number".to_owned()),
            Sender::WhatsappUserId("911000000007".to_owned()),
        ] {
            let found = identified(&membership, "services/bulletin", nobody).await.expect("answers");
            assert_eq!(found, IdentifySenderResponse::default(), "{engine}");
        }
        let phone = Sender::Phone("911000000007".to_owned());
        let refused = identified(&membership, "officers/desk-author", phone).await.expect_err("officers ask otherwise");
        assert_eq!(refused.code(), Code::PermissionDenied, "{engine}");
    }
}
