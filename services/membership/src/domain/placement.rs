//! Which groups a person comes into.

use std::collections::BTreeMap;

use senani_order::{Person, Slot, UnitRules};
use uuid::Uuid;

use super::{Group, GroupState, Role};

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

/// How another part of a slot begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewParts {
    /// Makes the id.
    pub(crate) id: fn() -> Uuid,
    /// When, in microseconds since the epoch.
    pub(crate) now: i64,
}

/// The groups of some units while people come in: sizes and custodians as they become.
#[derive(Debug)]
pub(crate) struct UnitGroups {
    by_unit: BTreeMap<Uuid, Vec<SlotGroups>>,
    new_parts: NewParts,
    /// Seats of the officers who administer new parts.
    custodian_seats: Vec<(Uuid, Seat)>,
}

/// The active groups of one slot of a unit, ascending by part; there is at least one.
#[derive(Debug)]
struct SlotGroups {
    parts: Vec<Filling>,
    /// Members of each at most.
    ceiling: i32,
    /// Whether an order in force speaks of such a group at the unit, so that another part may begin.
    ruled: bool,
    /// The greatest part, of closed groups too.
    last_part: i32,
}

#[derive(Debug)]
struct Filling {
    group: Group,
    grown: bool,
    custodians_changed: bool,
    /// Not in the database yet.
    is_new: bool,
}

/// What people who came in made of the groups.
#[derive(Debug, Default)]
pub(crate) struct Placements {
    /// Groups that changed as they are now, in the order of their ids, and whether their custodians changed too.
    pub(crate) changed: Vec<(Group, bool)>,
    /// Groups that began, with their members.
    pub(crate) formed: Vec<Group>,
    /// Officers who administer groups that began, and their seats there.
    pub(crate) custodian_seats: Vec<(Uuid, Seat)>,
}

impl UnitGroups {
    /// What each group can hold is what the rule in force says, and never more than the chat application allows. `rules_of` tells what
    /// binds a unit that is known. Closed groups among `groups` tell which parts there were.
    pub(crate) fn new<'r>(
        groups: Vec<Group>,
        rules_of: impl Fn(Uuid) -> Option<UnitRules<'r>>,
        app_ceiling: i32,
        new_parts: NewParts,
    ) -> Self {
        let mut slots = BTreeMap::<Uuid, BTreeMap<Slot, SlotGroups>>::new();
        for group in groups {
            let slot = slots.entry(group.unit_id).or_default().entry(group.slot).or_insert_with(|| {
                let rules = rules_of(group.unit_id);
                let max = rules.and_then(|rules| Some(rules.rule(group.slot)?.terms.max));
                let ceiling = max.and_then(|max| i32::try_from(max).ok()).unwrap_or(app_ceiling).min(app_ceiling);
                SlotGroups { parts: Vec::new(), ceiling, ruled: max.is_some(), last_part: 0 }
            });
            slot.last_part = slot.last_part.max(group.part);
            if group.state == GroupState::Active {
                slot.parts.push(Filling { group, grown: false, custodians_changed: false, is_new: false });
            }
        }
        let in_use = |slots: BTreeMap<Slot, SlotGroups>| {
            let mut slots: Vec<SlotGroups> = slots.into_values().filter(|slot| !slot.parts.is_empty()).collect();
            slots.iter_mut().for_each(|slot| slot.parts.sort_unstable_by_key(|filling| filling.group.part));
            slots
        };
        let by_unit = slots.into_iter().map(|(unit, slots)| (unit, in_use(slots))).collect();
        Self { by_unit, new_parts, custodian_seats: Vec::new() }
    }

    /// Whether another part might begin when so many come into a unit.
    pub(crate) fn may_overflow(&self, unit: Uuid, coming: usize) -> bool {
        let coming = i32::try_from(coming).unwrap_or(i32::MAX);
        let slots = self.by_unit.get(&unit);
        slots.into_iter().flatten().any(|slot| {
            let room = slot.parts.iter().map(|filling| slot.ceiling - filling.group.enrolled_count).max();
            slot.ruled && room.is_some_and(|room| room < coming)
        })
    }

    /// Places a person in one group of each slot of the unit that is for them: the first part with room. When all parts are full and an
    /// order in force speaks of such a group, another part begins, administered by the officers of the last; otherwise there is no
    /// room. An officer who is to administer comes into each group of the unit that lacks a custodian or a backup, whomever the group is
    /// for, and into the others as a member.
    pub(crate) fn place(
        &mut self,
        unit_id: Uuid,
        id: Uuid,
        person: &Person,
        custodian: bool,
    ) -> Result<Vec<Seat>, Refusal> {
        let mut refusal = Refusal::NoGroup;
        let mut seats = Vec::new();
        for slot in self.by_unit.get_mut(&unit_id).into_iter().flatten() {
            let admitted = slot.parts.first().is_some_and(|filling| filling.group.slot.admits(person));
            let before = seats.len();
            if custodian {
                match slot.administer(id, &mut seats) {
                    Ok(()) => {}
                    Err(full) => refusal = full,
                }
            }
            if seats.len() > before || !admitted {
                continue;
            }
            match slot.enter(self.new_parts, &mut self.custodian_seats) {
                Some(group_id) => seats.push(Seat { group_id, role: Role::Member }),
                None => refusal = Refusal::GroupFull,
            }
        }
        if seats.is_empty() { Err(refusal) } else { Ok(seats) }
    }

    /// What became of the groups.
    pub(crate) fn into_placements(self) -> Placements {
        let mut placements = Placements { custodian_seats: self.custodian_seats, ..Placements::default() };
        let fillings = self.by_unit.into_values().flatten().flat_map(|slot| slot.parts);
        for filling in fillings.filter(|filling| filling.grown) {
            if filling.is_new {
                placements.formed.push(filling.group);
            } else {
                let version = filling.group.version + 1;
                placements.changed.push((Group { version, ..filling.group }, filling.custodians_changed));
            }
        }
        placements.changed.sort_unstable_by_key(|(group, _)| group.id);
        placements.formed.sort_unstable_by_key(|group| group.id);
        placements
    }
}

