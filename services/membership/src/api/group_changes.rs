//! Groups made, renamed and closed by hand.

use std::collections::BTreeMap;

use senani_access::Principal;
use senani_order::{Audience, Rank, Slot};
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::GroupName;

use super::group_service::GroupApi;
use super::{in_force, repeat, unit_referred};
use crate::convert;
use crate::error::{Error, Wrong};
use crate::store::{GroupCall, NewGroup};

/// Names of a group at most.
const NAMES: usize = 10;

/// Characters of a name at most.
const NAME_LENGTH: usize = 200;

impl GroupApi {
    pub(super) async fn create(
        &self,
        principal: &Principal,
        request: pb::CreateGroupRequest,
    ) -> Result<pb::Group, Error> {
        let repeat = repeat(principal, "GroupService/CreateGroup", &request.request_id, &request)?;
        let wanted =
            request.group.ok_or_else(|| Error::invalid(ErrorReason::AudienceInvalid, "group", "is required"))?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        let slot = slot(&wanted)?;
        if !wanted.display_names.is_empty() {
            check_names(&wanted.display_names)?;
        }
        let unit = unit_referred(&in_force.tree, &wanted.unit, "group.unit")?;
        let new = NewGroup { unit, slot, names: wanted.display_names };
        self.registry.create_group(&new, &in_force, request.validate_only, repeat.as_ref()).await
    }

    pub(super) async fn rename(
        &self,
        principal: &Principal,
        request: pb::UpdateGroupRequest,
    ) -> Result<pb::Group, Error> {
        let repeat = repeat(principal, "GroupService/UpdateGroup", &request.request_id, &request)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.iter().any(|path| path != "display_names") {
            let what = "names a field that cannot be set: only display_names can";
            return Err(Error::invalid(ErrorReason::UpdateMaskInvalid, "update_mask", what));
        }
        let group = request.group.unwrap_or_default();
        let name: GroupName = convert::name(&group.name, "group.name")?;
        check_names(&group.display_names)?;
        let call = GroupCall { slug: name.slug(), etag: &group.etag, validate_only: false, repeat: repeat.as_ref() };
        self.registry.rename_group(call, group.display_names).await
    }

    pub(super) async fn close(
        &self,
        principal: &Principal,
        request: pb::CloseGroupRequest,
    ) -> Result<pb::Group, Error> {
        let repeat = repeat(principal, "GroupService/CloseGroup", &request.request_id, &request)?;
        let name: GroupName = convert::name(&request.name, "name")?;
        let call = GroupCall {
            slug: name.slug(),
            etag: &request.etag,
            validate_only: request.validate_only,
            // A plan is no answer to the request that carries it out.
            repeat: repeat.as_ref().filter(|_| !request.validate_only),
        };
        self.registry.close_group(call).await
    }
}

/// The slot of a group that is asked for.
fn slot(group: &pb::Group) -> Result<Slot, Error> {
    let invalid = |field, what| Error::invalid(ErrorReason::AudienceInvalid, field, what);
    let audience = Audience::from_number(group.audience);
    let audience = audience.ok_or_else(|| invalid("group.audience", "names no audience of groups"))?;
    match (audience, Rank::from_number(group.rank)) {
        (Audience::PoliceRank, Some(rank)) => Ok(Slot::of_rank(rank)),
        (Audience::PoliceRank, None) => Err(invalid("group.rank", "is required for POLICE_RANK")),
        (audience, None) if group.rank == 0 => Ok(Slot::of(audience)),
        _ => Err(invalid("group.rank", "is only for POLICE_RANK")),
    }
}

fn check_names(names: &BTreeMap<String, String>) -> Result<(), Error> {
    let mut wrong = Vec::new();
    let mut invalid = |field: String, what| wrong.push(Wrong::new(ErrorReason::GroupNameInvalid, field, what));
    if !names.contains_key("hi") {
        invalid("group.display_names.hi".to_owned(), "is required: a name in Hindi");
    }
    if names.len() > NAMES {
        invalid("group.display_names".to_owned(), "has more than 10 names");
    }
    for (language, name) in names.iter().take(NAMES) {
        if name.trim().is_empty() || name.chars().count() > NAME_LENGTH || name.chars().any(char::is_control) {
            invalid(format!("group.display_names.{language}"), "must have 1 to 200 characters on one line");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}
