//! What is personal of a member, sealed with their own key, and where each of it is kept.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use senani_vault::{BlindIndex, Context, DataKey, IndexKind, PhoneNumber, Vault, WrappedKey};
use uuid::Uuid;

use super::Registry;
use super::json::{from_json, to_json};
use crate::domain::{Applicant, IdentifierKind, Names, household_spelling};
use crate::error::Error;

/// Where sealed names are kept, which is authenticated with them.
pub(super) fn names_place(member: Uuid) -> Context<'static> {
    Context::new("member", "names_sealed", member)
}

/// Where a sealed identifier is kept, which is authenticated with it.
pub(super) fn identifier_place(member: Uuid, kind: IdentifierKind) -> Context<'static> {
    Context::new("member_identifier", "value_sealed", member).part(kind as i64)
}

/// The index by which an identifier is found.
pub(super) fn identifier_index(vault: &Vault, kind: IdentifierKind, value: &str) -> BlindIndex {
    vault.blind_index(kind.index_kind(), value.as_bytes())
}

pub(super) fn seal_names(key: &DataKey, member: Uuid, names: &Names) -> Vec<u8> {
    key.seal(to_json(names).as_bytes(), &names_place(member))
}

pub(super) fn open_names(key: &DataKey, member: Uuid, sealed: &[u8]) -> Result<Names, Error> {
    let names = key.open(sealed, &names_place(member))?;
    let text = std::str::from_utf8(&names).map_err(|error| DbErr::Type(error.to_string()))?;
    Ok(from_json(text)?)
}

pub(super) fn open_phone(key: &DataKey, member: Uuid, sealed: &[u8]) -> Result<PhoneNumber, Error> {
    let number = key.open(sealed, &identifier_place(member, IdentifierKind::Phone))?;
    PhoneNumber::from_e164(&number).ok_or_else(|| DbErr::Type("a sealed number is none".to_owned()).into())
}

/// Who lives together: an index of the unit and the house, empty for none. What was given is not kept.
pub(super) fn household(vault: &Vault, unit: Uuid, given: &str) -> Vec<u8> {
    let spelling = household_spelling(given);
    if spelling.is_empty() {
        return Vec::new();
    }
    vault.blind_index(IndexKind::Household, &[unit.as_bytes(), spelling.as_bytes()].concat()).to_vec()
}

/// An applicant with a key and all that the database keeps of them.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) id: Uuid,
    pub(crate) applicant: Applicant,
    pub(super) key: WrappedKey,
    pub(super) names_sealed: Vec<u8>,
    pub(super) phone_sealed: Vec<u8>,
    pub(super) phone_index: BlindIndex,
    pub(super) household: Vec<u8>,
}

impl Registry {
    /// Gives an applicant an id and a key. `phone_index` is that of their number.
    pub(crate) fn seal(&self, phone_index: BlindIndex, applicant: Applicant) -> Newcomer {
        let id = Uuid::now_v7();
        let (key, wrapped) = self.vault.new_key(id);
        let phone = applicant.phone.expose().as_bytes();
        Newcomer {
            id,
            key: wrapped,
            names_sealed: seal_names(&key, id, &applicant.names),
            phone_sealed: key.seal(phone, &identifier_place(id, IdentifierKind::Phone)),
            phone_index,
            household: household(&self.vault, applicant.unit_id, &applicant.household),
            applicant,
        }
    }

    /// The key of a member; `None` when it is destroyed, or there is no such member.
    pub(super) async fn data_key(&self, db: &impl ConnectionTrait, member: Uuid) -> Result<Option<DataKey>, Error> {
        let find = "SELECT kek_version, wrapped FROM member_key WHERE member_id = $1";
        let found =
            db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), find, [member.into()])).await?;
        found.map(|row| self.read_key(&row, 0, member)).transpose().map(Option::flatten)
    }

    /// The key from two columns, version and wrapped; `None` where they are NULL.
    pub(super) fn read_key(&self, row: &QueryResult, column: usize, member: Uuid) -> Result<Option<DataKey>, Error> {
        Ok(wrapped_key(row, column)?.map(|wrapped| self.vault.unwrap(member, &wrapped)).transpose()?)
    }
}

/// A wrapped key from two columns, version and wrapped; `None` where they are NULL.
pub(super) fn wrapped_key(row: &QueryResult, column: usize) -> Result<Option<WrappedKey>, DbErr> {
    let (version, bytes): (Option<i32>, Option<Vec<u8>>) =
        (row.try_get_by_index(column)?, row.try_get_by_index(column + 1)?);
    let (Some(version), Some(bytes)) = (version, bytes) else { return Ok(None) };
    let version = u16::try_from(version).map_err(|_| DbErr::Type(format!("a stored key has version {version}")))?;
    Ok(Some(WrappedKey { version, bytes }))
}
