//! The sums against a naive recount, over any tree and any groups.

use proptest::prelude::*;
use proptest::sample::select;
use senani_order::{Audience, Date, Order, Rank, Rule, Target, Terms};
use senani_unit_tree::{Unit, UnitEntry, UnitTree};
use uuid::Uuid;

use super::*;

const TODAY: (u16, u8, u8) = (2026, 8, 1);
const KINDS: [i32; 4] = [1, 6, 8, 10];

fn today() -> Date {
    Date::new(TODAY.0, TODAY.1, TODAY.2).expect("a day")
}

fn unit_id(number: usize) -> Uuid {
    Uuid::from_u128(1 + number as u128)
}

/// A tree of up to 40 units: each but the first stands under an earlier one; some are closed.
fn trees() -> impl Strategy<Value = UnitTree> {
    prop::collection::vec((any::<prop::sample::Index>(), select(&KINDS[..]), prop::bool::weighted(0.1)), 1..40)
        .prop_map(|units| {
            let entries = units.into_iter().enumerate().map(|(number, (parent, kind, closed))| UnitEntry {
                id: unit_id(number),
                parent: (number > 0).then(|| unit_id(parent.index(number))),
                kind,
                slug: format!("unit-{number}"),
                close_date: closed.then(|| "2026-08-01".to_owned()),
                ..UnitEntry::default()
            });
            UnitTree::build(entries).expect("a tree")
        })
}

fn groups() -> impl Strategy<Value = Vec<Group>> {
    const SLOTS: [(i32, i32); 7] = [(1, 0), (4, 0), (2, 12), (2, 11), (3, 0), (2, 0), (99, 0)];
    let group = (0..45_usize, select(&SLOTS[..]), prop::bool::weighted(0.9), 0..300_i64);
    prop::collection::vec(
        group.prop_map(|(unit, (audience, rank), active, enrolled)| Group {
            unit: unit_id(unit),
            audience,
            rank,
            active,
            enrolled,
        }),
        0..80,
    )
}

fn rule(kind: i32, audience: Audience, ranks: &[Rank], required: bool, min: u32) -> Rule {
    let terms = Terms { required, min, target: min, split_at: min, max: min, ..Terms::default() };
    Rule { target: Target::Kind(kind), audience, ranks: ranks.to_vec(), terms }
}

fn order(slug: &str, date: &str, rules: Vec<Rule>) -> Order {
    let date: Date = date.parse().expect("a date");
    Order {
        slug: slug.to_owned(),
        number: slug.to_owned(),
        issue_date: date,
        effective_date: date,
        supersedes: Vec::new(),
        rules,
    }
}

fn register(groups: &[Group]) -> Register {
    let mut register = Register::default();
    register.issue(order(
        "expansion",
        "2020-05-20",
        vec![
            rule(10, Audience::Community, &[], true, 200),
            rule(6, Audience::PoliceRank, &[Rank::Constable, Rank::Havildar], true, 100),
            rule(6, Audience::WomenPolice, &[], false, 50),
        ],
    ));
    register.issue(order(
        "founding",
        "2018-08-01",
        vec![rule(10, Audience::Community, &[], true, 100), rule(8, Audience::Community, &[], true, 150)],
    ));
    let of_set = Rule { target: Target::Set("border".to_owned()), ..rule(0, Audience::Officers, &[], true, 30) };
    register.issue(order("border", "2021-01-01", vec![of_set]));
    register.issue(order("tomorrow", "2026-08-02", vec![rule(10, Audience::Community, &[], true, 9_999)]));
    for (number, group) in groups.iter().enumerate() {
        register.put(Uuid::from_u128(1_000 + number as u128), *group);
    }
    register
}

/// (kind, audience, rank, min) of what is demanded today, written out by hand.
const DEMANDS: [(i32, i32, i32, i64); 4] = [(10, 1, 0, 200), (8, 1, 0, 150), (6, 2, 12, 100), (6, 2, 11, 100)];

/// Every other unit is in the one set, whatever its kind.
fn border(unit: Uuid) -> Option<&'static str> {
    unit.as_u128().is_multiple_of(2).then_some("border")
}

