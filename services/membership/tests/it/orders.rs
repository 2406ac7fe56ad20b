//! Orders.

use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{
    GetOrderRequest, GroupAudience, ListOrdersRequest, ListRulesInForceRequest, OrderRule, Rank,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{Membership, issue, order, refusal, rule};

#[tokio::test]
async fn an_order_is_recorded_as_it_was_issued_and_a_repeated_request_is_answered_again() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let mut request = issue("order-2020", order("2020-05-20"));
        request.request_id = uuid::Uuid::new_v4().to_string();
        let first = membership.orders.issue_order(request.clone()).await.expect("issues").into_inner();
        let again = membership.orders.issue_order(request.clone()).await.expect("answers").into_inner();
        assert_eq!(first, again);
        assert_eq!(first.rules, order("2020-05-20").rules);
        let name = "orders/order-2020".to_owned();
        let found = membership.orders.get_order(GetOrderRequest { name }).await.expect("an order").into_inner();
        assert_eq!(found, first);
        let before = membership.state().await;

        request.order.as_mut().expect("an order").number = "2".to_owned();
        let reused = membership.orders.issue_order(request).await.expect_err("another request");
        assert_eq!(refusal(&reused), ("REQUEST_ID_REUSED".into(), vec!["request_id".into()]));
        let taken = membership.orders.issue_order(issue("order-2020", order("2021-01-01"))).await.expect_err("taken");
        assert_eq!((taken.code(), refusal(&taken).0), (Code::AlreadyExists, "SLUG_TAKEN".into()));
        assert_eq!(membership.state().await, before);
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_an_order_is_named_and_nothing_changes() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let before = membership.state().await;
        let right = || order("2020-05-20");
        let mut cases = Vec::new();

        let mut sizes = right();
        sizes.rules[0].min = 0;
        sizes.rules[2].split_at = 5;
        cases.push((issue("order-1", sizes), "RULE_INVALID", vec!["order.rules[0].min", "order.rules[2].split_at"]));

        let mut unknown = right();
        unknown.rules[0].audience = 99;
        unknown.rules[1].ranks = vec![Rank::Constable.into(), 77];
        unknown.rules[2].unit_kind = 0;
        unknown.rules[3].due_date = "soon".into();
        let fields = vec![
            "order.rules[0].audience",
            "order.rules[1].ranks[1]",
            "order.rules[3].due_date",
            "order.rules[2].unit_kind",
        ];
        cases.push((issue("order-1", unknown), "RULE_INVALID", fields));

        let mut twice = right();
        twice.rules.push(rule(UnitKind::Station, GroupAudience::Community, 5));
        cases.push((issue("order-1", twice), "RULE_INVALID", vec!["order.rules[6]"]));

        let mut empty = right();
        empty.rules.clear();
        empty.number.clear();
        cases.push((issue("order-1", empty), "RULE_INVALID", vec!["order.number", "order.rules"]));

        let mut title = right();
        title.titles = [("en".to_owned(), "Order".to_owned())].into();
        cases.push((issue("order-1", title), "TITLE_MISSING_IN_HINDI", vec!["order.titles.hi"]));

        let mut dates = right();
        dates.issue_date = "2020-02-30".into();
        dates.effective_date = "20.5.2020".into();
        cases.push((issue("order-1", dates), "DATE_INVALID", vec!["order.issue_date", "order.effective_date"]));

        let mut early = right();
        early.effective_date = "2020-01-01".into();
        cases.push((issue("order-1", early), "DATE_INVALID", vec!["order.effective_date"]));

        let mut supersedes = right();
        supersedes.supersedes = vec!["orders/order-of-nobody".into()];
        cases.push((issue("order-1", supersedes), "ORDER_UNKNOWN", vec!["order.supersedes[0]"]));

        cases.push((issue("No Slug", right()), "SLUG_INVALID", vec!["order_id"]));
        let mut request_id = issue("order-1", right());
        request_id.request_id = "seven".into();
        cases.push((request_id, "REQUEST_ID_INVALID", vec!["request_id"]));

        for (request, reason, fields) in cases {
            let status = membership.orders.issue_order(request).await.expect_err(reason);
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(refusal(&status), (reason.to_owned(), fields.into_iter().map(str::to_owned).collect()));
        }
        assert_eq!(membership.state().await, before);
    }
}

