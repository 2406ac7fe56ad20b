//! Forming groups.

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_order::{Date, Order, RulesInForce};
use senani_proto::membership::v1 as pb;
use senani_store::Timestamp;
use senani_unit_replica::UnitSets;
use senani_unit_tree::Unit;
use uuid::Uuid;

use super::groups::{insert, slot};
use super::{Registry, Repeat, answered, orders, record};
use crate::convert;
use crate::domain::{Custodians, Existing, Group, GroupState, Plan, plan};
use crate::error::Error;

/// Where and when groups are formed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Formation<'f> {
    /// The top of the subtree.
    pub(crate) unit: Unit<'f>,
    /// Which units are in which sets.
    pub(crate) sets: &'f UnitSets,
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
            if insert(&txn, groups.iter()).await? != groups.len() as u64 {
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
    let rules_of = |unit: Unit<'_>| rules.for_unit(unit.kind(), formation.sets.sets_of(unit.id()));
    let today = formation.today.to_string();
    let plan = plan(formation.unit.subtree(), &today, rules_of, &existing(db).await?);
    if !plan.bound {
        return Err(Error::NoOrderInForce(format!("units/{}", formation.unit.slug())));
    }
    let fingerprint = plan.fingerprint();
    if !formation.fingerprint.is_empty() && formation.fingerprint != fingerprint {
        return Err(Error::PlanOutdated { fingerprint });
    }
    Ok(plan)
}

/// What exists in every slot. Groups are some thousands, and a plan for the state needs them all.
async fn existing(db: &impl ConnectionTrait) -> Result<Existing, DbErr> {
    let sql = "SELECT unit_id, audience, rank, part, state FROM member_group";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let mut existing = Existing::new();
    for row in &rows {
        let slot = slot(row.try_get_by_index(1)?, row.try_get_by_index(2)?)?;
        let parts = existing.entry((row.try_get_by_index(0)?, slot)).or_default();
        parts.last = parts.last.max(row.try_get_by_index(3)?);
        parts.active |= row.try_get_by_index::<i32>(4)? == GroupState::Active as i32;
    }
    Ok(existing)
}

/// The planned groups, with ids that grow with the plan.
fn groups(plan: &Plan, now: Timestamp) -> Vec<Group> {
    let form = |planned: &crate::domain::PlannedGroup| Group {
        id: Uuid::now_v7(),
        slug: planned.slug.clone(),
        unit_id: planned.unit_id,
        unit_slug: planned.unit_slug.clone(),
        slot: planned.slot,
        part: planned.part,
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
