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
mod tests;
