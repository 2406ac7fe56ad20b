//! Members.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_order::Rank;
use senani_store::{PageSize, Rows};
use senani_vault::PhoneNumber;
use uuid::Uuid;

use super::Registry;
use super::listed::is_one_of;
use super::personal::{identifier_index, open_names, open_phone};
use crate::convert;
use crate::domain::{Enrolment, IdentifierKind, Member, MemberState, Names};
use crate::error::{Error, Resource};

/// What every query of members selects, from `member m`. The key is that of its own table, the number the present one; a member
/// whose key is destroyed has neither.
const COLUMNS: &str = "m.id, k.kek_version, k.wrapped, m.names_sealed, m.unit_id, m.category, m.rank, m.gender, m.language, m.state, \
     m.consents, m.created_at, m.version, \
     (SELECT i.value_sealed FROM member_identifier i WHERE i.member_id = m.id AND i.kind = 1 AND i.valid_to = 0 \
      ORDER BY i.valid_from DESC LIMIT 1), m.merged_into, m.verified_by, m.verified_at";

impl Registry {
    pub(crate) async fn member(&self, id: Uuid) -> Result<Member, Error> {
        self.member_in(self.store.reader(), id).await
    }

    /// A member as a transaction sees them.
    pub(super) async fn member_in(&self, db: &impl ConnectionTrait, id: Uuid) -> Result<Member, Error> {
        let found = self.members_where(db, "m.id = $1", vec![id.into()]).await?;
        found.into_iter().next().ok_or_else(|| Resource::Member.not_found(convert::member_name(id)))
    }

    /// Some members in the order of their ids; those that are not there are left out.
    pub(super) async fn members(&self, ids: &[Uuid]) -> Result<Vec<Member>, Error> {
        let mut values = Vec::new();
        let listed = is_one_of(self.store.reader().get_database_backend(), "m.id", ids, &mut values);
        self.members_where(self.store.reader(), &format!("{listed} ORDER BY m.id"), values).await
    }

    /// The member with this number. The error does not repeat it.
    pub(crate) async fn member_by_phone(&self, number: &PhoneNumber) -> Result<Member, Error> {
        let index = identifier_index(&self.vault, IdentifierKind::Phone, number.expose()).to_vec();
        // A record that was merged keeps its number and leads to the one that stands for it.
        let holder = "m.id = (SELECT COALESCE(r.merged_into, r.id) FROM member_identifier h JOIN member r ON r.id = h.member_id \
                      WHERE h.value_index = $1 AND h.valid_to = 0)";
        let found = self.members_where(self.store.reader(), holder, vec![index.into()]).await?;
        found.into_iter().next().ok_or_else(|| Resource::Member.not_found("members/-"))
    }

    /// Members after `after` in the order of their ids, of one unit or of all; the erased ones are nobody's.
    pub(crate) async fn list_members(
        &self,
        unit: Option<Uuid>,
        after: Uuid,
        size: PageSize,
    ) -> Result<Vec<Member>, Error> {
        let mut values: Vec<Value> = vec![
            after.into(),
            i64::try_from(size.limit()).unwrap_or(i64::MAX).into(),
            (MemberState::Erased as i32).into(),
        ];
        let condition = match unit {
            Some(unit) => {
                values.push(unit.into());
                "m.unit_id = $4 AND m.state <> $3 AND m.id > $1 ORDER BY m.id LIMIT $2"
            }
            None => "m.state <> $3 AND m.id > $1 ORDER BY m.id LIMIT $2",
        };
        self.members_where(self.store.reader(), condition, values).await
    }

    async fn members_where(
        &self,
        db: &impl ConnectionTrait,
        condition: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Member>, Error> {
        let sql =
            format!("SELECT {COLUMNS} FROM member m LEFT JOIN member_key k ON k.member_id = m.id WHERE {condition}");
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<Uuid>, DbErr>>()?;
        let mut enrolments = enrolments(db, &ids).await?;
        rows.iter()
            .zip(ids)
            .map(|(row, id)| self.read_member(row, enrolments.remove(&id).unwrap_or_default()))
            .collect()
    }

    fn read_member(&self, row: &QueryResult, enrolments: Vec<Enrolment>) -> Result<Member, Error> {
        let id: Uuid = row.try_get_by_index(0)?;
        let state: i32 = row.try_get_by_index(9)?;
        let key = self.read_key(row, 1, id)?;
        let (names, phone): (Vec<u8>, Option<Vec<u8>>) = (row.try_get_by_index(3)?, row.try_get_by_index(13)?);
        Ok(Member {
            id,
            names: match &key {
                Some(key) => open_names(key, id, &names)?,
                None => Names::new(),
            },
            phone: match (&key, phone) {
                (Some(key), Some(phone)) => Some(open_phone(key, id, &phone)?),
                _ => None,
            },
            unit_id: row.try_get_by_index(4)?,
            category: row.try_get_by_index(5)?,
            rank: Rank::from_number(row.try_get_by_index(6)?),
            gender: row.try_get_by_index(7)?,
            language: row.try_get_by_index(8)?,
            state: MemberState::from_number(state)
                .ok_or_else(|| DbErr::Type(format!("a stored state of a member is unknown: {state}")))?,
            consents: row.try_get_by_index(10)?,
            created_at: row.try_get_by_index(11)?,
            version: row.try_get_by_index(12)?,
            merged_into: row.try_get_by_index(14)?,
            verified_by: row.try_get_by_index(15)?,
            verified_at: row.try_get_by_index(16)?,
            enrolments,
        })
    }
}

/// The present enrolments of some members, in the order of the groups' slugs.
async fn enrolments(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<Enrolment>>, DbErr> {
    let rows = Rows::new()
        .uuid("id", ids.iter().copied())
        .query(
            db,
            "SELECT e.member_id, g.slug, e.role, e.started_at FROM v JOIN enrolment e ON e.member_id = v.id \
             JOIN member_group g ON g.id = e.group_id WHERE e.ended_at = 0 ORDER BY g.slug",
            &[],
        )
        .await?;
    let mut enrolments = HashMap::<Uuid, Vec<Enrolment>>::new();
    for row in &rows {
        enrolments.entry(row.try_get_by_index(0)?).or_default().push(Enrolment {
            group_slug: row.try_get_by_index(1)?,
            role: row.try_get_by_index(2)?,
            started_at: row.try_get_by_index(3)?,
        });
    }
    Ok(enrolments)
}
