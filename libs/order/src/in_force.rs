//! Which rule binds on a date.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::{Date, Order, Rule, Slot, Target, Terms};

/// A rule that binds, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInForce {
    /// Slug of the order.
    pub order: String,
    /// The units that the rule is for.
    pub target: Target,
    /// The group at each such unit.
    pub slot: Slot,
    /// What is asked of that group.
    pub terms: Terms,
}

/// What binds on one date: for each unit exactly one rule for each slot that an order in force covers there.
///
/// An order is in force from its effective date on. Of the orders in force that cover a slot of a unit, by its kind or by a set that
/// it is in, the one issued last prevails, whichever takes effect last; of several issued on one day, one that no other of them
/// supersedes; of those, the one effective last, then the one with the greatest slug. Of the rules of that order one for a set is
/// more special than one for a kind, and of several for sets the one that stands first in the order prevails. So the answer never
/// depends on the order of the list, and an exception that an earlier order made for a set ends with a later order for the
/// kind, unless that repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulesInForce {
    /// Every rule for a kind or a set that may prevail somewhere, by its target and slot, with what orders it.
    candidates: BTreeMap<Target, BTreeMap<Slot, Vec<Candidate>>>,
    /// What binds the units of a kind that are in no set.
    by_kind: BTreeMap<i32, Vec<RuleInForce>>,
}

/// A rule of an order in force, with what decides between it and others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    issue_date: Date,
    effective_date: Date,
    order: Order,
    of_set: bool,
    /// Of the rule in its order; the first is the greatest.
    position: Reverse<usize>,
}

impl Candidate {
    fn rule(&self) -> Option<&Rule> {
        self.order.rules.get(self.position.0)
    }
}

/// The rules that bind one unit, ascending by slot: also those for groups that may exist but need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRules<'r>(Cow<'r, [RuleInForce]>);

impl UnitRules<'_> {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[RuleInForce] {
        &self.0
    }

    /// Those for groups that the unit must have.
    pub fn demands(&self) -> impl Iterator<Item = &RuleInForce> {
        self.0.iter().filter(|rule| rule.terms.required)
    }

    /// The rule for one group of the unit.
    #[must_use]
    pub fn rule(&self, slot: Slot) -> Option<&RuleInForce> {
        self.0.iter().find(|rule| rule.slot == slot)
    }

    /// Whether no order in force speaks of the unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl RulesInForce {
    /// The rules that bind on a date, of all orders in any order.
    #[must_use]
    pub fn on(date: Date, orders: &[Order]) -> Self {
        let mut candidates: BTreeMap<Target, BTreeMap<Slot, Vec<Candidate>>> = BTreeMap::new();
        for order in orders.iter().filter(|order| order.effective_date <= date) {
            for (position, rule) in order.rules.iter().enumerate() {
                for slot in rule.slots() {
                    let of_slot = candidates.entry(rule.target.clone()).or_default().entry(slot).or_default();
                    of_slot.push(Candidate {
                        issue_date: order.issue_date,
                        effective_date: order.effective_date,
                        order: order.clone(),
                        of_set: matches!(rule.target, Target::Set(_)),
                        position: Reverse(position),
                    });
                }
            }
        }
        // Those issued before another for the same never prevail, wherever the unit stands.
        for of_slot in candidates.values_mut().flat_map(BTreeMap::values_mut) {
            let last_day = of_slot.iter().map(|candidate| candidate.issue_date).max();
            of_slot.retain(|candidate| Some(candidate.issue_date) == last_day);
            of_slot.sort_unstable();
            of_slot.dedup();
        }
        let mut rules = Self { candidates, by_kind: BTreeMap::new() };
        for target in rules.candidates.keys() {
            if let Target::Kind(kind) = target {
                rules.by_kind.insert(*kind, rules.resolve([target]));
            }
        }
        rules
    }

    /// What binds a unit of a kind that is in some sets, named by their slugs.
    #[must_use]
    pub fn for_unit<'s>(&self, kind: impl Into<i32>, sets: impl IntoIterator<Item = &'s str>) -> UnitRules<'_> {
        let kind = kind.into();
        if !self.mentions_sets() {
            return self.of_kind(kind);
        }
        let mut targets: Vec<Target> = sets.into_iter().map(|set| Target::Set(set.to_owned())).collect();
        targets.retain(|target| self.candidates.contains_key(target));
        if targets.is_empty() {
            return self.of_kind(kind);
        }
        targets.push(Target::Kind(kind));
        UnitRules(Cow::Owned(self.resolve(&targets)))
    }

    /// The units that some rule is for, ascending.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.candidates.keys()
    }

    fn of_kind(&self, kind: i32) -> UnitRules<'_> {
        UnitRules(Cow::Borrowed(self.by_kind.get(&kind).map_or(&[], Vec::as_slice)))
    }

    /// Sets come after kinds.
    fn mentions_sets(&self) -> bool {
        self.candidates.last_key_value().is_some_and(|(target, _)| matches!(target, Target::Set(_)))
    }

    /// One rule for each slot of units that are of all these targets.
    fn resolve<'t>(&self, targets: impl IntoIterator<Item = &'t Target>) -> Vec<RuleInForce> {
        let found: Vec<_> = targets.into_iter().filter_map(|target| self.candidates.get(target)).collect();
        let slots: BTreeSet<Slot> = found.iter().flat_map(|slots| slots.keys().copied()).collect();
        let rule = |slot: Slot| {
            let candidates: Vec<&Candidate> = found.iter().filter_map(|slots| slots.get(&slot)).flatten().collect();
            let winner = prevailing(&candidates)?;
            let rule = winner.rule()?;
            Some(RuleInForce {
                order: winner.order.slug.clone(),
                target: rule.target.clone(),
                slot,
                terms: rule.terms.clone(),
            })
        };
        slots.into_iter().filter_map(rule).collect()
    }
}

/// The rule that prevails among those that cover the same; none only of none.
fn prevailing<'c>(candidates: &[&'c Candidate]) -> Option<&'c Candidate> {
    let last_day = candidates.iter().map(|candidate| candidate.issue_date).max()?;
    let of_last_day = || candidates.iter().copied().filter(|candidate| candidate.issue_date == last_day);
    let superseded = |candidate: &Candidate| {
        of_last_day().any(|other| {
            other.order.slug != candidate.order.slug && other.order.supersedes.contains(&candidate.order.slug)
        })
    };
    of_last_day()
        .filter(|candidate| !superseded(candidate))
        .max()
        // Orders of one day that supersede each other in a ring.
        .or_else(|| of_last_day().max())
}