/// Figures of the units that `counts` holds for, one by one and without a prefix sum.
fn recount(tree: &UnitTree, groups: &[Group], counts: impl Fn(Unit<'_>) -> bool) -> Figures {
    let mut figures = Figures::default();
    for unit in tree.units().filter(|unit| counts(*unit)) {
        let of_unit: Vec<_> = groups.iter().filter(|group| group.active && group.unit == unit.id()).collect();
        figures.enrolled_members += of_unit.iter().map(|group| group.enrolled).sum::<i64>();
        let of_set = border(unit.id()).map(|_| (unit.kind(), 4, 0, 30));
        for (kind, audience, rank, min) in DEMANDS.into_iter().chain(of_set) {
            if unit.kind() != kind || unit.close_date().is_some() {
                continue;
            }
            let held: Vec<_> =
                of_unit.iter().filter(|group| (group.audience, group.rank) == (audience, rank)).collect();
            let enrolled: i64 = held.iter().map(|group| group.enrolled).sum();
            figures.expected_groups += 1;
            figures.formed_groups += i64::from(!held.is_empty());
            figures.sufficient_groups += i64::from(!held.is_empty() && enrolled >= min);
            figures.short_groups += i64::from(!held.is_empty() && enrolled < min);
            figures.expected_members += min;
            figures.missing_members += if enrolled < min { min - enrolled } else { 0 };
        }
    }
    figures
}

fn add_up(coverage: &Coverage) -> Figures {
    coverage.parts.iter().fold(coverage.rest, |sum, (_, part)| sum + *part)
}

proptest! {
    #[test]
    fn figures_equal_a_recount_and_parts_add_up(tree in trees(), groups in groups()) {
        let table = CoverageTable::count(&tree, border, &register(&groups), today());
        for unit in tree.units() {
            let coverage = table.coverage(unit, None);
            prop_assert_eq!(coverage.figures, recount(&tree, &groups, |other| unit.contains(other)));
            prop_assert_eq!(add_up(&coverage), coverage.figures);
            prop_assert_eq!(coverage.rest, recount(&tree, &groups, |other| other == unit));
            prop_assert_eq!(coverage.parts.len(), unit.children().count());
            for kind in KINDS {
                let coverage = table.coverage(unit, Some(kind));
                prop_assert_eq!(add_up(&coverage), coverage.figures);
                for (place, part) in &coverage.parts {
                    let part_unit = tree.unit(*place).expect("a unit of the tree");
                    prop_assert_eq!(part_unit.kind(), kind);
                    prop_assert_eq!(*part, recount(&tree, &groups, |other| part_unit.contains(other)));
                }
                let in_a_part = |other: Unit<'_>| {
                    other != unit && other.ancestor_of_kind(kind).is_some_and(|part| part != unit && unit.contains(part))
                };
                let rest = recount(&tree, &groups, |other| unit.contains(other) && !in_a_part(other));
                prop_assert_eq!(coverage.rest, rest);
            }
        }
    }

    #[test]
    fn reach_adds_up_over_its_parts_and_its_states(
        tree in trees(),
        deliveries in prop::collection::vec((0..45_usize, 0..12_i32, select(&["", "131026", "MEMBER_GONE"][..]), 0..50_i64), 0..60),
        tasks in prop::collection::vec((0..45_usize, 0..5_i64, 0..5_i64), 0..30),
    ) {
        let deliveries: Vec<_> = deliveries
            .into_iter()
            .map(|(unit, state, reason, count)| ReachLine { unit: unit_id(unit), state, reason: reason.to_owned(), count })
            .collect();
        let tasks: Vec<_> =
            tasks.into_iter().map(|(unit, open, orphaned)| TaskLine { unit: unit_id(unit), open, orphaned }).collect();
        let reach = reach(&tree, &deliveries, &tasks);
        let all = &reach.figures;
        prop_assert_eq!(all.persons, deliveries.iter().map(|line| line.count).sum::<i64>());
        prop_assert_eq!(all.tasks, tasks.iter().map(|line| line.open + line.orphaned).sum::<i64>());
        for figures in reach.parts.iter().map(|(_, part)| part).chain([all]) {
            prop_assert_eq!(figures.pending + figures.accepted + figures.delivered + figures.failed, figures.persons);
            prop_assert_eq!(figures.failed_by_reason.values().sum::<i64>(), figures.failed);
            prop_assert!(figures.read <= figures.delivered && figures.orphaned_tasks <= figures.tasks);
        }
        let sum = |field: fn(&ReachFigures) -> i64| reach.parts.iter().map(|(_, part)| field(part)).sum::<i64>();
        prop_assert_eq!(sum(|part| part.persons), all.persons);
        prop_assert_eq!(sum(|part| part.tasks), all.tasks);
        prop_assert_eq!(sum(|part| part.orphaned_tasks), all.orphaned_tasks);
        prop_assert_eq!(sum(|part| part.read), all.read);
        prop_assert!(reach.parts.is_sorted_by_key(|(place, _)| *place));
        for (place, _) in &reach.parts {
            let unit = tree.unit(*place).expect("a unit of the tree");
            prop_assert!(unit.kind() == 6 || unit.ancestor_of_kind(6).is_none());
        }
    }
}

#[test]
fn taking_a_change_twice_is_harmless() {
    let group = Group { unit: unit_id(0), audience: 1, rank: 0, active: true, enrolled: 7 };
    let mut once = Register::default();
    once.put(unit_id(1), group);
    once.resize(unit_id(1), 9);
    let mut twice = once.clone();
    twice.put(unit_id(1), group);
    twice.resize(unit_id(1), 9);
    twice.resize(unit_id(2), 9);
    assert_eq!(once, twice);
}
