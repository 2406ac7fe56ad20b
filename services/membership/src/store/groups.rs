//! Groups.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use senani_order::{Audience, Rank, Slot};
use senani_store::{PageSize, Rows, WriteTransaction};
use uuid::Uuid;

use super::Registry;
use super::json::{from_json, to_json};
use crate::convert;
use crate::domain::{Custodians, Group, GroupState};
use crate::error::{Error, Resource};

/// What every query of groups selects, from `member_group g`.
pub(super) const COLUMNS: &str = "g.id, g.slug, g.unit_id, g.unit_slug, g.audience, g.rank, g.state, g.names, COALESCE(g.order_slug, ''), \
     g.primary_custodian, g.backup_custodians, g.enrolled_count, g.version, g.created_at, g.part";

/// Groups read at once while a filter that SQL does not know picks some of them.
const BATCH: i64 = 1_000;

/// Which groups to list.
pub(crate) struct GroupFilter<'f> {
    pub(crate) audience: Option<Audience>,
    /// Whether the groups of this unit are asked for; `None` for those of every unit.
    pub(crate) unit: Option<&'f (dyn Fn(Uuid) -> bool + Send + Sync)>,
    /// Only groups in use that lack a primary custodian or a backup.
    pub(crate) orphans: bool,
}

impl Registry {
    pub(crate) async fn group(&self, slug: &str) -> Result<Group, Error> {
        let found = find(self.store.reader(), slug, "").await?;
        found.ok_or_else(|| Resource::Group.not_found(format!("groups/{slug}")))
    }

    /// Groups after `after` in the order of their slugs.
    pub(crate) async fn list_groups(
        &self,
        filter: &GroupFilter<'_>,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Group>, Error> {
        let db = self.store.reader();
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let batch = if filter.unit.is_some() { BATCH } else { limit };
        let orphans = if filter.orphans {
            format!(
                "AND g.state = {} AND (g.primary_custodian IS NULL OR length(g.backup_custodians) = 0) ",
                GroupState::Active as i32
            )
        } else {
            String::new()
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM member_group g WHERE g.slug > $1 AND ($2 = 0 OR g.audience = $2) {orphans}\
             ORDER BY g.slug LIMIT $3"
        );
        let mut after = after.unwrap_or_default().to_owned();
        let mut groups = Vec::new();
        loop {
            let audience = filter.audience.map_or(0, Audience::number);
            let values: [Value; 3] = [after.as_str().into(), audience.into(), batch.into()];
            let rows =
                db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), &sql, values)).await?;
            let last = rows.last().map(|row| row.try_get_by_index::<String>(1)).transpose()?;
            for row in &rows {
                let group = group(row)?;
                if filter.unit.is_none_or(|within| within(group.unit_id)) {
                    groups.push(group);
                }
            }
            match last {
                Some(last) if groups.len() < limit as usize && rows.len() as i64 == batch => after = last,
                _ => break,
            }
        }
        groups.truncate(limit as usize);
        Ok(groups)
    }
}

/// The group with this slug; `lock` is what [`lock`] gives, or nothing.
pub(super) async fn find(db: &impl ConnectionTrait, slug: &str, lock: &str) -> Result<Option<Group>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM member_group g WHERE g.slug = $1{lock}");
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [slug.into()]);
    db.query_one_raw(statement).await?.as_ref().map(group).transpose()
}

/// What keeps the rows of a query until the transaction ends. On SQLite a writing transaction has the database for itself.
pub(super) fn lock(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Postgres { " FOR UPDATE OF g" } else { "" }
}

/// The groups of some units, closed ones too, locked in the order of their ids until the transaction ends.
pub(super) async fn lock_of_units(txn: &WriteTransaction, units: Vec<Uuid>) -> Result<Vec<Group>, DbErr> {
    let sql = format!(
        "SELECT {COLUMNS} FROM v JOIN member_group g ON g.unit_id = v.unit_id ORDER BY g.id{}",
        lock(txn.get_database_backend())
    );
    let rows = Rows::new().uuid("unit_id", units).query(&**txn, &sql, &[]).await?;
    rows.iter().map(group).collect()
}

