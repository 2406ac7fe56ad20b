//! What becomes of a member's places in groups when the member changes, moves, leaves or turns out to be another.

use std::collections::BTreeMap;

use senani_order::{Person, Slot};
use uuid::Uuid;

use super::{Custodians, Group, GroupState, Placements, Role, Seat, UnitGroups};

/// A member's present place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) group_id: Uuid,
    pub(crate) role: Role,
}

/// Groups, all locked, as they become while members come and go.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    rooms: BTreeMap<Uuid, Room>,
    /// Further parts of full groups, begun for those who came.
    formed: Vec<Group>,
    /// Officers who administer these, and their seats there.
    custodian_seats: Vec<(Uuid, Seat)>,
}

#[derive(Debug, Clone)]
struct Room {
    group: Group,
    /// Members at most.
    ceiling: i32,
    changed: bool,
    custodians_changed: bool,
    /// Had a custodian, and has none any more.
    unattended: bool,
}

/// What a change does to the places of one member; groups by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Moves {
    pub(crate) ended: Vec<Uuid>,
    pub(crate) made: Vec<Uuid>,
    pub(crate) kept: Vec<Uuid>,
    /// Groups that are for the member and have no room.
    pub(crate) full: Vec<Uuid>,
}

/// Why a member cannot come into a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// Closed, or for others.
    NotForMember,
    Full,
}

impl Places {
    /// `ceiling` tells how many members a group can hold.
    pub(crate) fn new(groups: Vec<Group>, ceiling: impl Fn(&Group) -> i32) -> Self {
        let room = |group: Group| {
            let ceiling = ceiling(&group);
            (group.id, Room { group, ceiling, changed: false, custodians_changed: false, unattended: false })
        };
        Self { rooms: groups.into_iter().map(room).collect(), formed: Vec::new(), custodian_seats: Vec::new() }
    }

    pub(crate) fn group(&self, id: Uuid) -> Option<&Group> {
        self.rooms.get(&id).map(|room| &room.group).or_else(|| self.formed.iter().find(|group| group.id == id))
    }

    /// The group with this slug.
    pub(crate) fn by_slug(&self, slug: &str) -> Option<&Group> {
        self.rooms.values().map(|room| &room.group).find(|group| group.slug == slug)
    }

    /// Puts a person where they belong by rule. `left` is the unit that they leave, if they do: its groups end. Places at other units
    /// stay as long as the group is for the person; a custodian's as long as the person is of the police. At `unit` they come into one
    /// group of each slot that is for them, as `fill` lets people into a unit's groups. What holds already is not changed, so that doing
    /// it twice changes nothing.
    pub(crate) fn settle(
        &mut self,
        member: Uuid,
        person: &Person,
        stays: &[Stay],
        left: Option<Uuid>,
        unit: Uuid,
        fill: impl FnOnce(Vec<Group>) -> UnitGroups,
    ) -> Moves {
        let mut moves = Moves::default();
        let mut held: Vec<Slot> = Vec::new();
        for stay in stays {
            let stays_on = self.rooms.get(&stay.group_id).is_some_and(|room| {
                let Room { group, .. } = room;
                let admitted = match stay.role {
                    Role::Custodian => person.police,
                    Role::Member => group.slot.admits(person),
                };
                admitted && group.state == GroupState::Active && left != Some(group.unit_id)
            });
            if stays_on {
                moves.kept.push(stay.group_id);
                let here = self.group(stay.group_id).filter(|group| group.unit_id == unit);
                held.extend(here.map(|group| group.slot));
            } else {
                self.leave(stay.group_id, member);
                moves.ended.push(stay.group_id);
            }
        }
        let for_person =
            |group: &&Group| group.unit_id == unit && group.slot.admits(person) && !held.contains(&group.slot);
        let open: Vec<Group> = self.rooms.values().map(|room| &room.group).filter(for_person).cloned().collect();
        let wanted: BTreeMap<Slot, Uuid> = open
            .iter()
            .rev()
            .filter(|group| group.state == GroupState::Active)
            .map(|group| (group.slot, group.id))
            .collect();
        let mut filling = fill(open);
        // Without a single place there is nothing to do: which groups are full is told by those that were wanted.
        let seats = filling.place(unit, member, person, false).unwrap_or_default();
        self.take_in(filling.into_placements());
        moves.made = seats.iter().map(|seat| seat.group_id).collect();
        moves.made.sort_unstable();
        let entered: Vec<Slot> = moves.made.iter().filter_map(|id| Some(self.group(*id)?.slot)).collect();
        moves.full = wanted.into_iter().filter(|(slot, _)| !entered.contains(slot)).map(|(_, group)| group).collect();
        moves.full.sort_unstable();
        moves
    }

    /// What became of groups of a unit when people came in.
    fn take_in(&mut self, placements: Placements) {
        for (group, custodians_changed) in placements.changed {
            if let Some(room) = self.rooms.get_mut(&group.id) {
                room.group.enrolled_count = group.enrolled_count;
                room.group.custodians = group.custodians;
                room.custodians_changed |= custodians_changed;
                room.changed = true;
            }
        }
        self.formed.extend(placements.formed);
        self.custodian_seats.extend(placements.custodian_seats);
    }

