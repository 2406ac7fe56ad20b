//! The orders of 2018 and 2020 as the reference describes them, and any set of orders.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use senani_order::{
    Audience, Date, Order, Problem, Rank, Rule, RulesInForce, Slot, Terms, validate, validate_supersession,
};

const DISTRICT_POLICE_CENTRE: i32 = 7;
const SUBDIVISION: i32 = 8;
const STATION: i32 = 10;
const OUTPOST: i32 = 12;

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

fn rule(kind: i32, audience: Audience, ranks: &[Rank], min: u32) -> Rule {
    let terms =
        Terms { required: true, min, target: min, split_at: min.max(900), max: min.max(1024), ..Terms::default() };
    Rule { kind, audience, ranks: ranks.to_vec(), terms }
}

fn order(slug: &str, date: &str, rules: Vec<Rule>) -> Order {
    let date = day(date);
    Order {
        slug: slug.to_owned(),
        number: slug.to_owned(),
        issue_date: date,
        effective_date: date,
        supersedes: vec![],
        rules,
    }
}

fn founding() -> Order {
    order(
        "2018",
        "2018-08-10",
        vec![rule(STATION, Audience::Community, &[], 100), rule(SUBDIVISION, Audience::Community, &[], 200)],
    )
}

fn expansion() -> Order {
    let ranks = [Rank::Inspector, Rank::SubInspector, Rank::Constable];
    let rules = vec![
        rule(STATION, Audience::Community, &[], 200),
        rule(OUTPOST, Audience::Community, &[], 100),
        rule(DISTRICT_POLICE_CENTRE, Audience::PoliceRank, &ranks, 200),
        rule(DISTRICT_POLICE_CENTRE, Audience::WomenPolice, &[], 1),
    ];
    Order { supersedes: vec!["2018".to_owned()], ..order("2020", "2020-05-20", rules) }
}

fn minima(rules: &RulesInForce, kind: i32) -> Vec<(String, u32)> {
    rules.demands(kind).map(|rule| (rule.order.clone(), rule.terms.min)).collect()
}

#[test]
fn the_order_of_2020_supersedes_that_of_2018_only_for_what_it_covers() {
    let orders = [expansion(), founding()];
    assert!(RulesInForce::on(day("2018-08-09"), &orders).all().is_empty());

    let before = RulesInForce::on(day("2020-05-19"), &orders);
    assert_eq!(minima(&before, STATION), [("2018".to_owned(), 100)]);
    assert!(before.for_kind(OUTPOST).is_empty());

    let after = RulesInForce::on(day("2020-05-20"), &orders);
    assert_eq!(minima(&after, STATION), [("2020".to_owned(), 200)]);
    assert_eq!(minima(&after, SUBDIVISION), [("2018".to_owned(), 200)], "not covered by the later order");
    assert_eq!(minima(&after, OUTPOST), [("2020".to_owned(), 100)]);
    let slots: Vec<_> = after.demands(DISTRICT_POLICE_CENTRE).map(|rule| rule.slot).collect();
    let expected = [
        Slot::of_rank(Rank::Inspector),
        Slot::of_rank(Rank::SubInspector),
        Slot::of_rank(Rank::Constable),
        Slot::of(Audience::WomenPolice),
    ];
    assert_eq!(slots, expected);
}

#[test]
fn a_group_that_is_allowed_is_a_rule_and_no_demand() {
    let mut allowed = rule(STATION, Audience::Officers, &[], 5);
    allowed.terms.required = false;
    let rules = RulesInForce::on(day("2020-01-01"), &[order("may", "2019-01-01", vec![allowed])]);
    assert_eq!(rules.for_kind(STATION).len(), 1);
    assert_eq!(rules.demands(STATION).count(), 0);
    assert_eq!(rules.rule(STATION, Slot::of(Audience::Officers)).map(|rule| rule.terms.min), Some(5));
    assert_eq!(rules.rule(STATION, Slot::of(Audience::Apex)), None);
}

#[test]
fn the_later_issue_prevails_even_when_the_earlier_takes_effect_later() {
    let early = Order { effective_date: day("2021-01-01"), ..founding() };
    let orders = [early, expansion()];
    assert_eq!(minima(&RulesInForce::on(day("2022-01-01"), &orders), STATION), [("2020".to_owned(), 200)]);
}

