//! Steps 1 and 2: the structure and the orders.

use std::collections::HashMap;

use anyhow::Context as _;
use senani_client::Channel;
use senani_proto::hierarchy::v1::import_units_request::Piece;
use senani_proto::hierarchy::v1::unit_service_client::UnitServiceClient;
use senani_proto::hierarchy::v1::{ImportUnitsOptions, ImportUnitsRequest, ImportUnitsResponse, UnitKind};
use senani_proto::membership::v1::order_service_client::OrderServiceClient;
use senani_proto::membership::v1::{GroupAudience, IssueOrderRequest, ListRulesInForceRequest, Order, OrderRule, Rank};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::PATIENCE;
use crate::bihar;
use crate::client::figures::number;
use crate::client::told;

/// Imports the units: what would change, then the change.
pub(super) async fn import(channel: &Channel) -> anyhow::Result<()> {
    let plan = send(channel, true).await?;
    if plan.added + plan.changed + plan.moved == 0 {
        println!("   {} units are there already, as in data/bihar/units.csv", number(plan.unchanged.into()));
    } else {
        println!(
            "   to import: {} added, {} changed, {} moved, {} unchanged",
            number(plan.added.into()),
            number(plan.changed.into()),
            number(plan.moved.into()),
            number(plan.unchanged.into())
        );
        send(channel, false).await?;
        println!("   imported, in one transaction");
    }
    let mut counts: HashMap<&str, (i64, i64)> = HashMap::new();
    for line in bihar::UNITS.lines().skip(1) {
        let kind = line.split(',').nth(2).unwrap_or_default();
        let entry = counts.entry(kind).or_default();
        entry.0 += 1;
        entry.1 += i64::from(line.trim_end_matches(',').ends_with("synthetic"));
    }
    let of = |kind: &str| {
        let (all, synthetic) = counts.get(kind).copied().unwrap_or_default();
        if synthetic == 0 { number(all) } else { format!("{} ({} synthetic)", number(all), number(synthetic)) }
    };
    println!(
        "   {} zones, {} ranges, {} districts, {} subdivisions, {} stations, {} outposts, {} wings",
        of("zone"),
        of("range"),
        of("district"),
        of("subdivision"),
        of("station"),
        of("outpost"),
        of("wing")
    );
    Ok(())
}

async fn send(channel: &Channel, validate_only: bool) -> anyhow::Result<ImportUnitsResponse> {
    let options = ImportUnitsRequest { piece: Some(Piece::Options(ImportUnitsOptions { validate_only })) };
    let content = bihar::UNITS.as_bytes().chunks(256 * 1024);
    let content = content.map(|bytes| ImportUnitsRequest { piece: Some(Piece::Content(bytes.to_vec().into())) });
    let pieces: Vec<ImportUnitsRequest> = std::iter::once(options).chain(content).collect();
    let response = UnitServiceClient::new(channel.clone()).import_units(tokio_stream::iter(pieces)).await;
    Ok(response.map_err(|status| told(&status))?.into_inner())
}

/// An order as `data/bihar/orders/*.toml` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderFile {
    slug: String,
    number: String,
    title_en: String,
    title_hi: String,
    issued_on: String,
    effective_on: String,
    supersedes: Vec<String>,
    rule: Vec<RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    kind: String,
    audience: String,
    ranks: Vec<String>,
    required: bool,
    min: i32,
    target: i32,
    split_at: i32,
    max: i32,
    due_on: String,
    custodian_ranks: Vec<String>,
}

/// Issues the orders of 2018 and of 2020.
pub(super) async fn issue_orders(channel: &Channel) -> anyhow::Result<()> {
    for text in bihar::ORDERS {
        let file: OrderFile = toml::from_str(text).context("an order cannot be read")?;
        let (slug, title, rules) = (file.slug.clone(), file.title_en.clone(), file.rule.len());
        let effective = file.effective_on.clone();
        let request = IssueOrderRequest { order: Some(order(file)?), order_id: slug, request_id: String::new() };
        match OrderServiceClient::new(channel.clone()).issue_order(request).await {
            Ok(_) => println!("   issued, in force from {effective}: {title} ({rules} rules)"),
            Err(status) if senani_error::reason_of(&status).as_deref() == Some("SLUG_TAKEN") => {
                println!("   issued before, in force from {effective}: {title}");
            }
            Err(status) => return Err(told(&status)),
        }
    }
    Ok(())
}

fn order(file: OrderFile) -> anyhow::Result<Order> {
    Ok(Order {
        number: file.number,
        titles: [("en".to_owned(), file.title_en), ("hi".to_owned(), file.title_hi)].into(),
        issue_date: file.issued_on,
        effective_date: file.effective_on,
        supersedes: file.supersedes,
        rules: file.rule.into_iter().map(rule).collect::<anyhow::Result<_>>()?,
        ..Order::default()
    })
}

fn rule(file: RuleFile) -> anyhow::Result<OrderRule> {
    let ranks = |names: &[String]| {
        let rank = |name: &String| {
            let rank = Rank::from_str_name(&format!("RANK_{}", name.to_uppercase()));
            rank.map(i32::from).with_context(|| format!("{name} is not a rank"))
        };
        names.iter().map(rank).collect::<anyhow::Result<Vec<i32>>>()
    };
    let kind = UnitKind::from_str_name(&format!("UNIT_KIND_{}", file.kind.to_uppercase()));
    let audience = GroupAudience::from_str_name(&format!("GROUP_AUDIENCE_{}", file.audience.to_uppercase()));
    Ok(OrderRule {
        unit_kind: kind.with_context(|| format!("{} is not a kind of unit", file.kind))?.into(),
        audience: audience.with_context(|| format!("{} is not an audience", file.audience))?.into(),
        ranks: ranks(&file.ranks)?,
        required: file.required,
        min: file.min,
        target: file.target,
        split_at: file.split_at,
        max: file.max,
        due_date: file.due_on,
        custodian_ranks: ranks(&file.custodian_ranks)?,
        ..OrderRule::default()
    })
}

/// Waits until membership has heard of the whole structure: its replica follows by itself, in order, and the file's last unit
/// of the deepest kind comes last.
pub(super) async fn known_to_membership(channel: &Channel) -> anyhow::Result<()> {
    let last = bihar::UNITS.lines().rev().find(|line| line.contains(",outpost,")).unwrap_or_default();
    let slug = last.split(',').next().unwrap_or_default();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = ListRulesInForceRequest { unit: format!("units/{slug}"), date: String::new() };
        match OrderServiceClient::new(channel.clone()).list_rules_in_force(request).await {
            Ok(_) => return Ok(()),
            Err(status) if Instant::now() > deadline => return Err(told(&status)),
            Err(_) => sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}
