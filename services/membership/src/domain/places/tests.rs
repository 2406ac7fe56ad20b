//! Places: each rule by itself, and all of them against a model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use senani_order::{Audience, Rank};

use super::*;
use crate::domain::NewParts;

const UNITS: [Uuid; 3] = [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];
const CEILING: i32 = 4;

/// Two community groups, those of two ranks and of women, and a closed one, at each unit.
fn groups() -> Vec<Group> {
    let slots = [
        Slot::of(Audience::Community),
        Slot::of(Audience::Community),
        Slot::of_rank(Rank::Constable),
        Slot::of_rank(Rank::Havildar),
        Slot::of(Audience::WomenPolice),
        Slot::of(Audience::Officers),
    ];
    let mut groups = Vec::new();
    for (at, unit) in UNITS.iter().enumerate() {
        for (index, slot) in slots.into_iter().enumerate() {
            let id = (at * 10 + index + 100) as u128;
            groups.push(Group {
                id: Uuid::from_u128(id),
                slug: format!("group-{id}"),
                unit_id: *unit,
                unit_slug: format!("unit-{at}"),
                slot,
                part: if index == 1 { 2 } else { 1 },
                state: if index == 5 { GroupState::Closed } else { GroupState::Active },
                names: [].into(),
                order: "order".into(),
                custodians: Custodians::default(),
                enrolled_count: 0,
                version: 1,
                created_at: 0,
            });
        }
    }
    groups
}

const TEACHER: Person = Person { police: false, rank: None, female: true };
const CONSTABLE: Person = Person { police: true, rank: Some(Rank::Constable), female: true };
const HAVILDAR: Person = Person { police: true, rank: Some(Rank::Havildar), female: false };
const PERSONS: [Person; 3] = [TEACHER, CONSTABLE, HAVILDAR];

/// As people come into a unit for which no order speaks of another part.
fn fill(groups: Vec<Group>) -> UnitGroups {
    UnitGroups::new(groups, |_| None, CEILING, NewParts { id: Uuid::nil, now: 0 })
}

fn member(id: u128) -> Uuid {
    Uuid::from_u128(1000 + id)
}

fn stays(groups: &[u128]) -> Vec<Stay> {
    groups.iter().map(|id| Stay { group_id: Uuid::from_u128(*id), role: Role::Member }).collect()
}

fn numbers(groups: &[Uuid]) -> Vec<u128> {
    groups.iter().map(|id| id.as_u128()).collect()
}

#[test]
fn a_transfer_ends_the_places_of_the_old_unit_and_keeps_an_extra_group_elsewhere() {
    let mut groups = groups();
    for group in &mut groups {
        group.enrolled_count = 1;
    }
    let mut places = Places::new(groups, |_| CEILING);
    let moves = places.settle(member(1), &CONSTABLE, &stays(&[100, 102, 104, 120]), Some(UNITS[0]), UNITS[1], fill);
    assert_eq!(numbers(&moves.ended), [100, 102, 104]);
    assert_eq!(numbers(&moves.made), [110, 112, 114]);
    assert_eq!(numbers(&moves.kept), [120]);
    assert!(moves.full.is_empty() && places.unattended().is_empty());
    let sizes: Vec<(u128, i32)> =
        places.into_placements().changed.iter().map(|(group, _)| (group.id.as_u128(), group.enrolled_count)).collect();
    assert_eq!(sizes, [(100, 0), (102, 0), (104, 0), (110, 2), (112, 2), (114, 2)]);
}

#[test]
fn a_full_group_sends_on_to_the_next_of_its_slot_and_only_then_is_there_no_room() {
    let mut groups = groups();
    groups[0].enrolled_count = CEILING;
    let mut places = Places::new(groups.clone(), |_| CEILING);
    let moves = places.settle(member(1), &TEACHER, &[], None, UNITS[0], fill);
    assert_eq!((numbers(&moves.made), numbers(&moves.full)), (vec![101], vec![]));
    groups[1].enrolled_count = CEILING;
    let mut places = Places::new(groups, |_| CEILING);
    let moves = places.settle(member(1), &TEACHER, &[], None, UNITS[0], fill);
    assert_eq!((numbers(&moves.made), numbers(&moves.full)), (vec![], vec![100]));
}

