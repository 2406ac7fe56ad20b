//! Between the contracts and the domain.

use std::collections::BTreeMap;

use senani_order::{Audience, Date, Order, Rank, Rule, Target, Terms};
use senani_proto::analytics::v1 as pb;
use senani_proto::membership::v1 as membership;
use senani_proto::name::OrderName;
use senani_unit_tree::Unit;

use crate::domain::{Figures, ReachFigures};

/// An order as the rules take it; `None`, with a warning, when membership should never have issued it. A rule with an audience or rank
/// of a later version of the contract is left out, with a warning: the others count on.
pub(crate) fn order(order: &membership::Order) -> Option<Order> {
    let known = || {
        Some(Order {
            slug: slug(&order.name)?,
            number: order.number.clone(),
            issue_date: order.issue_date.parse().ok()?,
            effective_date: order.effective_date.parse().ok()?,
            supersedes: order.supersedes.iter().filter_map(|name| slug(name)).collect(),
            rules: order.rules.iter().filter_map(|known| logged(order, rule(known))).collect(),
        })
    };
    logged(order, known())
}

fn logged<T>(order: &membership::Order, understood: Option<T>) -> Option<T> {
    if understood.is_none() {
        tracing::warn!(order = order.name, "an order or a rule of it is not understood and left out");
    }
    understood
}

fn slug(name: &str) -> Option<String> {
    name.parse::<OrderName>().ok().map(|name| name.slug().to_owned())
}

fn rule(rule: &membership::OrderRule) -> Option<Rule> {
    let ranks = rule.ranks.iter().map(|number| Rank::from_number(*number)).collect::<Option<Vec<_>>>()?;
    let size = |size: i32| u32::try_from(size).ok();
    let due_date: Option<Date> = if rule.due_date.is_empty() { None } else { Some(rule.due_date.parse().ok()?) };
    let terms = Terms {
        required: rule.required,
        min: size(rule.min)?,
        target: size(rule.target)?,
        split_at: size(rule.split_at)?,
        max: size(rule.max)?,
        due_date,
        custodian_ranks: rule.custodian_ranks.iter().filter_map(|number| Rank::from_number(*number)).collect(),
    };
    let audience = Audience::from_number(rule.audience)?;
    let target = match (rule.unit_kind, rule.unit_set.strip_prefix("unitSets/")) {
        (_, Some(set)) => Target::Set(set.to_owned()),
        (0, None) => return None,
        (kind, None) => Target::Kind(kind),
    };
    Some(Rule { target, audience, ranks, terms })
}

pub(crate) fn coverage_figures(figures: Figures) -> pb::CoverageFigures {
    pb::CoverageFigures {
        expected_groups: figures.expected_groups,
        formed_groups: figures.formed_groups,
        sufficient_groups: figures.sufficient_groups,
        short_groups: figures.short_groups,
        expected_members: figures.expected_members,
        enrolled_members: figures.enrolled_members,
        missing_members: figures.missing_members,
    }
}

pub(crate) fn reach_figures(figures: ReachFigures) -> pb::ReachFigures {
    pb::ReachFigures {
        tasks: figures.tasks,
        orphaned_tasks: figures.orphaned_tasks,
        persons: figures.persons,
        pending: figures.pending,
        accepted: figures.accepted,
        delivered: figures.delivered,
        read: figures.read,
        failed: figures.failed,
        failed_by_reason: figures.failed_by_reason.into_iter().collect(),
    }
}

pub(crate) fn unit_name(unit: Unit<'_>) -> String {
    format!("units/{}", unit.slug())
}

pub(crate) fn display_names(unit: Unit<'_>) -> BTreeMap<String, String> {
    unit.names().map(|(language, name)| (language.to_owned(), name.to_owned())).collect()
}
