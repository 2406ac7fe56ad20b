//! What happens to a member: changes, identifiers, groups, a transfer, a suspension, the end.

use bytes::Bytes;
use senani_proto::membership::v1::address::Refusal;
use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::member::State;
use senani_proto::membership::v1::{
    AddIdentifierRequest, EndEnrolmentRequest, EndIdentifierRequest, EnrolMemberRequest, IdentifierKind, Member,
    MemberAct, OpenAddressesRequest, Rank, RecordConsentRequest, ReinstateMemberRequest, SetCustodiansRequest,
    SuspendMemberRequest, SuspensionReason, TransferMemberRequest, UpdateMemberRequest, WithdrawMemberRequest,
};
use senani_testkit::engines;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, police, public, refusal};
use crate::persons::{
    acts, apply, by_number, enrolments, groups, history, identifiers, ledger, member, state, teacher, wrong_sizes,
};

/// A membership with these rows imported, and the members by their numbers.
async fn with(engine: senani_testkit::Engine, rows: &[String]) -> (Membership, Vec<Member>) {
    let membership = Membership::with_groups(engine).await;
    let done = membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
    assert_eq!(done.rejected_count, 0, "{:?}", done.rejected_by_reason);
    let mut members = Vec::new();
    for number in 1..=rows.len() {
        members.push(by_number(&membership, number as u32).await.expect("is there"));
    }
    (membership, members)
}

async fn update(membership: &Membership, member: Member, mask: &[&str], etag: &str) -> Result<Member, Status> {
    let paths = mask.iter().map(|path| (*path).to_owned()).collect();
    let request = UpdateMemberRequest {
        member: Some(member),
        update_mask: Some(prost_types::FieldMask { paths }),
        etag: etag.to_owned(),
        ..Default::default()
    };
    Ok(membership.members.clone().update_member(request).await?.into_inner())
}

#[tokio::test]
async fn a_changed_rank_moves_a_constable_to_the_group_of_the_new_rank() {
    for engine in engines() {
        let (mut membership, members) =
            with(engine, &[police(1, "patna-centre", "constable", "female", "member")]).await;
        let before = &members[0];
        assert_eq!(groups(before), ["groups/patna-centre-police-rank-constable", "groups/patna-centre-women-police"]);
        let mut wanted = before.clone();
        wanted.rank = Rank::Havildar.into();
        wanted.display_names.insert("en".into(), "Promoted".into());
        let after = update(&membership, wanted, &["rank", "display_names"], &before.etag).await.expect("updates");
        assert_eq!((after.rank(), after.display_names["en"].as_str()), (Rank::Havildar, "Promoted"));
        assert_eq!(groups(&after), ["groups/patna-centre-police-rank-havildar", "groups/patna-centre-women-police"]);
        assert_eq!(membership.group("patna-centre-police-rank-constable").await.enrolled_count, 0);
        assert_eq!(wrong_sizes(&membership).await, 0, "{engine:?}");
        let happened = history(&membership, &before.name).await;
        assert_eq!(happened[0].fields, ["display_names", "rank"]);
        assert_eq!(happened[0].groups_left, ["groups/patna-centre-police-rank-constable"]);
        assert_eq!(happened[0].groups_joined, ["groups/patna-centre-police-rank-havildar"]);
        assert_eq!(happened[1].act(), MemberAct::Imported);

        for (change, mask, etag, reason) in [
            (Member { category: "teacher".into(), ..after.clone() }, &["category"][..], "", "RANK_INVALID"),
            (Member { category: "astronaut".into(), ..after.clone() }, &["category"], "", "CATEGORY_UNKNOWN"),
            (Member { gender: "f".into(), ..after.clone() }, &["gender"], "", "GENDER_INVALID"),
            (Member { language: "fr".into(), ..after.clone() }, &["language"], "", "LANGUAGE_INVALID"),
            (Member { display_names: [].into(), ..after.clone() }, &["display_names"], "", "NAMES_INVALID"),
            (after.clone(), &["unit"], "", "UPDATE_MASK_INVALID"),
            (after.clone(), &[], "", "UPDATE_MASK_INVALID"),
            (after.clone(), &["language"], &before.etag, "ETAG_MISMATCH"),
        ] {
            let status = update(&membership, change, mask, etag).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{mask:?}");
        }
        assert_eq!(member(&membership, &before.name).await, after, "{engine:?}");
    }
}

