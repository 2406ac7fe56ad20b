//! GroupService over gRPC.

use std::collections::BTreeMap;

use senani_order::{Audience, Slot};
use senani_proto::membership::v1::group_service_server::GroupService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{GroupName, MemberName};
use senani_store::{Page, PageSize, PageToken};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Cell, open, repeat, unit, unit_referred};
use crate::convert;
use crate::domain::{Custodians, Group, Plan};
use crate::error::Error;
use crate::store::{Formation, GroupCall, GroupFilter, Registry};

/// The gRPC face of the groups.
#[derive(Debug)]
pub(crate) struct GroupApi {
    pub(super) registry: Registry,
    pub(super) cell: Cell,
}

impl GroupApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }
}

#[tonic::async_trait]
impl GroupService for GroupApi {
    async fn form_groups(
        &self,
        request: Request<pb::FormGroupsRequest>,
    ) -> Result<Response<pb::FormGroupsResponse>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "GroupService/FormGroups", &request.request_id, &request)?;
        let tree = self.cell.structure()?;
        let unit = unit(&tree, &request.unit, "unit")?;
        let sets = self.cell.replica.sets();
        let formation = Formation { unit, sets: &sets, today: self.cell.today(), fingerprint: &request.fingerprint };
        let answer = if request.validate_only {
            formed(&self.registry.plan_groups(formation).await?)
        } else {
            self.registry.form_groups(formation, repeat.as_ref(), formed).await?
        };
        Ok(Response::new(answer))
    }

    async fn get_group(&self, request: Request<pb::GetGroupRequest>) -> Result<Response<pb::Group>, Status> {
        let (_, request) = open(request)?;
        let name: GroupName = convert::name(&request.name, "name")?;
        Ok(Response::new(convert::group(&self.registry.group(name.slug()).await?)))
    }

    async fn list_groups(
        &self,
        request: Request<pb::ListGroupsRequest>,
    ) -> Result<Response<pb::ListGroupsResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let filter = (&request.unit, request.audience);
        let after = PageToken::open(&request.page_token, &filter).map_err(Error::from)?;
        let audience = match request.audience {
            0 => None,
            number => Some(Audience::from_number(number).ok_or_else(|| {
                Error::invalid(ErrorReason::AudienceInvalid, "audience", "names no audience of groups")
            })?),
        };
        let tree = self.cell.replica.tree();
        let top = if request.unit.is_empty() {
            None
        } else {
            self.cell.structure()?;
            Some(unit_referred(&tree, &request.unit, "unit")?.id())
        };
        let within = |unit: Uuid| top.is_some_and(|top| tree.is_within(top, unit));
        let groups = GroupFilter { audience, unit: if top.is_some() { Some(&within) } else { None }, orphans: false };
        let found = self.registry.list_groups(&groups, after.as_deref(), size).await?;
        let page = Page::cut(found, size, &filter, |group: &Group| group.slug.clone());
        Ok(Response::new(pb::ListGroupsResponse {
            groups: page.items.iter().map(convert::group).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn set_custodians(&self, request: Request<pb::SetCustodiansRequest>) -> Result<Response<pb::Group>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "GroupService/SetCustodians", &request.request_id, &request)?;
        let name: GroupName = convert::name(&request.name, "name")?;
        let field = |number: usize| match number.checked_sub(1) {
            None => "primary_custodian".to_owned(),
            Some(index) => format!("backup_custodians[{index}]"),
        };
        let primary: MemberName = convert::name(&request.primary_custodian, &field(0))?;
        let backups = request
            .backup_custodians
            .iter()
            .enumerate()
            .map(|(index, name)| convert::name::<MemberName>(name, &field(index + 1)).map(|name| name.0))
            .collect::<Result<Vec<Uuid>, Error>>()?;
        let custodians = Custodians { primary: Some(primary.0), backups };
        let call = GroupCall { slug: name.slug(), etag: &request.etag, validate_only: false, repeat: repeat.as_ref() };
        Ok(Response::new(self.registry.set_custodians(call, custodians, field).await?))
    }

    async fn create_group(&self, request: Request<pb::CreateGroupRequest>) -> Result<Response<pb::Group>, Status> {
        let (principal, request) = open(request)?;
        Ok(Response::new(self.create(&principal, request).await?))
    }

    async fn update_group(&self, request: Request<pb::UpdateGroupRequest>) -> Result<Response<pb::Group>, Status> {
        let (principal, request) = open(request)?;
        Ok(Response::new(self.rename(&principal, request).await?))
    }

    async fn close_group(&self, request: Request<pb::CloseGroupRequest>) -> Result<Response<pb::Group>, Status> {
        let (principal, request) = open(request)?;
        Ok(Response::new(self.close(&principal, request).await?))
    }

    async fn plan_split(
        &self,
        request: Request<pb::PlanSplitRequest>,
    ) -> Result<Response<pb::PlanSplitResponse>, Status> {
        let (_, request) = open(request)?;
        Ok(Response::new(self.split_plan(&request).await?))
    }

    async fn apply_split(
        &self,
        request: Request<pb::ApplySplitRequest>,
    ) -> Result<Response<pb::ApplySplitResponse>, Status> {
        let (principal, request) = open(request)?;
        Ok(Response::new(self.split(&principal, request).await?))
    }

    async fn list_orphans(
        &self,
        request: Request<pb::ListOrphansRequest>,
    ) -> Result<Response<pb::ListOrphansResponse>, Status> {
        let (_, request) = open(request)?;
        Ok(Response::new(self.orphans(&request).await?))
    }

    async fn list_short(
        &self,
        request: Request<pb::ListShortRequest>,
    ) -> Result<Response<pb::ListShortResponse>, Status> {
        let (_, request) = open(request)?;
        Ok(Response::new(self.short(&request).await?))
    }
}

/// A plan by order, kind of unit, audience and rank.
fn formed(plan: &Plan) -> pb::FormGroupsResponse {
    let mut lines = BTreeMap::<(&str, i32, Slot, u32), usize>::new();
    for group in &plan.groups {
        *lines.entry((&group.order, group.unit_kind, group.slot, group.min)).or_default() += 1;
    }
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let size = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let needed: u64 = plan.groups.iter().map(|group| u64::from(group.min)).sum();
    pb::FormGroupsResponse {
        group_count: count(plan.groups.len()),
        people_needed: i32::try_from(needed).unwrap_or(i32::MAX),
        complete_units: count(plan.complete_units),
        lines: lines
            .into_iter()
            .map(|((order, unit_kind, slot, min), groups)| pb::PlannedGroups {
                order: convert::order_name(order),
                unit_kind,
                audience: slot.audience.number(),
                rank: convert::rank_number(slot.rank),
                group_count: count(groups),
                min: size(min),
            })
            .collect(),
        fingerprint: plan.fingerprint(),
    }
}