#[test]
fn of_two_orders_of_one_day_the_superseding_one_prevails() {
    let first = order("a", "2020-01-01", vec![rule(STATION, Audience::Community, &[], 1)]);
    let second = order("b", "2020-01-01", vec![rule(STATION, Audience::Community, &[], 2)]);
    let on = |orders: &[Order]| minima(&RulesInForce::on(day("2020-01-01"), orders), STATION);
    assert_eq!(on(&[first.clone(), second.clone()]), [("b".to_owned(), 2)]);
    let first = Order { supersedes: vec!["b".to_owned()], ..first };
    assert_eq!(on(&[first.clone(), second.clone()]), [("a".to_owned(), 1)]);
    let second = Order { supersedes: vec!["a".to_owned()], ..second };
    assert_eq!(on(&[second, first]), [("b".to_owned(), 2)], "a ring is decided too");
}

#[test]
fn the_orders_of_2018_and_2020_are_valid() {
    assert_eq!(validate(&founding()), []);
    assert_eq!(validate(&expansion()), []);
    assert_eq!(validate_supersession(&expansion(), &[founding()]), []);
}

#[test]
fn every_fault_is_named_by_its_field() {
    let wrong = Order {
        slug: "x".to_owned(),
        number: " ".to_owned(),
        issue_date: day("2020-05-20"),
        effective_date: day("2020-05-19"),
        supersedes: vec!["y".to_owned(), "x".to_owned(), "y".to_owned()],
        rules: vec![
            rule(STATION, Audience::Community, &[], 100),
            Rule { kind: 0, ranks: vec![Rank::Constable], ..rule(STATION, Audience::Community, &[], 100) },
            rule(STATION, Audience::PoliceRank, &[], 1),
            rule(STATION, Audience::PoliceRank, &[Rank::Constable, Rank::Havildar, Rank::Constable], 1),
            rule(STATION, Audience::PoliceRank, &[Rank::Inspector, Rank::Havildar], 1),
            Rule {
                terms: Terms {
                    required: true,
                    min: 0,
                    target: 10,
                    split_at: 9,
                    max: 8,
                    due_date: Some(day("2020-05-18")),
                    custodian_ranks: vec![Rank::SubInspector, Rank::SubInspector],
                },
                ..rule(STATION, Audience::Community, &[], 1)
            },
        ],
    };
    let found: Vec<_> = validate(&wrong).into_iter().map(|violation| (violation.field, violation.problem)).collect();
    let expected = [
        ("number", Problem::Missing),
        ("effective_date", Problem::BeforeIssue),
        ("supersedes[1]", Problem::Itself),
        ("supersedes[2]", Problem::Repeated),
        ("rules[1].unit_kind", Problem::Missing),
        ("rules[1].ranks", Problem::NotRankWise),
        ("rules[2].ranks", Problem::Missing),
        ("rules[3].ranks[2]", Problem::Repeated),
        ("rules[4]", Problem::Covered(3)),
        ("rules[5].min", Problem::NotPositive),
        ("rules[5].split_at", Problem::Below("target")),
        ("rules[5].max", Problem::Below("split_at")),
        ("rules[5].due_date", Problem::BeforeEffect),
        ("rules[5].custodian_ranks[1]", Problem::Repeated),
        ("rules[5]", Problem::Covered(0)),
    ];
    assert_eq!(found, expected.map(|(field, problem)| (field.to_owned(), problem)));

    let empty = Order { slug: String::new(), rules: vec![], ..founding() };
    let fields: Vec<_> = validate(&empty).into_iter().map(|violation| violation.to_string()).collect();
    assert_eq!(fields, ["slug is required", "rules is required"]);
}

#[test]
fn only_known_orders_that_were_not_issued_later_can_be_superseded() {
    let order = Order { supersedes: vec!["2020".to_owned(), "1999".to_owned()], ..founding() };
    let found: Vec<_> =
        validate_supersession(&order, &[expansion()]).into_iter().map(|violation| violation.problem).collect();
    assert_eq!(found, [Problem::IssuedLater, Problem::Unknown]);
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let ranks = subsequence(&Rank::ALL[7..], 0..=3);
    (1..4i32, select(&Audience::ALL[..3]), ranks, 1..300u32, any::<bool>()).prop_map(
        |(kind, audience, ranks, min, required)| {
            let mut rule = rule(kind, audience, &ranks, min);
            rule.terms.required = required;
            rule
        },
    )
}

