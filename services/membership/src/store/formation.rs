//! Forming groups.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_order::{Date, Order, RulesInForce, Slot};
use senani_proto::membership::v1 as pb;
use senani_store::{Rows, Timestamp, WriteTransaction};
use senani_unit_tree::Unit;
use uuid::Uuid;

use super::groups::slot;
use super::json::to_json;
use super::{Registry, Repeat, answered, orders, record};
use crate::convert;
use crate::domain::{Custodians, Group, GroupState, Plan, plan};
use crate::error::Error;

/// Where and when groups are formed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Formation<'f> {
    /// The top of the subtree.
    pub(crate) unit: Unit<'f>,
    pub(crate) today: Date,
    /// The plan to apply; empty for whatever is due.
    pub(crate) fingerprint: &'f str,
}

impl Registry {
    /// What is due.
    pub(crate) async fn plan_groups(&self, formation: Formation<'_>) -> Result<Plan, Error> {
        let txn = self.store.begin_read().await?;
        due(&*txn, formation).await
    }

    /// Forms what is due: one transaction with the claim of the request id, the groups and an event for each.
    pub(crate) async fn form_groups(
        &self,
        formation: Formation<'_>,
        repeat: Option<&Repeat<'_>>,
        answer: impl Fn(&Plan) -> pb::FormGroupsResponse,
    ) -> Result<pb::FormGroupsResponse, Error> {
        loop {
            let mut txn = self.store.begin_write().await?;
            if let Some(answer) = answered(&txn, repeat).await? {
                return Ok(answer);
            }
            let plan = due(&*txn, formation).await?;
            let groups = groups(&plan, Timestamp::now());
            if insert(&txn, &groups).await? != groups.len() as u64 {
                // Somebody formed some of them between our look and our insert: look again.
                continue;
            }
            let answer = answer(&plan);
            record(&txn, repeat, &answer).await?;
            txn.append(groups.iter().map(convert::group_changed).collect()).await?;
            txn.commit().await?;
            return Ok(answer);
        }
    }
}

async fn due(db: &impl ConnectionTrait, formation: Formation<'_>) -> Result<Plan, Error> {
    let issued: Vec<Order> = orders::load(db, None).await?.into_iter().map(|issued| issued.order).collect();
    let rules = RulesInForce::on(formation.today, &issued);
    let today = formation.today.to_string();
    let plan = plan(formation.unit.subtree(), &today, &rules, &existing(db).await?);
    if !plan.bound {
        return Err(Error::NoOrderInForce(format!("units/{}", formation.unit.slug())));
    }
    let fingerprint = plan.fingerprint();
    if !formation.fingerprint.is_empty() && formation.fingerprint != fingerprint {
        return Err(Error::PlanOutdated { fingerprint });
    }
    Ok(plan)
}

/// Every group's unit and slot. Groups are some thousands, and a plan for the state needs them all.
async fn existing(db: &impl ConnectionTrait) -> Result<HashSet<(Uuid, Slot)>, DbErr> {
    let statement =
        Statement::from_string(db.get_database_backend(), "SELECT unit_id, audience, rank FROM member_group");
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by_index(0)?, slot(row.try_get_by_index(1)?, row.try_get_by_index(2)?)?)))
        .collect()
}

/// The planned groups, with ids that grow with the plan.
fn groups(plan: &Plan, now: Timestamp) -> Vec<Group> {
    let form = |planned: &crate::domain::PlannedGroup| Group {
        id: Uuid::now_v7(),
        slug: planned.slug.clone(),
        unit_id: planned.unit_id,
        unit_slug: planned.unit_slug.clone(),
        slot: planned.slot,
        state: GroupState::Active,
        names: planned.names.clone(),
        order: planned.order.clone(),
        custodians: Custodians::default(),
        enrolled_count: 0,
        version: 1,
        created_at: now.0,
    };
    plan.groups.iter().map(form).collect()
}

/// Inserts the groups whose place is still free; how many these are.
async fn insert(txn: &WriteTransaction, groups: &[Group]) -> Result<u64, DbErr> {
    Rows::new()
        .uuid("id", groups.iter().map(|group| group.id))
        .text("slug", groups.iter().map(|group| group.slug.as_str()))
        .uuid("unit_id", groups.iter().map(|group| group.unit_id))
        .text("unit_slug", groups.iter().map(|group| group.unit_slug.as_str()))
        .int("audience", groups.iter().map(|group| group.slot.audience.number()))
        .int("rank", groups.iter().map(|group| convert::rank_number(group.slot.rank)))
        .int("state", groups.iter().map(|group| group.state as i32))
        .text("names", groups.iter().map(|group| to_json(&group.names)))
        .text("order_slug", groups.iter().map(|group| group.order.as_str()))
        .big_int("version", groups.iter().map(|group| group.version))
        .big_int("created_at", groups.iter().map(|group| group.created_at))
        .execute(
            &**txn,
            "INSERT INTO member_group (id, slug, unit_id, unit_slug, audience, rank, state, names, order_slug, \
             primary_custodian, backup_custodians, enrolled_count, version, created_at) \
             SELECT v.id, v.slug, v.unit_id, v.unit_slug, v.audience, v.rank, v.state, v.names, v.order_slug, NULL, \
             :1, 0, v.version, v.created_at FROM v WHERE true ON CONFLICT (unit_id, audience, rank) DO NOTHING",
            &[Vec::<u8>::new().into()],
        )
        .await
}
