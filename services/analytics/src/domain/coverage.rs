//! Expected against actual, for each unit and rolled up the tree.

use std::collections::HashMap;
use std::ops::{Add, AddAssign, Range, Sub};

use senani_order::{Date, Slot};
use senani_unit_tree::{Place, Unit, UnitTree};
use uuid::Uuid;

use super::Register;

/// Expected against actual; sums over units, so that the figures of parts add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Groups that the orders in force require.
    pub expected_groups: i64,
    /// Of these, groups that exist: `sufficient_groups` + `short_groups`.
    pub formed_groups: i64,
    /// Of the expected, groups that exist and have at least their minimum.
    pub sufficient_groups: i64,
    /// Of the expected, groups that exist with less than their minimum.
    pub short_groups: i64,
    /// Sum of the minimums of the expected groups.
    pub expected_members: i64,
    /// Enrolments in all groups, the expected ones and others.
    pub enrolled_members: i64,
    /// Members missing to the minimums, summed over the expected groups.
    pub missing_members: i64,
}

impl Figures {
    fn zip(self, other: Self, combine: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            expected_groups: combine(self.expected_groups, other.expected_groups),
            formed_groups: combine(self.formed_groups, other.formed_groups),
            sufficient_groups: combine(self.sufficient_groups, other.sufficient_groups),
            short_groups: combine(self.short_groups, other.short_groups),
            expected_members: combine(self.expected_members, other.expected_members),
            enrolled_members: combine(self.enrolled_members, other.enrolled_members),
            missing_members: combine(self.missing_members, other.missing_members),
        }
    }

    /// A required group of at least `min` members; `enrolled` is `None` when it does not exist.
    fn expect(&mut self, min: i64, enrolled: Option<i64>) {
        self.expected_groups += 1;
        self.expected_members += min;
        self.missing_members += (min - enrolled.unwrap_or(0)).max(0);
        if let Some(enrolled) = enrolled {
            self.formed_groups += 1;
            if enrolled >= min {
                self.sufficient_groups += 1;
            } else {
                self.short_groups += 1;
            }
        }
    }
}

impl Add for Figures {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Figures {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

/// The figures of every unit of one tree on one day, ready to be summed over any subtree in constant time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageTable {
    /// At `i` the sum over the first `i` units in the tree's order: one entry more than units.
    prefix: Vec<Figures>,
}

/// The coverage of a unit: `parts` and `rest` add up to `figures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The unit with everything under it.
    pub figures: Figures,
    /// Its parts with everything under them, in the order of the tree.
    pub parts: Vec<(Place, Figures)>,
    /// What is under none of the parts: the unit itself at least.
    pub rest: Figures,
}

impl CoverageTable {
    /// Counts. Linear in the number of units and groups.
    ///
    /// A unit that is not open on the day is expected to have no group. Several groups for one demand (after a split) count as one
    /// with the members of all. A group at a unit that is not in the tree (yet) counts nowhere. `sets_of` tells the sets
    /// that a unit is in, by their slugs.
    pub fn count<'s, S>(tree: &UnitTree, sets_of: impl Fn(Uuid) -> S, register: &Register, date: Date) -> Self
    where
        S: IntoIterator<Item = &'s str>,
    {
        let mut enrolled: HashMap<(Place, Slot), i64> = HashMap::new();
        let mut own = vec![Figures::default(); tree.len()];
        for group in register.groups().filter(|group| group.active) {
            let Some(unit) = tree.by_id(group.unit) else { continue };
            own[unit.place().index()].enrolled_members += group.enrolled;
            if let Some(slot) = group.slot() {
                *enrolled.entry((unit.place(), slot)).or_default() += group.enrolled;
            }
        }
        let rules = register.rules_on(date);
        let day = date.to_string();
        let mut prefix = Vec::with_capacity(tree.len() + 1);
        let mut sum = Figures::default();
        prefix.push(sum);
        for (unit, mut figures) in tree.units().zip(own) {
            if unit.is_open_on(&day) {
                for rule in rules.for_unit(unit.kind(), sets_of(unit.id())).demands() {
                    figures.expect(i64::from(rule.terms.min), enrolled.get(&(unit.place(), rule.slot)).copied());
                }
            }
            sum += figures;
            prefix.push(sum);
        }
        Self { prefix }
    }

    /// Figures of a unit with everything under it.
    fn of(&self, unit: Unit<'_>) -> Figures {
        self.over(unit.span())
    }

    fn over(&self, span: Range<usize>) -> Figures {
        let at = |place: usize| self.prefix.get(place).copied().unwrap_or_default();
        at(span.end) - at(span.start)
    }

    /// Coverage of a unit of the tree that was counted. Its parts are the units of `part_kind` under it, of nested ones the
    /// outermost; its children when `part_kind` is `None`.
    pub fn coverage(&self, unit: Unit<'_>, part_kind: Option<i32>) -> Coverage {
        let figures = self.of(unit);
        let parts: Vec<(Place, Figures)> = match part_kind {
            None => unit.children().map(|part| (part.place(), self.of(part))).collect(),
            Some(kind) => outermost(unit, kind).into_iter().map(|part| (part.place(), self.of(part))).collect(),
        };
        let rest = parts.iter().fold(figures, |rest, (_, part)| rest - *part);
        Coverage { figures, parts, rest }
    }
}

/// The units of a kind under a unit, without those under another of them: each unit below is in one part at most.
fn outermost(top: Unit<'_>, kind: i32) -> Vec<Unit<'_>> {
    let mut found: Vec<Unit<'_>> = Vec::new();
    for unit in top.subtree().skip(1).filter(|unit| unit.kind() == kind) {
        // In pre-order what is under a unit follows it at once.
        if found.last().is_none_or(|last| !last.contains(unit)) {
            found.push(unit);
        }
    }
    found
}
