//! The structure over time: whatever is asked for, there is one tree on every day.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use senani_hierarchy::domain::{FOREVER, Kind, KindRules, Refusal, Span, Step, Timeline};
use uuid::Uuid;

const DAYS: u32 = 28;

fn day(number: u32) -> String {
    format!("2026-01-{number:02}")
}

fn unit(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

fn rules() -> KindRules {
    KindRules::parse(include_str!("../../../../data/bihar/kinds.toml")).expect("the shipped kinds")
}

/// What a caller asks for, at random.
#[derive(Debug, Clone)]
enum Wish {
    Create { parent: usize, kind: usize, opened: u32 },
    Move { unit: usize, parent: usize },
    Kind { unit: usize, kind: usize },
    Upgrade { unit: usize, parent: usize, kind: usize },
    Close { unit: usize },
    Reopen { unit: usize },
    Merge { unit: usize, into: usize },
    Split { unit: usize, beside: usize },
}

fn wishes() -> impl Strategy<Value = Vec<(u32, u32, Wish)>> {
    let number = || 0..24_usize;
    let wish = prop_oneof![
        4 => (number(), 0..13_usize, 1..=DAYS).prop_map(|(parent, kind, opened)| Wish::Create { parent, kind, opened }),
        4 => (number(), number()).prop_map(|(unit, parent)| Wish::Move { unit, parent }),
        2 => (number(), 0..13_usize).prop_map(|(unit, kind)| Wish::Kind { unit, kind }),
        2 => (number(), number(), 0..13_usize).prop_map(|(unit, parent, kind)| Wish::Upgrade { unit, parent, kind }),
        3 => number().prop_map(|unit| Wish::Close { unit }),
        2 => number().prop_map(|unit| Wish::Reopen { unit }),
        2 => (number(), number()).prop_map(|(unit, into)| Wish::Merge { unit, into }),
        2 => (number(), number()).prop_map(|(unit, beside)| Wish::Split { unit, beside }),
    ];
    // Days from one wish to the next, and days that it reaches back.
    prop::collection::vec((0..2_u32, 0..5_u32, wish), 1..60)
}

/// What can be read as of a day.
fn answer(timeline: &Timeline, day: &str) -> BTreeMap<Uuid, (Option<Uuid>, Kind, bool)> {
    timeline.units_on(day).map(|(unit, span)| (unit, (span.parent, span.kind, span.closed))).collect()
}

/// One root, a way from each unit to it, and nothing open under what is closed or may not have it.
fn assert_tree(timeline: &Timeline, day: &str, rules: &KindRules) {
    let units: HashMap<Uuid, &Span> = timeline.units_on(day).collect();
    let roots = units.values().filter(|span| span.parent.is_none()).count();
    assert_eq!(roots, usize::from(!units.is_empty()), "one root on {day}");
    for (id, span) in &units {
        let mut way = HashSet::from([*id]);
        let mut at = *span;
        while let Some(parent) = at.parent {
            assert!(way.insert(parent), "a ring on {day}");
            at = units.get(&parent).unwrap_or_else(|| panic!("a unit without its parent on {day}"));
        }
        if !span.closed {
            let parent = span.parent.map(|parent| units[&parent]);
            assert!(parent.is_none_or(|parent| !parent.closed), "open under a closed unit on {day}");
            assert!(rules.allows(span.kind, parent.map(|parent| parent.kind)), "a kind out of place on {day}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_keeps_one_tree_on_every_day_and_what_was_before_them(wishes in wishes()) {
        let rules = rules();
        let mut timeline = Timeline::new();
        let root = Span { from: day(1), until: FOREVER.to_owned(), parent: None, kind: Kind::StateHq, closed: false };
        timeline.enter(unit(0), root);
        let mut known = 1;
        let mut today = 3;
        for (pause, back, wish) in wishes {
            today = (today + pause).min(DAYS);
            let from = day(today.saturating_sub(back).max(1));
            let before = timeline.clone();
            let kind_of = |number: usize| Kind::ALL[number].0;
            let (number, step) = match wish {
                Wish::Create { parent, kind, opened } => {
                    let (parent, kind) = (unit(parent % known), kind_of(kind));
                    let above = timeline.on(parent, &day(today)).expect("on record");
                    if !above.closed && rules.allows(kind, Some(above.kind)) {
                        let from = timeline.record_start(kind, Some(parent), &day(opened), &day(today), &rules);
                        let until = FOREVER.to_owned();
                        timeline.enter(unit(known), Span { from, until, parent: Some(parent), kind, closed: false });
                        known += 1;
                    }
                    (1..=DAYS).for_each(|number| assert_tree(&timeline, &day(number), &rules));
                    continue;
                }
                Wish::Move { unit: number, parent } => {
                    let kind = timeline.on(unit(number % known), &day(DAYS)).expect("on record").kind;
                    (number, Step::Place { parent: unit(parent % known), kind })
                }
                Wish::Kind { unit: number, kind } => (number, Step::Kind(kind_of(kind))),
                Wish::Upgrade { unit: number, parent, kind } => {
                    (number, Step::Place { parent: unit(parent % known), kind: kind_of(kind) })
                }
                Wish::Merge { unit: number, into } => {
                    let (merged, into) = (unit(number % known), unit(into % known));
                    let mut trial = timeline.clone();
                    let mut steps: Vec<(Uuid, Step)> = Vec::new();
                    for child in timeline.open_children(merged) {
                        let kind = timeline.on(child, &day(DAYS)).expect("on record").kind;
                        steps.push((child, Step::Place { parent: into, kind }));
                    }
                    steps.push((merged, Step::Merge(into)));
                    let done = steps.into_iter().try_for_each(|(unit, step)| trial.apply(unit, step, &from, &rules));
                    if done.is_ok() {
                        timeline = trial;
                    }
                    (number, Step::Describe)
                }
                Wish::Split { unit: number, beside } => {
                    let whole = unit(number % known);
                    let span = timeline.on(whole, &day(DAYS)).expect("on record").clone();
                    let (part, parent) = (unit(known), span.parent.unwrap_or(unit(beside % known)));
                    let mut trial = timeline.clone();
                    let mut done = trial.open(part, parent, span.kind, &from, &rules);
                    for child in timeline.open_children(whole).into_iter().step_by(2) {
                        let kind = timeline.on(child, &day(DAYS)).expect("on record").kind;
                        let step = Step::Place { parent: part, kind };
                        done = done.and_then(|()| trial.apply(child, step, &from, &rules));
                    }
                    if done.is_ok() {
                        timeline = trial;
                        known += 1;
                    }
                    (number, Step::Describe)
                }
                Wish::Close { unit: number } => (number, Step::Close),
                Wish::Reopen { unit: number } => (number, Step::Reopen),
            };
            let done = timeline.apply(unit(number % known), step, &from, &rules);
            if done.is_err() && step != Step::Describe {
                prop_assert_eq!(&timeline, &before, "a refused change changes nothing");
            }
            for number in 1..=DAYS {
                assert_tree(&timeline, &day(number), &rules);
                if day(number) < from {
                    prop_assert_eq!(answer(&timeline, &day(number)), answer(&before, &day(number)));
                }
            }
        }
    }
}

/// A state with a range and a district, and another range from the tenth on.
fn state() -> Timeline {
    let mut timeline = Timeline::new();
    let mut enter = |number: usize, parent: Option<usize>, kind, from: u32| {
        let until = FOREVER.to_owned();
        timeline.enter(unit(number), Span { from: day(from), until, parent: parent.map(unit), kind, closed: false });
    };
    enter(0, None, Kind::StateHq, 1);
    enter(1, Some(0), Kind::Range, 1);
    enter(2, Some(1), Kind::District, 1);
    enter(3, Some(0), Kind::Range, 10);
    timeline
}

#[test]
fn a_change_that_reaches_back_must_be_right_on_every_day_since() {
    let rules = rules();
    let to_new_range = Step::Place { parent: unit(3), kind: Kind::District };
    let refused = state().apply(unit(2), to_new_range, &day(9), &rules);
    assert_eq!(refused, Err(Refusal::ParentClosed(day(9))), "the range was not there");
    let mut timeline = state();
    timeline.apply(unit(2), to_new_range, &day(10), &rules).expect("it was there");
    let closed = timeline.apply(unit(3), Step::Close, &day(10), &rules);
    assert_eq!(closed, Err(Refusal::ChildrenOpen(1, unit(2))));
    let closed = timeline.apply(unit(1), Step::Close, &day(9), &rules);
    assert_eq!(closed, Err(Refusal::ChildrenOpen(1, unit(2))), "the district stood there on the ninth");
    timeline.apply(unit(1), Step::Close, &day(10), &rules).expect("nobody stands there any more");
    let again = timeline.apply(unit(2), to_new_range, &day(9), &rules);
    assert_eq!(again, Err(Refusal::TooEarly(day(10))), "what is on record since the tenth stays");
}

#[test]
fn a_new_unit_is_on_record_no_sooner_than_the_place_where_it_stands() {
    let timeline = state();
    let start =
        |parent, opened: &str| timeline.record_start(Kind::District, Some(unit(parent)), opened, &day(20), &rules());
    assert_eq!(start(1, &day(5)), day(5), "its opening day");
    assert_eq!(start(3, "1950-01-01"), day(10), "the parent's");
    assert_eq!(start(1, "2031-01-01"), day(20), "today, for what will open");
}
