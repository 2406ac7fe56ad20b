//! Orders and groups.

use std::collections::BTreeMap;

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::membership::v1 as pb;
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use crate::convert;
use crate::domain::{Group, Register};

/// What events of membership change, the last word on each key.
#[derive(Debug, Default)]
pub(crate) struct RegisterChanges {
    /// By slug.
    pub(crate) orders: BTreeMap<String, pb::Order>,
    /// By id.
    pub(crate) groups: BTreeMap<Uuid, Group>,
    /// Sizes of groups that are not in `groups`, by id.
    pub(crate) sizes: BTreeMap<Uuid, i64>,
}

impl RegisterChanges {
    /// Makes the same changes in memory.
    pub(crate) fn apply_to(&self, register: &mut Register) {
        self.orders.values().filter_map(convert::order).for_each(|order| register.issue(order));
        self.groups.iter().for_each(|(id, group)| register.put(*id, *group));
        self.sizes.iter().for_each(|(id, size)| register.resize(*id, *size));
    }
}

/// Stores changes.
pub(crate) async fn write(txn: &WriteTransaction, changes: &RegisterChanges) -> Result<(), DbErr> {
    Rows::new()
        .text("slug", changes.orders.keys().map(String::as_str))
        .bytes("issued", changes.orders.values().map(Message::encode_to_vec))
        .execute(
            &**txn,
            // `WHERE true`: without it SQLite reads ON as part of a join.
            "INSERT INTO order_replica (slug, issued) SELECT v.slug, v.issued FROM v WHERE true \
             ON CONFLICT (slug) DO UPDATE SET issued = excluded.issued",
            &[],
        )
        .await?;
    let groups = &changes.groups;
    Rows::new()
        .uuid("id", groups.keys().copied())
        .uuid("unit_id", groups.values().map(|group| group.unit))
        .int("audience", groups.values().map(|group| group.audience))
        .int("rank", groups.values().map(|group| group.rank))
        .boolean("active", groups.values().map(|group| group.active))
        .big_int("enrolled_count", groups.values().map(|group| group.enrolled))
        .execute(
            &**txn,
            "INSERT INTO group_replica (id, unit_id, audience, rank, active, enrolled_count) \
             SELECT v.id, v.unit_id, v.audience, v.rank, v.active, v.enrolled_count FROM v WHERE true \
             ON CONFLICT (id) DO UPDATE SET unit_id = excluded.unit_id, audience = excluded.audience, \
             rank = excluded.rank, active = excluded.active, enrolled_count = excluded.enrolled_count",
            &[],
        )
        .await?;
    Rows::new()
        .uuid("id", changes.sizes.keys().copied())
        .big_int("enrolled_count", changes.sizes.values().copied())
        .execute(
            &**txn,
            "UPDATE group_replica SET enrolled_count = v.enrolled_count FROM v WHERE group_replica.id = v.id",
            &[],
        )
        .await
        .map(drop)
}

/// Forgets everything that came from membership.
pub(crate) async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
    for statement in ["DELETE FROM order_replica", "DELETE FROM group_replica"] {
        txn.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Everything that came from membership.
pub(crate) async fn load(db: &impl ConnectionTrait) -> Result<Register, DbErr> {
    let backend = db.get_database_backend();
    let mut register = Register::default();
    for row in db.query_all_raw(Statement::from_string(backend, "SELECT issued FROM order_replica")).await? {
        let bytes: Vec<u8> = row.try_get_by_index(0)?;
        let order = pb::Order::decode(bytes.as_slice()).map_err(|error| DbErr::Type(error.to_string()))?;
        convert::order(&order).into_iter().for_each(|order| register.issue(order));
    }
    let groups = "SELECT id, unit_id, audience, rank, active, enrolled_count FROM group_replica";
    for row in db.query_all_raw(Statement::from_string(backend, groups)).await? {
        let group = Group {
            unit: row.try_get_by_index(1)?,
            audience: row.try_get_by_index(2)?,
            rank: row.try_get_by_index(3)?,
            active: row.try_get_by_index(4)?,
            enrolled: row.try_get_by_index(5)?,
        };
        register.put(row.try_get_by_index(0)?, group);
    }
    Ok(register)
}
