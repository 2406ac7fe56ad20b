//! Reading requests.

use prost::Message;
use senani_proto::membership::v1::AudienceSelector;
use senani_proto::name::{BulletinName, UnitName};
use senani_store::{PageError, PageToken};
use senani_unit_tree::UnitTree;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::audience::{Audience, AudienceFault};
use crate::error::Error;

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

/// An audience whose units exist.
pub(super) fn audience(selector: Option<AudienceSelector>, tree: &UnitTree) -> Result<Audience, Error> {
    let selector = selector.unwrap_or_default();
    let mut units = Vec::with_capacity(selector.units.len());
    for (at, unit) in selector.units.iter().enumerate() {
        let name: UnitName = unit.parse().map_err(|_| Error::AudienceInvalid {
            field: format!("audience.units[{at}]"),
            what: "must be `units/{slug}`",
        })?;
        units.push(name.slug().to_owned());
    }
    let audience = Audience { units, group_audiences: selector.group_audiences };
    let fault = audience.tops(tree).err();
    match fault {
        None => Ok(audience),
        Some(AudienceFault::Units) => {
            Err(Error::AudienceInvalid { field: "audience.units".to_owned(), what: "must name 1 to 100 units" })
        }
        Some(AudienceFault::GroupAudience(at)) => Err(Error::AudienceInvalid {
            field: format!("audience.group_audiences[{at}]"),
            what: "is not an audience of groups",
        }),
        Some(AudienceFault::UnitUnknown(at)) => Err(Error::UnitUnknown {
            field: format!("audience.units[{at}]"),
            unit: format!("units/{}", audience.units[at]),
        }),
    }
}
