//! UnitSetService over gRPC.

use std::collections::BTreeMap;

use prost::Message;
use senani_access::Principal;
use senani_proto::hierarchy::v1::unit_set_service_server::UnitSetService;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_store::{Page, PageSize, PageToken};
use tonic::{Request, Response, Status};

use super::UnitApi;
use super::changes::repeat;
use super::unit_service::{BATCH, as_of};
use crate::convert;
use crate::domain::check_names;
use crate::error::{Error, Wrong};
use crate::store::{Deed, Direction, page};

/// The one field of a set that can be changed.
const RENAMED: &str = "display_names";

/// A change of a set as both requests say it.
struct Change {
    method: &'static str,
    direction: Direction,
    name: String,
    units: Vec<String>,
    effective_date: String,
    request_id: String,
    fingerprint: Vec<u8>,
}

impl UnitApi {
    async fn change_set(&self, principal: &Principal, change: Change) -> Result<Response<pb::UnitSet>, Status> {
        if change.units.is_empty() || change.units.len() > BATCH {
            let what = format!("between 1 and {BATCH} names are needed");
            return Err(Error::invalid(ErrorReason::BatchSizeInvalid, "units", what).into());
        }
        let names = change.units.iter().enumerate();
        let units = names
            .map(|(index, name)| convert::slug(name, &format!("units[{index}]")))
            .collect::<Result<Vec<_>, _>>()?;
        let slug = convert::set_slug(&change.name)?;
        let from = self.effective(change.effective_date)?;
        let repeat = repeat(principal, change.method, &change.request_id, change.fingerprint)?;
        Ok(Response::new(self.units.change_set(&slug, change.direction, &units, &from, repeat).await?))
    }
}

#[tonic::async_trait]
impl UnitSetService for UnitApi {
    async fn create_unit_set(
        &self,
        request: Request<pb::CreateUnitSetRequest>,
    ) -> Result<Response<pb::UnitSet>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let fingerprint = request.encode_to_vec();
        let names = request.unit_set.unwrap_or_default().display_names;
        let mut wrong: Vec<Wrong> = Vec::new();
        if !senani_proto::name::is_slug(&request.unit_set_id) {
            let what = "a slug has 3 to 63 characters of a–z, 0–9 and single hyphens";
            wrong.push(Wrong::new(ErrorReason::SlugInvalid, "unit_set_id", what));
        }
        wrong.extend(wrong_names(&names));
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong).into());
        }
        let repeat = repeat(&principal, "UnitSetService/CreateUnitSet", &request.request_id, fingerprint)?;
        Ok(Response::new(self.units.create_set(&request.unit_set_id, names, repeat).await?))
    }

    async fn get_unit_set(&self, request: Request<pb::GetUnitSetRequest>) -> Result<Response<pb::UnitSet>, Status> {
        Principal::of(&request)?;
        let slug = convert::set_slug(&request.into_inner().name)?;
        Ok(Response::new(convert::unit_set(&self.units.set(&slug).await?)))
    }

    async fn list_unit_sets(
        &self,
        request: Request<pb::ListUnitSetsRequest>,
    ) -> Result<Response<pb::ListUnitSetsResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let filter = ("unitSets", request.show_closed);
        let after = PageToken::open(&request.page_token, &filter).map_err(Error::from)?;
        let found = self.units.sets(after.as_deref(), request.show_closed, size).await?;
        let page = Page::cut(found, size, &filter, |set| set.slug.clone());
        let unit_sets = page.items.iter().map(convert::unit_set).collect();
        Ok(Response::new(pb::ListUnitSetsResponse { unit_sets, next_page_token: page.next_page_token }))
    }

    async fn update_unit_set(
        &self,
        request: Request<pb::UpdateUnitSetRequest>,
    ) -> Result<Response<pb::UnitSet>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let fingerprint = request.encode_to_vec();
        let paths = request.update_mask.unwrap_or_default().paths;
        if let Some(path) = paths.iter().find(|path| *path != RENAMED) {
            let what = format!("only {RENAMED} can be updated");
            let wrong = Wrong::new(ErrorReason::UpdateMaskInvalid, "update_mask", what);
            return Err(Error::Invalid(vec![wrong.with("field", path).with("allowed", RENAMED)]).into());
        }
        let set = request.unit_set.unwrap_or_default();
        let slug = convert::set_slug(&set.name)?;
        let wrong: Vec<Wrong> = wrong_names(&set.display_names).collect();
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong).into());
        }
        let deed = Deed {
            by: principal.subject(),
            etag: set.etag,
            repeat: repeat(&principal, "UnitSetService/UpdateUnitSet", &request.request_id, fingerprint)?,
            validate_only: false,
        };
        Ok(Response::new(self.units.rename_set(&slug, set.display_names, deed).await?))
    }

    async fn close_unit_set(&self, request: Request<pb::CloseUnitSetRequest>) -> Result<Response<pb::UnitSet>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let fingerprint = request.encode_to_vec();
        let slug = convert::set_slug(&request.name)?;
        let from = self.effective(request.effective_date)?;
        let deed = Deed {
            by: principal.subject(),
            etag: request.etag,
            repeat: repeat(&principal, "UnitSetService/CloseUnitSet", &request.request_id, fingerprint)?,
            validate_only: request.validate_only,
        };
        Ok(Response::new(self.units.close_set(&slug, &from, deed).await?))
    }

    async fn add_units_to_set(
        &self,
        request: Request<pb::AddUnitsToSetRequest>,
    ) -> Result<Response<pb::UnitSet>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let change = Change {
            method: "UnitSetService/AddUnitsToSet",
            direction: Direction::In,
            fingerprint: request.encode_to_vec(),
            name: request.name,
            units: request.units,
            effective_date: request.effective_date,
            request_id: request.request_id,
        };
        self.change_set(&principal, change).await
    }

    async fn remove_units_from_set(
        &self,
        request: Request<pb::RemoveUnitsFromSetRequest>,
    ) -> Result<Response<pb::UnitSet>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let change = Change {
            method: "UnitSetService/RemoveUnitsFromSet",
            direction: Direction::Out,
            fingerprint: request.encode_to_vec(),
            name: request.name,
            units: request.units,
            effective_date: request.effective_date,
            request_id: request.request_id,
        };
        self.change_set(&principal, change).await
    }

    async fn list_units_of_set(
        &self,
        request: Request<pb::ListUnitsOfSetRequest>,
    ) -> Result<Response<pb::ListUnitsOfSetResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let filter = (&request.name, &request.as_of, request.show_closed);
        let after = PageToken::open(&request.page_token, &filter).map_err(Error::from)?;
        let slug = convert::set_slug(&request.name)?;
        let day = as_of(&request.as_of)?;
        let found = self.units.units_of_set(&slug, day, request.show_closed, after.as_deref(), size).await?;
        let page = page(found, size, &filter);
        Ok(Response::new(pb::ListUnitsOfSetResponse { units: page.items, next_page_token: page.next_page_token }))
    }
}

/// What is wrong with the names of a set.
fn wrong_names(names: &BTreeMap<String, String>) -> impl Iterator<Item = Wrong> {
    let path = |field: &str| {
        let key = if field == "name_hi" { "[hi]" } else { "" };
        format!("unit_set.display_names{key}")
    };
    check_names(names).into_iter().map(move |problem| Error::of_problem(problem, &path))
}
