//! Which groups a person comes into.

use std::collections::BTreeMap;

use senani_order::{Person, RulesInForce};
use uuid::Uuid;

use super::{Group, Role};

/// Why a person comes into no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The unit has no group that is for this person.
    NoGroup,
    /// Each of them holds as many as it can.
    GroupFull,
}

/// A place in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) group_id: Uuid,
    pub(crate) role: Role,
}

/// The groups of some units while people come in: sizes and custodians as they become.
#[derive(Debug)]
pub(crate) struct UnitGroups {
    by_unit: BTreeMap<Uuid, Vec<Filling>>,
}

#[derive(Debug)]
struct Filling {
    group: Group,
    ceiling: i32,
    grown: bool,
    custodians_changed: bool,
}

impl UnitGroups {
    /// What each group can hold is what the rule in force says, and never more than the chat application allows. `kind_of` tells the
    /// kind of a unit.
    pub(crate) fn new(
        groups: Vec<Group>,
        rules: &RulesInForce,
        kind_of: impl Fn(Uuid) -> Option<i32>,
        app_ceiling: i32,
    ) -> Self {
        let mut by_unit = BTreeMap::<Uuid, Vec<Filling>>::new();
        for group in groups {
            let rule = kind_of(group.unit_id).and_then(|kind| rules.rule(kind, group.slot));
            let max = rule.and_then(|rule| i32::try_from(rule.terms.max).ok()).unwrap_or(app_ceiling);
            by_unit.entry(group.unit_id).or_default().push(Filling {
                group,
                ceiling: max.min(app_ceiling),
                grown: false,
                custodians_changed: false,
            });
        }
        Self { by_unit }
    }

    /// Places a person in every group of the unit that is for them and has room. An officer who is to administer comes into each
    /// group of the unit that lacks a custodian or a backup, whomever the group is for, and into the others as a member.
    pub(crate) fn place(
        &mut self,
        unit_id: Uuid,
        id: Uuid,
        person: &Person,
        custodian: bool,
    ) -> Result<Vec<Seat>, Refusal> {
        let mut refusal = Refusal::NoGroup;
        let mut seats = Vec::new();
        for filling in self.by_unit.get_mut(&unit_id).into_iter().flatten() {
            let custodians = &filling.group.custodians;
            let administers = custodian && (custodians.primary.is_none() || custodians.backups.is_empty());
            if !administers && !filling.group.slot.admits(person) {
                continue;
            }
            if filling.group.enrolled_count >= filling.ceiling {
                refusal = Refusal::GroupFull;
                continue;
            }
            let role = if administers && filling.group.custodians.take(id) {
                filling.custodians_changed = true;
                Role::Custodian
            } else {
                Role::Member
            };
            filling.group.enrolled_count += 1;
            filling.grown = true;
            seats.push(Seat { group_id: filling.group.id, role });
        }
        if seats.is_empty() { Err(refusal) } else { Ok(seats) }
    }

    /// The groups that changed as they are now, in the order of their ids, and whether their custodians changed too.
    pub(crate) fn into_changed(self) -> Vec<(Group, bool)> {
        let mut changed: Vec<_> = self
            .by_unit
            .into_values()
            .flatten()
            .filter(|filling| filling.grown)
            .map(|filling| {
                let version = filling.group.version + 1;
                (Group { version, ..filling.group }, filling.custodians_changed)
            })
            .collect();
        changed.sort_unstable_by_key(|(group, _)| group.id);
        changed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use senani_order::{Audience, Order, Rank, Rule, Slot, Terms};

    use super::*;
    use crate::domain::{Custodians, GroupState};

    const UNIT: Uuid = Uuid::from_u128(1);
    const KIND: i32 = 7;

    fn group(id: u128, slot: Slot) -> Group {
        Group {
            id: Uuid::from_u128(id),
            slug: format!("group-{id}"),
            unit_id: UNIT,
            unit_slug: "unit".into(),
            slot,
            state: GroupState::Active,
            names: [].into(),
            order: "order".into(),
            custodians: Custodians::default(),
            enrolled_count: 0,
            version: 1,
            created_at: 0,
        }
    }

    fn centre(app_ceiling: i32) -> UnitGroups {
        let groups = vec![
            group(12, Slot::of_rank(Rank::Constable)),
            group(11, Slot::of_rank(Rank::Havildar)),
            group(13, Slot::of(Audience::WomenPolice)),
        ];
        let terms = Terms { required: true, min: 1, target: 1, split_at: 1, max: 3, ..Terms::default() };
        let rule = |audience, ranks| Rule { kind: KIND, audience, ranks, terms: terms.clone() };
        let day = "2020-05-20".parse().unwrap();
        let order = Order {
            slug: "order".into(),
            number: "1".into(),
            issue_date: day,
            effective_date: day,
            supersedes: vec![],
            rules: vec![
                rule(Audience::PoliceRank, vec![Rank::Constable, Rank::Havildar]),
                rule(Audience::WomenPolice, vec![]),
            ],
        };
        UnitGroups::new(groups, &RulesInForce::on(day, &[order]), |_| Some(KIND), app_ceiling)
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
        assert_eq!(groups.into_changed().len(), 2);
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
        let changed = groups.into_changed();
        assert_eq!(changed.iter().map(|(group, _)| group.id.as_u128()).collect::<Vec<_>>(), [11, 12, 13]);
        for (group, custodians_changed) in changed {
            assert!(custodians_changed);
            assert_eq!(group.custodians.primary, Some(Uuid::from_u128(1)));
            assert_eq!(group.custodians.backups, [Uuid::from_u128(2)]);
            assert_eq!(group.version, 2);
        }
    }

    #[test]
    fn a_full_group_refuses_and_the_lower_ceiling_counts() {
        for (app_ceiling, room) in [(1024, 3), (2, 2)] {
            let mut groups = centre(app_ceiling);
            let man = police(Rank::Constable, false);
            for id in 0..room {
                assert_eq!(groups_of(groups.place(UNIT, Uuid::from_u128(id), &man, false)), Ok(vec![12]));
            }
            assert_eq!(groups.place(UNIT, Uuid::from_u128(9), &man, false), Err(Refusal::GroupFull));
            // Who fits elsewhere too is taken there.
            let woman = police(Rank::Constable, true);
            assert_eq!(groups_of(groups.place(UNIT, Uuid::from_u128(10), &woman, false)), Ok(vec![13]));
        }
    }

    proptest! {
        #[test]
        fn sizes_are_the_seats_given_and_no_group_exceeds_its_ceiling(
            people in proptest::collection::vec((0usize..13, any::<bool>(), any::<bool>()), 0..40),
        ) {
            let mut groups = centre(1024);
            let mut seats = BTreeMap::<Uuid, i32>::new();
            for (number, (rank, female, custodian)) in people.into_iter().enumerate() {
                let rank = Rank::ALL.get(rank).copied();
                let person = Person { police: rank.is_some(), rank, female };
                let placed = groups.place(UNIT, Uuid::from_u128(number as u128), &person, custodian && rank.is_some());
                for seat in placed.into_iter().flatten() {
                    *seats.entry(seat.group_id).or_default() += 1;
                }
            }
            let changed: BTreeMap<Uuid, i32> =
                groups.into_changed().into_iter().map(|(group, _)| (group.id, group.enrolled_count)).collect();
            prop_assert!(changed.values().all(|size| *size <= 3));
            prop_assert_eq!(changed, seats);
        }
    }
}
