//! Which officer holds which post of which unit, in memory.

use std::collections::HashMap;

use senani_proto::hierarchy::v1::{AppointmentNature, Post};
use senani_unit_tree::UnitTree;
use uuid::Uuid;

/// An officer in a post of a unit, from a time until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appointment {
    /// Its id.
    pub id: Uuid,
    /// The police member who holds the post.
    pub officer: Uuid,
    /// Where.
    pub unit: Uuid,
    /// As what.
    pub post: Post,
    /// Why.
    pub nature: AppointmentNature,
    /// From when on, in microseconds since the epoch.
    pub start: i64,
    /// Until when, exclusively; `None` while it is not known. Not after `start`: it was never held.
    pub end: Option<i64>,
}

impl Appointment {
    /// Whether it is held at a time, in microseconds since the epoch.
    pub fn is_held_at(&self, at_micros: i64) -> bool {
        self.start <= at_micros && self.end.is_none_or(|end| at_micros < end)
    }
}

/// All appointments as hierarchy last told them, those that are over too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posts {
    by_officer: HashMap<Uuid, Vec<Appointment>>,
    by_unit: HashMap<Uuid, Vec<Appointment>>,
    /// Officer and unit of an appointment.
    places: HashMap<Uuid, (Uuid, Uuid)>,
}

impl Posts {
    /// Whether an officer holds a post of a unit, or of a unit above it, at a time in microseconds since the epoch: by appointment,
    /// by delegation or by break-glass. A unit that is not in the tree is under none: only a post of its own counts.
    pub fn holds(&self, officer: Uuid, unit: Uuid, at_micros: i64, tree: &UnitTree) -> bool {
        let mut held = self.of_officer(officer, at_micros);
        held.any(|held| held.unit == unit || tree.is_within(held.unit, unit))
    }

    /// Who answers for a unit at a time as its own head: who stands in for the head, else the head. `None` when the post is vacant;
    /// units above are not looked at, and break-glass does not answer for a unit.
    pub fn head_of(&self, unit: Uuid, at_micros: i64) -> Option<Uuid> {
        let heads = || self.of_unit(unit, at_micros).filter(|held| held.post == Post::Head);
        let of_nature = |nature| heads().find(|held| held.nature == nature).map(|held| held.officer);
        of_nature(AppointmentNature::Delegation).or_else(|| of_nature(AppointmentNature::Substantive))
    }

    /// What an officer holds at a time.
    pub fn of_officer(&self, officer: Uuid, at_micros: i64) -> impl Iterator<Item = &Appointment> {
        self.by_officer.get(&officer).into_iter().flatten().filter(move |held| held.is_held_at(at_micros))
    }

    /// Who holds posts of a unit at a time.
    pub fn of_unit(&self, unit: Uuid, at_micros: i64) -> impl Iterator<Item = &Appointment> {
        self.by_unit.get(&unit).into_iter().flatten().filter(move |held| held.is_held_at(at_micros))
    }

    /// How many appointments are known.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Takes an appointment as it is now; the same twice is harmless.
    pub(crate) fn put(&mut self, appointment: Appointment) {
        let place = (appointment.officer, appointment.unit);
        if let Some((officer, unit)) = self.places.insert(appointment.id, place) {
            let forget = |list: Option<&mut Vec<Appointment>>| {
                if let Some(list) = list {
                    list.retain(|other| other.id != appointment.id);
                }
            };
            forget(self.by_officer.get_mut(&officer));
            forget(self.by_unit.get_mut(&unit));
        }
        self.by_officer.entry(appointment.officer).or_default().push(appointment);
        self.by_unit.entry(appointment.unit).or_default().push(appointment);
    }
}

#[cfg(test)]
mod tests {
    use senani_unit_tree::UnitEntry;

    use super::*;

    const DISTRICT: Uuid = Uuid::from_u128(1);
    const STATION: Uuid = Uuid::from_u128(2);
    const OTHER: Uuid = Uuid::from_u128(3);

    fn tree() -> UnitTree {
        let unit = |id: Uuid, parent: Option<Uuid>, slug: &str| UnitEntry {
            id,
            parent,
            kind: 6,
            slug: slug.to_owned(),
            ..UnitEntry::default()
        };
        UnitTree::build([
            unit(DISTRICT, None, "patna"),
            unit(STATION, Some(DISTRICT), "kotwali-ps"),
            unit(OTHER, Some(DISTRICT), "gandhi-maidan-ps"),
        ])
        .unwrap()
    }

    fn appointment(id: u128, officer: u128, unit: Uuid, nature: AppointmentNature) -> Appointment {
        let (id, officer) = (Uuid::from_u128(id), Uuid::from_u128(officer));
        Appointment { id, officer, unit, post: Post::Head, nature, start: 10, end: None }
    }

    #[test]
    fn a_post_holds_for_its_unit_and_those_under_it_from_its_time_until_its_time() {
        let tree = tree();
        let mut posts = Posts::default();
        let held = appointment(1, 100, DISTRICT, AppointmentNature::Substantive);
        posts.put(Appointment { end: Some(20), ..held });
        posts.put(appointment(2, 200, STATION, AppointmentNature::BreakGlass));
        let holds = |posts: &Posts, officer, unit, at| posts.holds(Uuid::from_u128(officer), unit, at, &tree);
        for (officer, unit, at, expected) in [
            (100, STATION, 10, true),
            (100, DISTRICT, 19, true),
            (100, STATION, 9, false),
            (100, STATION, 20, false),
            (200, STATION, 15, true),
            (200, OTHER, 15, false),
            (200, DISTRICT, 15, false),
            (300, STATION, 15, false),
        ] {
            assert_eq!(holds(&posts, officer, unit, at), expected, "{officer} {unit} {at}");
        }
        // Told again it moves, and is not there twice.
        posts.put(Appointment { unit: OTHER, officer: Uuid::from_u128(300), ..held });
        assert!(!holds(&posts, 100, STATION, 15) && holds(&posts, 300, OTHER, 25));
        assert_eq!(posts.len(), 2);
    }

    #[test]
    fn who_stands_in_answers_before_the_head_and_break_glass_never() {
        let mut posts = Posts::default();
        posts.put(appointment(1, 100, STATION, AppointmentNature::BreakGlass));
        assert_eq!(posts.head_of(STATION, 15), None);
        posts.put(appointment(2, 200, STATION, AppointmentNature::Substantive));
        let stands_in = appointment(3, 300, STATION, AppointmentNature::Delegation);
        posts.put(Appointment { end: Some(20), ..stands_in });
        assert_eq!(posts.head_of(STATION, 15), Some(Uuid::from_u128(300)));
        assert_eq!(posts.head_of(STATION, 20), Some(Uuid::from_u128(200)));
        assert_eq!(posts.head_of(DISTRICT, 20), None);
    }
}
