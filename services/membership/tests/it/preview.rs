//! An order before it is issued.

use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{GroupAudience, OrderRule, PreviewFigures, PreviewOrderRequest};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{Membership, file, issue, order, refusal, rule};

#[tokio::test]
async fn an_order_is_previewed_by_district_with_groups_to_form_and_people_short() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(file(0..30, &["kotwali-ps"])).await.expect("imports");
        let mut next = order("2099-01-01");
        next.rules = vec![
            rule(UnitKind::Station, GroupAudience::Community, 300),
            OrderRule {
                unit_set: "unitSets/railway".into(),
                ..rule(UnitKind::Unspecified, GroupAudience::Officers, 7)
            },
            OrderRule { required: false, ..rule(UnitKind::DistrictPoliceCentre, GroupAudience::WomenPolice, 100) },
            rule(UnitKind::Wing, GroupAudience::Regional, 20),
        ];
        let before = membership.state().await;
        let mut request = PreviewOrderRequest { order: Some(next.clone()), page_size: 1, ..Default::default() };
        let mut units = Vec::new();
        loop {
            let page = membership.orders.preview_order(request.clone()).await.expect("a preview").into_inner();
            let expected = PreviewFigures {
                bound_units: 5,
                demanded_groups: 5,
                groups_to_form: 2,
                people_needed: 27,
                short_groups: 3,
                people_short: 27 + 3 * 300 - 30,
                resized_groups: 3,
                optional_groups: 1,
                overfull_groups: 0,
                unruled_groups: 0,
            };
            assert_eq!(page.total, Some(expected));
            assert_eq!(page.rest.map(|rest| (rest.groups_to_form, rest.people_short)), Some((1, 20)), "the wing");
            units.extend(page.parts);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        let names: Vec<&str> = units.iter().map(|part| part.unit.as_str()).collect();
        assert_eq!(names, ["units/gaya-district", "units/patna-district"]);
        let groups: Vec<_> = units[1]
            .groups
            .iter()
            .map(|group| {
                (group.unit.as_str(), group.min_before, group.min_after, group.to_form, group.becomes_optional)
            })
            .collect();
        let expected = [
            ("units/gandhi-maidan-ps", 200, 300, false, false),
            ("units/gandhi-maidan-ps", 0, 7, true, false),
            ("units/kotwali-ps", 200, 300, false, false),
            ("units/patna-centre", 100, 100, false, true),
        ];
        assert_eq!(groups, expected);
        assert_eq!(membership.state().await, before, "a preview changes nothing");

        // Issued, it demands just that.
        let day = |mut order: senani_proto::membership::v1::Order| {
            (order.issue_date, order.effective_date) = ("2021-01-01".to_owned(), "2021-01-01".to_owned());
            order
        };
        membership.orders.issue_order(issue("order-next", day(next.clone()))).await.expect("issues");
        assert_eq!(membership.form("units/bihar-hq").await.expect("forms").people_needed, 27);
        let again = PreviewOrderRequest { order: Some(next), order_id: "order-next".into(), ..Default::default() };
        let status = membership.orders.preview_order(again).await.expect_err("issued");
        assert_eq!((status.code(), refusal(&status).0), (Code::AlreadyExists, "SLUG_TAKEN".into()));
    }
}

#[tokio::test]
async fn an_order_that_could_not_be_issued_is_not_previewed() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let request = PreviewOrderRequest { order: Some(order("2020-05-20")), ..Default::default() };
        let mut supersedes = request.clone();
        supersedes.order.as_mut().expect("an order").supersedes = vec!["orders/nowhere".into()];
        let mut wrong = request.clone();
        wrong.order.as_mut().expect("an order").rules[0].min = 0;
        for (request, reason) in [
            (supersedes, "ORDER_UNKNOWN"),
            (wrong, "RULE_INVALID"),
            (PreviewOrderRequest { unit: "units/nowhere-ps".into(), ..request.clone() }, "UNIT_NOT_FOUND"),
            (PreviewOrderRequest { date: "soon".into(), ..request.clone() }, "DATE_INVALID"),
            (PreviewOrderRequest { page_size: -1, ..request.clone() }, "PAGE_SIZE_INVALID"),
        ] {
            let status = membership.orders.preview_order(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
        }
    }
}