impl SlotGroups {
    /// Seats an officer in each part that lacks a custodian or a backup; the error says that such a part is full.
    fn administer(&mut self, officer: Uuid, seats: &mut Vec<Seat>) -> Result<(), Refusal> {
        let mut full = false;
        for filling in &mut self.parts {
            let custodians = &filling.group.custodians;
            if custodians.primary.is_some() && !custodians.backups.is_empty() {
                continue;
            }
            if filling.group.enrolled_count >= self.ceiling {
                full = true;
                continue;
            }
            filling.custodians_changed |= filling.group.custodians.take(officer);
            filling.group.enrolled_count += 1;
            filling.grown = true;
            seats.push(Seat { group_id: filling.group.id, role: Role::Custodian });
        }
        if full { Err(Refusal::GroupFull) } else { Ok(()) }
    }

    /// Takes a member in; the group, or `None` when there is no room and no other part may begin.
    fn enter(&mut self, new_parts: NewParts, custodian_seats: &mut Vec<(Uuid, Seat)>) -> Option<Uuid> {
        let ceiling = self.ceiling;
        let with_room = self.parts.iter().position(|filling| filling.group.enrolled_count < ceiling);
        let at = match with_room {
            Some(at) => at,
            None if self.ruled && ceiling > 0 => {
                self.begin_part(new_parts, custodian_seats)?;
                self.parts.len() - 1
            }
            None => return None,
        };
        let filling = self.parts.get_mut(at)?;
        filling.group.enrolled_count += 1;
        filling.grown = true;
        Some(filling.group.id)
    }

    /// Begins another part. Whoever administers the last one administers it too, unless they alone would fill it.
    fn begin_part(&mut self, new_parts: NewParts, custodian_seats: &mut Vec<(Uuid, Seat)>) -> Option<()> {
        let last = &self.parts.last()?.group;
        self.last_part += 1;
        let mut group = last.another_part(self.last_part, (new_parts.id)(), new_parts.now);
        let officers = i32::try_from(last.custodians.all().count()).unwrap_or(i32::MAX);
        if officers < self.ceiling {
            group.custodians = last.custodians.clone();
            group.enrolled_count = officers;
            let seat = Seat { group_id: group.id, role: Role::Custodian };
            custodian_seats.extend(group.custodians.all().map(|officer| (officer, seat)));
        }
        self.parts.push(Filling { group, grown: true, custodians_changed: true, is_new: true });
        Some(())
    }
}

#[cfg(test)]
mod tests {
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
}
