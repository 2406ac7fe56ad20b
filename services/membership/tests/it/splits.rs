//! Splitting a group that has grown too big.

use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::split_obstacle::Kind;
use senani_proto::membership::v1::{
    ApplySplitRequest, GetMemberRequest, GroupAudience, OrderRule, PlanSplitRequest, SplitPlan,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{Membership, issue, order, police, public, refusal, rule};

const HEADER: &str = "name_hi,name_en,phone,unit,category,rank,gender,language,role,consent,household\n";

fn of_house(row: &str, house: &str) -> String {
    format!("{},{house}\n", row.trim_end())
}

/// With a rule that splits community groups of stations from 10 on, each part with 4 at least.
async fn with_small_groups(engine: senani_testkit::Engine) -> Membership {
    let mut membership = Membership::start(engine).await;
    let mut small = order("2020-05-20");
    small.rules = vec![OrderRule {
        min: 4,
        target: 5,
        split_at: 10,
        max: 15,
        ..rule(UnitKind::Station, GroupAudience::Community, 4)
    }];
    membership.orders.issue_order(issue("order-small", small)).await.expect("issues");
    membership.form("units/bihar-hq").await.expect("forms");
    membership
}

async fn plan(membership: &Membership, group: &str, part_count: i32) -> SplitPlan {
    let request = PlanSplitRequest { name: format!("groups/{group}"), part_count };
    membership.groups.clone().plan_split(request).await.expect("plans").into_inner().plan.expect("a plan")
}

fn apply(plan: &SplitPlan) -> ApplySplitRequest {
    ApplySplitRequest {
        name: plan.group.clone(),
        fingerprint: plan.fingerprint.clone(),
        request_id: uuid::Uuid::new_v4().to_string(),
        ..ApplySplitRequest::default()
    }
}

/// Two officers and ten others, three of them in one house.
fn twelve() -> String {
    let officers = [
        police(90, "kotwali-ps", "sub_inspector", "male", "custodian"),
        police(91, "kotwali-ps", "sub_inspector", "female", "custodian"),
    ];
    let officers = officers.iter().map(|row| of_house(row, ""));
    let others = (0..10).map(|number| of_house(&public(number, "kotwali-ps"), if number < 3 { "12" } else { "" }));
    HEADER.to_owned() + &officers.chain(others).collect::<String>()
}

#[tokio::test]
async fn a_split_is_planned_and_exactly_that_plan_applied() {
    for engine in engines() {
        let mut membership = with_small_groups(engine).await;
        membership.import(twelve()).await.expect("imports");
        let group = membership.group("kotwali-ps-community").await;
        let before = membership.state().await;
        let first = plan(&membership, "kotwali-ps-community", 0).await;
        assert_eq!(membership.state().await, before, "a plan changes nothing");
        assert_eq!(plan(&membership, "kotwali-ps-community", 0).await, first, "and is always the same");
        assert_eq!((first.enrolled_count, first.min, first.max, first.obstacle), (12, 4, 15, None));
        let names: Vec<&str> = first.parts.iter().map(|part| part.group.as_str()).collect();
        assert_eq!(names, ["groups/kotwali-ps-community", "groups/kotwali-ps-community-2"]);
        assert_eq!(first.parts.iter().map(|part| part.member_count).collect::<Vec<_>>(), [6, 6]);
        assert_eq!(first.parts.iter().map(|part| part.household_count).sum::<i32>(), 1);
        assert_eq!(first.parts[0].primary_custodian, group.primary_custodian);
        assert_eq!(first.parts[1].primary_custodian, group.backup_custodians[0]);

        // Somebody more: another plan.
        let more = HEADER.to_owned() + &of_house(&public(50, "kotwali-ps"), "");
        membership.import(more).await.expect("imports");
        let status = membership.groups.apply_split(apply(&first)).await.expect_err("outdated");
        assert_eq!((status.code(), refusal(&status).0), (Code::Aborted, "PLAN_OUTDATED".into()));
        let plan = plan(&membership, "kotwali-ps-community", 0).await;
        let request = apply(&plan);
        let done = membership.groups.apply_split(request.clone()).await.expect("splits").into_inner();
        assert_eq!(done.plan.as_ref(), Some(&plan));
        assert_eq!(membership.groups.apply_split(request).await.expect("answers again").into_inner(), done);

        let sizes: i64 = 7 + 6;
        let halves = [membership.group("kotwali-ps-community").await, membership.group("kotwali-ps-community-2").await];
        assert_eq!(halves.each_ref().map(|half| half.enrolled_count), [7, 6]);
        assert_eq!(halves[1].part, 2);
        for (half, part) in halves.iter().zip(&plan.parts) {
            assert_eq!(half.primary_custodian, part.primary_custodian);
            let request = GetMemberRequest { name: half.primary_custodian.clone() };
            let officer = membership.members.get_member(request).await.expect("a member").into_inner();
            let places: Vec<_> = officer.enrolments.iter().map(|place| (place.group.as_str(), place.role())).collect();
            assert_eq!(places, [(half.name.as_str(), Role::Custodian)]);
        }
        for name in &plan.parts[1].members {
            let request = GetMemberRequest { name: name.clone() };
            let member = membership.members.get_member(request).await.expect("a member").into_inner();
            assert_eq!(member.enrolments.len(), 1);
            assert_eq!(member.enrolments[0].group, halves[1].name);
        }
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at = 0").await, sizes);
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at <> 0").await, 6, "history stays");
        let recount = "SELECT COUNT(*) FROM member_group g WHERE g.enrolled_count <> \
                       (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)";
        assert_eq!(membership.number(recount).await, 0);
    }
}

#[tokio::test]
async fn what_cannot_be_split_says_why_with_numbers() {
    for engine in engines() {
        let mut membership = with_small_groups(engine).await;
        let status = |request| {
            let mut groups = membership.groups.clone();
            async move { groups.plan_split(request).await.expect_err("no plan") }
        };
        let request = PlanSplitRequest { name: "groups/gaya-ps-community".into(), part_count: 0 };
        let not_due = status(request.clone()).await;
        assert_eq!((not_due.code(), refusal(&not_due).0), (Code::FailedPrecondition, "SPLIT_NOT_DUE".into()));
        assert_eq!(not_due.message(), "the group has 0 members and is split from 10 on");
        let one = status(PlanSplitRequest { part_count: 1, ..request.clone() }).await;
        assert_eq!(refusal(&one), ("SPLIT_PARTS_INVALID".into(), vec!["part_count".into()]));
        let nowhere = status(PlanSplitRequest { name: "groups/nowhere-community".into(), ..request }).await;
        assert_eq!(refusal(&nowhere).0, "GROUP_NOT_FOUND");

        let rows = (0..12).map(|number| of_house(&public(number, "gaya-ps"), if number < 9 { "7" } else { "" }));
        membership.import(HEADER.to_owned() + &rows.collect::<String>()).await.expect("imports");
        let stuck = plan(&membership, "gaya-ps-community", 0).await;
        let obstacle = stuck.obstacle.expect("an obstacle");
        assert_eq!((obstacle.kind(), obstacle.found, obstacle.bound), (Kind::HouseholdTooBig, 9, 8));
        assert!(stuck.parts.is_empty() && stuck.fingerprint.is_empty());
        let many = plan(&membership, "gaya-ps-community", 4).await.obstacle.expect("an obstacle");
        assert_eq!((many.kind(), many.found, many.bound), (Kind::TooFewMembers, 12, 16));
        let before = membership.state().await;
        let status = membership.groups.apply_split(apply(&stuck)).await.expect_err("impossible");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "SPLIT_IMPOSSIBLE".into()));
        assert_eq!(membership.state().await, before);
    }
}