/// Inserts the groups whose place (unit, slot, part) is still free; how many these are.
pub(super) async fn insert<'g>(
    txn: &WriteTransaction,
    groups: impl Iterator<Item = &'g Group> + Clone,
) -> Result<u64, DbErr> {
    let each = || groups.clone();
    Rows::new()
        .uuid("id", each().map(|group| group.id))
        .text("slug", each().map(|group| group.slug.as_str()))
        .uuid("unit_id", each().map(|group| group.unit_id))
        .text("unit_slug", each().map(|group| group.unit_slug.as_str()))
        .int("audience", each().map(|group| group.slot.audience.number()))
        .int("rank", each().map(|group| convert::rank_number(group.slot.rank)))
        .int("part", each().map(|group| group.part))
        .int("state", each().map(|group| group.state as i32))
        .text("names", each().map(|group| to_json(&group.names)))
        .text("order_slug", each().map(|group| group.order.as_str()))
        // The nil UUID stands for NULL.
        .uuid("primary_custodian", each().map(|group| group.custodians.primary.unwrap_or_default()))
        .bytes("backup_custodians", each().map(|group| backups_to_bytes(&group.custodians.backups)))
        .int("enrolled_count", each().map(|group| group.enrolled_count))
        .big_int("version", each().map(|group| group.version))
        .big_int("created_at", each().map(|group| group.created_at))
        .execute(
            &**txn,
            "INSERT INTO member_group (id, slug, unit_id, unit_slug, audience, rank, part, state, names, order_slug, \
             primary_custodian, backup_custodians, enrolled_count, version, created_at) \
             SELECT v.id, v.slug, v.unit_id, v.unit_slug, v.audience, v.rank, v.part, v.state, v.names, \
             NULLIF(v.order_slug, ''), NULLIF(v.primary_custodian, :1), v.backup_custodians, v.enrolled_count, v.version, \
             v.created_at FROM v WHERE true ON CONFLICT (unit_id, audience, rank, part) DO NOTHING",
            &[Uuid::nil().into()],
        )
        .await
}

/// Writes what changes in groups: size, custodians, version.
pub(super) async fn store_changes(txn: &WriteTransaction, groups: &[&Group]) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", groups.iter().map(|group| group.id))
        .int("enrolled_count", groups.iter().map(|group| group.enrolled_count))
        // The nil UUID stands for NULL.
        .uuid("primary_custodian", groups.iter().map(|group| group.custodians.primary.unwrap_or_default()))
        .bytes("backup_custodians", groups.iter().map(|group| backups_to_bytes(&group.custodians.backups)))
        .big_int("version", groups.iter().map(|group| group.version))
        .execute(
            &**txn,
            "UPDATE member_group SET enrolled_count = v.enrolled_count, \
             primary_custodian = NULLIF(v.primary_custodian, :1), backup_custodians = v.backup_custodians, \
             version = v.version FROM v WHERE member_group.id = v.id",
            &[Uuid::nil().into()],
        )
        .await
        .map(drop)
}

pub(super) fn backups_to_bytes(backups: &[Uuid]) -> Vec<u8> {
    backups.iter().flat_map(|id| id.into_bytes()).collect()
}

pub(super) fn group(row: &QueryResult) -> Result<Group, DbErr> {
    let state: i32 = row.try_get_by_index(6)?;
    let backups: Vec<u8> = row.try_get_by_index(10)?;
    Ok(Group {
        id: row.try_get_by_index(0)?,
        slug: row.try_get_by_index(1)?,
        unit_id: row.try_get_by_index(2)?,
        unit_slug: row.try_get_by_index(3)?,
        slot: slot(row.try_get_by_index(4)?, row.try_get_by_index(5)?)?,
        state: GroupState::from_number(state)
            .ok_or_else(|| DbErr::Type(format!("a stored state of a group is unknown: {state}")))?,
        names: from_json(&row.try_get_by_index::<String>(7)?)?,
        order: row.try_get_by_index(8)?,
        custodians: Custodians {
            primary: row.try_get_by_index(9)?,
            backups: backups.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok()).collect(),
        },
        enrolled_count: row.try_get_by_index(11)?,
        version: row.try_get_by_index(12)?,
        created_at: row.try_get_by_index(13)?,
        part: row.try_get_by_index(14)?,
    })
}

pub(super) fn slot(audience: i32, rank: i32) -> Result<Slot, DbErr> {
    let audience = Audience::from_number(audience)
        .ok_or_else(|| DbErr::Type(format!("a stored audience is unknown: {audience}")))?;
    Ok(Slot { audience, rank: Rank::from_number(rank) })
}
