//! Groups with fewer members than the rule in force asks for.

use senani_order::{RuleInForce, UnitRules};
use senani_unit_tree::Unit;

use super::{HeldSlot, HeldSlots};

/// What a group is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Min,
    Target,
}

/// A group with fewer members than asked for, all its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortGroup {
    pub(crate) unit_slug: String,
    pub(crate) rule: RuleInForce,
    pub(crate) held: HeldSlot,
    /// Members missing to what it is measured by.
    pub(crate) missing: i64,
}

/// The short groups of open units, in the order of the units' slugs, then by slot.
pub(crate) fn shortages<'t, 'r>(
    units: impl IntoIterator<Item = Unit<'t>>,
    day: &str,
    measure: Measure,
    rules_of: impl Fn(Unit<'t>) -> UnitRules<'r>,
    held: &HeldSlots,
) -> Vec<ShortGroup> {
    let mut found = Vec::new();
    for unit in units.into_iter().filter(|unit| unit.is_open_on(day)) {
        let Some(slots) = held.get(&unit.id()) else { continue };
        let rules = rules_of(unit);
        for (slot, held) in slots {
            let Some(rule) = rules.rule(*slot) else { continue };
            let asked = match measure {
                Measure::Min => rule.terms.min,
                Measure::Target => rule.terms.target,
            };
            let missing = i64::from(asked) - held.enrolled();
            if missing > 0 {
                let unit_slug = unit.slug().to_owned();
                found.push(ShortGroup { unit_slug, rule: rule.clone(), held: held.clone(), missing });
            }
        }
    }
    found.sort_unstable_by(|a, b| (&a.unit_slug, a.rule.slot).cmp(&(&b.unit_slug, b.rule.slot)));
    found
}