    /// Lets a person into a group.
    pub(crate) fn admit(&mut self, group: Uuid, person: &Person) -> Result<(), NoEntry> {
        let room = self.rooms.get_mut(&group).ok_or(NoEntry::NotForMember)?;
        if room.group.state != GroupState::Active || !room.group.slot.admits(person) {
            return Err(NoEntry::NotForMember);
        }
        if room.enter() { Ok(()) } else { Err(NoEntry::Full) }
    }

    /// Takes a member out of a group, custody included.
    pub(crate) fn leave(&mut self, group: Uuid, member: Uuid) {
        self.pass_custody(group, member);
        if let Some(room) = self.rooms.get_mut(&group) {
            room.group.enrolled_count -= 1;
            room.changed = true;
        }
    }

    /// Ends a member's custody of a group; the first backup takes it over.
    pub(crate) fn pass_custody(&mut self, group: Uuid, member: Uuid) {
        let Some(room) = self.rooms.get_mut(&group) else { return };
        let custodians = &mut room.group.custodians;
        if !custodians.all().any(|custodian| custodian == member) {
            return;
        }
        custodians.release(member);
        room.unattended |= custodians.primary.is_none();
        room.changed = true;
        room.custodians_changed = true;
    }

    /// Gives the duplicate's places to the survivor, who is `person`: one place for one person, none in a group that is for others. An
    /// officer takes over the custody too. Answers the places that the survivor takes over.
    pub(crate) fn merge(
        &mut self,
        survivor: (Uuid, &[Stay]),
        duplicate: (Uuid, &[Stay]),
        person: &Person,
    ) -> (Moves, Vec<Stay>) {
        let mut moves = Moves::default();
        let mut taken_over = Vec::new();
        for stay in duplicate.1 {
            let there = survivor.1.iter().any(|own| own.group_id == stay.group_id);
            let custodian = stay.role == Role::Custodian && person.police;
            let admitted = self.group(stay.group_id).is_some_and(|group| group.slot.admits(person));
            if custodian {
                self.hand_over(stay.group_id, duplicate.0, survivor.0);
            } else {
                self.pass_custody(stay.group_id, duplicate.0);
            }
            if there || !(custodian || admitted) {
                self.leave(stay.group_id, duplicate.0);
                moves.ended.push(stay.group_id);
            } else {
                let role = if custodian { Role::Custodian } else { Role::Member };
                taken_over.push(Stay { group_id: stay.group_id, role });
                moves.made.push(stay.group_id);
            }
        }
        moves.kept = survivor.1.iter().map(|stay| stay.group_id).collect();
        (moves, taken_over)
    }

    fn hand_over(&mut self, group: Uuid, from: Uuid, to: Uuid) {
        let Some(room) = self.rooms.get_mut(&group) else { return };
        room.group.custodians.replace(from, to);
        room.changed = true;
        room.custodians_changed = true;
    }

    /// Slugs of groups that had a custodian and have none any more.
    pub(crate) fn unattended(&self) -> Vec<String> {
        let rooms = self.rooms.values();
        rooms.filter(|room| room.unattended).map(|room| room.group.slug.clone()).collect()
    }

    /// Slugs of groups.
    pub(crate) fn slugs(&self, groups: &[Uuid]) -> Vec<String> {
        groups.iter().filter_map(|id| Some(self.group(*id)?.slug.clone())).collect()
    }

    /// What became of the groups.
    pub(crate) fn into_placements(self) -> Placements {
        let rooms = self.rooms.into_values().filter(|room| room.changed);
        let changed = rooms.map(|room| {
            let version = room.group.version + 1;
            (Group { version, ..room.group }, room.custodians_changed)
        });
        Placements { changed: changed.collect(), formed: self.formed, custodian_seats: self.custodian_seats }
    }
}

impl Room {
    fn enter(&mut self) -> bool {
        if self.group.enrolled_count >= self.ceiling {
            return false;
        }
        self.group.enrolled_count += 1;
        self.changed = true;
        true
    }
}

impl Custodians {
    /// Takes an officer out; the first backup follows a primary.
    fn release(&mut self, officer: Uuid) {
        self.backups.retain(|backup| *backup != officer);
        if self.primary == Some(officer) {
            self.primary = if self.backups.is_empty() { None } else { Some(self.backups.remove(0)) };
        }
    }

    /// Puts one officer where another was; nobody twice.
    fn replace(&mut self, from: Uuid, to: Uuid) {
        if self.all().any(|officer| officer == to) {
            self.release(from);
            return;
        }
        let officers = self.primary.iter_mut().chain(&mut self.backups);
        for officer in officers.filter(|officer| **officer == from) {
            *officer = to;
        }
    }
}

#[cfg(test)]
mod tests;
