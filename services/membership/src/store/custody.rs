//! What an officer holds.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use uuid::Uuid;

use super::Registry;
use crate::domain::{GroupState, Role};
use crate::error::Error;

/// A group in which an officer is a custodian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldGroup {
    pub(crate) slug: String,
    pub(crate) unit_slug: String,
    /// Whether there is no other custodian.
    pub(crate) sole: bool,
}

impl Registry {
    /// The groups that an officer holds, those without another custodian first. A custodian is enrolled as one, so that they are found by
    /// the key of the enrolments; who else is custodian stands in the group.
    pub(crate) async fn held_groups(&self, officer: Uuid) -> Result<Vec<HeldGroup>, Error> {
        let db = self.store.reader();
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT g.slug, g.unit_slug, g.primary_custodian, g.backup_custodians FROM enrolment e \
             JOIN member_group g ON g.id = e.group_id \
             WHERE e.member_id = $1 AND e.role = $2 AND e.ended_at = 0 AND g.state = $3 ORDER BY g.slug",
            [officer.into(), (Role::Custodian as i32).into(), (GroupState::Active as i32).into()],
        );
        let rows = db.query_all_raw(statement).await?;
        let mut held = rows.iter().map(|row| read(row, officer)).collect::<Result<Vec<_>, DbErr>>()?;
        held.sort_by_key(|group| !group.sole);
        Ok(held)
    }
}

fn read(row: &QueryResult, officer: Uuid) -> Result<HeldGroup, DbErr> {
    let primary: Option<Uuid> = row.try_get_by_index(2)?;
    let backups: Vec<u8> = row.try_get_by_index(3)?;
    let others = |id: &[u8]| id != officer.as_bytes();
    Ok(HeldGroup {
        slug: row.try_get_by_index(0)?,
        unit_slug: row.try_get_by_index(1)?,
        sole: primary.is_none_or(|primary| primary == officer) && !backups.chunks(16).any(others),
    })
}