fn any_day() -> impl Strategy<Value = Date> {
    (1..=6u8).prop_map(|day| Date::new(2020, 1, day).expect("a date"))
}

fn any_order() -> impl Strategy<Value = Order> {
    let slug = || select(vec!["a", "b", "c", "d", "e"]).prop_map(str::to_owned);
    (slug(), any_day(), any_day(), prop::collection::vec(slug(), 0..3), prop::collection::vec(any_rule(), 0..6))
        .prop_map(|(slug, issued, effective, supersedes, rules)| Order {
            number: slug.clone(),
            slug,
            issue_date: issued.min(effective),
            effective_date: effective,
            supersedes,
            rules,
        })
}

type Key = (i32, Slot);

fn covered(order: &Order) -> impl Iterator<Item = (Key, &Rule)> {
    order.rules.iter().flat_map(|rule| rule.slots().map(move |slot| ((rule.kind, slot), rule)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_orders_give_one_rule_for_each_kind_and_slot_covered(orders in prop::collection::vec(any_order(), 0..8), date in any_day()) {
        let rules = RulesInForce::on(date, &orders);
        let in_force: Vec<_> = orders.iter().filter(|order| order.effective_date <= date).collect();
        let keys: Vec<Key> = rules.all().iter().map(|rule| (rule.kind, rule.slot)).collect();
        let expected: BTreeSet<Key> = in_force.iter().flat_map(|order| covered(order)).map(|(key, _)| key).collect();
        prop_assert_eq!(&keys, &expected.into_iter().collect::<Vec<_>>());
        for rule in rules.all() {
            // It is a rule of an order in force, and none that covers the same was issued later.
            let sources: Vec<_> = in_force.iter().filter(|order| covered(order).any(|(key, _)| key == (rule.kind, rule.slot))).collect();
            let last = sources.iter().map(|order| order.issue_date).max();
            prop_assert!(sources.iter().any(|order| order.slug == rule.order && Some(order.issue_date) == last
                && covered(order).any(|(key, of)| key == (rule.kind, rule.slot) && of.terms == rule.terms)));
        }
        for kind in 0..5 {
            prop_assert!(rules.for_kind(kind).iter().eq(rules.all().iter().filter(|rule| rule.kind == kind)));
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(
        (orders, shuffled) in prop::collection::vec(any_order(), 0..8).prop_flat_map(|orders| (Just(orders.clone()), Just(orders).prop_shuffle())),
        date in any_day(),
    ) {
        prop_assert_eq!(RulesInForce::on(date, &orders), RulesInForce::on(date, &shuffled));
    }

    #[test]
    fn a_later_order_takes_over_what_it_covers_and_nothing_else(orders in prop::collection::vec(any_order(), 0..8), newer in any_order()) {
        let issued = day("2021-01-01");
        let newer = Order { slug: "newer".to_owned(), issue_date: issued, effective_date: issued, ..newer };
        let taken: BTreeSet<Key> = covered(&newer).map(|(key, _)| key).collect();
        let before = RulesInForce::on(issued, &orders);
        let after = RulesInForce::on(issued, &[orders, vec![newer]].concat());

        let by_key = |rules: &RulesInForce| rules.all().iter().map(|rule| ((rule.kind, rule.slot), rule.clone())).collect::<BTreeMap<_, _>>();
        let (before, after) = (by_key(&before), by_key(&after));
        for (key, rule) in &after {
            if taken.contains(key) {
                prop_assert_eq!(rule.order.as_str(), "newer");
            } else {
                prop_assert_eq!(before.get(key), Some(rule));
            }
        }
        prop_assert!(before.keys().chain(&taken).all(|key| after.contains_key(key)));
    }

    #[test]
    fn a_valid_order_says_nothing_twice(order in any_order()) {
        if validate(&order).is_empty() {
            let keys: Vec<Key> = covered(&order).map(|(key, _)| key).collect();
            prop_assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        }
    }
}
