//! Groups that want something: a custodian, or members.

use senani_proto::membership::v1::list_short_request::Measure as WireMeasure;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_store::{Page, PageSize, PageToken};
use senani_unit_tree::UnitTree;
use uuid::Uuid;

use super::group_service::GroupApi;
use super::{in_force, unit_referred};
use crate::convert;
use crate::domain::{Group, Measure, ShortGroup, shortages};
use crate::error::Error;

impl GroupApi {
    pub(super) async fn orphans(&self, request: &pb::ListOrphansRequest) -> Result<pb::ListOrphansResponse, Error> {
        let size = PageSize::from_wire(request.page_size)?;
        let after = PageToken::open(&request.page_token, &request.unit)?;
        let tree = self.cell.replica.tree();
        let top = self.top(&tree, &request.unit)?;
        let within = |unit: Uuid| top.is_some_and(|top| tree.is_within(top, unit));
        let filter: Option<&(dyn Fn(Uuid) -> bool + Send + Sync)> = if top.is_some() { Some(&within) } else { None };
        let found = self.registry.orphans(filter, after.as_deref(), size).await?;
        let page = Page::cut(found, size, &request.unit, |(group, _): &(Group, i32)| group.slug.clone());
        let orphan = |(group, officer_count): &(Group, i32)| pb::OrphanGroup {
            group: Some(convert::group(group)),
            primary_missing: group.custodians.primary.is_none(),
            backup_missing: group.custodians.backups.is_empty(),
            officer_count: *officer_count,
        };
        Ok(pb::ListOrphansResponse {
            orphans: page.items.iter().map(orphan).collect(),
            next_page_token: page.next_page_token,
        })
    }

    pub(super) async fn short(&self, request: &pb::ListShortRequest) -> Result<pb::ListShortResponse, Error> {
        let size = PageSize::from_wire(request.page_size)?;
        let filter = (&request.unit, request.measure);
        let after = PageToken::open(&request.page_token, &filter)?;
        let measure = match WireMeasure::try_from(request.measure) {
            Ok(WireMeasure::Unspecified | WireMeasure::Min) => Measure::Min,
            Ok(WireMeasure::Target) => Measure::Target,
            Err(_) => return Err(Error::invalid(ErrorReason::RuleInvalid, "measure", "names no measure")),
        };
        let in_force = in_force(&self.cell, &self.registry).await?;
        let held = self.registry.held_slots().await?;
        let tree = &in_force.tree;
        let top = match self.top(tree, &request.unit)? {
            Some(top) => tree.by_id(top),
            None => tree.root(),
        };
        let units = top.into_iter().flat_map(|top| top.subtree());
        let found = shortages(units, &in_force.day, measure, |unit| in_force.of_unit(unit), &held);
        let limit = usize::try_from(size.limit()).unwrap_or(usize::MAX);
        let found = found.into_iter().filter(|short| after.as_ref().is_none_or(|after| key(short) > *after));
        let page = Page::cut(found.take(limit).collect(), size, &filter, key);
        Ok(pb::ListShortResponse {
            groups: page.items.iter().map(short_group).collect(),
            next_page_token: page.next_page_token,
        })
    }

    /// The unit that a list is about; `None` for all.
    fn top(&self, tree: &UnitTree, unit: &str) -> Result<Option<Uuid>, Error> {
        if unit.is_empty() {
            return Ok(None);
        }
        self.cell.structure()?;
        Ok(Some(unit_referred(tree, unit, "unit")?.id()))
    }
}

/// Sorts as the list does: a space comes before every character of a slug.
fn key(short: &ShortGroup) -> String {
    let slot = short.rule.slot;
    format!("{} {:02} {:02}", short.unit_slug, slot.audience.number(), convert::rank_number(slot.rank))
}

fn short_group(short: &ShortGroup) -> pb::ShortGroup {
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let rule = &short.rule;
    let terms = &rule.terms;
    pb::ShortGroup {
        unit: format!("units/{}", short.unit_slug),
        audience: rule.slot.audience.number(),
        rank: convert::rank_number(rule.slot.rank),
        groups: short.held.parts.iter().map(|(slug, _)| convert::group_name(slug)).collect(),
        enrolled_count: count(short.held.enrolled()),
        min: count(terms.min.into()),
        target: count(terms.target.into()),
        missing: count(short.missing),
        required: terms.required,
        order: convert::order_name(&rule.order),
        due_date: terms.due_date.map_or_else(String::new, |date| date.to_string()),
    }
}