fn identifier(name: &str, kind: IdentifierKind, value: &str) -> AddIdentifierRequest {
    AddIdentifierRequest { name: name.into(), kind: kind.into(), value: value.into(), ..Default::default() }
}

#[tokio::test]
async fn a_new_number_ends_the_old_one_which_somebody_else_may_then_hold() {
    for engine in engines() {
        let (mut membership, members) = with(engine, &[public(1, "kotwali-ps"), public(2, "kotwali-ps")]).await;
        let name = &members[0].name;
        let mut add = async |request| membership.members.add_identifier(request).await;
        let status = add(identifier(name, IdentifierKind::Phone, "1000000002")).await.expect_err("is another's");
        assert_eq!((status.code(), refusal(&status).0), (Code::AlreadyExists, "PHONE_DUPLICATE".into()));
        let changed = add(identifier(name, IdentifierKind::Phone, "10000 00003")).await.expect("adds").into_inner();
        assert_eq!(changed.masked_phone, "+91 ••••••0003", "{engine:?}");
        let same = add(identifier(name, IdentifierKind::Phone, "1000000003")).await.expect("has it").into_inner();
        assert_eq!(same, changed);
        add(identifier(name, IdentifierKind::WhatsappUser, "IN.99887766")).await.expect("adds");
        add(identifier(name, IdentifierKind::Email, "Sita@example.org")).await.expect("adds");
        for (kind, value, reason) in [
            (IdentifierKind::Phone, "12345", "PHONE_INVALID"),
            (IdentifierKind::Email, "nobody", "IDENTIFIER_INVALID"),
            (IdentifierKind::WhatsappUser, "a b", "IDENTIFIER_INVALID"),
            (IdentifierKind::Unspecified, "x", "IDENTIFIER_INVALID"),
        ] {
            let status = add(identifier(name, kind, value)).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
            assert!(!format!("{status:?}").contains("nobody"), "an error repeats no value");
        }
        let mut early = identifier(name, IdentifierKind::Phone, "1000000004");
        early.start_time = Some(prost_types::Timestamp { seconds: 5, nanos: 0 });
        assert_eq!(refusal(&add(early.clone()).await.expect_err("before the present one")).0, "TIME_INVALID");
        early.start_time = Some(prost_types::Timestamp { seconds: 5_000_000_000, nanos: 0 });
        assert_eq!(refusal(&add(early).await.expect_err("in the future")).0, "TIME_INVALID");
        let taken = identifier(&members[1].name, IdentifierKind::Email, "sita@EXAMPLE.org");
        assert_eq!(refusal(&add(taken).await.expect_err("is another's")).0, "IDENTIFIER_TAKEN");

        assert!(by_number(&membership, 1).await.is_none());
        assert_eq!(by_number(&membership, 3).await.expect("is there").name, *name);
        apply(&membership, teacher(1)).await.expect("the old number is free");
        let listed = identifiers(&membership, name).await;
        let seen: Vec<_> = listed.iter().map(|one| (one.masked_value.as_str(), one.end_time.is_some())).collect();
        let expected =
            [("+91 ••••••0003", false), ("+91 ••••••0001", true), ("••••••7766", false), ("s•••@example.org", false)];
        assert_eq!(seen, expected, "{engine:?}");
        assert_eq!(listed[0].start_time, listed[1].end_time, "one ends when the other begins");

        let end =
            |kind: IdentifierKind| EndIdentifierRequest { name: name.clone(), kind: kind.into(), ..Default::default() };
        membership.members.end_identifier(end(IdentifierKind::Email)).await.expect("ends");
        let status = membership.members.end_identifier(end(IdentifierKind::Email)).await.expect_err("has none");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "IDENTIFIER_NOT_FOUND".into()));
        let status = membership.members.end_identifier(end(IdentifierKind::Phone)).await.expect_err("needs another");
        assert_eq!(refusal(&status).0, "IDENTIFIER_INVALID");
        let acts = acts(&membership, name).await;
        assert_eq!(acts[0], MemberAct::IdentifierEnded);
        assert_eq!(acts.iter().filter(|act| **act == MemberAct::IdentifierAdded).count(), 3);
    }
}

