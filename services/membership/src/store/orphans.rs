//! Groups that lack a custodian.

use std::collections::HashMap;

use sea_orm::DbErr;
use senani_store::{PageSize, Rows};
use uuid::Uuid;

use super::{GroupFilter, Registry};
use crate::domain::{Group, MemberState};
use crate::error::Error;

impl Registry {
    /// Groups in use without a primary custodian or without a backup after `after` in the order of their slugs, each with how many
    /// officers are enrolled in it.
    pub(crate) async fn orphans(
        &self,
        unit: Option<&(dyn Fn(Uuid) -> bool + Send + Sync)>,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<(Group, i32)>, Error> {
        let filter = GroupFilter { audience: None, unit, orphans: true };
        let groups = self.list_groups(&filter, after, size).await?;
        let officers = self.officer_counts(&groups).await?;
        Ok(groups
            .into_iter()
            .map(|group| {
                let count = officers.get(&group.id).copied().unwrap_or(0);
                (group, i32::try_from(count).unwrap_or(i32::MAX))
            })
            .collect())
    }

    /// How many officers are enrolled in each of some groups.
    async fn officer_counts(&self, groups: &[Group]) -> Result<HashMap<Uuid, i64>, DbErr> {
        let rows = Rows::new()
            .uuid("id", groups.iter().map(|group| group.id))
            .query(
                self.store.reader(),
                "SELECT e.group_id, COUNT(*) FROM v CROSS JOIN enrolment e CROSS JOIN member m \
                 WHERE e.group_id = v.id AND e.ended_at = 0 AND m.id = e.member_id AND m.rank <> 0 AND m.state = :1 \
                 GROUP BY e.group_id",
                &[(MemberState::Active as i32).into()],
            )
            .await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }
}
