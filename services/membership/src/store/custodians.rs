//! Who administers a group.

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use super::group_changes::{GroupCall, locked};
use super::{Registry, answered, groups, record};
use crate::convert;
use crate::domain::{Custodians, GroupState, MemberState, Role};
use crate::error::{Error, GroupRefused, Wrong};

impl Registry {
    /// Sets the custodians of a group: officers enrolled in it, with a backup as soon as there is a second one. `field` says where the
    /// custodian with this number (the primary first) stands in the request.
    pub(crate) async fn set_custodians(
        &self,
        call: GroupCall<'_>,
        custodians: Custodians,
        field: impl Fn(usize) -> String,
    ) -> Result<pb::Group, Error> {
        let mut txn = self.store.begin_write().await?;
        if let Some(answer) = answered(&txn, call.repeat).await? {
            return Ok(answer);
        }
        let mut group = locked(&txn, call.slug, call.etag).await?;
        if group.state == GroupState::Closed {
            return Err(GroupRefused::Closed { group: group.slug }.into());
        }
        let chosen: Vec<Uuid> = custodians.all().collect();
        let fit = fit(&txn, group.id, &chosen).await?;
        let mut wrong = Vec::new();
        for (number, id) in chosen.iter().enumerate() {
            let what = if chosen[..number].contains(id) {
                "names an officer twice"
            } else if !fit.contains(id) {
                "must be an officer who is enrolled in the group"
            } else {
                continue;
            };
            let unfit = Wrong::new(ErrorReason::CustodianUnfit, field(number), what);
            wrong.push(unfit.with("member", convert::member_name(*id)));
        }
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        if custodians.backups.is_empty() && has_other_officer(&txn, group.id, &chosen).await? {
            return Err(GroupRefused::BackupNeeded { group: group.slug }.into());
        }
        let before: Vec<Uuid> = group.custodians.all().collect();
        set_roles(&txn, group.id, &before, Role::Member).await?;
        set_roles(&txn, group.id, &chosen, Role::Custodian).await?;
        group.custodians = custodians;
        group.version += 1;
        groups::store_changes(&txn, &[&group]).await?;
        let answer = convert::group(&group);
        record(&txn, call.repeat, &answer).await?;
        txn.append(vec![convert::group_changed(&group)]).await?;
        txn.commit().await?;
        Ok(answer)
    }
}

/// Those who are active police and enrolled in the group.
async fn fit(txn: &WriteTransaction, group: Uuid, members: &[Uuid]) -> Result<Vec<Uuid>, DbErr> {
    let rows = Rows::new()
        .uuid("id", members.iter().copied())
        .query(
            &**txn,
            "SELECT m.id FROM v JOIN member m ON m.id = v.id JOIN enrolment e ON e.member_id = m.id AND e.group_id = :1 \
             WHERE e.ended_at = 0 AND m.rank <> 0 AND m.state = :2",
            &[group.into(), (MemberState::Active as i32).into()],
        )
        .await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Whether an officer is enrolled in the group beside those.
async fn has_other_officer(txn: &WriteTransaction, group: Uuid, chosen: &[Uuid]) -> Result<bool, DbErr> {
    // CROSS JOIN: SQLite goes from the enrolments of the group to their members.
    let sql = "SELECT m.id FROM enrolment e CROSS JOIN member m WHERE e.group_id = $1 AND e.ended_at = 0 \
               AND m.id = e.member_id AND m.rank <> 0 AND m.state = $2 LIMIT $3";
    let limit = i64::try_from(chosen.len() + 1).unwrap_or(i64::MAX);
    let values = [group.into(), (MemberState::Active as i32).into(), limit.into()];
    let rows = txn.query_all_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
    let officers = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<Uuid>, DbErr>>()?;
    Ok(officers.iter().any(|officer| !chosen.contains(officer)))
}

pub(super) async fn set_roles(txn: &WriteTransaction, group: Uuid, members: &[Uuid], role: Role) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", members.iter().copied())
        .execute(
            &**txn,
            "UPDATE enrolment SET role = :2 FROM v WHERE enrolment.member_id = v.id AND enrolment.group_id = :1 \
             AND enrolment.ended_at = 0",
            &[group.into(), (role as i32).into()],
        )
        .await
        .map(drop)
}
