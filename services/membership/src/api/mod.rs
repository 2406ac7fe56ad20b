//! The gRPC services: parse, authorise, call, answer.

mod audience;
mod audience_service;
mod group_service;
mod import_members;
mod member_service;
mod order_service;
mod prepare;

use senani_access::Principal;
use senani_order::Date;
use senani_proto::membership::v1::ErrorReason;
use senani_proto::name::UnitName;
use senani_store::request_log::RequestKey;
use senani_unit_replica::UnitReplica;
use senani_unit_tree::{Unit, UnitTree};
use senani_vault::NumberPlan;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::convert;
use crate::error::{Error, Resource, Wrong};
use crate::store::Repeat;

pub(crate) use audience_service::AudienceApi;
pub(crate) use group_service::GroupApi;
pub(crate) use member_service::MemberApi;
pub(crate) use order_service::OrderApi;

/// What the services share: how this cell is set up and the structure as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) replica: UnitReplica,
    /// The cell's time zone, in seconds east of UTC: what day is today.
    pub(crate) zone_seconds: i32,
    pub(crate) numbers: NumberPlan,
    /// Members of a group in the chat application at most.
    pub(crate) app_ceiling: i32,
}

impl Cell {
    fn today(&self) -> Date {
        let offset = time::UtcOffset::from_whole_seconds(self.zone_seconds).unwrap_or(time::UtcOffset::UTC);
        let date = time::OffsetDateTime::now_utc().to_offset(offset).date();
        let year = u16::try_from(date.year()).unwrap_or(u16::MAX);
        Date::new(year, u8::from(date.month()), date.day()).expect("the clock shows a day between the years 1 and 9999")
    }

    /// The structure; fails as long as hierarchy was never heard, so that nobody takes that for an empty state.
    fn structure(&self) -> Result<std::sync::Arc<UnitTree>, Error> {
        let tree = self.replica.tree();
        if tree.is_empty() { Err(Error::StructureNotReady) } else { Ok(tree) }
    }
}

/// The caller and the message.
fn open<T>(request: Request<T>) -> Result<(Principal, T), Status> {
    Ok((Principal::of(&request)?, request.into_inner()))
}

/// The unit that a field of a request is about.
fn unit<'t>(tree: &'t UnitTree, name: &str, field: &str) -> Result<Unit<'t>, Error> {
    let name: UnitName = convert::name(name, field)?;
    tree.by_slug(name.slug()).ok_or_else(|| Resource::Unit.not_found(&name))
}

/// A unit that a field of a request refers to.
fn unit_referred<'t>(tree: &'t UnitTree, name: &str, field: &str) -> Result<Unit<'t>, Error> {
    let name: UnitName = convert::name(name, field)?;
    tree.by_slug(name.slug())
        .ok_or_else(|| Wrong::new(ErrorReason::UnitUnknown, field, "no such unit").with("unit", &name).into())
}

/// How the request is known again, when it has an id.
fn repeat<'p>(
    principal: &'p Principal,
    method: &'p str,
    request_id: &str,
    request: &impl prost::Message,
) -> Result<Option<Repeat<'p>>, Error> {
    if request_id.is_empty() {
        return Ok(None);
    }
    let request_id: Uuid =
        request_id.parse().map_err(|_| Error::invalid(ErrorReason::RequestIdInvalid, "request_id", "is not a UUID"))?;
    let key = RequestKey { subject: principal.subject(), method, request_id };
    Ok(Some(Repeat { key, fingerprint: request.encode_to_vec() }))
}
