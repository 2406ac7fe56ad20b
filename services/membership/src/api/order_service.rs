//! OrderService over gRPC.

use senani_order::{Order, Target, validate};
use senani_proto::membership::v1::order_service_server::OrderService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{OrderName, is_slug};
use senani_store::{Page, PageError, PageSize, PageToken, Timestamp};
use tonic::{Request, Response, Status};

use super::{Cell, open, repeat, unit};
use crate::convert;
use crate::domain::IssuedOrder;
use crate::error::{Error, Wrong};
use crate::store::Registry;

/// Characters of a title at most.
const TITLE_LENGTH: usize = 500;

/// The gRPC face of the orders.
#[derive(Debug)]
pub(crate) struct OrderApi {
    pub(super) registry: Registry,
    pub(super) cell: Cell,
}

impl OrderApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }

    /// Every set that an order names must exist.
    pub(super) fn check_sets(&self, order: &Order, positions: &[usize]) -> Result<(), Error> {
        let named = order.rules.iter().enumerate().filter_map(|(index, rule)| match &rule.target {
            Target::Set(set) => Some((positions.get(index).copied().unwrap_or(index), set)),
            Target::Kind(_) => None,
        });
        let named: Vec<(usize, &String)> = named.collect();
        if named.is_empty() {
            return Ok(());
        }
        self.cell.structure()?;
        let sets = self.cell.replica.sets();
        let unknown: Vec<Wrong> = named
            .into_iter()
            .filter(|(_, set)| !sets.knows(set))
            .map(|(position, set)| {
                let field = format!("order.rules[{position}].unit_set");
                let wrong = Wrong::new(ErrorReason::UnitSetUnknown, field, "no such set of units");
                wrong.with("unit_set", convert::unit_set_name(set))
            })
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(Error::Invalid(unknown)) }
    }
}

#[tonic::async_trait]
impl OrderService for OrderApi {
    async fn issue_order(&self, request: Request<pb::IssueOrderRequest>) -> Result<Response<pb::Order>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "OrderService/IssueOrder", &request.request_id, &request)?;
        let (issued, positions) = read(request)?;
        self.check_sets(&issued.order, &positions)?;
        Ok(Response::new(self.registry.issue_order(&issued, &positions, repeat.as_ref()).await?))
    }

    async fn preview_order(
        &self,
        request: Request<pb::PreviewOrderRequest>,
    ) -> Result<Response<pb::PreviewOrderResponse>, Status> {
        let (_, request) = open(request)?;
        Ok(Response::new(self.preview(request).await?))
    }

    async fn get_order(&self, request: Request<pb::GetOrderRequest>) -> Result<Response<pb::Order>, Status> {
        let (_, request) = open(request)?;
        let name: OrderName = convert::name(&request.name, "name")?;
        Ok(Response::new(convert::order(&self.registry.order(name.slug()).await?)))
    }

    async fn list_orders(
        &self,
        request: Request<pb::ListOrdersRequest>,
    ) -> Result<Response<pb::ListOrdersResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = PageToken::open(&request.page_token, &"orders").map_err(Error::from)?;
        let after = match after {
            Some(key) => {
                let read = |key: &str| {
                    let (date, slug) = key.split_once('/')?;
                    Some((date.parse().ok()?, slug.to_owned()))
                };
                Some(read(&key).ok_or(Error::from(PageError::Token))?)
            }
            None => None,
        };
        let found = self.registry.list_orders(after, size).await?;
        let key = |issued: &IssuedOrder| format!("{}/{}", issued.order.effective_date, issued.order.slug);
        let page = Page::cut(found, size, &"orders", key);
        Ok(Response::new(pb::ListOrdersResponse {
            orders: page.items.iter().map(convert::order).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn list_rules_in_force(
        &self,
        request: Request<pb::ListRulesInForceRequest>,
    ) -> Result<Response<pb::ListRulesInForceResponse>, Status> {
        let (_, request) = open(request)?;
        let mut wrong = Vec::new();
        let date = if request.date.is_empty() {
            Some(self.cell.today())
        } else {
            convert::date(&request.date, "date", &mut wrong)
        };
        let date = date.ok_or(Error::Invalid(wrong))?;
        let tree = self.cell.structure()?;
        let unit = unit(&tree, &request.unit, "unit")?;
        let rules = self.registry.rules_on(date).await?;
        let sets = self.cell.replica.sets();
        let rules =
            rules.for_unit(unit.kind(), sets.sets_of(unit.id())).all().iter().map(convert::rule_in_force).collect();
        Ok(Response::new(pb::ListRulesInForceResponse { rules }))
    }
}

/// The order of a request and the positions of its rules there; otherwise everything that is wrong with it.
pub(super) fn read(request: pb::IssueOrderRequest) -> Result<(IssuedOrder, Vec<usize>), Error> {
    let order = request.order.ok_or_else(|| Error::invalid(ErrorReason::RuleInvalid, "order", "is required"))?;
    let mut wrong = Vec::new();
    if !is_slug(&request.order_id) {
        let what = "must have 3 to 63 characters of a–z, 0–9 and single hyphens";
        wrong.push(Wrong::new(ErrorReason::SlugInvalid, "order_id", what));
    }
    check_titles(&order, &mut wrong);
    let issue_date = convert::date(&order.issue_date, "order.issue_date", &mut wrong);
    let effective_date = convert::date(&order.effective_date, "order.effective_date", &mut wrong);
    let mut supersedes = Vec::new();
    for (index, name) in order.supersedes.iter().enumerate() {
        match convert::name::<OrderName>(name, &format!("order.supersedes[{index}]")) {
            Ok(name) => supersedes.push(name.slug().to_owned()),
            Err(Error::Invalid(more)) => wrong.extend(more),
            Err(other) => return Err(other),
        }
    }
    let (positions, rules) = convert::rules(&order.rules, &mut wrong);
    let (Some(issue_date), Some(effective_date)) = (issue_date, effective_date) else {
        return Err(Error::Invalid(wrong));
    };
    let read = Order { slug: request.order_id, number: order.number, issue_date, effective_date, supersedes, rules };
    let no_rule_is_readable = positions.is_empty() && !order.rules.is_empty();
    let violations = validate(&read);
    let violations = violations
        .iter()
        // Told by `order_id`; and no rule is missing when all are wrong.
        .filter(|violation| violation.field != "slug" && !(no_rule_is_readable && violation.field == "rules"));
    wrong.extend(violations.map(|violation| convert::violation(violation, &read, &positions)));
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    Ok((IssuedOrder { order: read, titles: order.titles, created_at: Timestamp::now().0 }, positions))
}

fn check_titles(order: &pb::Order, wrong: &mut Vec<Wrong>) {
    if order.titles.get("hi").is_none_or(|title| title.trim().is_empty()) {
        let reason = ErrorReason::TitleMissingInHindi;
        wrong.push(Wrong::new(reason, "order.titles.hi", "is required: a title in Hindi"));
    }
    for (language, title) in &order.titles {
        if title.chars().count() > TITLE_LENGTH {
            let field = format!("order.titles.{language}");
            wrong.push(Wrong::new(ErrorReason::RuleInvalid, field, "is over 500 characters"));
        }
    }
}
