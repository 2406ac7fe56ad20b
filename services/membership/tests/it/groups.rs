//! Forming and listing groups.

use senani_proto::membership::v1::{FormGroupsRequest, GetGroupRequest, GroupAudience, ListGroupsRequest, Rank};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{Membership, issue, order, refusal};

fn form(unit: &str) -> FormGroupsRequest {
    FormGroupsRequest { unit: unit.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_plan_is_shown_then_applied_exactly_and_the_same_call_again_forms_nothing() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        membership.orders.issue_order(issue("order-2020", order("2020-05-20"))).await.expect("issues");
        let before = membership.state().await;
        let request = FormGroupsRequest { validate_only: true, ..form("units/patna-district") };
        let plan = membership.groups.form_groups(request.clone()).await.expect("a plan").into_inner();
        assert_eq!(membership.state().await, before, "a plan changes nothing");
        // Two stations (the closed one has none), one outpost, two ranks and the women at the centre.
        assert_eq!((plan.group_count, plan.people_needed, plan.complete_units), (6, 2 * 200 + 100 + 2 * 200 + 100, 0));
        let lines: Vec<_> =
            plan.lines.iter().map(|line| (line.audience(), line.rank(), line.group_count, line.min)).collect();
        assert!(lines.contains(&(GroupAudience::Community, Rank::Unspecified, 2, 200)), "{lines:?}");
        assert!(lines.contains(&(GroupAudience::PoliceRank, Rank::Constable, 1, 200)), "{lines:?}");

        let apply = FormGroupsRequest {
            fingerprint: plan.fingerprint.clone(),
            request_id: uuid::Uuid::new_v4().to_string(),
            ..form("units/patna-district")
        };
        let formed = membership.groups.form_groups(apply.clone()).await.expect("forms").into_inner();
        assert_eq!(formed, plan);
        let repeated = membership.groups.form_groups(apply.clone()).await.expect("answers").into_inner();
        assert_eq!(repeated, plan, "the same request is answered again");
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_group").await, 6);

        let outdated = FormGroupsRequest { request_id: String::new(), ..apply };
        let status = membership.groups.form_groups(outdated).await.expect_err("nothing is due any more");
        assert_eq!((status.code(), refusal(&status).0), (Code::Aborted, "PLAN_OUTDATED".into()));
        let again = membership.form("units/patna-district").await.expect("nothing to do");
        assert_eq!((again.group_count, again.complete_units), (0, 4));
        let rest = membership.form("units/bihar-hq").await.expect("forms the rest");
        assert_eq!(rest.group_count, 2);
    }
}

#[tokio::test]
async fn groups_formed_at_once_are_formed_once() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        membership.orders.issue_order(issue("order-2020", order("2020-05-20"))).await.expect("issues");
        let calls = (0..4).map(|_| {
            let mut groups = membership.groups.clone();
            async move { groups.form_groups(form("units/bihar-hq")).await.expect("forms").into_inner().group_count }
        });
        let formed: i32 = futures::future::join_all(calls).await.into_iter().sum();
        assert_eq!(formed, 8);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_group").await, 8);
        assert_eq!(membership.number("SELECT COUNT(*) FROM event_log").await, 1 + 8);
    }
}

#[tokio::test]
async fn groups_are_listed_by_subtree_audience_and_page() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let group = membership.group("patna-centre-police-rank-constable").await;
        assert_eq!(
            (group.unit.as_str(), group.audience(), group.rank()),
            ("units/patna-centre", GroupAudience::PoliceRank, Rank::Constable)
        );
        assert_eq!((group.order.as_str(), group.enrolled_count), ("orders/order-2020", 0));
        assert_eq!(group.display_names["hi"], "इकाई 6 – सिपाही");
        assert_eq!(group.unit_uid, crate::hierarchy::unit_id("patna-centre").to_string());

        let list = |unit: &str, audience: GroupAudience, page_size| ListGroupsRequest {
            unit: unit.to_owned(),
            audience: audience.into(),
            page_size,
            ..Default::default()
        };
        for (unit, audience, expected) in [
            ("", GroupAudience::Unspecified, 8),
            ("units/bihar-hq", GroupAudience::Unspecified, 8),
            ("units/patna-sadar", GroupAudience::Unspecified, 3),
            ("units/patna-district", GroupAudience::Community, 3),
            ("units/gaya-ps", GroupAudience::Unspecified, 1),
            ("units/patna-district", GroupAudience::Apex, 0),
        ] {
            let mut names = Vec::new();
            let mut request = list(unit, audience, 2);
            loop {
                let page = membership.groups.list_groups(request.clone()).await.expect("a page").into_inner();
                names.extend(page.groups.into_iter().map(|group| group.name));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(names.len(), expected, "{unit} {audience:?}: {names:?}");
            assert!(names.is_sorted());
        }
        let first = membership.groups.list_groups(list("", GroupAudience::Unspecified, 2)).await.expect("a page");
        let foreign = first.into_inner().next_page_token;
        for (request, reason) in [
            (
                ListGroupsRequest { page_token: foreign, ..list("units/gaya-ps", GroupAudience::Unspecified, 2) },
                "PAGE_TOKEN_INVALID",
            ),
            (list("", GroupAudience::Unspecified, -2), "PAGE_SIZE_INVALID"),
            (list("units/nowhere-ps", GroupAudience::Unspecified, 2), "UNIT_UNKNOWN"),
            (ListGroupsRequest { audience: 44, ..Default::default() }, "AUDIENCE_INVALID"),
        ] {
            let status = membership.groups.list_groups(request).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0), (Code::InvalidArgument, reason.to_owned()));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_formed_or_found_says_why() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let status = membership.form("units/bihar-hq").await.expect_err("no order");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "NO_ORDER_IN_FORCE".into()));
        membership.orders.issue_order(issue("order-2099", order("2099-01-01"))).await.expect("issues");
        let status = membership.form("units/bihar-hq").await.expect_err("not in force yet");
        assert_eq!(refusal(&status).0, "NO_ORDER_IN_FORCE");
        let status = membership.form("units/nowhere-ps").await.expect_err("no unit");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "UNIT_NOT_FOUND".into()));
        let status = membership.form("nowhere").await.expect_err("no name");
        assert_eq!(refusal(&status), ("NAME_INVALID".into(), vec!["unit".into()]));
        let request = GetGroupRequest { name: "groups/nowhere-community".into() };
        let status = membership.groups.get_group(request).await.expect_err("no group");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "GROUP_NOT_FOUND".into()));
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_group").await, 0);
    }
}
