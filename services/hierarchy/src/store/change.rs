//! Changing a unit from a day on: one transaction, one version, one event for each unit that changes.

use std::collections::BTreeMap;

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::hierarchy::v1 as pb;
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::units::{Beginning, Repeat, check_codes, find, find_parent, finish};
use super::versions::{self, Scope};
use super::{Units, appointments, posts, write};
use crate::convert;
use crate::domain::{Certainty, Kind, KindRules, Posts, Refusal, Step, Unit};
use crate::error::Error;

/// What a unit becomes.
#[derive(Debug)]
pub(crate) enum Alteration {
    /// It stands under another unit.
    Move { parent: String },
    /// It is of another kind, and stands under another unit if one is named.
    Kind { kind: Kind, parent: Option<String> },
    /// It closes.
    Close,
    /// It opens again.
    Reopen,
    /// It is described otherwise.
    Describe(Description),
}

/// What is new in the description of a unit; `None` stays.
#[derive(Debug, Default)]
pub(crate) struct Description {
    pub(crate) names: Option<BTreeMap<String, String>>,
    pub(crate) codes: Option<BTreeMap<String, String>>,
    pub(crate) opened_on: Option<String>,
    pub(crate) certainty: Option<Certainty>,
}

/// A change that is asked for.
#[derive(Debug)]
pub(crate) struct Amendment<'a> {
    /// Slug of the unit.
    pub(crate) slug: String,
    /// The state that the caller has seen, or empty.
    pub(crate) etag: String,
    /// The day from which it holds.
    pub(crate) from: String,
    pub(crate) alteration: Alteration,
    /// Who asks.
    pub(crate) by: &'a str,
    pub(crate) repeat: Option<Repeat<'a>>,
    pub(crate) validate_only: bool,
}

impl Units {
    /// Makes a change, or with `validate_only` only answers what the unit would be.
    pub(crate) async fn amend(&self, amendment: Amendment<'_>) -> Result<pb::Unit, Error> {
        let Amendment { slug, etag, from, alteration, by, repeat, validate_only } = amendment;
        let mut txn = match self.begin(repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::Unit::decode(answer.as_slice())?),
        };
        let known = find(&*txn, &slug, None).await?.ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))?;
        if !etag.is_empty() && etag != convert::etag(known.version) {
            return Err(Error::EtagMismatch(format!("units/{slug}")));
        }
        let mut unit = known.clone();
        let step = alter(&txn, &mut unit, alteration, &from).await?;
        let mut timeline = versions::timeline(&*txn, Scope::Since(&from)).await?;
        if let Err(refusal) = timeline.apply(unit.id, step, &from, &self.rules) {
            return Err(refused(&txn, &unit, refusal, &self.rules).await?);
        }
        let posts = match step {
            Step::Close => self.close_posts(&txn, &unit, &from, by).await?,
            _ => Posts::default(),
        };
        let changed = unit != known;
        if changed {
            unit.version += 1;
            unit.updated_at = Timestamp::now().0;
        }
        let answer = convert::unit(&unit);
        if validate_only {
            return Ok(answer);
        }
        finish(&txn, repeat.as_ref(), &answer).await?;
        if changed {
            write_changed(&txn, &[&unit], &from).await?;
            appointments::write(&txn, &posts).await?;
            let unit = std::iter::once(convert::unit_changed(&unit));
            txn.append(unit.chain(posts::events(&posts)).collect()).await?;
        }
        txn.commit().await?;
        Ok(answer)
    }
}

/// Writes what units are from a day on. The events are the caller's: they come last, for all together.
pub(super) async fn write_changed(txn: &WriteTransaction, units: &[&Unit], from: &str) -> Result<(), DbErr> {
    write::update(txn, units).await?;
    write::versions(txn, &units.iter().map(|unit| (*unit, from)).collect::<Vec<_>>()).await
}

/// The error of a refusal, with the names of the units that it is about.
pub(super) async fn refused(
    txn: &WriteTransaction,
    unit: &Unit,
    refusal: Refusal,
    rules: &KindRules,
) -> Result<Error, Error> {
    let other = match refusal {
        Refusal::ChildrenOpen(_, child) => slug_of(txn, child).await?,
        Refusal::Kind { unit: other, .. } if other != unit.id => slug_of(txn, other).await?,
        _ => String::new(),
    };
    Ok(convert::refusal(unit, &refusal, &other, rules))
}

/// Makes the unit what it becomes; answers what that means for the structure.
async fn alter(txn: &WriteTransaction, unit: &mut Unit, alteration: Alteration, from: &str) -> Result<Step, Error> {
    Ok(match alteration {
        Alteration::Move { parent } => {
            let kind = unit.draft.kind;
            Step::Place { parent: put_under(txn, unit, parent).await?, kind }
        }
        Alteration::Kind { kind, parent: Some(parent) } => {
            unit.draft.kind = kind;
            Step::Place { parent: put_under(txn, unit, parent).await?, kind }
        }
        Alteration::Kind { kind, parent: None } => {
            unit.draft.kind = kind;
            Step::Kind(kind)
        }
        Alteration::Close => {
            from.clone_into(&mut unit.closed_on);
            Step::Close
        }
        Alteration::Reopen => {
            unit.closed_on.clear();
            unit.successor.clear();
            Step::Reopen
        }
        Alteration::Describe(description) => {
            if let Some(codes) = &description.codes {
                check_codes(txn, codes, unit.id).await?;
            }
            let draft = &mut unit.draft;
            draft.names = description.names.unwrap_or_else(|| std::mem::take(&mut draft.names));
            draft.codes = description.codes.unwrap_or_else(|| std::mem::take(&mut draft.codes));
            draft.opened_on = description.opened_on.unwrap_or_else(|| std::mem::take(&mut draft.opened_on));
            draft.certainty = description.certainty.unwrap_or(draft.certainty);
            Step::Describe
        }
    })
}

async fn put_under(txn: &WriteTransaction, unit: &mut Unit, parent: String) -> Result<Uuid, Error> {
    let id = find_parent(txn, &parent, "parent").await?.id;
    // The root stays without a parent; the rules refuse to place it.
    if unit.parent_id.is_some() {
        unit.parent_id = Some(id);
        unit.draft.parent = Some(parent);
    }
    Ok(id)
}

async fn slug_of(txn: &WriteTransaction, unit: Uuid) -> Result<String, DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "SELECT slug FROM unit WHERE id = $1",
        [unit.into()],
    );
    let row = txn.query_one_raw(statement).await?.ok_or_else(|| DbErr::RecordNotFound("unit".into()))?;
    row.try_get_by_index(0)
}
