//! Who is in an audience.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use senani_order::Audience;
use senani_store::Timestamp;
use uuid::Uuid;

use super::Registry;
use super::audience_query::AudienceQuery;
use super::audience_reader::{self, AudienceReader};
use super::listed::is_one_of;
use super::personal::open_phone;
use crate::domain::{
    AudienceCount, AudienceGroup, AudienceGroups, GroupState, IdentifierKind, MemberState, PersonFilter,
};
use crate::error::Error;

/// A person of an audience who consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) member: Uuid,
    pub(crate) unit: Uuid,
    pub(crate) language: String,
    pub(crate) channels: Channels,
}

/// By which identifiers a person can be reached now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channels(
    /// Bit n for the kind of identifier with the number n.
    pub(super) i32,
);

impl Channels {
    pub(crate) fn has(self, kind: IdentifierKind) -> bool {
        self.0 & (1 << kind as i32) != 0
    }
}

/// The present number of a member, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpenedAddress {
    Phone(senani_vault::PhoneNumber),
    MemberGone,
    ConsentWithdrawn,
}

impl Registry {
    /// Every group, for an audience to choose from.
    pub(crate) async fn audience_groups(&self) -> Result<Vec<AudienceGroup>, Error> {
        let db = self.store.reader();
        let sql = "SELECT id, slug, unit_id, audience, state, enrolled_count FROM member_group ORDER BY id";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        let read = |row: &QueryResult| {
            Ok(AudienceGroup {
                id: row.try_get_by_index(0)?,
                slug: row.try_get_by_index(1)?,
                unit_id: row.try_get_by_index(2)?,
                audience: Audience::from_number(row.try_get_by_index(3)?),
                active: row.try_get_by_index::<i32>(4)? == GroupState::Active as i32,
                enrolled_count: row.try_get_by_index(5)?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, DbErr>>()?)
    }

    /// Counts an audience as of a moment.
    pub(crate) async fn count_audience(
        &self,
        groups: &AudienceGroups,
        persons: &PersonFilter,
        as_of: Timestamp,
    ) -> Result<AudienceCount, Error> {
        let txn = self.store.begin_read().await?;
        Ok(audience_reader::count(&txn, &AudienceQuery { groups, persons, as_of }).await?)
    }

    /// Begins to read the persons of an audience as of a moment, after the member `after`. All that is read agrees.
    pub(crate) async fn read_audience(
        &self,
        groups: AudienceGroups,
        persons: PersonFilter,
        as_of: Timestamp,
        after: Uuid,
    ) -> Result<AudienceReader, Error> {
        let txn = self.store.begin_read().await?;
        Ok(AudienceReader::begin(txn, groups, persons, as_of, after).await?)
    }

    /// The numbers of some members, in their order, for the moment of sending; consent is looked up again.
    pub(crate) async fn open_addresses(&self, members: &[Uuid]) -> Result<Vec<OpenedAddress>, Error> {
        let db = self.store.reader();
        let mut parameters = Vec::new();
        let condition = is_one_of(db.get_database_backend(), "m.id", members, &mut parameters);
        let sql = format!(
            "SELECT m.id, m.consents, m.state, k.kek_version, k.wrapped, \
             (SELECT i.value_sealed FROM member_identifier i WHERE i.member_id = m.id AND i.kind = 1 AND i.valid_to = 0 \
              ORDER BY i.valid_from DESC LIMIT 1) FROM member m LEFT JOIN member_key k ON k.member_id = m.id WHERE {condition}"
        );
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, parameters)).await?;
        let by_id = rows
            .iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row)))
            .collect::<Result<std::collections::HashMap<Uuid, &QueryResult>, DbErr>>()?;
        members
            .iter()
            .map(|id| {
                let Some(row) = by_id.get(id) else { return Ok(OpenedAddress::MemberGone) };
                if row.try_get_by_index::<i32>(2)? != MemberState::Active as i32 {
                    return Ok(OpenedAddress::MemberGone);
                }
                if !row.try_get_by_index::<bool>(1)? {
                    return Ok(OpenedAddress::ConsentWithdrawn);
                }
                let sealed: Option<Vec<u8>> = row.try_get_by_index(5)?;
                match (self.read_key(row, 3, *id)?, sealed) {
                    (Some(key), Some(sealed)) => Ok(OpenedAddress::Phone(open_phone(&key, *id, &sealed)?)),
                    // Their number has another holder now, or is given up.
                    _ => Ok(OpenedAddress::MemberGone),
                }
            })
            .collect()
    }
}
