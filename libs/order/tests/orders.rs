//! The orders of 2018 and 2020 as the reference describes them, and any set of orders.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use senani_order::{
    Audience, Date, Order, Problem, Rank, Rule, RuleInForce, RulesInForce, Slot, Target, Terms, validate,
    validate_supersession,
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
    Rule { target: Target::Kind(kind), audience, ranks: ranks.to_vec(), terms }
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
    rules.for_unit(kind, []).demands().map(|rule| (rule.order.clone(), rule.terms.min)).collect()
}

#[test]
fn the_order_of_2020_supersedes_that_of_2018_only_for_what_it_covers() {
    let orders = [expansion(), founding()];
    assert!(RulesInForce::on(day("2018-08-09"), &orders).targets().next().is_none());

    let before = RulesInForce::on(day("2020-05-19"), &orders);
    assert_eq!(minima(&before, STATION), [("2018".to_owned(), 100)]);
    assert!(before.for_unit(OUTPOST, []).is_empty());

    let after = RulesInForce::on(day("2020-05-20"), &orders);
    assert_eq!(minima(&after, STATION), [("2020".to_owned(), 200)]);
    assert_eq!(minima(&after, SUBDIVISION), [("2018".to_owned(), 200)], "not covered by the later order");
    assert_eq!(minima(&after, OUTPOST), [("2020".to_owned(), 100)]);
    let slots: Vec<_> = after.for_unit(DISTRICT_POLICE_CENTRE, []).demands().map(|rule| rule.slot).collect();
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
    let rules = rules.for_unit(STATION, []);
    assert_eq!(rules.all().len(), 1);
    assert_eq!(rules.demands().count(), 0);
    assert_eq!(rules.rule(Slot::of(Audience::Officers)).map(|rule| rule.terms.min), Some(5));
    assert_eq!(rules.rule(Slot::of(Audience::Apex)), None);
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
            Rule {
                target: Target::Kind(0),
                ranks: vec![Rank::Constable],
                ..rule(STATION, Audience::Community, &[], 100)
            },
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

#[test]
fn an_order_for_a_set_binds_its_units_and_a_later_one_for_their_kind_ends_that() {
    let of_set = |min| Rule { target: Target::Set("railway".to_owned()), ..rule(0, Audience::Community, &[], min) };
    let exception = order("2021", "2021-01-01", vec![of_set(50)]);
    let orders = [founding(), expansion(), exception];
    let slot = Slot::of(Audience::Community);
    let min = |orders: &[Order], kind, sets: &[&str]| {
        let rules = RulesInForce::on(day("2022-01-01"), orders);
        rules.for_unit(kind, sets.iter().copied()).rule(slot).map(|rule| rule.terms.min)
    };
    assert_eq!(min(&orders, STATION, &["railway"]), Some(50));
    assert_eq!(min(&orders, STATION, &["border"]), Some(200));
    assert_eq!(min(&orders, 99, &["border", "railway"]), Some(50), "whatever its kind");
    let later = order("2021-06", "2021-06-01", vec![rule(STATION, Audience::Community, &[], 300)]);
    let orders = [orders.to_vec(), vec![later]].concat();
    assert_eq!(min(&orders, STATION, &["railway"]), Some(300));
    // In one order the set is more special, and of two sets the one named first.
    let border = Rule { target: Target::Set("border".to_owned()), ..of_set(70) };
    let both = order("2021-07", "2021-07-01", vec![rule(STATION, Audience::Community, &[], 300), border, of_set(60)]);
    let orders = [orders, vec![both]].concat();
    assert_eq!(min(&orders, STATION, &["railway"]), Some(60));
    assert_eq!(min(&orders, STATION, &["railway", "border"]), Some(70));
    assert_eq!(min(&orders, STATION, &[]), Some(300));
}

fn any_target() -> impl Strategy<Value = Target> {
    prop_oneof![(1..4i32).prop_map(Target::Kind), select(&SETS[..]).prop_map(|set| Target::Set(set.to_owned())),]
}

const SETS: [&str; 3] = ["border", "railway", "river"];

fn any_sets() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(SETS.to_vec(), 0..=3)
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let ranks = subsequence(&Rank::ALL[7..], 0..=3);
    (any_target(), select(&Audience::ALL[..3]), ranks, 1..300u32, any::<bool>()).prop_map(
        |(target, audience, ranks, min, required)| {
            let mut rule = Rule { target, ..rule(0, audience, &ranks, min) };
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

/// Whether a rule is for a unit.
fn binds(rule: &Rule, kind: i32, sets: &[&str]) -> bool {
    match &rule.target {
        Target::Kind(of) => *of == kind,
        Target::Set(set) => sets.contains(&set.as_str()),
    }
}

/// The rules of an order for a unit, by slot.
fn covered<'o>(order: &'o Order, kind: i32, sets: &[&str]) -> Vec<(Slot, &'o Rule)> {
    let rules = order.rules.iter().filter(|rule| binds(rule, kind, sets));
    rules.flat_map(|rule| rule.slots().map(move |slot| (slot, rule))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_orders_give_one_rule_for_each_unit_slot_and_date(
        orders in prop::collection::vec(any_order(), 0..8),
        date in any_day(),
        kind in 0..5i32,
        sets in any_sets(),
    ) {
        let in_force: Vec<_> = orders.iter().filter(|order| order.effective_date <= date).collect();
        let rules = RulesInForce::on(date, &orders);
        let rules = rules.for_unit(kind, sets.iter().copied());
        let slots: Vec<Slot> = rules.all().iter().map(|rule| rule.slot).collect();
        let expected: BTreeSet<Slot> =
            in_force.iter().flat_map(|order| covered(order, kind, &sets)).map(|(slot, _)| slot).collect();
        prop_assert_eq!(&slots, &expected.into_iter().collect::<Vec<_>>());
        for rule in rules.all() {
            // It is a rule of an order in force for this unit, and none for the same slot was issued later.
            let of_slot = |order: &Order| covered(order, kind, &sets).into_iter().any(|(slot, _)| slot == rule.slot);
            let last = in_force.iter().filter(|order| of_slot(order)).map(|order| order.issue_date).max();
            let of_winner: Vec<_> = in_force
                .iter()
                .filter(|order| order.slug == rule.order && Some(order.issue_date) == last)
                .flat_map(|order| covered(order, kind, &sets))
                .filter(|(slot, _)| *slot == rule.slot)
                .collect();
            prop_assert!(of_winner.iter().any(|(_, of)| of.terms == rule.terms && of.target == rule.target));
            // A rule for a kind prevails only where no order of that name has one for a set of the unit.
            let one_order = in_force.iter().filter(|order| order.slug == rule.order).count() == 1;
            if one_order && matches!(rule.target, Target::Kind(_)) {
                prop_assert!(of_winner.iter().all(|(_, of)| matches!(of.target, Target::Kind(_))));
            }
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(
        (orders, shuffled) in prop::collection::vec(any_order(), 0..8).prop_flat_map(|orders| (Just(orders.clone()), Just(orders).prop_shuffle())),
        date in any_day(),
        kind in 0..5i32,
        sets in any_sets().prop_flat_map(|sets| (Just(sets.clone()), Just(sets).prop_shuffle())),
    ) {
        let (rules, others) = (RulesInForce::on(date, &orders), RulesInForce::on(date, &shuffled));
        prop_assert_eq!(&rules, &others);
        prop_assert_eq!(rules.for_unit(kind, sets.0), others.for_unit(kind, sets.1));
    }

    #[test]
    fn a_later_order_takes_over_what_it_covers_and_nothing_else(
        orders in prop::collection::vec(any_order(), 0..8),
        newer in any_order(),
        kind in 0..5i32,
        sets in any_sets(),
    ) {
        let issued = day("2021-01-01");
        let newer = Order { slug: "newer".to_owned(), issue_date: issued, effective_date: issued, ..newer };
        let taken: BTreeSet<Slot> = covered(&newer, kind, &sets).into_iter().map(|(slot, _)| slot).collect();
        let before = RulesInForce::on(issued, &orders);
        let after = RulesInForce::on(issued, &[orders, vec![newer]].concat());
        let by_slot = |rules: &RulesInForce| -> BTreeMap<Slot, RuleInForce> {
            let rules = rules.for_unit(kind, sets.iter().copied());
            rules.all().iter().map(|rule| (rule.slot, rule.clone())).collect()
        };
        let (before, after) = (by_slot(&before), by_slot(&after));
        for (slot, rule) in &after {
            if taken.contains(slot) {
                prop_assert_eq!(rule.order.as_str(), "newer");
            } else {
                prop_assert_eq!(before.get(slot), Some(rule));
            }
        }
        prop_assert!(before.keys().all(|slot| after.contains_key(slot)));
    }

    #[test]
    fn a_valid_order_says_nothing_twice(order in any_order()) {
        if validate(&order).is_empty() {
            let keys: Vec<_> =
                order.rules.iter().flat_map(|rule| rule.slots().map(move |slot| (&rule.target, slot))).collect();
            prop_assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        }
    }
}
