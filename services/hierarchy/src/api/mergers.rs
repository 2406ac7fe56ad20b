//! Requests that change several units at once.

use prost::Message;
use senani_access::Principal;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use tonic::{Request, Response, Status};

use super::UnitApi;
use super::changes::repeat;
use crate::convert;
use crate::domain::check_draft;
use crate::error::Error;
use crate::store::{Part, Terms};

/// Children that a split takes at most.
const CHILDREN: usize = 500;

impl UnitApi {
    pub(super) async fn merge(
        &self,
        request: Request<pb::MergeUnitsRequest>,
    ) -> Result<Response<pb::MergeUnitsResponse>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let fingerprint = request.encode_to_vec();
        let slug = convert::slug(&request.name, "name")?;
        let successor = convert::slug(&request.successor, "successor")?;
        let terms = Terms {
            etag: request.etag,
            from: self.effective(request.effective_date)?,
            by: principal.subject(),
            repeat: repeat(&principal, "UnitService/MergeUnits", &request.request_id, fingerprint)?,
            validate_only: request.validate_only,
        };
        Ok(Response::new(self.units.merge(&slug, &successor, terms).await?))
    }

    pub(super) async fn split(
        &self,
        request: Request<pb::SplitUnitRequest>,
    ) -> Result<Response<pb::SplitUnitResponse>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let fingerprint = request.encode_to_vec();
        let slug = convert::slug(&request.name, "name")?;
        if request.children.is_empty() || request.children.len() > CHILDREN {
            let what = format!("between 1 and {CHILDREN} children are needed");
            return Err(Error::invalid(ErrorReason::BatchSizeInvalid, "children", what).into());
        }
        let mut children = Vec::with_capacity(request.children.len());
        for (index, name) in request.children.iter().enumerate() {
            children.push(convert::slug(name, &format!("children[{index}]"))?);
        }
        children.sort_unstable();
        children.dedup();
        let from = self.effective(request.effective_date)?;
        let mut unit =
            request.unit.ok_or_else(|| Error::invalid(ErrorReason::KindMissing, "unit", "a unit is needed"))?;
        let kind_of_whole = unit.kind == pb::UnitKind::Unspecified as i32;
        if kind_of_whole {
            // Any will do until the kind of the whole is known.
            unit.set_kind(pb::UnitKind::Station);
        }
        let draft = convert::draft(request.unit_id, unit, &from)?;
        let problems = check_draft(&draft, senani_proto::name::is_slug);
        if !problems.is_empty() {
            let wrong = problems.into_iter().map(|problem| Error::of_problem(problem, &convert::path_in_unit));
            return Err(Error::Invalid(wrong.collect()).into());
        }
        let terms = Terms {
            etag: request.etag,
            from,
            by: principal.subject(),
            repeat: repeat(&principal, "UnitService/SplitUnit", &request.request_id, fingerprint)?,
            validate_only: request.validate_only,
        };
        let part = Part { draft, kind_of_whole, children };
        Ok(Response::new(self.units.split(&slug, part, terms).await?))
    }
}
