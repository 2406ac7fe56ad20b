//! What an order that is not issued yet would demand.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use senani_order::{RuleInForce, Slot, UnitRules};
use senani_unit_tree::Unit;
use uuid::Uuid;

/// Single groups that are listed for a part at most.
const LISTED: usize = 500;

/// The active groups in one slot of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HeldSlot {
    /// Slug and size of each part.
    pub(crate) parts: Vec<(String, i64)>,
}

impl HeldSlot {
    /// Members of all parts.
    pub(crate) fn enrolled(&self) -> i64 {
        self.parts.iter().map(|(_, size)| size).sum()
    }
}

/// Every slot of every unit that has an active group.
pub(crate) type HeldSlots = HashMap<Uuid, BTreeMap<Slot, HeldSlot>>;

/// Sums over units; see `senani.membership.v1.PreviewFigures`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PreviewFigures {
    pub(crate) bound_units: i64,
    pub(crate) demanded_groups: i64,
    pub(crate) groups_to_form: i64,
    pub(crate) people_needed: i64,
    pub(crate) short_groups: i64,
    pub(crate) people_short: i64,
    pub(crate) resized_groups: i64,
    pub(crate) optional_groups: i64,
    pub(crate) overfull_groups: i64,
    pub(crate) unruled_groups: i64,
}

impl AddAssign for PreviewFigures {
    fn add_assign(&mut self, other: Self) {
        self.bound_units += other.bound_units;
        self.demanded_groups += other.demanded_groups;
        self.groups_to_form += other.groups_to_form;
        self.people_needed += other.people_needed;
        self.short_groups += other.short_groups;
        self.people_short += other.people_short;
        self.resized_groups += other.resized_groups;
        self.optional_groups += other.optional_groups;
        self.overfull_groups += other.overfull_groups;
        self.unruled_groups += other.unruled_groups;
    }
}

/// What happens to one group; see `senani.membership.v1.PreviewedGroup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreviewedGroup {
    pub(crate) unit_slug: String,
    pub(crate) slot: Slot,
    pub(crate) held: HeldSlot,
    pub(crate) min_before: u32,
    pub(crate) min_after: u32,
    pub(crate) to_form: bool,
    pub(crate) short: bool,
    pub(crate) optional: bool,
    pub(crate) overfull: bool,
    pub(crate) unruled: bool,
}

impl PreviewedGroup {
    pub(crate) fn enrolled(&self) -> i64 {
        self.held.enrolled()
    }

    fn is_changed(&self) -> bool {
        self.to_form
            || self.short
            || self.optional
            || self.overfull
            || self.unruled
            || self.min_before != self.min_after
    }
}

/// A unit of the kind that is asked for, with everything under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreviewPart {
    pub(crate) unit_slug: String,
    pub(crate) figures: PreviewFigures,
    pub(crate) groups: Vec<PreviewedGroup>,
}

/// The whole answer; the parts and the rest add up to the total.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Preview {
    pub(crate) total: PreviewFigures,
    pub(crate) rest: PreviewFigures,
    /// In the order of the units' slugs.
    pub(crate) parts: Vec<PreviewPart>,
}

/// The rules for a unit without and with the previewed order.
pub(crate) struct Rules<'r> {
    pub(crate) before: UnitRules<'r>,
    pub(crate) after: UnitRules<'r>,
}

