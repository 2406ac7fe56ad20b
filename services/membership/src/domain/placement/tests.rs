//! Who is placed where.

use proptest::prelude::*;
use senani_order::{Audience, Order, Rank, Rule, RulesInForce, Target, Terms};

use super::*;
use crate::domain::Custodians;

const UNIT: Uuid = Uuid::from_u128(1);
const KIND: i32 = 7;

fn group(id: u128, slot: Slot) -> Group {
    Group {
        id: Uuid::from_u128(id),
        slug: format!("group-{id}"),
        unit_id: UNIT,
        unit_slug: "unit".into(),
        slot,
        part: 1,
        state: GroupState::Active,
        names: [].into(),
        order: "order".into(),
        custodians: Custodians::default(),
        enrolled_count: 0,
        version: 1,
        created_at: 0,
    }
}

/// New parts have ids that grow, from 1,000 on.
fn new_id() -> Uuid {
    use std::sync::atomic::{AtomicU64, Ordering};
    static LAST: AtomicU64 = AtomicU64::new(1_000);
    Uuid::from_u128(LAST.fetch_add(1, Ordering::Relaxed).into())
}

/// The groups of a centre, each for three at most; an order speaks of those for constables and havildars.
fn centre(app_ceiling: i32) -> UnitGroups {
    let groups = vec![
        group(12, Slot::of_rank(Rank::Constable)),
        group(11, Slot::of_rank(Rank::Havildar)),
        group(13, Slot::of(Audience::WomenPolice)),
    ];
    let terms = Terms { required: true, min: 1, target: 1, split_at: 1, max: 3, ..Terms::default() };
    let rule = |audience, ranks| Rule { target: Target::Kind(KIND), audience, ranks, terms: terms.clone() };
    let day = "2020-05-20".parse().unwrap();
    let order = Order {
        slug: "order".into(),
        number: "1".into(),
        issue_date: day,
        effective_date: day,
        supersedes: vec![],
        rules: vec![rule(Audience::PoliceRank, vec![Rank::Constable, Rank::Havildar])],
    };
    let rules = RulesInForce::on(day, &[order]);
    UnitGroups::new(groups, |_| Some(rules.for_unit(KIND, [])), app_ceiling, NewParts { id: new_id, now: 7 })
}

fn police(rank: Rank, female: bool) -> Person {
    Person { police: true, rank: Some(rank), female }
}

fn groups_of(seats: Result<Vec<Seat>, Refusal>) -> Result<Vec<u128>, Refusal> {
    seats.map(|seats| seats.iter().map(|seat| seat.group_id.as_u128()).collect())
}

#[test]
fn a_woman_constable_comes_into_both_groups_and_a_teacher_into_none() {
    let mut groups = centre(1024);
    let woman = police(Rank::Constable, true);
    assert_eq!(groups_of(groups.place(UNIT, Uuid::from_u128(1), &woman, false)), Ok(vec![12, 13]));
    let teacher = Person { police: false, rank: None, female: true };
    assert_eq!(groups.place(UNIT, Uuid::from_u128(2), &teacher, false), Err(Refusal::NoGroup));
    assert_eq!(groups.place(Uuid::nil(), Uuid::from_u128(3), &woman, false), Err(Refusal::NoGroup));
    assert_eq!(groups.into_placements().changed.len(), 2);
}

#[test]
fn the_first_officer_becomes_primary_the_second_backup_the_third_a_member_at_most() {
    let mut groups = centre(1024);
    let inspector = police(Rank::Inspector, false);
    let mut place = |id| groups.place(UNIT, Uuid::from_u128(id), &inspector, true);
    assert!(place(1).unwrap().iter().all(|seat| seat.role == Role::Custodian));
    assert_eq!(place(2).unwrap().len(), 3);
    assert_eq!(place(3), Err(Refusal::NoGroup));
    let woman = groups.place(UNIT, Uuid::from_u128(4), &police(Rank::Havildar, true), true).unwrap();
    assert!(woman.iter().all(|seat| seat.role == Role::Member));
    let changed = groups.into_placements().changed;
    assert_eq!(changed.iter().map(|(group, _)| group.id.as_u128()).collect::<Vec<_>>(), [11, 12, 13]);
    for (group, custodians_changed) in changed {
        assert!(custodians_changed);
        assert_eq!(group.custodians.primary, Some(Uuid::from_u128(1)));
        assert_eq!(group.custodians.backups, [Uuid::from_u128(2)]);
        assert_eq!(group.version, 2);
    }
}