fn enrol(name: &str, group: &str) -> EnrolMemberRequest {
    EnrolMemberRequest { name: name.into(), group: format!("groups/{group}"), ..Default::default() }
}

fn end(name: &str, group: &str) -> EndEnrolmentRequest {
    EndEnrolmentRequest { name: name.into(), group: format!("groups/{group}"), ..Default::default() }
}

#[tokio::test]
async fn a_member_comes_into_an_extra_group_leaves_it_and_comes_back_and_every_stay_is_kept() {
    for engine in engines() {
        let rows =
            [public(1, "kotwali-ps"), public(2, "gaya-ps"), police(3, "gaya-ps", "inspector", "male", "custodian")];
        let (mut membership, members) = with(engine, &rows).await;
        let name = &members[0].name;
        let joined =
            membership.members.enrol_member(enrol(name, "gaya-ps-community")).await.expect("enrols").into_inner();
        assert_eq!(groups(&joined), ["groups/gaya-ps-community", "groups/kotwali-ps-community"]);
        let again =
            membership.members.enrol_member(enrol(name, "gaya-ps-community")).await.expect("stays").into_inner();
        assert_eq!(again.etag, joined.etag);
        membership.members.end_enrolment(end(name, "gaya-ps-community")).await.expect("ends");
        membership.members.enrol_member(enrol(name, "gaya-ps-community")).await.expect("comes back");
        let stays = enrolments(&membership, name).await;
        let seen: Vec<_> = stays.iter().map(|stay| (stay.group.as_str(), stay.end_time.is_some())).collect();
        let gaya = "groups/gaya-ps-community";
        assert_eq!(seen, [(gaya, false), (gaya, true), ("groups/kotwali-ps-community", false)], "{engine:?}");
        assert_eq!(membership.group("gaya-ps-community").await.enrolled_count, 3);
        assert_eq!(wrong_sizes(&membership).await, 0);

        for (request, code, reason) in [
            (enrol(name, "eou-wing-apex"), Code::FailedPrecondition, "GROUP_NOT_FOR_MEMBER"),
            (enrol(name, "nowhere-community"), Code::NotFound, "GROUP_NOT_FOUND"),
        ] {
            let status = membership.members.enrol_member(request).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0), (code, reason.to_owned()));
        }
        let status = membership.members.end_enrolment(end(name, "eou-wing-apex")).await.expect_err("is not in it");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "ENROLMENT_NOT_FOUND".into()));
        let alone = &members[2].name;
        let status = membership.members.end_enrolment(end(alone, "gaya-ps-community")).await.expect_err("alone");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "SOLE_CUSTODIAN".into()));
    }
}

#[tokio::test]
async fn a_full_group_takes_nobody_more() {
    for engine in engines() {
        let membership = Membership::with_groups_and(engine, |config| config.app_ceiling = 2).await;
        let rows = [public(1, "kotwali-ps"), public(2, "gaya-ps"), public(3, "gaya-ps")];
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let name = by_number(&membership, 1).await.expect("is there").name;
        let mut client = membership.members.clone();
        let status = client.enrol_member(enrol(&name, "gaya-ps-community")).await.expect_err("full");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "GROUP_FULL".into()));
        // By rule another part of the full group begins; where no order speaks of such a group there is no room.
        let moved = client.transfer_member(transfer(&name, "gaya-ps")).await.expect("moves").into_inner();
        let places = moved.places.expect("places");
        assert_eq!((places.made, places.full), (vec!["groups/gaya-ps-community-2".to_owned()], vec![]));
        let moved = moved.member.expect("a member");
        assert_eq!((moved.unit.as_str(), groups(&moved)), ("units/gaya-ps", vec!["groups/gaya-ps-community-2"]));
        assert_eq!(wrong_sizes(&membership).await, 0, "{engine:?}");
    }
}

fn transfer(name: &str, unit: &str) -> TransferMemberRequest {
    TransferMemberRequest { name: name.into(), unit: format!("units/{unit}"), ..Default::default() }
}

