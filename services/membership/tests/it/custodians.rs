//! Custodians.

use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::{GetMemberRequest, ListMembersRequest, Member, SetCustodiansRequest};
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
        membership.groups.set_custodians(set(&second, &[], &changed.etag)).await.expect("sets");
        for (name, role) in [(&first, Role::Member), (&second, Role::Custodian)] {
            let member =
                membership.members.get_member(GetMemberRequest { name: name.clone() }).await.expect("a member");
            assert_eq!(member.into_inner().enrolments[0].role(), role);
        }
    }
}