#[tokio::test]
async fn of_splits_and_imports_at_once_each_happens_as_if_alone() {
    for engine in engines() {
        let mut membership = with_small_groups(engine).await;
        membership.import(twelve()).await.expect("imports");
        let plan = plan(&membership, "kotwali-ps-community", 0).await;
        let split = |_: i32| {
            let mut groups = membership.groups.clone();
            let request = apply(&plan);
            async move { groups.apply_split(request).await.is_ok() }
        };
        let rows = (60..70).map(|number| of_house(&public(number, "kotwali-ps"), ""));
        let more = HEADER.to_owned() + &rows.collect::<String>();
        let (splits, imported) = tokio::join!(futures::future::join_all((0..3).map(split)), membership.import(&more));
        assert_eq!(imported.expect("imports").accepted_count, 10);
        assert!(splits.into_iter().filter(|done| *done).count() <= 1, "the import may be first");
        let recount = "SELECT COUNT(*) FROM member_group g WHERE g.enrolled_count <> \
                       (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)";
        assert_eq!(membership.number(recount).await, 0);
        let twice = "SELECT COUNT(*) FROM (SELECT member_id FROM enrolment e JOIN member_group g ON g.id = e.group_id \
                     WHERE e.ended_at = 0 AND e.role = 1 GROUP BY member_id HAVING COUNT(*) > 1) t";
        assert_eq!(membership.number(twice).await, 0);
        let unattended = "SELECT COUNT(*) FROM member_group WHERE enrolled_count > 0 AND primary_custodian IS NULL";
        assert_eq!(membership.number(unattended).await, 0);
        assert_eq!(
            membership.all_groups().await.iter().map(|group| group.enrolled_count).sum::<i32>() as i64,
            membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at = 0").await
        );
    }
}
