//! CustodyService over gRPC: for services of ours only.

use senani_proto::membership::v1::custody_service_server::CustodyService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::MemberName;
use tonic::{Request, Response, Status};

use super::open;
use crate::error::Error;
use crate::store::{HeldGroup, Registry};

/// Groups that an answer lists at most.
const LISTED: usize = 500;

/// The gRPC face that hierarchy sees.
#[derive(Debug)]
pub(crate) struct CustodyApi {
    registry: Registry,
}

impl CustodyApi {
    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

#[tonic::async_trait]
impl CustodyService for CustodyApi {
    async fn list_held_groups(
        &self,
        request: Request<pb::ListHeldGroupsRequest>,
    ) -> Result<Response<pb::ListHeldGroupsResponse>, Status> {
        let (principal, request) = open(request)?;
        if !principal.is_service() {
            return Err(Error::ServicesOnly.into());
        }
        let officer: MemberName = request
            .officer
            .parse()
            .map_err(|_| Error::invalid(ErrorReason::NameInvalid, "officer", "must be members/{uuid}"))?;
        let held = self.registry.held_groups(officer.0).await?;
        let count = |many: usize| i32::try_from(many).unwrap_or(i32::MAX);
        Ok(Response::new(pb::ListHeldGroupsResponse {
            group_count: count(held.len()),
            sole_count: count(held.iter().filter(|group| group.sole).count()),
            groups: held.into_iter().take(LISTED).map(group).collect(),
        }))
    }
}

fn group(held: HeldGroup) -> pb::HeldGroup {
    pb::HeldGroup { group: format!("groups/{}", held.slug), unit: format!("units/{}", held.unit_slug), sole: held.sole }
}
