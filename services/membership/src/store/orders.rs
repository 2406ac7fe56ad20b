//! Orders.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_order::{Audience, Date, Order, Rank, Rule, Target, Terms, validate_supersession};
use senani_proto::membership::v1 as pb;
use senani_store::{PageSize, Rows, WriteTransaction};

use super::json::{from_json, to_json};
use super::{Registry, Repeat, answered, record};
use crate::convert;
use crate::domain::IssuedOrder;
use crate::error::{Error, Resource};

impl Registry {
    /// One transaction: the claim of the request id, the order, its event. `positions` are those of the rules in the request.
    pub(crate) async fn issue_order(
        &self,
        issued: &IssuedOrder,
        positions: &[usize],
        repeat: Option<&Repeat<'_>>,
    ) -> Result<pb::Order, Error> {
        let mut txn = self.store.begin_write().await?;
        if let Some(answer) = answered(&txn, repeat).await? {
            return Ok(answer);
        }
        let known: Vec<Order> = load(&*txn, None).await?.into_iter().map(|issued| issued.order).collect();
        let order = &issued.order;
        if known.iter().any(|known| known.slug == order.slug) {
            return Err(Error::SlugTaken(convert::order_name(&order.slug)));
        }
        let violations = validate_supersession(order, &known);
        if !violations.is_empty() {
            let wrong = violations.iter().map(|violation| convert::violation(violation, order, positions)).collect();
            return Err(Error::Invalid(wrong));
        }
        // Two orders of one slug at once: the later one waits for the first and then hears that the slug is taken.
        insert(&txn, issued).await.map_err(|error| match error.sql_err() {
            Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => Error::SlugTaken(convert::order_name(&order.slug)),
            _ => Error::from(error),
        })?;
        let answer = convert::order(issued);
        record(&txn, repeat, &answer).await?;
        txn.append(vec![convert::order_issued(issued)]).await?;
        txn.commit().await?;
        Ok(answer)
    }

    pub(crate) async fn order(&self, slug: &str) -> Result<IssuedOrder, Error> {
        let found = load(self.store.reader(), Some(slug)).await?;
        found.into_iter().next().ok_or_else(|| Resource::Order.not_found(convert::order_name(slug)))
    }

    /// All orders, the latest effective date first, of one date by their slugs. Orders are few: whoever pages cuts this list.
    pub(crate) async fn orders(&self) -> Result<Vec<IssuedOrder>, Error> {
        Ok(load(self.store.reader(), None).await?)
    }

    /// Orders after the one with this date and slug, see [`Registry::orders`].
    pub(crate) async fn list_orders(
        &self,
        after: Option<(Date, String)>,
        size: PageSize,
    ) -> Result<Vec<IssuedOrder>, Error> {
        let limit = usize::try_from(size.limit()).unwrap_or(usize::MAX);
        let is_after = |issued: &IssuedOrder| {
            after.as_ref().is_none_or(|(date, slug)| {
                let order = &issued.order;
                order.effective_date < *date || (order.effective_date == *date && order.slug > *slug)
            })
        };
        Ok(self.orders().await?.into_iter().filter(is_after).take(limit).collect())
    }
}

/// The orders, or the one with this slug, the latest effective date first.
pub(super) async fn load(db: &impl ConnectionTrait, slug: Option<&str>) -> Result<Vec<IssuedOrder>, DbErr> {
    let (of_order, of_part, values): (_, _, Vec<Value>) = match slug {
        Some(slug) => (" WHERE slug = $1", " WHERE order_slug = $1", vec![slug.into()]),
        None => ("", "", Vec::new()),
    };
    let query =
        |sql: String| db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values.clone()));
    let rules = query(format!(
        "SELECT order_slug, unit_kind, audience, ranks, required, min_size, target_size, split_at, max_size, due_date, \
         custodian_ranks, unit_set FROM order_rule{of_part} ORDER BY order_slug, position"
    ))
    .await?;
    let mut rules_of = HashMap::<String, Vec<Rule>>::new();
    for row in &rules {
        rules_of.entry(row.try_get_by_index(0)?).or_default().push(rule(row)?);
    }
    let superseded = query(format!(
        "SELECT order_slug, superseded_slug FROM order_supersession{of_part} ORDER BY order_slug, position"
    ))
    .await?;
    let mut superseded_by = HashMap::<String, Vec<String>>::new();
    for row in &superseded {
        superseded_by.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
    }
    let orders = query(format!(
        "SELECT slug, number, titles, issue_date, effective_date, created_at FROM issued_order{of_order} \
         ORDER BY effective_date DESC, slug"
    ))
    .await?;
    orders
        .iter()
        .map(|row| {
            let slug: String = row.try_get_by_index(0)?;
            Ok(IssuedOrder {
                titles: from_json(&row.try_get_by_index::<String>(2)?)?,
                created_at: row.try_get_by_index(5)?,
                order: Order {
                    number: row.try_get_by_index(1)?,
                    issue_date: date(row, 3)?,
                    effective_date: date(row, 4)?,
                    supersedes: superseded_by.remove(&slug).unwrap_or_default(),
                    rules: rules_of.remove(&slug).unwrap_or_default(),
                    slug,
                },
            })
        })
        .collect()
}

