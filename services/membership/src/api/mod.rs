//! The gRPC services: parse, authorise, call, answer.

mod application_service;
mod audience;
mod audience_service;
mod custody_service;
mod group_changes;
mod group_lists;
mod group_service;
mod group_splits;
mod import_members;
mod incident_service;
mod member_life;
mod member_service;
mod notice_service;
mod order_service;
mod personal;
mod prepare;
mod preview;
mod privacy_answers;
mod privacy_service;
mod roster_answer;
mod roster_service;
mod roster_upload;
mod sender_service;

use senani_access::Principal;
use senani_order::Date;
use senani_proto::membership::v1::ErrorReason;
use senani_proto::name::UnitName;
use senani_store::request_log::RequestKey;
use senani_unit_replica::UnitReplica;
use senani_unit_tree::{Unit, UnitTree};
use senani_vault::{NumberPlan, Vault};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::convert;
use crate::error::{Error, Resource, Wrong};
use crate::store::{InForce, Registry, Repeat};

pub(crate) use application_service::ApplicationApi;
pub(crate) use audience_service::AudienceApi;
pub(crate) use custody_service::CustodyApi;
pub(crate) use group_service::GroupApi;
pub(crate) use incident_service::IncidentApi;
pub(crate) use member_service::MemberApi;
pub(crate) use notice_service::NoticeApi;
pub(crate) use order_service::OrderApi;
pub(crate) use privacy_service::PrivacyApi;
pub(crate) use roster_service::RosterApi;
pub(crate) use sender_service::SenderApi;

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

/// What binds the groups today.
async fn in_force(cell: &Cell, registry: &Registry) -> Result<InForce, Error> {
    let day = cell.today();
    Ok(InForce {
        rules: registry.rules_on(day).await?,
        day: day.to_string(),
        tree: cell.structure()?,
        sets: cell.replica.sets(),
        app_ceiling: cell.app_ceiling,
    })
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

/// The same for a request that holds something personal: of it only a keyed fingerprint is kept.
fn private_repeat<'p>(
    vault: &Vault,
    principal: &'p Principal,
    method: &'p str,
    request_id: &str,
    request: &impl prost::Message,
) -> Result<Option<Repeat<'p>>, Error> {
    let repeat = repeat(principal, method, request_id, request)?;
    Ok(repeat.map(|repeat| Repeat { fingerprint: vault.fingerprint(&repeat.fingerprint).to_vec(), ..repeat }))
}
