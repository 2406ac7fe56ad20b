//! Several changes at once end as if one had come after the other.

use std::collections::BTreeSet;

use futures::future::join_all;
use senani_proto::membership::v1::{
    AddIdentifierRequest, IdentifierKind, MergeMembersRequest, TransferMemberRequest, WithdrawMemberRequest,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{HEADER, Membership, file, police, public, refusal};
use crate::persons::{apply, by_number, teacher, wrong_sizes};

/// Present numbers that two members hold.
const SHARED: &str = "SELECT COUNT(*) FROM (SELECT value_index FROM member_identifier WHERE valid_to = 0 \
                      GROUP BY value_index HAVING COUNT(*) > 1) AS s";

/// Members who are in another number of groups of their own unit than the one that is for them, or in one of another unit.
const MISPLACED: &str = "SELECT COUNT(*) FROM member m WHERE m.state = 1 AND 1 <> (SELECT COUNT(*) FROM enrolment e \
                         JOIN member_group g ON g.id = e.group_id AND g.unit_id = m.unit_id \
                         WHERE e.member_id = m.id AND e.ended_at = 0) OR EXISTS (SELECT 1 FROM enrolment e \
                         JOIN member_group g ON g.id = e.group_id AND g.unit_id <> m.unit_id \
                         WHERE e.member_id = m.id AND e.ended_at = 0)";

#[tokio::test]
async fn two_imports_and_transfers_at_once_end_as_if_one_after_the_other() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let stations = ["kotwali-ps", "gaya-ps", "gandhi-maidan-ps"];
        membership.import(file(0..60, &["kotwali-ps"])).await.expect("imports");
        let mut names = Vec::new();
        for number in 0..60 {
            names.push(by_number(&membership, number).await.expect("is there").name);
        }
        // Both files hold the numbers from 300 to 600: each becomes one member, of the one or the other.
        let (one, other) = (file(100..600, &stations), file(300..800, &["gaya-ps", "kotwali-ps"]));
        let transfers = join_all(names.iter().enumerate().map(async |(at, name)| {
            let unit = format!("units/{}", stations[at % 3]);
            let request = TransferMemberRequest { name: name.clone(), unit, ..Default::default() };
            membership.members.clone().transfer_member(request).await.expect("moves")
        }));
        let (one, other, _) = tokio::join!(membership.import(one), membership.import(other), transfers);
        let (one, other) = (one.expect("imports"), other.expect("imports"));
        assert_eq!((one.row_count, other.row_count), (500, 500));
        assert_eq!(one.accepted_count + other.accepted_count, 700, "{engine:?}: each number once");
        assert_eq!(one.rejected_count + other.rejected_count, 300);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, 760);
        assert_eq!(membership.number(SHARED).await, 0);
        assert_eq!(wrong_sizes(&membership).await, 0, "{engine:?}");
        assert_eq!(membership.number(MISPLACED).await, 0, "{engine:?}");
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at <> 0").await, 40);
        for (at, name) in names.iter().enumerate() {
            let member = crate::persons::member(&membership, name).await;
            assert_eq!(member.unit, format!("units/{}", stations[at % 3]));
        }
    }
}

#[tokio::test]
async fn of_many_who_claim_a_number_at_once_one_has_it() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let claims = join_all((0..8).map(|_| apply(&membership, teacher(1))));
        let imports = join_all((0..3).map(|_| membership.import(HEADER.to_owned() + &public(1, "gaya-ps"))));
        let (claims, imports) = tokio::join!(claims, imports);
        let applied = claims.iter().filter(|claim| claim.is_ok()).count() as i64;
        let imported: i64 = imports.into_iter().map(|done| done.expect("imports").accepted_count).sum();
        assert_eq!(applied + imported, 1, "{engine:?}");
        for status in claims.into_iter().filter_map(Result::err) {
            assert_eq!((status.code(), refusal(&status).0), (Code::AlreadyExists, "PHONE_DUPLICATE".into()));
        }
        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, 1);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_key").await, 1);
    }
}

