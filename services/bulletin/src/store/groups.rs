//! The groups as membership last told them.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_proto::eventlog::v1::event::Payload;
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use super::sql::{self, Columns};
use super::tasks;

/// What a bulletin needs of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) unit: Uuid,
    /// A number of `senani.membership.v1.GroupAudience`.
    pub(crate) audience: i32,
    /// Whether it is in use.
    pub(crate) active: bool,
    /// Who posts in it: the primary custodian, else a backup.
    pub(crate) custodian: Option<Uuid>,
}

/// Stores groups as they are after a change, the tasks of their bulletins with them. Answers the events of the tasks.
pub(crate) async fn store_all(txn: &WriteTransaction, groups: &BTreeMap<Uuid, Group>) -> Result<Vec<Payload>, DbErr> {
    let groups_in_order = || groups.values();
    Rows::new()
        .uuid("id", groups.keys().copied())
        .text("slug", groups_in_order().map(|group| group.slug.as_str()))
        .uuid("unit_id", groups_in_order().map(|group| group.unit))
        .int("audience", groups_in_order().map(|group| group.audience))
        .boolean("active", groups_in_order().map(|group| group.active))
        .uuid("custodian_id", groups_in_order().map(|group| group.custodian.unwrap_or_default()))
        .execute(
            &**txn,
            "INSERT INTO group_replica (id, slug, unit_id, audience, active, custodian_id) \
             SELECT v.id, v.slug, v.unit_id, v.audience, v.active, v.custodian_id FROM v WHERE true \
             ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, unit_id = excluded.unit_id, audience = excluded.audience, \
             active = excluded.active, custodian_id = excluded.custodian_id",
            &[],
        )
        .await?;
    let custodians = groups.iter().map(|(id, group)| (*id, group.custodian)).collect();
    tasks::follow_custodians(txn, &custodians).await
}

/// Forgets every group.
pub(crate) async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
    sql::execute(&**txn, "DELETE FROM group_replica", []).await.map(drop)
}

/// The groups in use, in the order of their ids.
pub(crate) async fn active(db: &impl ConnectionTrait) -> Result<Vec<Group>, DbErr> {
    let query = "SELECT id, slug, unit_id, audience, active, custodian_id FROM group_replica WHERE active ORDER BY id";
    sql::all(db, query, []).await?.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<Group, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Group {
        id: columns.take()?,
        slug: columns.take()?,
        unit: columns.take()?,
        audience: columns.take()?,
        active: columns.take()?,
        custodian: Some(columns.take::<Uuid>()?).filter(|custodian| !custodian.is_nil()),
    })
}
