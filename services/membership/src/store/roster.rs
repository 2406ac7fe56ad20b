//! Who is enrolled in a group, and what a comparison needs to know of the register.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use senani_order::{Person, Rank};
use senani_store::{PageSize, Rows};
use senani_vault::{BlindIndex, PhoneNumber};
use uuid::Uuid;

use super::Registry;
use super::groups;
use super::personal::{open_names, open_phone};
use crate::domain::roster::{Known, Register, RosterLine, Upload};
use crate::domain::{Group, IdentifierKind, MemberState, Names, POLICE, Role};
use crate::error::{Error, Resource};

/// What shows who a member is, from `member m LEFT JOIN member_key k`: key, names, present number.
const SHOWN: &str = "k.kek_version, k.wrapped, m.names_sealed, \
     (SELECT i.value_sealed FROM member_identifier i WHERE i.member_id = m.id AND i.kind = 1 AND i.valid_to = 0 \
      ORDER BY i.valid_from DESC LIMIT 1)";

impl Registry {
    /// Who is enrolled in a group after `after`, in the order of the members' ids.
    pub(crate) async fn roster(&self, slug: &str, after: Uuid, size: PageSize) -> Result<Vec<RosterLine>, Error> {
        let db = self.store.reader();
        let group = groups::find(db, slug, "").await?;
        let group = group.ok_or_else(|| Resource::Group.not_found(format!("groups/{slug}")))?;
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT e.member_id, e.role, e.started_at, {SHOWN} FROM enrolment e JOIN member m ON m.id = e.member_id \
             LEFT JOIN member_key k ON k.member_id = m.id WHERE e.group_id = $1 AND e.ended_at = 0 AND e.member_id > $2 \
             ORDER BY e.member_id LIMIT $3"
        );
        let values = [group.id.into(), after.into(), limit.into()];
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        rows.iter()
            .map(|row| {
                let member = row.try_get_by_index(0)?;
                let (names, phone) = self.shown(row, 3, member)?;
                Ok(RosterLine {
                    member,
                    role: row.try_get_by_index(1)?,
                    started_at: row.try_get_by_index(2)?,
                    names,
                    phone,
                })
            })
            .collect()
    }

    /// Names and present number of some members.
    pub(super) async fn people(
        &self,
        db: &impl ConnectionTrait,
        ids: impl IntoIterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, (Names, Option<PhoneNumber>)>, Error> {
        let sql = format!(
            "SELECT m.id, {SHOWN} FROM v CROSS JOIN member m LEFT JOIN member_key k ON k.member_id = m.id WHERE m.id = v.id"
        );
        let rows = Rows::new().uuid("id", ids.into_iter().collect::<BTreeSet<_>>()).query(db, &sql, &[]).await?;
        rows.iter()
            .map(|row| {
                let id = row.try_get_by_index(0)?;
                Ok((id, self.shown(row, 1, id)?))
            })
            .collect()
    }

    fn shown(&self, row: &QueryResult, column: usize, member: Uuid) -> Result<(Names, Option<PhoneNumber>), Error> {
        let Some(key) = self.read_key(row, column, member)? else { return Ok((Names::new(), None)) };
        let names: Vec<u8> = row.try_get_by_index(column + 2)?;
        let phone: Option<Vec<u8>> = row.try_get_by_index(column + 3)?;
        let phone = phone.map(|sealed| open_phone(&key, member, &sealed)).transpose()?;
        Ok((open_names(&key, member, &names)?, phone))
    }
}

/// What a comparison needs to know of the register; the group is locked.
pub(super) async fn register(
    db: &impl ConnectionTrait,
    group: &Group,
    upload: &Upload,
    ceiling: i32,
) -> Result<Register, DbErr> {
    let owners = owners(db, upload).await?;
    let roles = roles(db, group.id).await?;
    let concerned: BTreeSet<Uuid> = owners.values().copied().chain(roles.keys().copied()).collect();
    let rows = Rows::new()
        .uuid("id", concerned)
        .query(
            db,
            "SELECT m.id, m.state, m.category, m.rank, m.gender FROM v CROSS JOIN member m WHERE m.id = v.id",
            &[],
        )
        .await?;
    let mut members = rows
        .iter()
        .map(|row| {
            let (id, person, active) = person(row)?;
            Ok(Known { id, person, active, role: roles.get(&id).copied() })
        })
        .collect::<Result<Vec<Known>, DbErr>>()?;
    members.sort_unstable_by_key(|member| member.id);
    Ok(Register {
        slot: group.slot,
        custodians: group.custodians.clone(),
        enrolled_count: group.enrolled_count,
        ceiling,
        members,
        owners,
    })
}

/// Who has the numbers of a file now; a record that was merged into another leads to that.
async fn owners(db: &impl ConnectionTrait, upload: &Upload) -> Result<HashMap<BlindIndex, Uuid>, DbErr> {
    let participants = &upload.participants;
    let indexes: BTreeSet<BlindIndex> =
        participants.iter().flat_map(|one| [one.index].into_iter().chain(one.formerly.iter().copied())).collect();
    let rows = Rows::new()
        .bytes("value_index", indexes.into_iter().map(|index| index.to_vec()))
        .query(
            db,
            "SELECT i.value_index, COALESCE(m.merged_into, m.id) FROM v CROSS JOIN member_identifier i CROSS JOIN member m \
             WHERE i.value_index = v.value_index AND i.valid_to = 0 AND i.kind = :1 AND m.id = i.member_id",
            &[(IdentifierKind::Phone as i32).into()],
        )
        .await?;
    rows.iter().map(|row| Ok((blind_index(row, 0)?, row.try_get_by_index(1)?))).collect()
}

/// Who is enrolled in a group, and as what.
async fn roles(db: &impl ConnectionTrait, group: Uuid) -> Result<BTreeMap<Uuid, Role>, DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT member_id, role FROM enrolment WHERE group_id = $1 AND ended_at = 0",
        [group.into()],
    );
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| {
            let role: i32 = row.try_get_by_index(1)?;
            let role = Role::from_number(role);
            Ok((row.try_get_by_index(0)?, role.ok_or_else(|| DbErr::Type("a stored role is unknown".into()))?))
        })
        .collect()
}

/// Id, what decides where a member belongs, and whether they are active; from id, state, category, rank, gender.
pub(super) fn person(row: &QueryResult) -> Result<(Uuid, Person, bool), DbErr> {
    let state: i32 = row.try_get_by_index(1)?;
    let (category, gender): (String, String) = (row.try_get_by_index(2)?, row.try_get_by_index(4)?);
    let person = Person {
        police: category == POLICE,
        rank: Rank::from_number(row.try_get_by_index(3)?),
        female: gender == "female",
    };
    Ok((row.try_get_by_index(0)?, person, state == MemberState::Active as i32))
}

/// A blind index from its column.
pub(super) fn blind_index(row: &QueryResult, column: usize) -> Result<BlindIndex, DbErr> {
    let index: Vec<u8> = row.try_get_by_index(column)?;
    index.try_into().map_err(|_| DbErr::Type("a stored index has another length".into()))
}