fn date(row: &QueryResult, index: usize) -> Result<Date, DbErr> {
    let text: String = row.try_get_by_index(index)?;
    text.parse().map_err(|_| DbErr::Type("a stored date is none".into()))
}

fn rule(row: &QueryResult) -> Result<Rule, DbErr> {
    let size = |index| -> Result<u32, DbErr> {
        let size: i32 = row.try_get_by_index(index)?;
        u32::try_from(size).map_err(|_| DbErr::Type("a stored size is negative".into()))
    };
    let due: String = row.try_get_by_index(9)?;
    let audience: i32 = row.try_get_by_index(2)?;
    let set: String = row.try_get_by_index(11)?;
    Ok(Rule {
        target: if set.is_empty() { Target::Kind(row.try_get_by_index(1)?) } else { Target::Set(set) },
        audience: Audience::from_number(audience)
            .ok_or_else(|| DbErr::Type(format!("a stored audience is unknown: {audience}")))?,
        ranks: ranks(&row.try_get_by_index::<String>(3)?)?,
        terms: Terms {
            required: row.try_get_by_index(4)?,
            min: size(5)?,
            target: size(6)?,
            split_at: size(7)?,
            max: size(8)?,
            due_date: if due.is_empty() { None } else { Some(date(row, 9)?) },
            custodian_ranks: ranks(&row.try_get_by_index::<String>(10)?)?,
        },
    })
}

fn ranks(text: &str) -> Result<Vec<Rank>, DbErr> {
    text.split(',')
        .filter(|number| !number.is_empty())
        .map(|number| {
            let rank = number.parse().ok().and_then(Rank::from_number);
            rank.ok_or_else(|| DbErr::Type(format!("a stored rank is unknown: {number}")))
        })
        .collect()
}

fn joined(ranks: &[Rank]) -> String {
    ranks.iter().map(|rank| rank.number().to_string()).collect::<Vec<_>>().join(",")
}

async fn insert(txn: &WriteTransaction, issued: &IssuedOrder) -> Result<(), DbErr> {
    let order = &issued.order;
    let values = [
        order.slug.as_str().into(),
        order.number.as_str().into(),
        to_json(&issued.titles).into(),
        order.issue_date.to_string().into(),
        order.effective_date.to_string().into(),
        issued.created_at.into(),
    ];
    let sql = "INSERT INTO issued_order (slug, number, titles, issue_date, effective_date, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
    let position = |count: usize| 0..i32::try_from(count).unwrap_or(i32::MAX);
    Rows::new()
        .int("position", position(order.supersedes.len()))
        .text("slug", order.supersedes.iter().map(String::as_str))
        .execute(
            &**txn,
            "INSERT INTO order_supersession (order_slug, position, superseded_slug) SELECT :1, v.position, v.slug FROM v",
            &[order.slug.as_str().into()],
        )
        .await?;
    let rules = &order.rules;
    let size = |size: u32| i32::try_from(size).unwrap_or(i32::MAX);
    Rows::new()
        .int("position", position(rules.len()))
        .int("unit_kind", rules.iter().map(|rule| match rule.target {
            Target::Kind(kind) => kind,
            Target::Set(_) => 0,
        }))
        .text("unit_set", rules.iter().map(|rule| match &rule.target {
            Target::Kind(_) => "",
            Target::Set(set) => set.as_str(),
        }))
        .int("audience", rules.iter().map(|rule| rule.audience.number()))
        .text("ranks", rules.iter().map(|rule| joined(&rule.ranks)))
        .boolean("required", rules.iter().map(|rule| rule.terms.required))
        .int("min_size", rules.iter().map(|rule| size(rule.terms.min)))
        .int("target_size", rules.iter().map(|rule| size(rule.terms.target)))
        .int("split_at", rules.iter().map(|rule| size(rule.terms.split_at)))
        .int("max_size", rules.iter().map(|rule| size(rule.terms.max)))
        .text("due_date", rules.iter().map(|rule| rule.terms.due_date.map_or_else(String::new, |date| date.to_string())))
        .text("custodian_ranks", rules.iter().map(|rule| joined(&rule.terms.custodian_ranks)))
        .execute(
            &**txn,
            "INSERT INTO order_rule (order_slug, position, unit_kind, audience, ranks, required, min_size, target_size, \
             split_at, max_size, due_date, custodian_ranks, unit_set) SELECT :1, v.position, v.unit_kind, v.audience, v.ranks, \
             v.required, v.min_size, v.target_size, v.split_at, v.max_size, v.due_date, v.custodian_ranks, v.unit_set FROM v",
            &[order.slug.as_str().into()],
        )
        .await
        .map(drop)
}
