//! Reading requests.

use prost::Message;
use senani_proto::membership::v1::AudienceSelector;
use senani_proto::name::BulletinName;
use senani_store::{PageError, PageToken};
use senani_unit_replica::UnitSets;
use senani_unit_tree::UnitTree;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::audience::{Audience, AudienceFault, FaultKind};
use crate::error::Error;
use crate::selector;

/// A bulletin's name in the field `name`.
pub(super) fn bulletin_id(name: &str) -> Result<Uuid, Error> {
    parsed::<BulletinName>("name", name).map(|name| name.0)
}

/// A name of any kind.
pub(super) fn parsed<N>(field: &'static str, name: &str) -> Result<N, Error>
where
    N: std::str::FromStr<Err = senani_proto::name::NameError>,
{
    name.parse().map_err(|source| Error::Name { field, source })
}

/// A name of any kind, or nothing.
pub(super) fn optional<N>(field: &'static str, name: &str) -> Result<Option<N>, Error>
where
    N: std::str::FromStr<Err = senani_proto::name::NameError>,
{
    if name.is_empty() { Ok(None) } else { parsed(field, name).map(Some) }
}

/// The caller's id of a request; `None` when empty.
pub(super) fn request_id(text: &str) -> Result<Option<Uuid>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Error::RequestIdInvalid)
}

/// What tells one request from another with the same id.
pub(super) fn fingerprint(request: &impl Message) -> Vec<u8> {
    Sha256::digest(request.encode_to_vec()).to_vec()
}

/// The key in a page token, which is a UUID.
pub(super) fn page_key(token: &str, filter: &impl std::hash::Hash) -> Result<Option<Uuid>, Error> {
    let key = PageToken::open(token, filter)?;
    key.map(|key| key.parse().map_err(|_| Error::Page(PageError::Token))).transpose()
}

/// An audience whose units and sets exist. The rest is membership's to judge, which is asked for the counts anyway.
pub(super) fn audience(
    selector: Option<AudienceSelector>,
    tree: &UnitTree,
    sets: &UnitSets,
) -> Result<Audience, Error> {
    let at = |path: &str| format!("audience.{path}");
    let invalid = |field, what| Error::AudienceInvalid { field, what };
    let audience = selector::read(selector.unwrap_or_default())
        .map_err(|path| invalid(at(&path), "must be a name of the documented form"))?;
    let Err(AudienceFault { list, kind }) = audience.covering(tree, sets) else { return Ok(audience) };
    Err(match kind {
        FaultKind::Nowhere => invalid(at(list), "must name 1 to 100 units, unless unit_sets says where"),
        FaultKind::TooMany => invalid(at(list), "must name at most 100"),
        FaultKind::GroupAudience(index) => invalid(at(&format!("{list}[{index}]")), "is not an audience of groups"),
        FaultKind::UnitUnknown(index, slug) => {
            Error::UnitUnknown { field: at(&format!("{list}[{index}]")), unit: format!("units/{slug}") }
        }
        FaultKind::SetUnknown(index, slug) => {
            Error::UnitSetUnknown { field: at(&format!("{list}[{index}]")), set: format!("unitSets/{slug}") }
        }
    })
}
