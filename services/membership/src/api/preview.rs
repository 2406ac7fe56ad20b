//! An order before it is issued.

use senani_order::{Date, Order, RulesInForce};
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_store::{Page, PageSize, PageToken};
use senani_unit_tree::Unit;

use super::order_service::{OrderApi, read};
use super::unit;
use crate::convert;
use crate::domain::{PreviewFigures, PreviewPart, PreviewRules, preview};
use crate::error::Error;

/// The slug of an order that has none yet.
const UNNAMED: &str = "order-without-a-name-yet";

impl OrderApi {
    pub(super) async fn preview(&self, request: pb::PreviewOrderRequest) -> Result<pb::PreviewOrderResponse, Error> {
        let size = PageSize::from_wire(request.page_size)?;
        let filter = pb::PreviewOrderRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let filter = prost::Message::encode_to_vec(&filter);
        let after = PageToken::open(&request.page_token, &filter)?;

        let order_id = if request.order_id.is_empty() { UNNAMED.to_owned() } else { request.order_id };
        let issue = pb::IssueOrderRequest { order: request.order, order_id, request_id: String::new() };
        let (issued, positions) = read(issue)?;
        self.check_sets(&issued.order, &positions)?;
        let order = issued.order;
        let mut wrong = Vec::new();
        let date = if request.date.is_empty() {
            Some(self.cell.today().max(order.effective_date))
        } else {
            convert::date(&request.date, "date", &mut wrong)
        };
        let part_kind = match UnitKind::try_from(request.part_kind) {
            Ok(UnitKind::Unspecified) => UnitKind::District.into(),
            Ok(kind) => kind.into(),
            Err(_) => return Err(Error::invalid(ErrorReason::RuleInvalid, "part_kind", "names no kind of unit")),
        };
        let date: Date = date.ok_or(Error::Invalid(wrong))?;
        let known = self.registry.orders_beside(&order, &positions).await?;

        let tree = self.cell.structure()?;
        let sets = self.cell.replica.sets();
        let top = if request.unit.is_empty() { tree.root() } else { Some(unit(&tree, &request.unit, "unit")?) };
        let top = top.ok_or(Error::StructureNotReady)?;
        let slug = order.slug.clone();
        let before = RulesInForce::on(date, &known);
        let all: Vec<Order> = known.into_iter().chain([order]).collect();
        let with = RulesInForce::on(date, &all);
        let rules_of = |unit: Unit<'_>| PreviewRules {
            before: before.for_unit(unit.kind(), sets.sets_of(unit.id())),
            after: with.for_unit(unit.kind(), sets.sets_of(unit.id())),
        };
        let held = self.registry.held_slots().await?;
        let preview = preview(top, &date.to_string(), part_kind, &slug, rules_of, &held);

        let limit = usize::try_from(size.limit()).unwrap_or(usize::MAX);
        let is_after = |part: &PreviewPart| after.as_ref().is_none_or(|after| part.unit_slug > *after);
        let parts = preview.parts.into_iter().filter(is_after).take(limit).collect();
        let page = Page::cut(parts, size, &filter, |part: &PreviewPart| part.unit_slug.clone());
        Ok(pb::PreviewOrderResponse {
            total: Some(figures(&preview.total)),
            rest: Some(figures(&preview.rest)),
            parts: page.items.into_iter().map(part).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

fn part(part: PreviewPart) -> pb::PreviewPart {
    let group = |group: &crate::domain::PreviewedGroup| pb::PreviewedGroup {
        unit: format!("units/{}", group.unit_slug),
        audience: group.slot.audience.number(),
        rank: convert::rank_number(group.slot.rank),
        groups: group.held.parts.iter().map(|(slug, _)| convert::group_name(slug)).collect(),
        enrolled_count: i32::try_from(group.enrolled()).unwrap_or(i32::MAX),
        min_before: i32::try_from(group.min_before).unwrap_or(i32::MAX),
        min_after: i32::try_from(group.min_after).unwrap_or(i32::MAX),
        to_form: group.to_form,
        below_min: group.short,
        becomes_optional: group.optional,
        overfull: group.overfull,
        unruled: group.unruled,
    };
    pb::PreviewPart {
        unit: format!("units/{}", part.unit_slug),
        figures: Some(figures(&part.figures)),
        groups: part.groups.iter().map(group).collect(),
    }
}

fn figures(figures: &PreviewFigures) -> pb::PreviewFigures {
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    pb::PreviewFigures {
        bound_units: count(figures.bound_units),
        demanded_groups: count(figures.demanded_groups),
        groups_to_form: count(figures.groups_to_form),
        people_needed: figures.people_needed,
        short_groups: count(figures.short_groups),
        people_short: figures.people_short,
        resized_groups: count(figures.resized_groups),
        optional_groups: count(figures.optional_groups),
        overfull_groups: count(figures.overfull_groups),
        unruled_groups: count(figures.unruled_groups),
    }
}
