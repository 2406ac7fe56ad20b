//! Orders for sets of units, and units whose kind changes.

use std::time::Duration;

use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{FormGroupsRequest, GroupAudience, ListRulesInForceRequest, OrderRule, RuleInForce};
use senani_testkit::{engines, eventually};
use tonic::Code;

use crate::fixture::{Membership, issue, order, refusal, rule};
use crate::hierarchy::{set_changed, unit_changed};

/// A rule for the units in a set.
fn of_set(set: &str, audience: GroupAudience, min: i32) -> OrderRule {
    OrderRule { unit_set: format!("unitSets/{set}"), ..rule(UnitKind::Unspecified, audience, min) }
}

async fn rules(membership: &Membership, unit: &str) -> Vec<RuleInForce> {
    let request = ListRulesInForceRequest { unit: format!("units/{unit}"), date: String::new() };
    membership.orders.clone().list_rules_in_force(request).await.expect("rules").into_inner().rules
}

async fn community_min(membership: &Membership, unit: &str) -> Option<i32> {
    let rules = rules(membership, unit).await.into_iter().filter_map(|rule| rule.rule);
    rules.into_iter().find(|rule| rule.audience() == GroupAudience::Community).map(|rule| rule.min)
}

#[tokio::test]
async fn an_order_for_a_set_binds_the_units_that_are_in_it_then() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        membership.orders.issue_order(issue("order-2020", order("2020-05-20"))).await.expect("issues");
        let mut railway = order("2021-01-01");
        railway.rules =
            vec![of_set("railway", GroupAudience::Community, 60), of_set("riverine", GroupAudience::Officers, 5)];
        let issued = membership.orders.issue_order(issue("order-railway", railway.clone())).await.expect("issues");
        assert_eq!(issued.into_inner().rules, railway.rules);

        let found = rules(&membership, "gandhi-maidan-ps").await;
        assert_eq!((found.len(), found[0].order.as_str()), (1, "orders/order-railway"));
        assert_eq!(found[0].rule.as_ref().expect("a rule").unit_set, "unitSets/railway");
        assert_eq!(community_min(&membership, "kotwali-ps").await, Some(200));

        membership.hierarchy.tell(set_changed("riverine", &["kotwali-ps"]));
        eventually(Duration::from_secs(20), "the set to be heard", async || {
            rules(&membership, "kotwali-ps").await.len() == 2
        })
        .await;
        let formed = membership.form("units/patna-sadar").await.expect("forms");
        // Of two stations, an outpost, and the officers of the riverine station.
        assert_eq!((formed.group_count, formed.people_needed), (4, 60 + 200 + 100 + 5));
        assert_eq!(membership.group("gandhi-maidan-ps-community").await.order, "orders/order-railway");
        assert_eq!(membership.group("kotwali-ps-officers").await.order, "orders/order-railway");
    }
}

#[tokio::test]
async fn a_rule_names_either_a_kind_or_a_known_set() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let before = membership.state().await;
        let unset = of_set("railway", GroupAudience::Community, 60);
        for (wrong, reason, field) in [
            (of_set("border", GroupAudience::Community, 60), "UNIT_SET_UNKNOWN", "order.rules[1].unit_set"),
            (
                OrderRule { unit_kind: UnitKind::Station.into(), ..unset.clone() },
                "RULE_INVALID",
                "order.rules[1].unit_set",
            ),
            (OrderRule { unit_set: "railway".into(), ..unset.clone() }, "NAME_INVALID", "order.rules[1].unit_set"),
            (OrderRule { unit_set: String::new(), ..unset.clone() }, "RULE_INVALID", "order.rules[1].unit_kind"),
            (of_set("railway", GroupAudience::Apex, 60), "RULE_INVALID", "order.rules[1]"),
        ] {
            let mut order = order("2021-01-01");
            order.rules = vec![of_set("railway", GroupAudience::Apex, 7), wrong];
            let status = membership.orders.issue_order(issue("order-1", order)).await.expect_err(reason);
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(refusal(&status), (reason.to_owned(), vec![field.to_owned()]));
        }
        assert_eq!(membership.state().await, before);
    }
}

#[tokio::test]
async fn an_outpost_that_becomes_a_station_is_planned_under_the_rule_of_stations() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        membership.orders.issue_order(issue("order-2020", order("2020-05-20"))).await.expect("issues");
        let request = FormGroupsRequest {
            unit: "units/kotwali-op".to_owned(),
            validate_only: true,
            ..FormGroupsRequest::default()
        };
        let plan = membership.groups.form_groups(request.clone()).await.expect("a plan").into_inner();
        assert_eq!((plan.group_count, plan.people_needed), (1, 100));

        membership.hierarchy.tell(unit_changed("kotwali-op", UnitKind::Station));
        eventually(Duration::from_secs(20), "the new kind to be heard", async || {
            community_min(&membership, "kotwali-op").await == Some(200)
        })
        .await;
        let outdated = FormGroupsRequest { validate_only: false, fingerprint: plan.fingerprint, ..request.clone() };
        let status = membership.groups.form_groups(outdated).await.expect_err("the world moved");
        assert_eq!(refusal(&status).0, "PLAN_OUTDATED");
        let plan = membership.groups.form_groups(request).await.expect("a plan").into_inner();
        assert_eq!((plan.group_count, plan.people_needed), (1, 200));
    }
}
