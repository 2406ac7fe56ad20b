//! What binds the groups today.

use std::sync::Arc;

use senani_order::{Date, Order, RuleInForce, RulesInForce, UnitRules};
use senani_store::Timestamp;
use senani_unit_replica::UnitSets;
use senani_unit_tree::{Unit, UnitTree};
use uuid::Uuid;

use super::Registry;
use crate::domain::{Group, NewParts, UnitGroups};
use crate::error::Error;

/// The rules of one day, with the structure that they are applied to.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    pub(crate) rules: RulesInForce,
    /// The day, `YYYY-MM-DD`.
    pub(crate) day: String,
    pub(crate) tree: Arc<UnitTree>,
    /// Which units are in which sets.
    pub(crate) sets: Arc<UnitSets>,
    /// Members of a group in the chat application at most.
    pub(crate) app_ceiling: i32,
}

impl InForce {
    /// What binds a unit.
    pub(crate) fn of_unit(&self, unit: Unit<'_>) -> UnitRules<'_> {
        self.rules.for_unit(unit.kind(), self.sets.sets_of(unit.id()))
    }

    /// What binds a unit; `None` when the structure does not have it.
    pub(crate) fn of(&self, unit: Uuid) -> Option<UnitRules<'_>> {
        self.tree.by_id(unit).map(|unit| self.of_unit(unit))
    }

    /// The rule for a group; `None` when no order speaks of it.
    pub(crate) fn rule(&self, group: &Group) -> Option<RuleInForce> {
        self.of(group.unit_id)?.rule(group.slot).cloned()
    }

    /// The groups of some units, as people come in.
    pub(crate) fn fill(&self, groups: Vec<Group>, now: Timestamp) -> UnitGroups {
        let new_parts = NewParts { id: Uuid::now_v7, now: now.0 };
        UnitGroups::new(groups, |unit| self.of(unit), self.app_ceiling, new_parts)
    }

    /// Members of a group at most: what the rule says, and never more than the chat application allows.
    pub(crate) fn ceiling(&self, group: &Group) -> i32 {
        let max = self.rule(group).and_then(|rule| i32::try_from(rule.terms.max).ok());
        max.unwrap_or(self.app_ceiling).min(self.app_ceiling)
    }
}

impl Registry {
    /// The rules that bind on a day.
    pub(crate) async fn rules_on(&self, day: Date) -> Result<RulesInForce, Error> {
        let orders: Vec<Order> = self.orders().await?.into_iter().map(|issued| issued.order).collect();
        Ok(RulesInForce::on(day, &orders))
    }
}