#[tokio::test]
async fn officers_who_leave_at_once_never_leave_a_group_to_nobody() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows: String =
            (1..=2).map(|number| police(number, "kotwali-ps", "inspector", "male", "custodian")).collect();
        membership.import(HEADER.to_owned() + &rows).await.expect("imports");
        let one = by_number(&membership, 1).await.expect("is there").name;
        let other = by_number(&membership, 2).await.expect("is there").name;
        let transfer = TransferMemberRequest { name: one.clone(), unit: "units/gaya-ps".into(), ..Default::default() };
        let withdraw = WithdrawMemberRequest { name: other.clone(), ..Default::default() };
        let (mut first, mut second) = (membership.members.clone(), membership.members.clone());
        let (moved, gone) = tokio::join!(first.transfer_member(transfer), second.withdraw_member(withdraw));
        let refused: Vec<String> =
            [moved.err(), gone.err()].into_iter().flatten().map(|status| refusal(&status).0).collect();
        assert_eq!(refused, ["SOLE_CUSTODIAN"], "{engine:?}");
        let group = membership.group("kotwali-ps-community").await;
        assert!(BTreeSet::from([one, other]).contains(&group.primary_custodian));
        assert_eq!((group.enrolled_count, wrong_sizes(&membership).await), (1, 0));
    }
}

#[tokio::test]
async fn merges_in_a_ring_at_once_leave_one_record() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        membership.import(file(0..6, &["kotwali-ps"])).await.expect("imports");
        let mut names = Vec::new();
        for number in 0..6 {
            names.push(by_number(&membership, number).await.expect("is there").name);
        }
        let merges = (0..6).map(|at| {
            let request = MergeMembersRequest {
                survivor: names[at].clone(),
                duplicate: names[(at + 1) % 6].clone(),
                ..Default::default()
            };
            let mut client = membership.members.clone();
            async move { client.merge_members(request).await }
        });
        let done = join_all(merges).await;
        let merged = done.iter().filter(|merge| merge.is_ok()).count() as i64;
        for status in done.into_iter().filter_map(Result::err) {
            assert_eq!(refusal(&status).0, "MEMBER_STATE_FORBIDS", "{engine:?}");
        }
        assert_eq!(membership.number("SELECT COUNT(*) FROM member WHERE state = 6").await, merged);
        let lost = "SELECT COUNT(*) FROM member m JOIN member s ON s.id = m.merged_into WHERE s.state <> 1";
        assert_eq!(membership.number(lost).await, 0, "every record leads to one that stands");
        assert_eq!(wrong_sizes(&membership).await, 0);
    }
}

#[tokio::test]
async fn numbers_that_change_hands_while_files_claim_them_have_one_holder() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        membership.import(file(0..40, &["kotwali-ps"])).await.expect("imports");
        let mut names = Vec::new();
        for number in 0..40 {
            names.push(by_number(&membership, number).await.expect("is there").name);
        }
        // Each member goes from the number n to n + 40, and the file claims all eighty.
        let changes = join_all(names.iter().enumerate().map(async |(at, name)| {
            let request = AddIdentifierRequest {
                name: name.clone(),
                kind: IdentifierKind::Phone.into(),
                value: format!("10{:08}", at + 40),
                ..Default::default()
            };
            membership.members.clone().add_identifier(request).await
        }));
        let (changed, claimed) = tokio::join!(changes, membership.import(file(0..80, &["gaya-ps"])));
        let claimed = claimed.expect("imports");
        for status in changed.into_iter().filter_map(Result::err) {
            assert_eq!(
                (status.code(), refusal(&status).0),
                (Code::AlreadyExists, "PHONE_DUPLICATE".into()),
                "{engine:?}"
            );
        }
        assert_eq!(membership.number(SHARED).await, 0);
        let present = "SELECT COUNT(*) FROM member_identifier WHERE valid_to = 0";
        assert_eq!(membership.number(present).await, 40 + claimed.accepted_count, "{engine:?}: one number each");
        assert_eq!(wrong_sizes(&membership).await, 0);
    }
}
