//! Trees against a naive walk over parents, and replicas against trees built from scratch.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use senani_unit_tree::{Replica, TreeError, Unit, UnitEntry, UnitTree};
use uuid::Uuid;

/// An id that says nothing of the order of entry.
fn id(number: usize) -> Uuid {
    Uuid::from_u128((number as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

fn unit(number: usize, parent: Option<usize>) -> UnitEntry {
    UnitEntry {
        id: id(number),
        parent: parent.map(id),
        kind: (number % 4) as i32,
        slug: format!("unit-{number}"),
        names: [("hi".to_owned(), format!("इकाई {number}")), ("en".to_owned(), format!("Unit {number}"))].into(),
        open_date: Some("2018-08-10".to_owned()),
        close_date: number.is_multiple_of(3).then(|| "2020-05-20".to_owned()),
    }
}

fn slugs<'t>(units: impl Iterator<Item = Unit<'t>>) -> Vec<&'t str> {
    units.map(Unit::slug).collect()
}

/// state 0 ─ zone 1 ─ district 2 ─ stations 3, 4; wing 5.
fn small() -> UnitTree {
    UnitTree::build([
        unit(4, Some(2)),
        unit(3, Some(2)),
        unit(0, None),
        unit(5, Some(0)),
        unit(2, Some(1)),
        unit(1, Some(0)),
    ])
    .expect("it is a tree")
}

#[test]
fn a_unit_is_found_by_id_and_slug_with_all_that_came_in() {
    let tree = small();
    assert_eq!(tree.len(), 6);
    for number in 0..6 {
        let found = tree.by_id(id(number)).unwrap();
        assert_eq!(tree.by_slug(&format!("unit-{number}")), Some(found));
        assert_eq!(tree.unit(found.place()), Some(found));
        assert_eq!(found.name("hi"), Some(format!("इकाई {number}").as_str()));
        assert_eq!(found.name("ur"), None);
    }
    assert_eq!(tree.by_slug("unit-2").unwrap().to_entry(), unit(2, Some(1)));
    assert_eq!(tree.by_id(id(6)), None);
    assert_eq!(tree.by_slug("unit"), None);
    assert_eq!(tree.root().unwrap().to_entry(), unit(0, None));
}

#[test]
fn the_ways_up_and_down_are_as_documented() {
    let tree = small();
    let station = tree.by_slug("unit-4").unwrap();
    assert_eq!(slugs(station.ancestors()), ["unit-2", "unit-1", "unit-0"]);
    assert_eq!((station.depth(), tree.root().unwrap().depth()), (3, 0));
    assert_eq!(station.ancestor_of_kind(1).unwrap().slug(), "unit-1");
    assert_eq!(station.ancestor_of_kind(0), Some(station));
    assert_eq!(station.ancestor_of_kind(9), None);

    let zone = tree.by_slug("unit-1").unwrap();
    assert_eq!(slugs(zone.children()), ["unit-2"]);
    assert_eq!(zone.subtree().len(), 4);
    assert_eq!(zone.span().len(), 4);
    assert_eq!(zone.subtree().next(), Some(zone));
    assert!(zone.contains(station) && zone.contains(zone) && !station.contains(zone));
    assert!(tree.is_within(id(1), id(4)) && !tree.is_within(id(5), id(4)));
    assert!(!tree.is_within(id(1), id(99)) && !tree.is_within(id(99), id(1)));
}

#[test]
fn a_unit_is_open_from_its_opening_up_to_but_not_on_its_closing() {
    let tree = small();
    let closed = tree.by_slug("unit-3").unwrap();
    let open_on = |date| closed.is_open_on(date);
    assert_eq!(["2018-08-09", "2018-08-10", "2020-05-19", "2020-05-20"].map(open_on), [false, true, true, false]);
    assert!(tree.by_slug("unit-4").unwrap().is_open_on("2099-01-01"));
}

#[test]
fn no_units_are_an_empty_tree() {
    let tree = UnitTree::default();
    assert!(tree.is_empty() && tree.root().is_none() && tree.units().next().is_none());
    assert_eq!(UnitTree::build([]), Ok(tree));
}

#[test]
fn each_fault_is_named() {
    let fault = |entries: Vec<UnitEntry>| UnitTree::build(entries).expect_err("it is no tree");
    assert_eq!(
        fault(vec![unit(0, None), unit(1, Some(7))]),
        TreeError::Orphan { id: id(1), slug: "unit-1".to_owned(), parent: id(7) }
    );
    assert_eq!(fault(vec![unit(0, None), unit(1, Some(0)), unit(1, Some(0))]), TreeError::Repeated { id: id(1) });
    assert!(matches!(fault(vec![unit(0, None), unit(1, None)]), TreeError::SecondRoot { .. }));
    let twin = UnitEntry { slug: "unit-1".to_owned(), ..unit(2, Some(0)) };
    assert!(
        matches!(fault(vec![unit(0, None), unit(1, Some(0)), twin]), TreeError::SlugTaken { slug, .. } if slug == "unit-1")
    );

    let error = fault(vec![unit(0, None), unit(1, Some(3)), unit(2, Some(1)), unit(3, Some(2)), unit(4, Some(3))]);
    let TreeError::Cycle { slugs } = &error else { panic!("{error}") };
    assert_eq!((slugs.len(), slugs.first()), (4, slugs.last()));
    assert_eq!(
        fault(vec![unit(0, Some(0))]).to_string(),
        "units stand under each other in a ring: unit-0 under unit-0"
    );
}

#[test]
fn a_replica_answers_with_the_last_snapshot_until_the_missing_parent_comes() {
    let mut replica = Replica::from(small());
    let before = replica.last();
    replica.upsert(&unit(8, Some(7)));
    assert!(matches!(replica.tree(), Err(TreeError::Orphan { .. })));
    assert_eq!(replica.last(), before);
    replica.upsert(&unit(7, Some(2)));
    let after = replica.tree().unwrap();
    assert_eq!(slugs(after.by_slug("unit-8").unwrap().ancestors()), ["unit-7", "unit-2", "unit-1", "unit-0"]);
    assert_eq!(before.len(), 6, "an earlier snapshot does not change");
}

/// Numbers of parents: mostly earlier units, sometimes any unit, an unknown one or none.
fn parents() -> impl Strategy<Value = Vec<Option<usize>>> {
    prop::collection::vec((0..100usize, any::<prop::sample::Index>()), 0..60).prop_map(|choices| {
        let count = choices.len();
        let parent = |number: usize, dice: usize, index: prop::sample::Index| match (number, dice) {
            (0, 2..) | (_, 0) => None,
            (_, 1) => Some(index.index(count + 2)),
            _ => Some(index.index(number)),
        };
        // Few dice show 0 or 1, so that most forests are trees.
        choices.into_iter().enumerate().map(|(number, (dice, index))| parent(number, dice, index)).collect()
    })
}

fn naive_is_within(parents: &[Option<usize>], ancestor: usize, unit: usize) -> bool {
    std::iter::successors(Some(unit), |unit| parents[*unit]).any(|above| above == ancestor)
}

/// Whether parents are a tree, by following each way up for as many steps as there are units.
fn naive_is_tree(parents: &[Option<usize>]) -> bool {
    let known = parents.iter().flatten().all(|parent| *parent < parents.len());
    let one_root = parents.iter().filter(|parent| parent.is_none()).count() == usize::from(!parents.is_empty());
    known
        && one_root
        && (0..parents.len()).all(|start| {
            let end = (0..parents.len()).try_fold(start, |unit, _| parents[unit].ok_or(unit));
            end.is_err()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_tree_is_built_exactly_of_what_is_one(parents in parents()) {
        let built = UnitTree::build(parents.iter().enumerate().map(|(number, parent)| unit(number, *parent)));
        prop_assert_eq!(built.is_ok(), naive_is_tree(&parents), "{:?}", built);
    }

    #[test]
    fn every_answer_equals_a_naive_walk(
        (parents, order) in parents().prop_filter("a tree", |parents| naive_is_tree(parents))
            .prop_flat_map(|parents| { let order = Just((0..parents.len()).collect::<Vec<_>>()).prop_shuffle(); (Just(parents), order) })
    ) {
        let tree = UnitTree::build(order.iter().map(|number| unit(*number, parents[*number]))).unwrap();
        let sorted = UnitTree::build((0..parents.len()).map(|number| unit(number, parents[number]))).unwrap();
        prop_assert_eq!(&tree, &sorted);
        for above in 0..parents.len() {
            let ancestor = tree.by_id(id(above)).unwrap();
            let mut under = HashSet::new();
            for below in 0..parents.len() {
                let inside = naive_is_within(&parents, above, below);
                prop_assert_eq!(tree.contains(ancestor.place(), tree.by_id(id(below)).unwrap().place()), inside);
                prop_assert_eq!(tree.is_within(id(above), id(below)), inside);
                if inside { under.insert(id(below)); }
            }
            prop_assert_eq!(ancestor.subtree().map(Unit::id).collect::<HashSet<_>>(), under);
            let mut children: Vec<_> = (0..parents.len()).filter(|number| parents[*number] == Some(above)).map(id).collect();
            children.sort();
            prop_assert_eq!(ancestor.children().map(Unit::id).collect::<Vec<_>>(), children);
            let up: Vec<_> = std::iter::successors(parents[above], |unit| parents[*unit]).map(id).collect();
            prop_assert_eq!(ancestor.ancestors().map(Unit::id).collect::<Vec<_>>(), up);
            prop_assert_eq!(ancestor.to_entry(), unit(above, parents[above]));
        }
    }

    #[test]
    fn a_replica_after_any_changes_equals_a_tree_built_from_scratch(
        changes in prop::collection::vec((0..12usize, prop::option::weighted(0.95, 0..13usize), 0..3i32, "[a-z]{0,3}", any::<bool>()), 0..80)
    ) {
        let mut replica = Replica::new();
        let mut units: BTreeMap<usize, UnitEntry> = BTreeMap::new();
        let mut last = UnitTree::default();
        for (number, parent, kind, name, ask) in changes {
            // The first unit is the root; the others mostly stand under a smaller number.
            let parent = if number == 0 { None } else { parent.map(|parent| if kind == 0 { parent } else { parent % number }) };
            let entry = UnitEntry { kind, names: HashMap::from([("en".to_owned(), name)]).into_iter().collect(), ..unit(number, parent) };
            replica.upsert(&entry);
            units.insert(number, entry);
            if ask {
                let scratch = UnitTree::build(units.values().cloned());
                prop_assert_eq!(replica.tree().map(|tree| (*tree).clone()), scratch.clone());
                if let Ok(tree) = scratch { last = tree; }
                prop_assert_eq!(&*replica.last(), &last);
            }
        }
    }
}