#[tokio::test]
async fn a_transfer_tells_what_ends_and_begins_and_waits_until_groups_are_handed_over() {
    for engine in engines() {
        let rows = [
            police(1, "kotwali-ps", "inspector", "male", "custodian"),
            police(2, "kotwali-ps", "sub_inspector", "male", "member"),
        ];
        let (mut membership, members) = with(engine, &rows).await;
        let name = &members[0].name;
        membership.members.enrol_member(enrol(name, "eou-wing-apex")).await.expect("enrols");
        let check = TransferMemberRequest { validate_only: true, ..transfer(name, "gaya-ps") };
        let before = membership.state().await;
        let planned = membership.members.transfer_member(check).await.expect("tells").into_inner();
        let places = planned.places.expect("places");
        assert_eq!(places.ended, ["groups/kotwali-ps-community"]);
        assert_eq!(places.made, ["groups/gaya-ps-community"]);
        assert_eq!(places.kept, ["groups/eou-wing-apex"]);
        assert_eq!(places.unattended, ["groups/kotwali-ps-community"]);
        assert_eq!(planned.member.expect("a member").unit, "units/kotwali-ps");
        let status = membership.members.transfer_member(transfer(name, "gaya-ps")).await.expect_err("alone");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "SOLE_CUSTODIAN".into()));
        assert!(format!("{status:?}").contains("kotwali-ps-community"), "the groups are named");
        assert_eq!(membership.state().await, before, "{engine:?}");

        let request = SetCustodiansRequest {
            name: "groups/kotwali-ps-community".into(),
            primary_custodian: name.clone(),
            backup_custodians: vec![members[1].name.clone()],
            ..Default::default()
        };
        membership.groups.set_custodians(request).await.expect("sets");
        let request = TransferMemberRequest { request_id: Uuid::new_v4().to_string(), ..transfer(name, "gaya-ps") };
        let moved = membership.members.transfer_member(request.clone()).await.expect("moves").into_inner();
        assert_eq!(membership.members.transfer_member(request).await.expect("the same answer").into_inner(), moved);
        let after = moved.member.expect("a member");
        assert_eq!(after.unit, "units/gaya-ps");
        assert_eq!(groups(&after), ["groups/eou-wing-apex", "groups/gaya-ps-community"]);
        let group = membership.group("kotwali-ps-community").await;
        assert_eq!((group.primary_custodian.as_str(), group.enrolled_count), (members[1].name.as_str(), 1));
        assert_eq!(member(&membership, &members[1].name).await.enrolments[0].role(), Role::Custodian);
        let happened = &history(&membership, name).await[0];
        assert_eq!((happened.from_unit.as_str(), happened.to_unit.as_str()), ("units/kotwali-ps", "units/gaya-ps"));
        assert_eq!(wrong_sizes(&membership).await, 0);
        for (unit, reason) in [("old-ps", "UNIT_UNKNOWN"), ("nowhere-ps", "UNIT_UNKNOWN")] {
            let status = membership.members.transfer_member(transfer(name, unit)).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
        }
    }
}

async fn refusal_of_address(membership: &mut Membership, member: &Member) -> Refusal {
    let id: Uuid = member.name.trim_start_matches("members/").parse().expect("an id");
    let request = OpenAddressesRequest { member_uids: vec![Bytes::copy_from_slice(id.as_bytes())] };
    let opened = membership.audience.open_addresses(request).await.expect("opens").into_inner();
    opened.addresses[0].refusal()
}

