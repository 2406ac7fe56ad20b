//! Two records of one person become one.

use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::member::State;
use senani_proto::membership::v1::{
    AddIdentifierRequest, AudienceSelector, CountAudienceRequest, EnrolMemberRequest, IdentifierKind, MemberAct,
    MergeMembersRequest, RecordConsentRequest, WithdrawMemberRequest,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::chat::{Rosters, table};
use crate::fixture::{HEADER, Membership, police, public, refusal};
use crate::persons::{acts, by_number, enrolments, groups, history, identifiers, ledger, member, wrong_sizes};

fn merge(survivor: &str, duplicate: &str) -> MergeMembersRequest {
    MergeMembersRequest { survivor: survivor.into(), duplicate: duplicate.into(), ..Default::default() }
}

#[tokio::test]
async fn a_person_recorded_twice_becomes_one_who_counts_once_and_has_both_histories() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = [public(1, "kotwali-ps"), public(2, "kotwali-ps"), public(3, "gaya-ps")];
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let [survivor, duplicate, third] = [1, 2, 3].map(|number| number);
        let survivor = by_number(&membership, survivor).await.expect("is there");
        let duplicate = by_number(&membership, duplicate).await.expect("is there");
        let third = by_number(&membership, third).await.expect("is there");
        let enrol = EnrolMemberRequest {
            name: duplicate.name.clone(),
            group: "groups/gaya-ps-community".into(),
            ..Default::default()
        };
        membership.members.enrol_member(enrol).await.expect("enrols");
        let withdrawal = RecordConsentRequest { name: duplicate.name.clone(), ..Default::default() };
        membership.members.record_consent(withdrawal).await.expect("records");

        let check = MergeMembersRequest { validate_only: true, ..merge(&survivor.name, &duplicate.name) };
        let before = membership.state().await;
        let planned =
            membership.members.merge_members(check).await.expect("tells").into_inner().places.expect("places");
        assert_eq!(
            (planned.made, planned.ended),
            (vec!["groups/gaya-ps-community".to_owned()], vec!["groups/kotwali-ps-community".to_owned()])
        );
        assert_eq!(membership.state().await, before, "{engine:?}");

        let request = MergeMembersRequest {
            request_id: Uuid::new_v4().to_string(),
            survivor_etag: survivor.etag.clone(),
            ..merge(&survivor.name, &duplicate.name)
        };
        let done = membership.members.merge_members(request.clone()).await.expect("merges").into_inner();
        assert_eq!(membership.members.merge_members(request).await.expect("the same answer").into_inner(), done);
        let one = done.member.expect("a member");
        assert_eq!(groups(&one), ["groups/gaya-ps-community", "groups/kotwali-ps-community"]);
        assert!(!one.consents_to_direct_messages, "what the person said last holds");
        let other = member(&membership, &duplicate.name).await;
        assert_eq!((other.state(), other.merged_into.as_str()), (State::Merged, survivor.name.as_str()));
        assert!(other.enrolments.is_empty());
        assert_eq!(membership.group("kotwali-ps-community").await.enrolled_count, 1);
        assert_eq!(membership.group("gaya-ps-community").await.enrolled_count, 2);
        assert_eq!(wrong_sizes(&membership).await, 0, "{engine:?}");
        let audience = AudienceSelector { units: vec!["units/bihar-hq".to_owned()], ..Default::default() };
        let request = CountAudienceRequest { audience: Some(audience) };
        let count = membership.members.count_audience(request).await.expect("counts").into_inner();
        assert_eq!((count.person_count, count.enrolment_count), (2, 3));

        // Both numbers lead to the one, and nobody else can have them.
        for number in [1, 2] {
            assert_eq!(by_number(&membership, number).await.expect("is there").name, survivor.name);
        }
        let again = membership.import(HEADER.to_owned() + &public(2, "gaya-ps")).await.expect("imports");
        assert_eq!(again.rejected_by_reason["PHONE_DUPLICATE"], 1);
        let listed = identifiers(&membership, &survivor.name).await;
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().any(|identifier| identifier.member == duplicate.name));
        let happened = history(&membership, &survivor.name).await;
        let newest: Vec<MemberAct> = happened.iter().take(2).map(|event| event.act()).collect();
        assert!(newest.contains(&MemberAct::MergedWith) && newest.contains(&MemberAct::MergedInto));
        let imported = happened.iter().filter(|event| event.act() == MemberAct::Imported);
        assert_eq!(imported.count(), 2, "both histories");
        assert!(happened.iter().any(|event| event.act() == MemberAct::Enrolled && event.member == duplicate.name));
        assert_eq!(enrolments(&membership, &survivor.name).await.len(), 4);
        let ledger = ledger(&membership, &survivor.name).await;
        assert_eq!(ledger.len(), 4, "{ledger:?}");
        assert_eq!((ledger[0].1, ledger[0].3), (false, 6));

        // The number of the record that is gone may become the member's own.
        let own = AddIdentifierRequest {
            name: survivor.name.clone(),
            kind: IdentifierKind::Phone.into(),
            value: "1000000002".into(),
            ..Default::default()
        };
        let changed = membership.members.add_identifier(own).await.expect("is theirs").into_inner();
        assert_eq!(changed.masked_phone, "+91 ••••••0002");

        // A third record takes over everything, by one step.
        membership.members.merge_members(merge(&third.name, &survivor.name)).await.expect("merges");
        assert_eq!(member(&membership, &duplicate.name).await.merged_into, third.name);
        assert_eq!(by_number(&membership, 2).await.expect("is there").name, third.name);
        assert_eq!(acts(&membership, &third.name).await.iter().filter(|act| **act == MemberAct::Imported).count(), 3);
        let withdraw = WithdrawMemberRequest { name: third.name.clone(), ..Default::default() };
        membership.members.withdraw_member(withdraw).await.expect("withdraws");
        let file = HEADER.to_owned() + &public(1, "gaya-ps") + &public(2, "gaya-ps") + &public(3, "gaya-ps");
        assert_eq!(membership.import(file).await.expect("imports").accepted_count, 3, "every number is free");
        assert_eq!(wrong_sizes(&membership).await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn custody_goes_to_the_survivor_and_wrong_merges_are_refused() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = [
            police(1, "kotwali-ps", "inspector", "male", "custodian"),
            police(2, "gaya-ps", "inspector", "male", "member"),
            public(3, "gaya-ps"),
        ];
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let custodian = by_number(&membership, 1).await.expect("is there").name;
        let officer = by_number(&membership, 2).await.expect("is there").name;
        let teacher = by_number(&membership, 3).await.expect("is there").name;
        let nobody = format!("members/{}", Uuid::new_v4());
        let stale = MergeMembersRequest { duplicate_etag: "\"0\"".into(), ..merge(&officer, &custodian) };
        for (request, code, reason) in [
            (merge(&officer, &officer), Code::InvalidArgument, "MERGE_INVALID"),
            (merge(&officer, &nobody), Code::NotFound, "MEMBER_NOT_FOUND"),
            (merge(&teacher, &custodian), Code::FailedPrecondition, "SOLE_CUSTODIAN"),
            (stale, Code::Aborted, "ETAG_MISMATCH"),
        ] {
            let status = membership.members.merge_members(request).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0), (code, reason.to_owned()), "{engine:?}");
        }
        let one = membership.members.merge_members(merge(&officer, &custodian)).await.expect("merges").into_inner();
        let group = membership.group("kotwali-ps-community").await;
        assert_eq!((group.primary_custodian.as_str(), group.enrolled_count), (officer.as_str(), 1));
        let one = one.member.expect("a member");
        let place = one.enrolments.iter().find(|place| place.group == group.name).expect("a place");
        assert_eq!(place.role(), Role::Custodian);
        let status = membership.members.merge_members(merge(&teacher, &custodian)).await.expect_err("is merged");
        assert_eq!(refusal(&status).0, "MEMBER_STATE_FORBIDS");
        assert_eq!(wrong_sizes(&membership).await, 0);
    }
}

#[tokio::test]
async fn a_chat_group_that_has_the_number_of_the_other_record_has_the_person() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        // 14 turns out to be 11, who is in the chat group by the number of that record.
        let request = merge(&rosters.members[&11], &rosters.members[&14]);
        rosters.membership.members.clone().merge_members(request).await.expect("merges");
        let present = [(1, true), (2, false), (3, false), (12, false), (13, false), (14, false)];
        let compared = rosters.reconcile(table(&present)).await.expect("compares");
        assert_eq!((compared.in_both_count, compared.differences.len()), (6, 0), "{engine:?}: {compared:?}");
    }
}