#[tokio::test]
async fn a_later_order_supersedes_an_earlier_one_for_what_it_covers() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let mut first = order("2018-08-01");
        first.rules = vec![
            rule(UnitKind::Station, GroupAudience::Community, 100),
            rule(UnitKind::District, GroupAudience::Community, 50),
        ];
        membership.orders.issue_order(issue("order-2018", first)).await.expect("issues");
        let mut second = order("2020-05-20");
        second.supersedes = vec!["orders/order-2018".into()];
        membership.orders.issue_order(issue("order-2020", second)).await.expect("issues");

        for (unit, date, expected) in [
            ("kotwali-ps", "2019-01-01", vec![("orders/order-2018", 100)]),
            ("kotwali-ps", "2020-05-20", vec![("orders/order-2020", 200)]),
            ("kotwali-ps", "", vec![("orders/order-2020", 200)]),
            ("patna-district", "", vec![("orders/order-2018", 50)]),
            ("kotwali-ps", "2017-01-01", vec![]),
            (
                "patna-centre",
                "",
                vec![("orders/order-2020", 200), ("orders/order-2020", 200), ("orders/order-2020", 100)],
            ),
        ] {
            let request = ListRulesInForceRequest { unit: format!("units/{unit}"), date: date.into() };
            let rules = membership.orders.list_rules_in_force(request).await.expect("rules").into_inner().rules;
            let found: Vec<(&str, i32)> =
                rules.iter().map(|rule| (rule.order.as_str(), rule.rule.as_ref().expect("a rule").min)).collect();
            assert_eq!(found, expected, "{unit} {date}");
        }
        for (unit, date, reason) in [
            ("units/nowhere-ps", "", "UNIT_NOT_FOUND"),
            ("nowhere", "", "NAME_INVALID"),
            ("units/kotwali-ps", "tomorrow", "DATE_INVALID"),
        ] {
            let request = ListRulesInForceRequest { unit: unit.into(), date: date.into() };
            let status = membership.orders.list_rules_in_force(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
        }
    }
}

#[tokio::test]
async fn orders_are_listed_by_pages_the_latest_first() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        for (slug, date) in [("order-b", "2019-01-01"), ("order-a", "2019-01-01"), ("order-c", "2020-01-01")] {
            membership.orders.issue_order(issue(slug, order(date))).await.expect("issues");
        }
        let mut names = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListOrdersRequest { page_size: 2, page_token };
            let page = membership.orders.list_orders(request).await.expect("a page").into_inner();
            names.extend(page.orders.into_iter().map(|order| order.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(names, ["orders/order-c", "orders/order-a", "orders/order-b"]);
        for (page_size, page_token, reason) in [(-1, "", "PAGE_SIZE_INVALID"), (0, "no.token", "PAGE_TOKEN_INVALID")] {
            let request = ListOrdersRequest { page_size, page_token: page_token.into() };
            let status = membership.orders.list_orders(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
        }
        let missing = GetOrderRequest { name: "orders/order-x".into() };
        let status = membership.orders.get_order(missing).await.expect_err("none");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "ORDER_NOT_FOUND".into()));
    }
}

#[tokio::test]
async fn a_rule_reads_as_it_was_written() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let mut whole = order("2020-05-20");
        whole.rules = vec![OrderRule {
            unit_kind: UnitKind::DistrictPoliceCentre.into(),
            audience: GroupAudience::PoliceRank.into(),
            ranks: vec![Rank::Havildar.into(), Rank::Constable.into()],
            required: true,
            min: 1,
            target: 2,
            split_at: 3,
            max: 4,
            due_date: "2020-07-31".into(),
            custodian_ranks: vec![Rank::Inspector.into(), Rank::Dsp.into()],
            unit_set: String::new(),
        }];
        let issued = membership.orders.issue_order(issue("order-1", whole.clone())).await.expect("issues").into_inner();
        assert_eq!(issued.rules, whole.rules);
        let request = GetOrderRequest { name: issued.name };
        assert_eq!(membership.orders.get_order(request).await.expect("an order").into_inner().rules, whole.rules);
    }
}