#[tokio::test]
async fn a_suspended_member_receives_nothing_and_keeps_the_place() {
    for engine in engines() {
        let rows = [
            police(1, "kotwali-ps", "inspector", "male", "custodian"),
            police(2, "kotwali-ps", "inspector", "male", "custodian"),
            public(3, "kotwali-ps"),
        ];
        let (mut membership, members) = with(engine, &rows).await;
        let suspend = |name: &str| SuspendMemberRequest {
            name: name.into(),
            reason: SuspensionReason::Misconduct.into(),
            note: "posted an obscene picture".into(),
            ..Default::default()
        };
        assert_eq!(refusal_of_address(&mut membership, &members[0]).await, Refusal::Unspecified);
        let suspended =
            membership.members.suspend_member(suspend(&members[0].name)).await.expect("suspends").into_inner();
        assert_eq!((state(&suspended), groups(&suspended)), (State::Suspended, vec!["groups/kotwali-ps-community"]));
        assert_eq!(suspended.enrolments[0].role(), Role::Member, "{engine:?}");
        assert_eq!(refusal_of_address(&mut membership, &members[0]).await, Refusal::MemberGone);
        let group = membership.group("kotwali-ps-community").await;
        assert_eq!((group.primary_custodian.as_str(), group.enrolled_count), (members[1].name.as_str(), 3));
        let status = membership.members.suspend_member(suspend(&members[1].name)).await.expect_err("alone");
        assert_eq!(refusal(&status).0, "SOLE_CUSTODIAN");
        for status in [
            membership.members.suspend_member(suspend(&members[0].name)).await.expect_err("is suspended"),
            membership.members.transfer_member(transfer(&members[0].name, "gaya-ps")).await.expect_err("is suspended"),
            membership
                .members
                .enrol_member(enrol(&members[0].name, "gaya-ps-community"))
                .await
                .expect_err("is suspended"),
        ] {
            assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "MEMBER_STATE_FORBIDS".into()));
        }
        let unlisted = SuspendMemberRequest { reason: 0, ..suspend(&members[2].name) };
        let status = membership.members.suspend_member(unlisted).await.expect_err("no reason");
        assert_eq!(refusal(&status).0, "REASON_INVALID");
        let reinstate = ReinstateMemberRequest { name: members[0].name.clone(), ..Default::default() };
        let back = membership.members.reinstate_member(reinstate).await.expect("reinstates").into_inner();
        assert_eq!((state(&back), groups(&back)), (State::Active, vec!["groups/kotwali-ps-community"]));
        assert_eq!(refusal_of_address(&mut membership, &members[0]).await, Refusal::Unspecified);
        let acts = acts(&membership, &back.name).await;
        assert_eq!(acts, [MemberAct::Reinstated, MemberAct::Suspended, MemberAct::Imported]);
    }
}

#[tokio::test]
async fn who_withdraws_leaves_every_group_and_consent_and_may_come_back_with_the_number() {
    for engine in engines() {
        let (mut membership, members) = with(engine, &[public(1, "kotwali-ps"), public(2, "kotwali-ps")]).await;
        let name = &members[0].name;
        membership.members.enrol_member(enrol(name, "gaya-ps-community")).await.expect("enrols");
        let withdraw = WithdrawMemberRequest { name: name.clone(), ..Default::default() };
        let gone = membership.members.withdraw_member(withdraw.clone()).await.expect("withdraws").into_inner();
        assert_eq!((state(&gone), gone.enrolments.len()), (State::Withdrawn, 0));
        assert!(!gone.consents_to_direct_messages && gone.masked_phone.is_empty(), "{engine:?}");
        assert_eq!(membership.group("kotwali-ps-community").await.enrolled_count, 1);
        assert_eq!(membership.group("gaya-ps-community").await.enrolled_count, 0);
        assert_eq!(refusal_of_address(&mut membership, &gone).await, Refusal::MemberGone);
        let withdrawn = |purpose| (purpose, false, String::new(), 5);
        let given = (1, true, "notices/notice-1".to_owned(), 1);
        assert_eq!(ledger(&membership, name).await, [withdrawn(1), withdrawn(2), given]);
        let record = RecordConsentRequest { name: name.clone(), consents: true, ..Default::default() };
        for status in [
            membership.members.withdraw_member(withdraw).await.expect_err("has left"),
            membership.members.record_consent(record).await.expect_err("has left"),
            update(&membership, gone.clone(), &["language"], "").await.expect_err("has left"),
        ] {
            assert_eq!(refusal(&status).0, "MEMBER_STATE_FORBIDS");
        }
        let back = membership.import(HEADER.to_owned() + &public(1, "gaya-ps")).await.expect("imports");
        assert_eq!(back.accepted_count, 1, "the number is free");
        assert_ne!(by_number(&membership, 1).await.expect("is there").name, *name);
        assert_eq!(wrong_sizes(&membership).await, 0);
        let listed = identifiers(&membership, name).await;
        assert_eq!((listed.len(), listed[0].end_time.is_some()), (1, true));
    }
}
