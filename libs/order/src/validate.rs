//! All that is wrong with an order, by field.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use crate::{Audience, Order, Rank, Rule, Target};

/// One thing that is wrong with an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the contract's `Order`: `effective_date`, `rules[2].split_at`, `rules[0].ranks[1]`.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field of an order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// Nothing is given.
    #[error("is required")]
    Missing,
    /// The order would bind before it is issued.
    #[error("is before issue_date")]
    BeforeIssue,
    /// Groups would be due before the order binds.
    #[error("is before effective_date")]
    BeforeEffect,
    /// An order names itself.
    #[error("names the order itself")]
    Itself,
    /// The order named does not exist.
    #[error("names no known order")]
    Unknown,
    /// The order named was issued after this one.
    #[error("names an order that was issued later")]
    IssuedLater,
    /// The value was given before in the same list.
    #[error("is given twice")]
    Repeated,
    /// Ranks for an audience that is not rank-wise.
    #[error("is only for the audience POLICE_RANK")]
    NotRankWise,
    /// A size of zero.
    #[error("must be at least 1")]
    NotPositive,
    /// A size below the one that it may not be below.
    #[error("is below {0}")]
    Below(&'static str),
    /// An earlier rule of the order covers the same kind or set, audience and rank.
    #[error("covers the same units, audience and rank as rules[{0}]")]
    Covered(usize),
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.field, self.problem)
    }
}

/// All that is wrong with an order by itself; nothing for one that can be issued.
#[must_use]
pub fn validate(order: &Order) -> Vec<Violation> {
    let mut found = Findings::default();
    found.when(order.slug.is_empty(), "slug", Problem::Missing);
    found.when(order.number.trim().is_empty(), "number", Problem::Missing);
    found.when(order.effective_date < order.issue_date, "effective_date", Problem::BeforeIssue);
    for (position, slug) in order.supersedes.iter().enumerate() {
        let field = format!("supersedes[{position}]");
        found.when(*slug == order.slug, &field, Problem::Itself);
        found.when(order.supersedes[..position].contains(slug), &field, Problem::Repeated);
    }

    found.when(order.rules.is_empty(), "rules", Problem::Missing);
    let mut covered = BTreeMap::new();
    for (position, rule) in order.rules.iter().enumerate() {
        let field = format!("rules[{position}]");
        validate_rule(order, rule, &field, &mut found);
        for slot in rule.slots() {
            let by = *covered.entry((&rule.target, slot)).or_insert(position);
            if by != position {
                found.when(true, &field, Problem::Covered(by));
                break;
            }
        }
    }
    found.0
}

/// What is wrong with the orders that an order names as superseded, given all orders issued so far.
#[must_use]
pub fn validate_supersession(order: &Order, issued: &[Order]) -> Vec<Violation> {
    let mut found = Findings::default();
    for (position, slug) in order.supersedes.iter().enumerate() {
        let named = issued.iter().find(|other| other.slug == *slug);
        let field = format!("supersedes[{position}]");
        found.when(named.is_none(), &field, Problem::Unknown);
        found.when(named.is_some_and(|named| named.issue_date > order.issue_date), &field, Problem::IssuedLater);
    }
    found.0
}

fn validate_rule(order: &Order, rule: &Rule, field: &str, found: &mut Findings) {
    let at = |name: &str| format!("{field}.{name}");
    match &rule.target {
        Target::Kind(kind) => found.when(*kind == 0, &at("unit_kind"), Problem::Missing),
        Target::Set(set) => found.when(set.is_empty(), &at("unit_set"), Problem::Missing),
    }

    let rank_wise = rule.audience == Audience::PoliceRank;
    found.when(rank_wise && rule.ranks.is_empty(), &at("ranks"), Problem::Missing);
    found.when(!rank_wise && !rule.ranks.is_empty(), &at("ranks"), Problem::NotRankWise);
    found.repeated(&rule.ranks, &at("ranks"));

    let terms = &rule.terms;
    found.when(terms.min == 0, &at("min"), Problem::NotPositive);
    found.when(terms.target < terms.min, &at("target"), Problem::Below("min"));
    found.when(terms.split_at < terms.target, &at("split_at"), Problem::Below("target"));
    found.when(terms.max < terms.split_at, &at("max"), Problem::Below("split_at"));

    found.when(terms.due_date.is_some_and(|due| due < order.effective_date), &at("due_date"), Problem::BeforeEffect);
    found.repeated(&terms.custodian_ranks, &at("custodian_ranks"));
}

/// Violations in the order of the fields.
#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn when(&mut self, wrong: bool, field: &str, problem: Problem) {
        if wrong {
            self.0.push(Violation { field: field.to_owned(), problem });
        }
    }

    fn repeated(&mut self, ranks: &[Rank], field: &str) {
        for (position, rank) in ranks.iter().enumerate() {
            self.when(ranks[..position].contains(rank), &format!("{field}[{position}]"), Problem::Repeated);
        }
    }
}
