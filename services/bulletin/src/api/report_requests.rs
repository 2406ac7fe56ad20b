//! Reading requests about reports.

use prost::Message;
use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::name::{BulletinName, MemberName, ReportName, UnitName};
use senani_store::Timestamp;
use senani_unit_tree::{Unit, UnitTree};
use uuid::Uuid;

use super::parse;
use super::report_service::ReportApi;
use crate::domain::Micros;
use crate::domain::report::content;
use crate::domain::report::outcome::{self, Outcome};
use crate::domain::report::sight::Sight;
use crate::error::{Error, ReportError};
use crate::store::desk::Repeatable;
use crate::store::report::ReportFilter;
use crate::wire;

/// Furthest due time.
const YEAR: Micros = 366 * 86_400_000_000;

impl ReportApi {
    /// Whose reports the caller may see now: an officer those of the units of their posts and of all under them, the desk and services all.
    pub(super) fn sight(&self, caller: &Principal) -> Sight {
        let Some(officer) = caller.member() else { return Sight::All };
        let (tree, posts) = (self.units.tree(), self.units.posts());
        let mut units = std::collections::HashSet::new();
        for held in posts.of_officer(officer, Timestamp::now().0) {
            units.insert(held.unit);
            if let Some(unit) = tree.by_id(held.unit) {
                units.extend(unit.subtree().map(Unit::id));
            }
        }
        Sight::Units(units)
    }

    /// How the request is known again. What it says is not guessed from its fingerprint.
    pub(super) fn repeatable<'a>(
        &self,
        caller: &'a Principal,
        method: &'a str,
        request_id: &str,
        request: &impl Message,
    ) -> Result<Repeatable<'a>, Error> {
        let request_id = parse::request_id(request_id)?;
        let fingerprint = self.reports.fingerprint(&request.encode_to_vec());
        Ok(Repeatable { subject: caller.subject(), method, request_id, fingerprint })
    }

    pub(super) fn filter(
        &self,
        caller: &Principal,
        request: &pb::ListReportsRequest,
        tree: &UnitTree,
    ) -> Result<ReportFilter, Error> {
        let asked = if request.unit.is_empty() {
            None
        } else {
            Some(unit(tree, "unit", &request.unit)?.subtree().map(Unit::id).collect())
        };
        let bulletin: Option<BulletinName> = parse::optional("bulletin", &request.bulletin)?;
        let assignee: Option<MemberName> = parse::optional("assignee", &request.assignee)?;
        Ok(ReportFilter {
            units: self.sight(caller).within(asked),
            state: request.state,
            category: request.category,
            bulletin: bulletin.map_or(Uuid::nil(), |name| name.0),
            assignee: assignee.map_or(Uuid::nil(), |name| name.0),
            overdue_at: if request.overdue { Timestamp::now().0 } else { 0 },
        })
    }
}

pub(super) fn report_id(name: &str) -> Result<Uuid, Error> {
    parse::parsed::<ReportName>("name", name).map(|name| name.0)
}

/// A unit that exists.
pub(super) fn unit<'t>(tree: &'t UnitTree, field: &'static str, name: &str) -> Result<Unit<'t>, Error> {
    let parsed: UnitName = parse::parsed(field, name)?;
    let unknown = || Error::UnitUnknown { field: field.to_owned(), unit: name.to_owned() };
    tree.by_slug(parsed.slug()).ok_or_else(unknown)
}

/// What was told, when it may be told.
pub(super) fn content(told: Option<pb::ReportContent>) -> Result<pb::ReportContent, Error> {
    let told = told.unwrap_or_default();
    match content::fault(&wire::report::told(&told), Timestamp::now().0) {
        None => Ok(told),
        Some((field, what)) => Err(ReportError::Content { field, what }.into()),
    }
}

/// The words of a note.
pub(super) fn note(field: &'static str, text: String, needed: bool) -> Result<String, Error> {
    if text.chars().count() > content::TEXT {
        return Err(ReportError::Content { field, what: "is over 4,000 characters" }.into());
    }
    if needed && text.trim().is_empty() {
        return Err(ReportError::Content { field, what: "is empty" }.into());
    }
    Ok(text)
}

/// The outcomes of a resolution.
pub(super) fn outcomes(messages: &[pb::Outcome]) -> Result<Vec<Outcome>, Error> {
    let read = |(at, message)| wire::report::outcome_of(message).ok_or(outcome::OutcomeFault::Quantity(at));
    let outcomes = messages.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>();
    let outcomes = outcomes.map_err(ReportError::Outcome)?;
    outcome::check(&outcomes).map_err(ReportError::Outcome)?;
    Ok(outcomes)
}

/// A due time that was given: in the future, and within a year.
pub(super) fn due_time(given: &prost_types::Timestamp, now: Micros) -> Result<Micros, Error> {
    let at = Timestamp::from_proto(given).0;
    if at > now && at < now + YEAR { Ok(at) } else { Err(ReportError::DueTime.into()) }
}

/// The 16 bytes of a call-back token, 32 hexadecimal digits.
pub(super) fn token(text: &str) -> Result<[u8; 16], Error> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| ReportError::NotFound(None).into())
}

/// Hours in microseconds.
pub(super) fn hours(hours: u32) -> Micros {
    Micros::from(hours) * 3_600_000_000
}
