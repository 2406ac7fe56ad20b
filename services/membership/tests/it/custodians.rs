//! Custodians.

use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::member::State;
use senani_proto::membership::v1::privacy_service_client::PrivacyServiceClient;
use senani_proto::membership::v1::{
    ErasePersonRequest, ErasureReason, GetMemberRequest, ListMembersRequest, Member, SetCustodiansRequest,
    WithdrawMemberRequest,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{HEADER, Membership, police, public, refusal};

async fn members_of(membership: &mut Membership, unit: &str) -> Vec<Member> {
    let request = ListMembersRequest { unit: format!("units/{unit}"), page_size: 500, ..Default::default() };
    let mut members = membership.members.list_members(request).await.expect("members").into_inner().members;
    members.sort_by_key(|member| member.display_names["en"].clone());
    members
}

#[tokio::test]
async fn imported_custodians_become_primary_and_backup_of_every_group_of_their_unit() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = [
            police(1, "patna-centre", "inspector", "male", "custodian"),
            police(2, "patna-centre", "dsp", "female", "custodian"),
            police(3, "patna-centre", "inspector", "male", "custodian"),
            police(4, "patna-centre", "constable", "male", "custodian"),
        ];
        let done = membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        // The third is no longer needed, and no group is for inspectors; the constable is a plain member.
        assert_eq!((done.accepted_count, done.rejected_by_reason["NO_GROUP"]), (3, 1));
        let members = members_of(&mut membership, "patna-centre").await;
        for group in
            ["patna-centre-police-rank-constable", "patna-centre-police-rank-havildar", "patna-centre-women-police"]
        {
            let group = membership.group(group).await;
            assert_eq!(group.primary_custodian, members[0].name);
            assert_eq!(group.backup_custodians, [members[1].name.clone()]);
        }
        assert!(members[0].enrolments.iter().all(|enrolment| enrolment.role() == Role::Custodian));
        assert_eq!(members[0].enrolments.len(), 3);
        assert_eq!(members[2].enrolments.len(), 1);
        assert_eq!(members[2].enrolments[0].role(), Role::Member);
    }
}

#[tokio::test]
async fn custodians_are_officers_of_the_group_and_an_outdated_etag_is_refused() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = [
            police(1, "kotwali-ps", "sub_inspector", "male", "custodian"),
            police(2, "kotwali-ps", "sub_inspector", "female", "member"),
            public(3, "kotwali-ps"),
            police(4, "gaya-ps", "sub_inspector", "male", "member"),
        ];
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let members = members_of(&mut membership, "kotwali-ps").await;
        let [first, second, teacher] = [0, 1, 2].map(|index: usize| members[index].name.clone());
        let stranger = members_of(&mut membership, "gaya-ps").await[0].name.clone();
        let before = membership.group("kotwali-ps-community").await;
        assert_eq!(before.primary_custodian, first);

        let name = before.name.clone();
        let set = |primary: &str, backups: &[&str], etag: &str| SetCustodiansRequest {
            name: name.clone(),
            primary_custodian: primary.to_owned(),
            backup_custodians: backups.iter().map(|name| (*name).to_owned()).collect(),
            etag: etag.to_owned(),
            ..SetCustodiansRequest::default()
        };
        let nobody = format!("members/{}", uuid::Uuid::new_v4());
        for (request, code, reason, fields) in [
            (set(&teacher, &[], ""), Code::InvalidArgument, "CUSTODIAN_UNFIT", vec!["primary_custodian"]),
            (
                set(&first, &[&stranger, &nobody], ""),
                Code::InvalidArgument,
                "CUSTODIAN_UNFIT",
                vec!["backup_custodians[0]", "backup_custodians[1]"],
            ),
            (set(&first, &[&first], ""), Code::InvalidArgument, "CUSTODIAN_UNFIT", vec!["backup_custodians[0]"]),
            (set("", &[], ""), Code::InvalidArgument, "NAME_INVALID", vec!["primary_custodian"]),
            (set(&first, &["members/7"], ""), Code::InvalidArgument, "NAME_INVALID", vec!["backup_custodians[0]"]),
            (set(&first, &[], ""), Code::InvalidArgument, "BACKUP_NEEDED", vec!["backup_custodians"]),
            (set(&first, &[], "\"0\""), Code::Aborted, "ETAG_MISMATCH", vec![]),
            (
                SetCustodiansRequest { name: "groups/nowhere-community".into(), ..set(&first, &[], "") },
                Code::NotFound,
                "GROUP_NOT_FOUND",
                vec![],
            ),
        ] {
            let status = membership.groups.set_custodians(request).await.expect_err(reason);
            let fields = fields.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!((status.code(), refusal(&status)), (code, (reason.to_owned(), fields)));
        }
        assert_eq!(membership.group("kotwali-ps-community").await, before);

        let changed =
            membership.groups.set_custodians(set(&second, &[&first], &before.etag)).await.expect("sets").into_inner();
        assert_eq!(
            (changed.primary_custodian.as_str(), changed.backup_custodians.as_slice()),
            (second.as_str(), &[first.clone()][..])
        );
        assert_ne!(changed.etag, before.etag);
        for name in [&first, &second] {
            let member =
                membership.members.get_member(GetMemberRequest { name: name.clone() }).await.expect("a member");
            assert_eq!(member.into_inner().enrolments[0].role(), Role::Custodian);
        }
    }
}