#[test]
fn past_the_ceiling_the_next_part_takes_over_by_rule_and_the_lower_ceiling_counts() {
    for (app_ceiling, room) in [(1024, 3), (2, 2)] {
        let mut groups = centre(app_ceiling);
        groups.place(UNIT, Uuid::from_u128(100), &police(Rank::Inspector, false), true).unwrap();
        let man = police(Rank::Constable, false);
        for id in 1..room {
            assert_eq!(groups_of(groups.place(UNIT, Uuid::from_u128(id), &man, false)), Ok(vec![12]));
        }
        assert!(groups.may_overflow(UNIT, 1));
        let overflow = groups_of(groups.place(UNIT, Uuid::from_u128(9), &man, false)).unwrap();
        assert!(overflow[0] >= 1_000, "a new group");
        let placements = groups.into_placements();
        let [formed] = &placements.formed[..] else { panic!("one group began") };
        assert_eq!((formed.part, formed.slug.as_str()), (2, "unit-police-rank-constable-2"));
        // Its custodian is that of the first part, who has a seat in it.
        assert_eq!((formed.custodians.primary, formed.enrolled_count), (Some(Uuid::from_u128(100)), 2));
        assert_eq!(
            placements.custodian_seats,
            [(Uuid::from_u128(100), Seat { group_id: formed.id, role: Role::Custodian })]
        );
    }
}

#[test]
fn without_an_order_for_it_a_full_group_refuses() {
    let mut groups = centre(2);
    let woman = police(Rank::Inspector, true);
    for id in 0..2 {
        assert_eq!(groups_of(groups.place(UNIT, Uuid::from_u128(id), &woman, false)), Ok(vec![13]));
    }
    assert_eq!(groups.place(UNIT, Uuid::from_u128(9), &woman, false), Err(Refusal::GroupFull));
    assert!(!groups.may_overflow(Uuid::nil(), 9));
    // Who fits elsewhere too is taken there.
    let constable = police(Rank::Constable, true);
    assert_eq!(groups_of(groups.place(UNIT, Uuid::from_u128(10), &constable, false)), Ok(vec![12]));
}

#[test]
fn a_part_that_was_closed_is_not_begun_again_and_a_part_with_room_comes_first() {
    let slot = Slot::of_rank(Rank::Constable);
    let of_part = |id, part, state, enrolled_count| Group { part, state, enrolled_count, ..group(id, slot) };
    let groups = vec![
        of_part(3, 3, GroupState::Closed, 0),
        of_part(2, 2, GroupState::Active, 1),
        of_part(1, 1, GroupState::Active, 2),
    ];
    let terms = Terms { required: true, min: 1, target: 1, split_at: 1, max: 2, ..Terms::default() };
    let day = "2020-05-20".parse().unwrap();
    let order = Order {
        slug: "order".into(),
        number: "1".into(),
        issue_date: day,
        effective_date: day,
        supersedes: vec![],
        rules: vec![Rule {
            target: Target::Kind(KIND),
            audience: Audience::PoliceRank,
            ranks: vec![Rank::Constable],
            terms,
        }],
    };
    let rules = RulesInForce::on(day, &[order]);
    let new_parts = NewParts { id: new_id, now: 7 };
    let mut groups = UnitGroups::new(groups, |_| Some(rules.for_unit(KIND, [])), 1024, new_parts);
    let man = police(Rank::Constable, false);
    assert_eq!(groups_of(groups.place(UNIT, Uuid::from_u128(1), &man, false)), Ok(vec![2]));
    groups.place(UNIT, Uuid::from_u128(2), &man, false).unwrap();
    let formed = groups.into_placements().formed;
    assert_eq!(formed.iter().map(|group| group.part).collect::<Vec<_>>(), [4]);
}

proptest! {
    #[test]
    fn sizes_are_the_seats_given_and_no_group_exceeds_its_ceiling(
        people in proptest::collection::vec((0usize..13, any::<bool>(), any::<bool>()), 0..40),
    ) {
        let mut groups = centre(3);
        let mut seats = BTreeMap::<Uuid, i32>::new();
        for (number, (rank, female, custodian)) in people.into_iter().enumerate() {
            let rank = Rank::ALL.get(rank).copied();
            let person = Person { police: rank.is_some(), rank, female };
            let placed = groups.place(UNIT, Uuid::from_u128(number as u128), &person, custodian && rank.is_some());
            for seat in placed.into_iter().flatten() {
                *seats.entry(seat.group_id).or_default() += 1;
            }
        }
        let placements = groups.into_placements();
        for (_, seat) in &placements.custodian_seats {
            *seats.entry(seat.group_id).or_default() += 1;
        }
        let changed = placements.changed.into_iter().map(|(group, _)| group).chain(placements.formed);
        let sizes: BTreeMap<Uuid, i32> = changed.map(|group| (group.id, group.enrolled_count)).collect();
        prop_assert!(sizes.values().all(|size| *size <= 3));
        prop_assert_eq!(sizes, seats);
    }
}
