//! What hierarchy asks for before an officer is transferred.

use senani_proto::membership::v1::custody_service_client::CustodyServiceClient;
use senani_proto::membership::v1::{
    ListHeldGroupsRequest, ListHeldGroupsResponse, ListMembersRequest, SetCustodiansRequest,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{HEADER, Membership, connect, police, public, refusal};

async fn held(membership: &Membership, officer: &str) -> ListHeldGroupsResponse {
    let mut custody = CustodyServiceClient::new(connect(membership.address, "services/hierarchy"));
    let request = ListHeldGroupsRequest { officer: officer.to_owned() };
    custody.list_held_groups(request).await.expect("answers").into_inner()
}

#[tokio::test]
async fn an_officer_holds_the_groups_of_which_they_are_custodian_and_those_alone_come_first() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = [
            police(1, "patna-centre", "inspector", "male", "custodian"),
            police(2, "patna-centre", "dsp", "female", "member"),
            police(3, "kotwali-ps", "sub_inspector", "male", "custodian"),
            police(4, "kotwali-ps", "sub_inspector", "male", "member"),
            public(5, "kotwali-ps"),
            police(6, "kotwali-ps", "sub_inspector", "male", "member"),
        ];
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let request = ListMembersRequest { page_size: 500, ..Default::default() };
        let mut members = membership.members.list_members(request).await.expect("lists").into_inner().members;
        members.sort_by_key(|member| member.display_names["en"].clone());
        let [inspector, dsp, sho, second, third] = [0, 1, 2, 3, 5].map(|index: usize| members[index].name.clone());

        let all = held(&membership, &inspector).await;
        assert_eq!((all.group_count, all.sole_count, all.groups.len()), (3, 3, 3), "{engine}: nobody else holds one");
        assert!(all.groups.iter().all(|group| group.unit == "units/patna-centre" && group.sole), "{engine}");
        let alone = held(&membership, &sho).await;
        assert_eq!((alone.group_count, alone.sole_count), (1, 1), "{engine}");
        assert_eq!(alone.groups[0].group, "groups/kotwali-ps-community", "{engine}");
        for nobody in [&second, &members[4].name, &format!("members/{}", uuid::Uuid::nil())] {
            assert_eq!(held(&membership, nobody).await, ListHeldGroupsResponse::default(), "{engine}");
        }

        let set = |group: &str, primary: &str, backups: &[&String]| SetCustodiansRequest {
            name: format!("groups/{group}"),
            primary_custodian: primary.to_owned(),
            backup_custodians: backups.iter().map(|name| (*name).clone()).collect(),
            ..Default::default()
        };
        membership.groups.set_custodians(set("patna-centre-women-police", &inspector, &[&dsp])).await.expect("sets");
        let answer = held(&membership, &inspector).await;
        assert_eq!((answer.group_count, answer.sole_count), (3, 2), "{engine}");
        let last = &answer.groups[2];
        assert_eq!((last.group.as_str(), last.sole), ("groups/patna-centre-women-police", false), "{engine}");
        assert_eq!(held(&membership, &dsp).await.group_count, 1, "{engine}");

        membership.groups.set_custodians(set("kotwali-ps-community", &second, &[&sho])).await.expect("sets");
        let handed_over = held(&membership, &sho).await;
        assert_eq!((handed_over.group_count, handed_over.sole_count), (1, 0), "{engine}: there is another");
        membership.groups.set_custodians(set("kotwali-ps-community", &second, &[&third])).await.expect("sets");
        assert_eq!(held(&membership, &sho).await.group_count, 0, "{engine}");
    }
}

#[tokio::test]
async fn only_services_ask_what_an_officer_holds() {
    for engine in engines() {
        let membership = Membership::start(engine).await;
        let mut officer = CustodyServiceClient::new(membership.officer.clone());
        let asking = |officer: &str| ListHeldGroupsRequest { officer: officer.to_owned() };
        let status = officer.list_held_groups(asking("members/7")).await.expect_err("an officer");
        assert_eq!((status.code(), refusal(&status).0), (Code::PermissionDenied, "SERVICES_ONLY".into()), "{engine}");
        let mut service = CustodyServiceClient::new(connect(membership.address, "services/hierarchy"));
        let status = service.list_held_groups(asking("members/7")).await.expect_err("no name");
        assert_eq!(refusal(&status), ("NAME_INVALID".into(), vec!["officer".into()]), "{engine}");
    }
}
