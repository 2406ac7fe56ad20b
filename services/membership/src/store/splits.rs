//! Splitting a group.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_order::Rank;
use senani_proto::membership::v1 as pb;
use senani_store::{Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::custodians::set_roles;
use super::{InForce, Registry, Repeat, answered, groups, record};
use crate::convert;
use crate::domain::{
    Candidate, Group, GroupState, MemberState, Obstacle, Role, SplitPart, SplitTerms, split, split_fingerprint,
};
use crate::error::{Error, GroupRefused, Resource};

/// Which group is split, and into how many parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SplitWish<'w> {
    pub(crate) slug: &'w str,
    /// `None`: as few as bring each part below the size from which a group is split.
    pub(crate) parts: Option<usize>,
}

/// How a group is split.
#[derive(Debug, Clone)]
pub(crate) struct SplitPlan {
    /// The group as it is, then those to form, without members and custodians yet.
    pub(crate) groups: Vec<Group>,
    pub(crate) order: String,
    pub(crate) terms: SplitTerms,
    /// In the order of `groups`.
    pub(crate) outcome: Result<Vec<SplitPart>, Obstacle>,
}

impl SplitPlan {
    /// The group that is split.
    pub(crate) fn group(&self) -> &Group {
        self.groups.first().expect("a plan begins with the group that is split")
    }

    /// Empty when there is no plan.
    pub(crate) fn fingerprint(&self) -> String {
        self.outcome.as_ref().map_or_else(|_| String::new(), |parts| split_fingerprint(self.group().id, parts))
    }
}

impl Registry {
    /// How a group would be split.
    pub(crate) async fn plan_split(&self, wish: SplitWish<'_>, in_force: &InForce) -> Result<SplitPlan, Error> {
        let txn = self.store.begin_read().await?;
        let group = groups::find(&*txn, wish.slug, "").await?;
        let group = group.ok_or_else(|| Resource::Group.not_found(convert::group_name(wish.slug)))?;
        let sql = "SELECT MAX(part) FROM member_group WHERE unit_id = $1 AND audience = $2 AND rank = $3";
        let slot = group.slot;
        let values = [group.unit_id.into(), slot.audience.number().into(), convert::rank_number(slot.rank).into()];
        let row = txn.query_one_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
        let last_part = row.map(|row| row.try_get_by_index::<i32>(0)).transpose()?.unwrap_or(group.part);
        plan(&*txn, group, last_part, wish, in_force).await
    }

    /// Splits a group exactly as planned: one transaction with the claim of the request id, the groups, the moved enrolments and an event
    /// for each group.
    pub(crate) async fn apply_split(
        &self,
        wish: SplitWish<'_>,
        fingerprint: &str,
        in_force: &InForce,
        repeat: Option<&Repeat<'_>>,
        answer: impl Fn(&SplitPlan) -> pb::ApplySplitResponse,
    ) -> Result<pb::ApplySplitResponse, Error> {
        // A group never leaves its unit.
        let unit = self.group(wish.slug).await?.unit_id;
        loop {
            let mut txn = self.store.begin_write().await?;
            if let Some(answer) = answered(&txn, repeat).await? {
                return Ok(answer);
            }
            let of_unit = groups::lock_of_units(&txn, vec![unit]).await?;
            let group = of_unit.iter().find(|group| group.slug == wish.slug).cloned();
            let group = group.ok_or_else(|| Resource::Group.not_found(convert::group_name(wish.slug)))?;
            let last_part = of_unit.iter().filter(|other| other.slot == group.slot).map(|other| other.part).max();
            let plan = plan(&*txn, group, last_part.unwrap_or_default(), wish, in_force).await?;
            let parts = match &plan.outcome {
                Ok(parts) => parts,
                Err(obstacle) => return Err(GroupRefused::SplitImpossible(*obstacle).into()),
            };
            let current = plan.fingerprint();
            if current != fingerprint {
                return Err(Error::PlanOutdated { fingerprint: current });
            }
            let groups = as_split(&plan, parts);
            if groups::insert(&txn, groups[1..].iter()).await? != (groups.len() - 1) as u64 {
                // While we waited for the locks their holder began another part: look again.
                continue;
            }
            groups::store_changes(&txn, &[&groups[0]]).await?;
            move_places(&txn, &plan, parts).await?;
            let answer = answer(&plan);
            record(&txn, repeat, &answer).await?;
            txn.append(groups.iter().map(convert::group_changed).collect()).await?;
            txn.commit().await?;
            return Ok(answer);
        }
    }
}

