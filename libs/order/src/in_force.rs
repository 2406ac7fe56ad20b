//! Which rule binds on a date.

use std::collections::BTreeMap;

use crate::{Date, Order, Rule, Slot, Terms};

/// A rule that binds, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInForce {
    /// Slug of the order.
    pub order: String,
    /// The kind of the units that it binds: a number of `senani.hierarchy.v1.UnitKind`.
    pub kind: i32,
    /// The group at each such unit.
    pub slot: Slot,
    /// What is asked of that group.
    pub terms: Terms,
}

/// The rules that bind on one date: exactly one for each kind of unit and slot that an order in force covers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulesInForce {
    /// Ascending by kind, then slot.
    rules: Vec<RuleInForce>,
}

impl RulesInForce {
    /// The rules that bind on a date, of all orders in any order.
    ///
    /// An order is in force from its effective date on. Of the orders in force that cover the same kind and slot, the one
    /// issued last prevails, whichever takes effect last; of several issued on one day, one that no other of them
    /// supersedes; of those, the one effective last, then the one with the greatest slug. The last two only decide
    /// what no careful issuer leaves open, so that the answer never depends on the order of the list.
    #[must_use]
    pub fn on(date: Date, orders: &[Order]) -> Self {
        let mut candidates: BTreeMap<(i32, Slot), Vec<(&Order, &Rule)>> = BTreeMap::new();
        for order in orders.iter().filter(|order| order.effective_date <= date) {
            for rule in &order.rules {
                for slot in rule.slots() {
                    candidates.entry((rule.kind, slot)).or_default().push((order, rule));
                }
            }
        }
        let rules = candidates.into_iter().filter_map(|((kind, slot), candidates)| {
            let (order, rule) = prevailing(&candidates)?;
            Some(RuleInForce { order: order.slug.clone(), kind, slot, terms: rule.terms.clone() })
        });
        Self { rules: rules.collect() }
    }

    /// All rules, ascending by kind, then slot.
    #[must_use]
    pub fn all(&self) -> &[RuleInForce] {
        &self.rules
    }

    /// The rules for the units of a kind, ascending by slot: also those for groups that may exist but need not.
    #[must_use]
    pub fn for_kind(&self, kind: impl Into<i32>) -> &[RuleInForce] {
        let kind = kind.into();
        let start = self.rules.partition_point(|rule| rule.kind < kind);
        let end = self.rules.partition_point(|rule| rule.kind <= kind);
        &self.rules[start..end]
    }

    /// The groups that each unit of a kind must have.
    pub fn demands(&self, kind: impl Into<i32>) -> impl Iterator<Item = &RuleInForce> {
        self.for_kind(kind).iter().filter(|rule| rule.terms.required)
    }

    /// The rule for one group of the units of a kind.
    #[must_use]
    pub fn rule(&self, kind: impl Into<i32>, slot: Slot) -> Option<&RuleInForce> {
        self.for_kind(kind).iter().find(|rule| rule.slot == slot)
    }
}

/// The rule that prevails among those that cover the same; none only of none.
fn prevailing<'o>(candidates: &[(&'o Order, &'o Rule)]) -> Option<(&'o Order, &'o Rule)> {
    let last_day = candidates.iter().map(|(order, _)| order.issue_date).max()?;
    let of_last_day = || candidates.iter().filter(|(order, _)| order.issue_date == last_day);
    let superseded =
        |slug: &String| of_last_day().any(|(order, _)| order.slug != *slug && order.supersedes.contains(slug));
    let precedence = |(order, rule): &&(&'o Order, &'o Rule)| (order.effective_date, *order, *rule);
    of_last_day()
        .filter(|(order, _)| !superseded(&order.slug))
        .max_by_key(precedence)
        // Orders of one day that supersede each other in a ring.
        .or_else(|| of_last_day().max_by_key(precedence))
        .copied()
}