/// Looks at the open units under `top` in one pass. `order` is the slug of the previewed order, `day` the day that is asked about.
pub(crate) fn preview<'t, 'r>(
    top: Unit<'t>,
    day: &str,
    part_kind: i32,
    order: &str,
    rules_of: impl Fn(Unit<'t>) -> Rules<'r>,
    held: &HeldSlots,
) -> Preview {
    let nothing = BTreeMap::new();
    let mut preview = Preview::default();
    let mut part: Option<(Unit<'t>, PreviewPart)> = None;
    for unit in top.subtree() {
        // In pre-order what is under a unit follows it at once.
        if part.as_ref().is_some_and(|(of, _)| !of.contains(unit)) {
            preview.parts.extend(part.take().map(|(_, part)| part));
        }
        if part.is_none() && unit.kind() == part_kind {
            let unit_slug = unit.slug().to_owned();
            part = Some((unit, PreviewPart { unit_slug, figures: PreviewFigures::default(), groups: Vec::new() }));
        }
        if !unit.is_open_on(day) {
            continue;
        }
        let (figures, groups) = of_unit(unit, order, &rules_of(unit), held.get(&unit.id()).unwrap_or(&nothing));
        preview.total += figures;
        match &mut part {
            Some((_, part)) => {
                part.figures += figures;
                part.groups.extend(groups);
            }
            None => preview.rest += figures,
        }
    }
    preview.parts.extend(part.map(|(_, part)| part));
    preview.parts.sort_unstable_by(|a, b| a.unit_slug.cmp(&b.unit_slug));
    for part in &mut preview.parts {
        part.groups.sort_unstable_by(|a, b| (&a.unit_slug, a.slot).cmp(&(&b.unit_slug, b.slot)));
        part.groups.truncate(LISTED);
    }
    preview
}

/// One unit: its sums, and the groups to which something happens.
fn of_unit(
    unit: Unit<'_>,
    order: &str,
    rules: &Rules<'_>,
    held: &BTreeMap<Slot, HeldSlot>,
) -> (PreviewFigures, Vec<PreviewedGroup>) {
    let mut figures = PreviewFigures::default();
    let mut groups = Vec::new();
    let of_order: Vec<&RuleInForce> = rules.after.all().iter().filter(|rule| rule.order == order).collect();
    figures.bound_units = i64::from(!of_order.is_empty());
    for rule in of_order {
        let (group, of_group) = of_slot(unit, rule, rules.before.rule(rule.slot), held.get(&rule.slot));
        figures += of_group;
        groups.extend(group.filter(PreviewedGroup::is_changed));
    }
    for (slot, held) in held.iter().filter(|(slot, _)| rules.after.rule(**slot).is_none()) {
        figures.unruled_groups += 1;
        groups.push(PreviewedGroup {
            unit_slug: unit.slug().to_owned(),
            slot: *slot,
            held: held.clone(),
            min_before: rules.before.rule(*slot).map_or(0, |rule| rule.terms.min),
            min_after: 0,
            to_form: false,
            short: false,
            optional: false,
            overfull: false,
            unruled: true,
        });
    }
    (figures, groups)
}

/// One rule of the order at one unit; no group when none exists and none is demanded.
fn of_slot(
    unit: Unit<'_>,
    rule: &RuleInForce,
    before: Option<&RuleInForce>,
    held: Option<&HeldSlot>,
) -> (Option<PreviewedGroup>, PreviewFigures) {
    let terms = &rule.terms;
    let mut figures = PreviewFigures { demanded_groups: i64::from(terms.required), ..PreviewFigures::default() };
    let min = i64::from(terms.min);
    let mut group = PreviewedGroup {
        unit_slug: unit.slug().to_owned(),
        slot: rule.slot,
        held: held.cloned().unwrap_or_default(),
        min_before: before.map_or(0, |rule| rule.terms.min),
        min_after: terms.min,
        to_form: held.is_none() && terms.required,
        short: false,
        optional: false,
        overfull: false,
        unruled: false,
    };
    let Some(held) = held else {
        if !terms.required {
            return (None, figures);
        }
        figures.groups_to_form = 1;
        figures.people_needed = min;
        figures.people_short = min;
        return (Some(group), figures);
    };
    group.short = terms.required && held.enrolled() < min;
    group.optional = !terms.required && before.is_some_and(|before| before.terms.required);
    group.overfull = held.parts.iter().any(|(_, size)| *size > i64::from(terms.max));
    let sizes = |rule: &RuleInForce| (rule.terms.min, rule.terms.target, rule.terms.split_at, rule.terms.max);
    figures.resized_groups = i64::from(before.map(sizes) != Some(sizes(rule)));
    figures.short_groups = i64::from(group.short);
    figures.people_short = if group.short { min - held.enrolled() } else { 0 };
    figures.optional_groups = i64::from(group.optional);
    figures.overfull_groups = i64::from(group.overfull);
    (Some(group), figures)
}

#[cfg(test)]
mod tests {
    use senani_order::{Audience, Order, Rule, RulesInForce, Target, Terms};
    use senani_unit_tree::{UnitEntry, UnitTree};

    use super::*;

    const DAY: &str = "2026-01-01";

    fn tree() -> UnitTree {
        let unit = |id: u128, parent: Option<u128>, kind, slug: &str| UnitEntry {
            id: Uuid::from_u128(id),
            parent: parent.map(Uuid::from_u128),
            kind,
            slug: slug.to_owned(),
            ..UnitEntry::default()
        };
        UnitTree::build([
            unit(1, None, 1, "state"),
            unit(2, Some(1), 6, "patna"),
            unit(3, Some(2), 10, "kotwali-ps"),
            unit(4, Some(2), 10, "digha-ps"),
            unit(5, Some(1), 6, "gaya"),
            unit(6, Some(5), 12, "gaya-op"),
        ])
        .unwrap()
    }

    fn order(slug: &str, date: &str, rules: &[(i32, Audience, bool, u32)]) -> Order {
        let date = date.parse().unwrap();
        let rule = |&(kind, audience, required, min): &(i32, Audience, bool, u32)| Rule {
            target: Target::Kind(kind),
            audience,
            ranks: vec![],
            terms: Terms { required, min, target: min, split_at: min, max: 250, ..Terms::default() },
        };
        Order {
            slug: slug.to_owned(),
            number: slug.to_owned(),
            issue_date: date,
            effective_date: date,
            supersedes: vec![],
            rules: rules.iter().map(rule).collect(),
        }
    }

    #[test]
    fn an_order_is_previewed_beside_what_exists_and_parts_add_up() {
        use Audience::{Apex, Community, Officers};
        let tree = tree();
        let first = order("a", "2020-01-01", &[(10, Community, true, 100), (10, Officers, true, 5)]);
        let next =
            order("b", "2025-01-01", &[(10, Community, true, 200), (10, Officers, false, 5), (1, Apex, true, 9)]);
        let day = DAY.parse().unwrap();
        let before = RulesInForce::on(day, std::slice::from_ref(&first));
        let after = RulesInForce::on(day, &[first, next]);
        let rules_of =
            |unit: Unit<'_>| Rules { before: before.for_unit(unit.kind(), []), after: after.for_unit(unit.kind(), []) };
        let held_as =
            |slug: &str, sizes: &[i64]| HeldSlot { parts: sizes.iter().map(|size| (slug.to_owned(), *size)).collect() };
        let held: HeldSlots = [
            (
                Uuid::from_u128(3),
                BTreeMap::from([
                    (Slot::of(Community), held_as("kotwali-ps-community", &[150, 20])),
                    (Slot::of(Officers), held_as("kotwali-ps-officers", &[260])),
                ]),
            ),
            (Uuid::from_u128(6), BTreeMap::from([(Slot::of(Community), held_as("gaya-op-community", &[10]))])),
        ]
        .into();
        let preview = preview(tree.root().unwrap(), DAY, 6, "b", rules_of, &held);
        let expected = PreviewFigures {
            bound_units: 3,
            demanded_groups: 3,
            groups_to_form: 2,
            people_needed: 209,
            short_groups: 1,
            people_short: 209 + 30,
            resized_groups: 1,
            optional_groups: 1,
            overfull_groups: 1,
            unruled_groups: 1,
        };
        assert_eq!(preview.total, expected);
        assert_eq!(preview.rest.people_needed, 9);
        let mut sum = preview.rest;
        preview.parts.iter().for_each(|part| sum += part.figures);
        assert_eq!(sum, preview.total);
        assert_eq!(preview.parts.iter().map(|part| part.unit_slug.as_str()).collect::<Vec<_>>(), ["gaya", "patna"]);
        let groups: Vec<_> = preview.parts[1]
            .groups
            .iter()
            .map(|group| {
                (group.unit_slug.as_str(), group.slot.audience, group.min_before, group.min_after, group.to_form)
            })
            .collect();
        assert_eq!(
            groups,
            [
                ("digha-ps", Community, 100, 200, true),
                ("kotwali-ps", Community, 100, 200, false),
                ("kotwali-ps", Officers, 5, 5, false),
            ]
        );
        assert!(preview.parts[0].groups[0].unruled);
    }
}
