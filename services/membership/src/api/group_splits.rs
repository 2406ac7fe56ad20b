//! Splitting a group: plan, then apply exactly that plan.

use senani_access::Principal;
use senani_proto::membership::v1::split_obstacle::Kind;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::GroupName;

use super::group_service::GroupApi;
use super::{in_force, repeat};
use crate::convert;
use crate::domain::{Obstacle, SplitPart};
use crate::error::Error;
use crate::store::{SplitPlan, SplitWish};

/// Parts of one split at most.
const PARTS: i32 = 20;

impl GroupApi {
    pub(super) async fn split_plan(&self, request: &pb::PlanSplitRequest) -> Result<pb::PlanSplitResponse, Error> {
        let name: GroupName = convert::name(&request.name, "name")?;
        let wish = SplitWish { slug: name.slug(), parts: parts(request.part_count)? };
        let in_force = in_force(&self.cell, &self.registry).await?;
        let plan = self.registry.plan_split(wish, &in_force).await?;
        Ok(pb::PlanSplitResponse { plan: Some(wire(&plan)) })
    }

    pub(super) async fn split(
        &self,
        principal: &Principal,
        request: pb::ApplySplitRequest,
    ) -> Result<pb::ApplySplitResponse, Error> {
        let repeat = repeat(principal, "GroupService/ApplySplit", &request.request_id, &request)?;
        let name: GroupName = convert::name(&request.name, "name")?;
        let wish = SplitWish { slug: name.slug(), parts: parts(request.part_count)? };
        let in_force = in_force(&self.cell, &self.registry).await?;
        let answer = |plan: &SplitPlan| pb::ApplySplitResponse { plan: Some(wire(plan)) };
        self.registry.apply_split(wish, &request.fingerprint, &in_force, repeat.as_ref(), answer).await
    }
}

fn parts(count: i32) -> Result<Option<usize>, Error> {
    match count {
        0 => Ok(None),
        2..=PARTS => Ok(usize::try_from(count).ok()),
        _ => Err(Error::invalid(ErrorReason::SplitPartsInvalid, "part_count", "is 2 to 20, or 0")),
    }
}

fn wire(plan: &SplitPlan) -> pb::SplitPlan {
    let size = |size: usize| i32::try_from(size).unwrap_or(i32::MAX);
    let group = plan.group();
    let obstacle = plan.outcome.as_ref().err().map(|obstacle| {
        let kind = match obstacle {
            Obstacle::TooFewMembers { .. } => Kind::TooFewMembers,
            Obstacle::TooManyMembers { .. } => Kind::TooManyMembers,
            Obstacle::HouseholdTooBig { .. } => Kind::HouseholdTooBig,
            Obstacle::HouseholdsDoNotFit { .. } => Kind::HouseholdsDoNotFit,
        };
        let (found, bound) = obstacle.numbers();
        pb::SplitObstacle { kind: kind.into(), found: size(found), bound: size(bound) }
    });
    let parts: &[SplitPart] = plan.outcome.as_deref().unwrap_or_default();
    let part = |(number, (group, part)): (usize, (&crate::domain::Group, &SplitPart))| pb::SplitPart {
        group: convert::group_name(&group.slug),
        part: group.part,
        display_names: group.names.clone(),
        member_count: size(part.members.len()),
        household_count: size(part.households),
        members: if number == 0 {
            Vec::new()
        } else {
            part.members.iter().copied().map(convert::member_name).collect()
        },
        primary_custodian: part.custodians.primary.map_or_else(String::new, convert::member_name),
        backup_custodians: part.custodians.backups.iter().copied().map(convert::member_name).collect(),
    };
    pb::SplitPlan {
        group: convert::group_name(&group.slug),
        enrolled_count: group.enrolled_count,
        order: convert::order_name(&plan.order),
        min: size(plan.terms.min),
        max: size(plan.terms.ceiling),
        parts: plan.groups.iter().zip(parts).enumerate().map(part).collect(),
        obstacle,
        fingerprint: plan.fingerprint(),
    }
}