#[test]
fn custody_passes_to_the_backup_and_a_group_without_one_is_named() {
    let mut groups = groups();
    groups[0].custodians = Custodians { primary: Some(member(1)), backups: vec![member(2), member(3)] };
    groups[2].custodians = Custodians { primary: Some(member(1)), backups: vec![] };
    groups[3].custodians = Custodians { primary: Some(member(2)), backups: vec![member(1)] };
    let mut places = Places::new(groups, |_| CEILING);
    for group in [100, 102, 103] {
        places.leave(Uuid::from_u128(group), member(1));
    }
    assert_eq!(places.unattended(), ["group-102"]);
    let changed = places.into_placements().changed;
    assert_eq!(changed[0].0.custodians, Custodians { primary: Some(member(2)), backups: vec![member(3)] });
    assert_eq!(changed[2].0.custodians, Custodians { primary: Some(member(2)), backups: vec![] });
    assert!(changed.iter().all(|(_, custodians_changed)| *custodians_changed));
}

#[test]
fn a_merge_leaves_one_place_for_one_person_and_the_custody_with_the_survivor() {
    let mut groups = groups();
    for index in [0, 2, 3] {
        groups[index].enrolled_count = 2;
    }
    groups[2].custodians = Custodians { primary: Some(member(2)), backups: vec![member(3)] };
    groups[3].custodians = Custodians { primary: Some(member(2)), backups: vec![] };
    let own = stays(&[100]);
    let mut other = stays(&[100, 102, 103]);
    other[1].role = Role::Custodian;
    other[2].role = Role::Custodian;
    let mut fit = Places::new(groups.clone(), |_| CEILING);
    let (moves, taken) = fit.merge((member(1), &own), (member(2), &other), &HAVILDAR);
    assert_eq!((numbers(&moves.ended), numbers(&moves.made)), (vec![100], vec![102, 103]));
    assert!(taken.iter().all(|stay| stay.role == Role::Custodian) && fit.unattended().is_empty());
    let changed = fit.into_placements().changed;
    assert_eq!(changed.iter().map(|(group, _)| group.enrolled_count).collect::<Vec<_>>(), [1, 2, 2]);
    assert_eq!(changed[1].0.custodians.primary, Some(member(1)));
    // A survivor who may not administer leaves the one group without anybody.
    let mut unfit = Places::new(groups, |_| CEILING);
    let (moves, taken) = unfit.merge((member(1), &own), (member(2), &other), &TEACHER);
    assert_eq!((numbers(&moves.ended), taken), (vec![100, 102, 103], vec![]));
    assert_eq!(unfit.unattended(), ["group-103"]);
    assert_eq!(unfit.group(Uuid::from_u128(102)).unwrap().custodians.primary, Some(member(3)));
}

/// What the register holds, as a model: who is where.
type Model = BTreeMap<Uuid, (Person, usize, Vec<Stay>)>;

/// Members come, change, move, leave and are merged, in any order.
#[derive(Debug, Clone, Copy)]
enum Step {
    Come(u128, usize, usize),
    Change(u128, usize),
    Move(u128, usize),
    Extra(u128, usize),
    Leave(u128),
    Custody(u128, usize),
    Merge(u128, u128),
}

fn step() -> impl Strategy<Value = Step> {
    let (id, unit, person, group) = (0..6_u128, 0..3_usize, 0..3_usize, 0..18_usize);
    prop_oneof![
        3 => (id.clone(), unit.clone(), person.clone()).prop_map(|(id, unit, person)| Step::Come(id, unit, person)),
        2 => (id.clone(), person).prop_map(|(id, person)| Step::Change(id, person)),
        2 => (id.clone(), unit).prop_map(|(id, unit)| Step::Move(id, unit)),
        2 => (id.clone(), group.clone()).prop_map(|(id, group)| Step::Extra(id, group)),
        1 => id.clone().prop_map(Step::Leave),
        2 => (id.clone(), group).prop_map(|(id, group)| Step::Custody(id, group)),
        1 => (id.clone(), id).prop_map(|(one, other)| Step::Merge(one, other)),
    ]
}

fn follow(stays: &mut Vec<Stay>, moves: &Moves) {
    stays.retain(|stay| !moves.ended.contains(&stay.group_id));
    stays.extend(moves.made.iter().map(|group| Stay { group_id: *group, role: Role::Member }));
}

/// Sets a custodian as SetCustodians does: an enrolled officer, the one before as backup.
fn set_custodian(groups: &mut [Group], model: &mut Model, id: Uuid, group: usize) {
    let Some((person, _, stays)) = model.get_mut(&id) else { return };
    let group = &mut groups[group];
    let Some(stay) = stays.iter_mut().find(|stay| stay.group_id == group.id) else { return };
    if person.police && !group.custodians.all().any(|officer| officer == id) {
        stay.role = Role::Custodian;
        let before = group.custodians.primary.replace(id);
        group.custodians.backups.extend(before);
    }
}