async fn plan(
    db: &impl ConnectionTrait,
    group: Group,
    last_part: i32,
    wish: SplitWish<'_>,
    in_force: &InForce,
) -> Result<SplitPlan, Error> {
    if group.state == GroupState::Closed {
        return Err(GroupRefused::Closed { group: group.slug }.into());
    }
    let rule = in_force.rule(&group).ok_or_else(|| Error::NoOrderInForce(format!("units/{}", group.unit_slug)))?;
    let (split_at, people) = (rule.terms.split_at, people(db, group.id).await?);
    let size = |size: u32| usize::try_from(size).unwrap_or(usize::MAX);
    if people.len() < size(split_at) {
        return Err(GroupRefused::SplitNotDue { enrolled_count: group.enrolled_count, split_at }.into());
    }
    let below = size(split_at).saturating_sub(1).max(1);
    let terms = SplitTerms {
        min: size(rule.terms.min),
        ceiling: usize::try_from(in_force.ceiling(&group)).unwrap_or(0),
        parts: wish.parts.unwrap_or_else(|| people.len().div_ceil(below).max(2)),
        custodian_ranks: rule.terms.custodian_ranks,
    };
    let outcome = split(&people, &group.custodians, &terms);
    let now = Timestamp::now().0;
    let new = (1..terms.parts).zip(last_part + 1..).map(|(_, part)| group.another_part(part, Uuid::now_v7(), now));
    let groups = std::iter::once(group.clone()).chain(new).collect();
    Ok(SplitPlan { groups, order: rule.order, terms, outcome })
}

/// The members of a group, in the order of their ids.
async fn people(db: &impl ConnectionTrait, group: Uuid) -> Result<Vec<Candidate>, DbErr> {
    // CROSS JOIN: SQLite goes from the enrolments of the group to their members.
    let sql = "SELECT m.id, m.household, m.rank, m.state FROM enrolment e CROSS JOIN member m \
               WHERE e.group_id = $1 AND e.ended_at = 0 AND m.id = e.member_id ORDER BY m.id";
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [group.into()])).await?;
    rows.iter()
        .map(|row| {
            let active = row.try_get_by_index::<i32>(3)? == MemberState::Active as i32;
            Ok(Candidate {
                id: row.try_get_by_index(0)?,
                household: row.try_get_by_index(1)?,
                officer: Rank::from_number(row.try_get_by_index(2)?).filter(|_| active),
            })
        })
        .collect()
}

/// The groups as they are after the split.
fn as_split(plan: &SplitPlan, parts: &[SplitPart]) -> Vec<Group> {
    let as_part = |(number, (group, part)): (usize, (&Group, &SplitPart))| Group {
        custodians: part.custodians.clone(),
        enrolled_count: i32::try_from(part.members.len()).unwrap_or(i32::MAX),
        version: group.version + i64::from(number == 0),
        ..group.clone()
    };
    plan.groups.iter().zip(parts).enumerate().map(as_part).collect()
}

/// Ends the places of those who move, begins their new ones, and sets who is custodian where.
async fn move_places(txn: &WriteTransaction, plan: &SplitPlan, parts: &[SplitPart]) -> Result<(), DbErr> {
    let now = Timestamp::now().0;
    let moves: Vec<(Uuid, Uuid, Role)> = plan
        .groups
        .iter()
        .zip(parts)
        .skip(1)
        .flat_map(|(group, part)| {
            let custodians: BTreeSet<Uuid> = part.custodians.all().collect();
            part.members.iter().map(move |member| {
                let role = if custodians.contains(member) { Role::Custodian } else { Role::Member };
                (*member, group.id, role)
            })
        })
        .collect();
    let group = plan.group();
    let before: Vec<Uuid> = group.custodians.all().collect();
    Rows::new()
        .uuid("member_id", moves.iter().map(|(member, ..)| *member))
        .execute(
            &**txn,
            "UPDATE enrolment SET ended_at = :2 FROM v WHERE enrolment.member_id = v.member_id \
             AND enrolment.group_id = :1 AND enrolment.ended_at = 0",
            &[group.id.into(), now.into()],
        )
        .await?;
    Rows::new()
        .uuid("member_id", moves.iter().map(|(member, ..)| *member))
        .uuid("group_id", moves.iter().map(|(_, group, _)| *group))
        .int("role", moves.iter().map(|(.., role)| *role as i32))
        .execute(
            &**txn,
            "INSERT INTO enrolment (member_id, group_id, role, started_at, ended_at) \
             SELECT v.member_id, v.group_id, v.role, :1, 0 FROM v",
            &[now.into()],
        )
        .await?;
    set_roles(txn, group.id, &before, Role::Member).await?;
    let after: Vec<Uuid> = parts.first().into_iter().flat_map(|part| part.custodians.all()).collect();
    set_roles(txn, group.id, &after, Role::Custodian).await
}
