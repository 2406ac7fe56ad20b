//! CoverageService over gRPC.

use senani_access::Principal;
use senani_proto::analytics::v1 as pb;
use senani_proto::analytics::v1::coverage_service_server::CoverageService;
use senani_proto::name::UnitName;
use tonic::{Request, Response, Status};

use super::name;
use crate::convert;
use crate::error::Error;
use crate::projection::Projection;

/// The gRPC face of coverage. Waits for nothing: it cuts what was counted last.
#[derive(Debug)]
pub(crate) struct CoverageApi {
    projection: Projection,
}

impl CoverageApi {
    pub(crate) fn new(projection: Projection) -> Self {
        Self { projection }
    }
}

#[tonic::async_trait]
impl CoverageService for CoverageApi {
    async fn get_coverage(&self, request: Request<pb::GetCoverageRequest>) -> Result<Response<pb::Coverage>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let unit_name: UnitName = name(&request.unit, "unit")?;
        let view = self.projection.view();
        let Some(unit) = view.tree.by_slug(unit_name.slug()) else {
            return Err(Error::UnitNotFound(unit_name).into());
        };
        let part_kind = (request.part_kind != 0).then_some(request.part_kind);
        let coverage = view.table.coverage(unit, part_kind);
        let parts = coverage.parts.into_iter().filter_map(|(place, figures)| {
            let part = view.tree.unit(place)?;
            Some(pb::CoveragePart {
                unit: convert::unit_name(part),
                display_names: convert::display_names(part),
                figures: Some(convert::coverage_figures(figures)),
            })
        });
        Ok(Response::new(pb::Coverage {
            unit: unit_name.to_string(),
            figures: Some(convert::coverage_figures(coverage.figures)),
            parts: parts.collect(),
            rest: Some(convert::coverage_figures(coverage.rest)),
            as_of_time: view.as_of.to_proto(),
        }))
    }
}
