//! Groups made, renamed and closed by hand.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_order::Slot;
use senani_proto::membership::v1 as pb;
use senani_store::{Timestamp, WriteTransaction};
use senani_unit_tree::Unit;
use uuid::Uuid;

use super::json::to_json;
use super::{InForce, Registry, Repeat, answered, groups, record};
use crate::convert;
use crate::domain::{Custodians, Group, GroupState, group_names, group_slug, may_have_without_order};
use crate::error::{Error, GroupRefused, Resource};

/// A group to make by hand.
pub(crate) struct NewGroup<'n> {
    pub(crate) unit: Unit<'n>,
    pub(crate) slot: Slot,
    /// By language; empty for those that a group is given when it is formed.
    pub(crate) names: BTreeMap<String, String>,
}

/// A change of one group by a caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupCall<'c> {
    pub(crate) slug: &'c str,
    /// Empty, or what the caller last saw.
    pub(crate) etag: &'c str,
    pub(crate) validate_only: bool,
    pub(crate) repeat: Option<&'c Repeat<'c>>,
}

impl Registry {
    /// Makes a group where the rules allow it.
    pub(crate) async fn create_group(
        &self,
        new: &NewGroup<'_>,
        in_force: &InForce,
        validate_only: bool,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<pb::Group, Error> {
        let unit = new.unit;
        if !unit.is_open_on(&in_force.day) {
            return Err(GroupRefused::UnitClosed { unit: unit.slug().to_owned() }.into());
        }
        let order = in_force.of_unit(unit).rule(new.slot).map(|rule| rule.order.clone());
        if order.is_none() && !may_have_without_order(unit.kind(), new.slot) {
            return Err(GroupRefused::NotAllowed { unit: unit.slug().to_owned() }.into());
        }
        loop {
            let mut txn = self.store.begin_write().await?;
            if let Some(answer) = answered(&txn, repeat).await? {
                return Ok(answer);
            }
            let of_unit = groups::lock_of_units(&txn, vec![unit.id()]).await?;
            let in_slot = || of_unit.iter().filter(|group| group.slot == new.slot);
            if let Some(group) = in_slot().find(|group| group.state == GroupState::Active) {
                return Err(GroupRefused::Exists { group: group.slug.clone() }.into());
            }
            let part = in_slot().map(|group| group.part).max().unwrap_or(0) + 1;
            let names = if new.names.is_empty() { group_names(unit, new.slot, part) } else { new.names.clone() };
            let group = Group {
                id: Uuid::now_v7(),
                slug: group_slug(unit.slug(), new.slot, part),
                unit_id: unit.id(),
                unit_slug: unit.slug().to_owned(),
                slot: new.slot,
                part,
                state: GroupState::Active,
                names,
                order: order.clone().unwrap_or_default(),
                custodians: Custodians::default(),
                enrolled_count: 0,
                version: 1,
                created_at: Timestamp::now().0,
            };
            let answer = convert::group(&group);
            if validate_only {
                return Ok(pb::Group { uid: String::new(), ..answer });
            }
            if groups::insert(&txn, [&group].into_iter()).await? == 0 {
                // Somebody formed it between our look and our insert: look again.
                continue;
            }
            record(&txn, repeat, &answer).await?;
            txn.append(vec![convert::group_changed(&group)]).await?;
            txn.commit().await?;
            return Ok(answer);
        }
    }

    /// Gives a group other names.
    pub(crate) async fn rename_group(
        &self,
        call: GroupCall<'_>,
        names: BTreeMap<String, String>,
    ) -> Result<pb::Group, Error> {
        self.change_group(call, async |_, group| {
            group.names = names;
            Ok(())
        })
        .await
    }

    /// Closes a group: every place in it ends.
    pub(crate) async fn close_group(&self, call: GroupCall<'_>) -> Result<pb::Group, Error> {
        self.change_group(call, async |txn, group| {
            if group.state == GroupState::Closed {
                return Err(GroupRefused::Closed { group: group.slug.clone() }.into());
            }
            end_places(txn, group).await?;
            Ok(())
        })
        .await
    }

    async fn change_group(
        &self,
        call: GroupCall<'_>,
        change: impl AsyncFnOnce(&WriteTransaction, &mut Group) -> Result<(), Error>,
    ) -> Result<pb::Group, Error> {
        let mut txn = self.store.begin_write().await?;
        if let Some(answer) = answered(&txn, call.repeat).await? {
            return Ok(answer);
        }
        let mut group = locked(&txn, call.slug, call.etag).await?;
        change(&txn, &mut group).await?;
        group.version += 1;
        store_whole(&txn, &group).await?;
        let answer = convert::group(&group);
        if call.validate_only {
            return Ok(answer);
        }
        record(&txn, call.repeat, &answer).await?;
        txn.append(vec![convert::group_changed(&group)]).await?;
        txn.commit().await?;
        Ok(answer)
    }
}

/// The group with this slug, locked until the transaction ends. `etag` is empty or what the caller last saw.
pub(super) async fn locked(txn: &WriteTransaction, slug: &str, etag: &str) -> Result<Group, Error> {
    let group = groups::find(&**txn, slug, groups::lock(txn.get_database_backend())).await?;
    let group = group.ok_or_else(|| Resource::Group.not_found(format!("groups/{slug}")))?;
    let current = convert::etag(group.version);
    if etag.is_empty() || etag == current { Ok(group) } else { Err(Error::EtagMismatch { etag: current }) }
}

/// Ends every place in a group and makes it a closed one; what is left to do is to store it.
pub(super) async fn end_places(txn: &WriteTransaction, group: &mut Group) -> Result<(), DbErr> {
    let sql = "UPDATE enrolment SET ended_at = $2 WHERE group_id = $1 AND ended_at = 0";
    let values = [group.id.into(), Timestamp::now().0.into()];
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
    group.state = GroupState::Closed;
    group.custodians = Custodians::default();
    group.enrolled_count = 0;
    Ok(())
}

/// Writes everything of a group that can change.
pub(super) async fn store_whole(txn: &WriteTransaction, group: &Group) -> Result<(), DbErr> {
    groups::store_changes(txn, &[group]).await?;
    let sql = "UPDATE member_group SET names = $2, state = $3 WHERE id = $1";
    let values = [group.id.into(), to_json(&group.names).into(), (group.state as i32).into()];
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
    Ok(())
}
