//! Who administers a group.

use sea_orm::{ConnectionTrait, DbErr};
use senani_proto::membership::v1::ErrorReason;
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use super::{Registry, groups};
use crate::convert;
use crate::domain::{Custodians, Group, MemberState, Role};
use crate::error::{Error, Resource, Wrong};

impl Registry {
    /// Sets the custodians of a group: officers enrolled in it. `etag` is empty or what the caller last saw; `field` says where the
    /// custodian with this number (the primary first) stands in the request.
    pub(crate) async fn set_custodians(
        &self,
        slug: &str,
        custodians: Custodians,
        etag: &str,
        field: impl Fn(usize) -> String,
    ) -> Result<Group, Error> {
        let mut txn = self.store.begin_write().await?;
        let lock = groups::lock(txn.get_database_backend());
        let group = groups::find(&*txn, slug, lock).await?;
        let mut group = group.ok_or_else(|| Resource::Group.not_found(format!("groups/{slug}")))?;
        let current = convert::etag(group.version);
        if !etag.is_empty() && etag != current {
            return Err(Error::EtagMismatch { etag: current });
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
        let before: Vec<Uuid> = group.custodians.all().collect();
        set_roles(&txn, group.id, &before, Role::Member).await?;
        set_roles(&txn, group.id, &chosen, Role::Custodian).await?;
        group.custodians = custodians;
        group.version += 1;
        groups::store_changes(&txn, &[&group]).await?;
        txn.append(vec![convert::group_changed(&group)]).await?;
        txn.commit().await?;
        Ok(group)
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

async fn set_roles(txn: &WriteTransaction, group: Uuid, members: &[Uuid], role: Role) -> Result<(), DbErr> {
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