fn take(groups: &mut [Group], model: &mut Model, step: Step) {
    let mut places = Places::new(groups.to_owned(), |_| CEILING);
    let mut after = model.clone();
    match step {
        Step::Come(id, unit, person) if !model.contains_key(&member(id)) => {
            let moves = places.settle(member(id), &PERSONS[person], &[], None, UNITS[unit], fill);
            let mut stays = Vec::new();
            follow(&mut stays, &moves);
            after.insert(member(id), (PERSONS[person], unit, stays));
        }
        Step::Change(id, person) => {
            let Some((was, unit, stays)) = after.get_mut(&member(id)) else { return };
            let moves = places.settle(member(id), &PERSONS[person], stays, None, UNITS[*unit], fill);
            *was = PERSONS[person];
            follow(stays, &moves);
        }
        Step::Move(id, to) => {
            let Some((person, unit, stays)) = after.get_mut(&member(id)) else { return };
            let left = (*unit != to).then_some(UNITS[*unit]);
            let moves = places.settle(member(id), person, stays, left, UNITS[to], fill);
            *unit = to;
            follow(stays, &moves);
            let again = places.clone().settle(member(id), person, stays, left, UNITS[to], fill);
            assert!(again.ended.is_empty() && again.made.is_empty(), "twice is once");
            let from_old = |stay: &Stay| places.group(stay.group_id).unwrap().unit_id;
            assert!(left.is_none_or(|left| !stays.iter().any(|stay| from_old(stay) == left)));
        }
        Step::Extra(id, group) => {
            let group = groups[group].id;
            let Some((person, _, stays)) = after.get_mut(&member(id)) else { return };
            if !stays.iter().any(|stay| stay.group_id == group) && places.admit(group, person).is_ok() {
                stays.push(Stay { group_id: group, role: Role::Member });
            }
        }
        Step::Leave(id) => {
            let Some((_, _, stays)) = after.remove(&member(id)) else { return };
            for stay in stays {
                places.leave(stay.group_id, member(id));
            }
        }
        Step::Custody(id, group) => return set_custodian(groups, model, member(id), group),
        Step::Merge(one, other) if one != other => {
            let (Some(survivor), Some(duplicate)) = (model.get(&member(one)), after.remove(&member(other))) else {
                return;
            };
            let (_, taken) = places.merge((member(one), &survivor.2), (member(other), &duplicate.2), &survivor.0);
            let stays = &mut after.get_mut(&member(one)).unwrap().2;
            stays.extend(taken);
            let administers = |stay: &&mut Stay| {
                places.group(stay.group_id).unwrap().custodians.all().any(|officer| officer == member(one))
            };
            for stay in stays.iter_mut().filter(administers) {
                stay.role = Role::Custodian;
            }
        }
        _ => return,
    }
    // What would leave a group to nobody is refused as a whole.
    if places.unattended().is_empty() {
        *model = after;
        for (group, _) in places.into_placements().changed {
            let at = groups.iter().position(|known| known.id == group.id).unwrap();
            groups[at] = group;
        }
    }
}

proptest! {
    #[test]
    fn sizes_are_recounts_and_no_group_loses_its_last_custodian(steps in prop::collection::vec(step(), 1..80)) {
        let mut groups = groups();
        let mut model = Model::new();
        for step in steps {
            let attended: BTreeSet<Uuid> =
                groups.iter().filter(|group| group.custodians.primary.is_some()).map(|group| group.id).collect();
            take(&mut groups, &mut model, step);
            for group in &groups {
                let here = |stays: &Vec<Stay>| stays.iter().filter(|stay| stay.group_id == group.id).count();
                prop_assert!(model.values().all(|(_, _, stays)| here(stays) <= 1), "{step:?}: twice in {}", group.slug);
                let recount: usize = model.values().map(|(_, _, stays)| here(stays)).sum();
                prop_assert_eq!(group.enrolled_count as usize, recount, "{:?}: {}", step, group.slug);
                prop_assert!(group.enrolled_count <= CEILING);
                prop_assert!(!attended.contains(&group.id) || group.custodians.primary.is_some(), "{step:?}");
                let custodians: Vec<Uuid> = group.custodians.all().collect();
                prop_assert_eq!(custodians.len(), custodians.iter().collect::<BTreeSet<_>>().len());
                for (id, (person, _, stays)) in &model {
                    let stay = stays.iter().find(|stay| stay.group_id == group.id);
                    let custodian = custodians.contains(id);
                    prop_assert_eq!(custodian, stay.is_some_and(|stay| stay.role == Role::Custodian), "{:?}", step);
                    prop_assert!(!custodian || person.police);
                    prop_assert!(stay.is_none() || custodian || group.slot.admits(person));
                }
            }
        }
    }
}
