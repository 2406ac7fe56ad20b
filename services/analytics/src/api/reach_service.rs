//! ReachService over gRPC.

use senani_access::Principal;
use senani_proto::analytics::v1 as pb;
use senani_proto::analytics::v1::reach_service_server::ReachService;
use senani_proto::name::BulletinName;
use senani_store::Store;
use tonic::{Request, Response, Status};

use super::name;
use crate::convert;
use crate::domain::reach;
use crate::error::Error;
use crate::follow;
use crate::projection::Projection;
use crate::store::ledger;

/// The gRPC face of reach.
#[derive(Debug)]
pub(crate) struct ReachApi {
    store: Store,
    projection: Projection,
}

impl ReachApi {
    pub(crate) fn new(store: Store, projection: Projection) -> Self {
        Self { store, projection }
    }
}

#[tonic::async_trait]
impl ReachService for ReachApi {
    async fn get_reach(&self, request: Request<pb::GetReachRequest>) -> Result<Response<pb::Reach>, Status> {
        Principal::of(&request)?;
        let bulletin: BulletinName = name(&request.into_inner().bulletin, "bulletin")?;
        // Before the rows that it speaks of: they may be newer, never older.
        let as_of = self.projection.fresh_until(follow::BULLETIN);
        let ledger = ledger::find(&self.store, bulletin.0).await.map_err(Error::from)?;
        let ledger = ledger.ok_or(Error::BulletinNotFound(bulletin))?;
        let tree = self.projection.tree();
        let reach = reach(&tree, &ledger.deliveries, &ledger.tasks);
        let parts = reach.parts.into_iter().filter_map(|(place, figures)| {
            let part = tree.unit(place)?;
            Some(pb::ReachPart {
                unit: convert::unit_name(part),
                display_names: convert::display_names(part),
                figures: Some(convert::reach_figures(figures)),
            })
        });
        Ok(Response::new(pb::Reach {
            bulletin: bulletin.to_string(),
            number: ledger.number,
            figures: Some(convert::reach_figures(reach.figures)),
            parts: parts.collect(),
            as_of_time: as_of.to_proto(),
        }))
    }
}
