//! Members.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_order::Rank;
use senani_store::{PageSize, Rows};
use senani_vault::{PhoneNumber, SEALED_LENGTH};
use uuid::Uuid;

use super::Registry;
use super::import::phone_place;
use crate::convert;
use crate::domain::{Enrolment, Member, MemberState};
use crate::error::{Error, Resource};

/// What every query of members selects, from `member m`.
const COLUMNS: &str = "m.id, m.phone_sealed, m.name_hi, m.name_en, m.unit_id, m.category, m.rank, m.gender, m.language, m.state, \
     m.consents, m.created_at";

impl Registry {
    pub(crate) async fn member(&self, id: Uuid) -> Result<Member, Error> {
        let found = self.members_where("m.id = $1", vec![id.into()]).await?;
        found.into_iter().next().ok_or_else(|| Resource::Member.not_found(convert::member_name(id)))
    }

    /// The member with this number. The error does not repeat it.
    pub(crate) async fn member_by_phone(&self, number: &PhoneNumber) -> Result<Member, Error> {
        let index = self.vault.blind_index(number).to_vec();
        let found = self.members_where("m.phone_index = $1", vec![index.into()]).await?;
        found.into_iter().next().ok_or_else(|| Resource::Member.not_found("members/-"))
    }

    /// Members after `after` in the order of their ids, of one unit or of all.
    pub(crate) async fn list_members(
        &self,
        unit: Option<Uuid>,
        after: Uuid,
        size: PageSize,
    ) -> Result<Vec<Member>, Error> {
        let mut values: Vec<Value> = vec![after.into(), i64::try_from(size.limit()).unwrap_or(i64::MAX).into()];
        let condition = match unit {
            Some(unit) => {
                values.push(unit.into());
                "m.unit_id = $3 AND m.id > $1 ORDER BY m.id LIMIT $2"
            }
            None => "m.id > $1 ORDER BY m.id LIMIT $2",
        };
        self.members_where(condition, values).await
    }

    async fn members_where(&self, condition: &str, values: Vec<Value>) -> Result<Vec<Member>, Error> {
        let db = self.store.reader();
        let sql = format!("SELECT {COLUMNS} FROM member m WHERE {condition}");
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
        Ok(Member {
            id,
            phone: self.vault.open(&sealed(row, 1)?, &phone_place(id))?,
            name_hi: row.try_get_by_index(2)?,
            name_en: row.try_get_by_index(3)?,
            unit_id: row.try_get_by_index(4)?,
            category: row.try_get_by_index(5)?,
            rank: Rank::from_number(row.try_get_by_index(6)?),
            gender: row.try_get_by_index(7)?,
            language: row.try_get_by_index(8)?,
            state: MemberState::from_number(state)
                .ok_or_else(|| DbErr::Type(format!("a stored state of a member is unknown: {state}")))?,
            consents: row.try_get_by_index(10)?,
            created_at: row.try_get_by_index(11)?,
            enrolments,
        })
    }
}

/// A sealed number from its column.
pub(super) fn sealed(row: &QueryResult, index: usize) -> Result<Vec<u8>, DbErr> {
    let bytes: Vec<u8> = row.try_get_by_index(index)?;
    debug_assert_eq!(bytes.len(), SEALED_LENGTH, "a sealed number has one length");
    Ok(bytes)
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