#[tokio::test]
async fn an_officer_alone_needs_no_backup_and_changes_at_once_never_leave_a_group_without_one() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let alone = HEADER.to_owned() + &police(1, "gaya-ps", "sub_inspector", "male", "member");
        membership.import(alone).await.expect("imports");
        let only = members_of(&mut membership, "gaya-ps").await[0].name.clone();
        let set = |group: &str, officers: &[&String]| SetCustodiansRequest {
            name: format!("groups/{group}"),
            primary_custodian: officers[0].clone(),
            backup_custodians: officers[1..].iter().map(|name| (*name).clone()).collect(),
            request_id: uuid::Uuid::new_v4().to_string(),
            ..SetCustodiansRequest::default()
        };
        let request = set("gaya-ps-community", &[&only]);
        let group = membership.groups.set_custodians(request.clone()).await.expect("sets").into_inner();
        assert!(group.backup_custodians.is_empty());
        let again = membership.groups.set_custodians(request).await.expect("answers").into_inner();
        assert_eq!(again, group, "the same request is answered again");

        let rows = (10..14).map(|number| police(number, "kotwali-ps", "sub_inspector", "male", "member"));
        membership.import(HEADER.to_owned() + &rows.collect::<String>()).await.expect("imports");
        let officers: Vec<String> =
            members_of(&mut membership, "kotwali-ps").await.into_iter().map(|member| member.name).collect();
        let changes = (0..12).map(|number: usize| {
            let (primary, backup) = (&officers[number % 4], &officers[(number + 1 + number / 4) % 4]);
            let request = set("kotwali-ps-community", &[primary, backup]);
            let mut groups = membership.groups.clone();
            async move { groups.set_custodians(request).await.expect("sets") }
        });
        futures::future::join_all(changes).await;
        let group = membership.group("kotwali-ps-community").await;
        let custodians: std::collections::BTreeSet<String> =
            [group.primary_custodian].into_iter().chain(group.backup_custodians).collect();
        assert_eq!(custodians.len(), 2);
        for member in members_of(&mut membership, "kotwali-ps").await {
            let role = if custodians.contains(&member.name) { Role::Custodian } else { Role::Member };
            assert_eq!(member.enrolments[0].role(), role, "roles are what the group says");
        }
    }
}

#[tokio::test]
async fn withdrawals_and_erasures_at_once_with_a_change_of_custodians_leave_the_group_a_custodian_who_is_there() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = (1..6).map(|number| {
            let role = if number < 3 { "custodian" } else { "member" };
            police(number, "kotwali-ps", "sub_inspector", "male", role)
        });
        membership.import(HEADER.to_owned() + &rows.collect::<String>()).await.expect("imports");
        let officers: Vec<String> =
            members_of(&mut membership, "kotwali-ps").await.into_iter().map(|member| member.name).collect();
        let withdraw = |name: &String| {
            let (mut members, name) = (membership.members.clone(), name.clone());
            async move { members.withdraw_member(WithdrawMemberRequest { name, ..Default::default() }).await.map(drop) }
        };
        let erase = |name: &String| {
            let mut privacy = PrivacyServiceClient::new(membership.officer.clone());
            let request = ErasePersonRequest {
                name: name.clone(),
                reason: ErasureReason::Request.into(),
                ..ErasePersonRequest::default()
            };
            async move { privacy.erase_person(request).await.map(drop) }
        };
        let set = |primary: &String, backup: &String| {
            let request = SetCustodiansRequest {
                name: "groups/kotwali-ps-community".to_owned(),
                primary_custodian: primary.clone(),
                backup_custodians: vec![backup.clone()],
                ..SetCustodiansRequest::default()
            };
            let mut groups = membership.groups.clone();
            async move { groups.set_custodians(request).await.map(drop) }
        };
        let (a, b, c, d, e, f) = tokio::join!(
            withdraw(&officers[0]),
            withdraw(&officers[1]),
            set(&officers[2], &officers[3]),
            erase(&officers[2]),
            set(&officers[3], &officers[4]),
            withdraw(&officers[4]),
        );
        for refused in [a, b, c, d, e, f].into_iter().filter_map(Result::err) {
            let reason = refusal(&refused).0;
            assert!(["SOLE_CUSTODIAN", "CUSTODIAN_UNFIT"].contains(&reason.as_str()), "{refused:?}");
        }
        let group = membership.group("kotwali-ps-community").await;
        for name in [&group.primary_custodian].into_iter().chain(&group.backup_custodians) {
            let request = GetMemberRequest { name: name.clone() };
            let officer = membership.members.get_member(request).await.expect("a custodian").into_inner();
            assert_eq!(officer.state(), State::Active);
            assert_eq!(officer.enrolments.iter().map(|place| place.role()).collect::<Vec<_>>(), [Role::Custodian]);
        }
        let present = membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at = 0").await;
        assert_eq!(i64::from(group.enrolled_count), present);
    }
}
