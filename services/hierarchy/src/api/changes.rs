//! Requests that change a unit from a day on.

use prost::Message;
use senani_access::Principal;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_store::request_log::RequestKey;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::UnitApi;
use crate::convert;
use crate::domain::{Certainty, Kind, check_codes, check_names, is_date};
use crate::error::{Error, Wrong};
use crate::store::{Alteration, Amendment, Description, Repeat};

/// The fields that an update can change.
const UPDATED: [&str; 4] = ["display_names", "codes", "open_date", "certainty"];

/// What the requests have in common.
struct Change {
    method: &'static str,
    name: String,
    /// Where the name stands in the request.
    field: &'static str,
    effective_date: String,
    etag: String,
    request_id: String,
    validate_only: bool,
}

impl UnitApi {
    pub(super) async fn update(&self, request: Request<pb::UpdateUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let unit = request.unit.unwrap_or_default();
        let paths = match request.update_mask {
            Some(mask) if !mask.paths.is_empty() => mask.paths,
            _ => filled(&unit),
        };
        let change = Change {
            method: "UnitService/UpdateUnit",
            name: unit.name.clone(),
            field: "unit.name",
            effective_date: request.effective_date,
            etag: unit.etag.clone(),
            request_id: request.request_id,
            validate_only: request.validate_only,
        };
        let alteration = Alteration::Describe(description(&paths, unit)?);
        self.change(&principal, change, alteration, fingerprint).await
    }

    pub(super) async fn r#move(&self, request: Request<pb::MoveUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let alteration = Alteration::Move { parent: convert::slug(&request.parent, "parent")? };
        let change = Change {
            method: "UnitService/MoveUnit",
            name: request.name,
            field: "name",
            effective_date: request.effective_date,
            etag: request.etag,
            request_id: request.request_id,
            validate_only: request.validate_only,
        };
        self.change(&principal, change, alteration, fingerprint).await
    }

    pub(super) async fn change_kind(
        &self,
        request: Request<pb::ChangeUnitKindRequest>,
    ) -> Result<Response<pb::Unit>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let kind = Kind::from_number(request.kind)
            .ok_or_else(|| Error::invalid(ErrorReason::KindMissing, "kind", "a unit needs a kind"))?;
        let parent = if request.parent.is_empty() { None } else { Some(convert::slug(&request.parent, "parent")?) };
        let change = Change {
            method: "UnitService/ChangeUnitKind",
            name: request.name,
            field: "name",
            effective_date: request.effective_date,
            etag: request.etag,
            request_id: request.request_id,
            validate_only: request.validate_only,
        };
        self.change(&principal, change, Alteration::Kind { kind, parent }, fingerprint).await
    }

    pub(super) async fn close(&self, request: Request<pb::CloseUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let change = Change {
            method: "UnitService/CloseUnit",
            name: request.name,
            field: "name",
            effective_date: request.effective_date,
            etag: request.etag,
            request_id: request.request_id,
            validate_only: request.validate_only,
        };
        self.change(&principal, change, Alteration::Close, fingerprint).await
    }

    pub(super) async fn reopen(&self, request: Request<pb::ReopenUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        let (principal, request, fingerprint) = open(request)?;
        let change = Change {
            method: "UnitService/ReopenUnit",
            name: request.name,
            field: "name",
            effective_date: request.effective_date,
            etag: request.etag,
            request_id: request.request_id,
            validate_only: request.validate_only,
        };
        self.change(&principal, change, Alteration::Reopen, fingerprint).await
    }

    async fn change(
        &self,
        principal: &Principal,
        change: Change,
        alteration: Alteration,
        fingerprint: Vec<u8>,
    ) -> Result<Response<pb::Unit>, Status> {
        let amendment = Amendment {
            slug: convert::slug(&change.name, change.field)?,
            etag: change.etag,
            from: self.effective(change.effective_date)?,
            alteration,
            by: principal.subject(),
            repeat: repeat(principal, change.method, &change.request_id, fingerprint)?,
            validate_only: change.validate_only,
        };
        Ok(Response::new(self.units.amend(amendment).await?))
    }

    /// The day from which a change holds: today when none is given, and never later.
    pub(super) fn effective(&self, date: String) -> Result<String, Error> {
        let today = self.today();
        let field = "effective_date";
        if date.is_empty() {
            return Ok(today);
        }
        if !is_date(&date) {
            return Err(Error::invalid(ErrorReason::DateInvalid, field, "a date is a day as YYYY-MM-DD"));
        }
        if date > today {
            let wrong =
                Wrong::new(ErrorReason::EffectiveDateInFuture, field, "a change holds from today at the latest");
            return Err(Error::Invalid(vec![wrong.with("latest", today)]));
        }
        Ok(date)
    }
}

fn open<T: Message>(request: Request<T>) -> Result<(Principal, T, Vec<u8>), Status> {
    let principal = Principal::of(&request)?;
    let request = request.into_inner();
    let fingerprint = request.encode_to_vec();
    Ok((principal, request, fingerprint))
}

/// How a repeated request is known; `None` without an id.
pub(super) fn repeat<'a>(
    principal: &'a Principal,
    method: &'static str,
    request_id: &str,
    fingerprint: Vec<u8>,
) -> Result<Option<Repeat<'a>>, Error> {
    if request_id.is_empty() {
        return Ok(None);
    }
    let request_id: Uuid =
        request_id.parse().map_err(|_| Error::invalid(ErrorReason::RequestIdInvalid, "request_id", "not a UUID"))?;
    Ok(Some(Repeat { key: RequestKey { subject: principal.subject(), method, request_id }, fingerprint }))
}

/// The fields of a unit that are not empty.
fn filled(unit: &pb::Unit) -> Vec<String> {
    let empty = [
        unit.display_names.is_empty(),
        unit.codes.is_empty(),
        unit.open_date.is_empty(),
        unit.certainty == pb::Certainty::Unspecified as i32,
    ];
    UPDATED.iter().zip(empty).filter(|(_, empty)| !empty).map(|(field, _)| (*field).to_owned()).collect()
}

fn description(paths: &[String], unit: pb::Unit) -> Result<Description, Error> {
    if let Some(path) = paths.iter().find(|path| !UPDATED.contains(&path.as_str())) {
        let allowed = UPDATED.join(", ");
        let wrong = Wrong::new(ErrorReason::UpdateMaskInvalid, "update_mask", format!("only {allowed} can be updated"));
        return Err(Error::Invalid(vec![wrong.with("field", path).with("allowed", allowed)]));
    }
    let named = |field: &str| paths.iter().any(|path| path == field);
    let mut problems = Vec::new();
    let mut description = Description::default();
    if named("display_names") {
        problems.extend(check_names(&unit.display_names));
        description.names = Some(unit.display_names);
    }
    if named("codes") {
        problems.extend(check_codes(&unit.codes));
        description.codes = Some(unit.codes);
    }
    if named("open_date") {
        problems.extend((!is_date(&unit.open_date)).then_some(crate::domain::Problem::Date));
        description.opened_on = Some(unit.open_date);
    }
    if named("certainty") {
        description.certainty = Some(Certainty::from_number(unit.certainty).unwrap_or_default());
    }
    if problems.is_empty() {
        return Ok(description);
    }
    Err(Error::Invalid(
        problems.into_iter().map(|problem| Error::of_problem(problem, &convert::path_in_unit)).collect(),
    ))
}
