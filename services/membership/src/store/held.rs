//! Members and the groups that concern them, held in one transaction while something happens to them.
//!
//! Locks, each kind in the order of its keys: members, numbers, groups, the head of the event log. An import never locks a member that
//! was there before it, so that no two wait for each other in a ring.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use senani_order::{Person, Rank};
use senani_proto::membership::v1 as pb;
use senani_store::{Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::listed::is_one_of;
use super::{InForce, Registry, Repeat, answered, groups, record};
use crate::convert;
use crate::domain::{Act, Group, MemberState, POLICE, Placements, Places, Role, Stay};
use crate::error::{Error, Refused, Resource};

/// A call that changes a member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'c> {
    pub(crate) member: Uuid,
    /// Empty, or what the caller last saw.
    pub(crate) etag: &'c str,
    /// Who calls.
    pub(crate) subject: &'c str,
    pub(crate) repeat: Option<&'c Repeat<'c>>,
}

/// Which groups are held beside those in which the members are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside<'b> {
    /// None, and not even those: no place changes.
    NoGroups,
    /// None.
    Nothing,
    /// Those of the first member's own unit.
    OwnUnit,
    /// Those of this unit.
    Unit(Uuid),
    /// This one.
    Group(&'b str),
}

/// A member as held.
#[derive(Debug, Clone)]
pub(super) struct HeldMember {
    pub(super) id: Uuid,
    pub(super) unit_id: Uuid,
    pub(super) version: i64,
    pub(super) rank: Option<Rank>,
    pub(super) state: MemberState,
    pub(super) consents: bool,
    pub(super) category: String,
    pub(super) gender: String,
    pub(super) language: String,
    /// Present places; empty when no groups are held.
    pub(super) stays: Vec<Stay>,
}

impl HeldMember {
    /// What decides in which groups they belong.
    pub(super) fn person(&self) -> Person {
        Person { police: self.category == POLICE, rank: self.rank, female: self.gender == "female" }
    }

    /// Where the member stands after an act; refused when it is not allowed.
    pub(super) fn after(&self, act: Act) -> Result<MemberState, Refused> {
        self.state.after(act).ok_or(Refused::State { member: self.id, state: self.state })
    }
}

/// Everything that an act may change.
pub(super) struct Held {
    pub(super) txn: WriteTransaction,
    pub(super) now: Timestamp,
    /// In the order in which they were asked for.
    pub(super) members: Vec<HeldMember>,
    pub(super) places: Places,
}

/// A transaction begun.
pub(super) enum Begun<M> {
    /// The request was done before; its answer.
    Done(M),
    Held(Held),
}

impl Registry {
    /// Begins a transaction that holds the member of a call, with their groups; `None` when the request was done before.
    pub(super) async fn hold_one(
        &self,
        call: Call<'_>,
        beside: Beside<'_>,
        in_force: Option<&InForce>,
    ) -> Result<Option<Held>, Error> {
        let wanted = [(call.member, call.etag)];
        match self.hold::<pb::GetMemberRequest>(&wanted, beside, in_force, call.repeat).await? {
            Begun::Done(_) => Ok(None),
            Begun::Held(held) => Ok(Some(held)),
        }
    }

    /// Begins a transaction that holds some members, with what their etags must be, and their groups.
    pub(super) async fn hold<M: prost::Message + Default>(
        &self,
        members: &[(Uuid, &str)],
        beside: Beside<'_>,
        in_force: Option<&InForce>,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<Begun<M>, Error> {
        loop {
            let txn = self.store.begin_write().await?;
            if let Some(answer) = answered(&txn, repeat).await? {
                return Ok(Begun::Done(answer));
            }
            let Some(mut held) = lock_members(&txn, members).await? else {
                // A merge was faster than our lock: look again.
                continue;
            };
            let Some(groups) = lock_groups(&txn, &mut held, beside).await? else {
                // A split moved one of them between our look and our lock: look again.
                continue;
            };
            let places = Places::new(groups, |group| in_force.map_or(0, |in_force| in_force.ceiling(group)));
            return Ok(Begun::Held(Held { txn, now: Timestamp::now(), members: held, places }));
        }
    }
}

/// Locks members in the order of their ids. A merge, which is about two, moves the records that were merged into them before: these are
/// locked in the same order. `None` when there are more of these than when we looked.
async fn lock_members(txn: &WriteTransaction, wanted: &[(Uuid, &str)]) -> Result<Option<Vec<HeldMember>>, Error> {
    let backend = txn.get_database_backend();
    let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
    let merging = ids.len() > 1;
    let mut values = Vec::new();
    let mut condition = is_one_of(backend, "id", &ids, &mut values);
    if merging {
        let merged = is_one_of(backend, "merged_into", &ids, &mut values);
        condition = format!("{condition} OR {merged}");
    }
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let sql = format!(
        "SELECT id, unit_id, version, rank, state, consents, category, gender, language FROM member WHERE {condition} \
         ORDER BY id{lock}"
    );
    let rows = txn.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let mut found = rows
        .iter()
        .map(|row| held_member(row).map(|member| (member.id, member)))
        .collect::<Result<HashMap<Uuid, HeldMember>, DbErr>>()?;
    if merging {
        let mut values = Vec::new();
        let merged = is_one_of(backend, "merged_into", &ids, &mut values);
        let sql = format!("SELECT id FROM member WHERE {merged}");
        for row in txn.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await? {
            if !found.contains_key(&row.try_get_by_index(0)?) {
                return Ok(None);
            }
        }
    }
    let members = wanted.iter().map(|(id, etag)| {
        let member = found.remove(id).filter(|member| member.state != MemberState::Erased);
        let member = member.ok_or_else(|| Resource::Member.not_found(convert::member_name(*id)))?;
        let current = convert::etag(member.version);
        if etag.is_empty() || *etag == current { Ok(member) } else { Err(Error::EtagMismatch { etag: current }) }
    });
    members.collect::<Result<Vec<_>, Error>>().map(Some)
}

fn held_member(row: &QueryResult) -> Result<HeldMember, DbErr> {
    let state: i32 = row.try_get_by_index(4)?;
    Ok(HeldMember {
        id: row.try_get_by_index(0)?,
        unit_id: row.try_get_by_index(1)?,
        version: row.try_get_by_index(2)?,
        rank: Rank::from_number(row.try_get_by_index(3)?),
        state: MemberState::from_number(state)
            .ok_or_else(|| DbErr::Type(format!("a stored state of a member is unknown: {state}")))?,
        consents: row.try_get_by_index(5)?,
        category: row.try_get_by_index(6)?,
        gender: row.try_get_by_index(7)?,
        language: row.try_get_by_index(8)?,
        stays: Vec::new(),
    })
}

/// The groups in which the members are and those beside them, locked in the order of their ids; `None` when a member came into another
/// group meanwhile, which whoever splits a group can do without holding the member.
async fn lock_groups(
    txn: &WriteTransaction,
    members: &mut [HeldMember],
    beside: Beside<'_>,
) -> Result<Option<Vec<Group>>, Error> {
    if beside == Beside::NoGroups {
        return Ok(Some(Vec::new()));
    }
    let backend = txn.get_database_backend();
    let ids: Vec<Uuid> = members.iter().map(|member| member.id).collect();
    let before = present_stays(txn, &ids).await?;
    let mut values: Vec<Value> = Vec::new();
    let present: Vec<Uuid> = before.iter().map(|(_, stay)| stay.group_id).collect();
    let mut condition = is_one_of(backend, "g.id", &present, &mut values);
    let own = members.first().map(|member| member.unit_id);
    let unit = match beside {
        Beside::OwnUnit => own,
        Beside::Unit(unit) => Some(unit),
        _ => None,
    };
    if let Some(unit) = unit {
        // Closed ones too: they tell which parts there were.
        values.push(unit.into());
        condition = format!("{condition} OR g.unit_id = ${}", values.len());
    }
    if let Beside::Group(slug) = beside {
        values.push(slug.into());
        condition = format!("{condition} OR g.slug = ${}", values.len());
    }
    let (columns, lock) = (groups::COLUMNS, groups::lock(backend));
    let sql = format!("SELECT {columns} FROM member_group g WHERE {condition} ORDER BY g.id{lock}");
    let query = || txn.query_all_raw(Statement::from_sql_and_values(backend, &sql, values.clone()));
    let mut rows = query().await?;
    if unit.is_some() && backend == DbBackend::Postgres {
        // While we waited for a lock its holder may have begun another part, which that statement does not see.
        rows = query().await?;
    }
    let groups = rows.iter().map(groups::group).collect::<Result<Vec<Group>, DbErr>>()?;
    for (member, stay) in present_stays(txn, &ids).await? {
        if !groups.iter().any(|group| group.id == stay.group_id) {
            return Ok(None);
        }
        if let Some(member) = members.iter_mut().find(|held| held.id == member) {
            member.stays.push(stay);
        }
    }
    Ok(Some(groups))
}

async fn present_stays(txn: &WriteTransaction, members: &[Uuid]) -> Result<Vec<(Uuid, Stay)>, DbErr> {
    let mut values = Vec::new();
    let condition = is_one_of(txn.get_database_backend(), "member_id", members, &mut values);
    let sql = format!(
        "SELECT member_id, group_id, role FROM enrolment WHERE {condition} AND ended_at = 0 ORDER BY member_id, group_id"
    );
    let rows = txn.query_all_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
    rows.iter()
        .map(|row| {
            let custodian = row.try_get_by_index::<i32>(2)? == Role::Custodian as i32;
            let role = if custodian { Role::Custodian } else { Role::Member };
            Ok((row.try_get_by_index(0)?, Stay { group_id: row.try_get_by_index(1)?, role }))
        })
        .collect()
}

impl Held {
    /// The only, or the first, member.
    pub(super) fn member(&self) -> &HeldMember {
        self.members.first().expect("somebody was asked for")
    }

    /// Ends a member's places in groups.
    pub(super) async fn end_stays(&self, member: Uuid, groups: &[Uuid]) -> Result<(), DbErr> {
        Rows::new()
            .uuid("group_id", groups.iter().copied())
            .execute(
                &*self.txn,
                "UPDATE enrolment SET ended_at = :1 FROM v WHERE enrolment.member_id = :2 \
                 AND enrolment.group_id = v.group_id AND enrolment.ended_at = 0",
                &[self.now.0.into(), member.into()],
            )
            .await
            .map(drop)
    }

    /// Begins places of a member in groups.
    pub(super) async fn begin_stays(&self, member: Uuid, groups: &[Uuid]) -> Result<(), DbErr> {
        Rows::new()
            .uuid("group_id", groups.iter().copied())
            .execute(
                &*self.txn,
                "INSERT INTO enrolment (member_id, group_id, role, started_at, ended_at) \
                 SELECT :1, v.group_id, :2, :3, 0 FROM v",
                &[member.into(), (Role::Member as i32).into(), self.now.0.into()],
            )
            .await
            .map(drop)
    }

    /// Sets some columns of a member, and the next version; `columns` speak of `$3` and on.
    pub(super) async fn set_member(&self, member: &HeldMember, columns: &str, values: Vec<Value>) -> Result<(), DbErr> {
        let sql = format!("UPDATE member SET version = $2{columns} WHERE id = $1");
        let values = [vec![member.id.into(), (member.version + 1).into()], values].concat();
        self.txn.execute_raw(Statement::from_sql_and_values(self.txn.get_database_backend(), sql, values)).await?;
        Ok(())
    }

    /// Writes what became of the groups, remembers the answer and commits. Refused when a group would have no custodian any more.
    pub(super) async fn finish(
        mut self,
        repeat: Option<&Repeat<'_>>,
        answer: &impl prost::Message,
    ) -> Result<(), Error> {
        let unattended = self.places.unattended();
        if !unattended.is_empty() {
            return Err(Refused::SoleCustodian { groups: unattended }.into());
        }
        let Placements { changed, formed, custodian_seats } = self.places.into_placements();
        if groups::insert(&self.txn, formed.iter()).await? != formed.len() as u64 {
            let taken = "another part of a group has the place of one that was to begin";
            return Err(DbErr::Custom(taken.to_owned()).into());
        }
        Rows::new()
            .uuid("member_id", custodian_seats.iter().map(|(officer, _)| *officer))
            .uuid("group_id", custodian_seats.iter().map(|(_, seat)| seat.group_id))
            .int("role", custodian_seats.iter().map(|(_, seat)| seat.role as i32))
            .execute(
                &*self.txn,
                "INSERT INTO enrolment (member_id, group_id, role, started_at, ended_at) \
                 SELECT v.member_id, v.group_id, v.role, :1, 0 FROM v",
                &[self.now.0.into()],
            )
            .await?;
        let all: Vec<&Group> = changed.iter().map(|(group, _)| group).collect();
        groups::store_changes(&self.txn, &all).await?;
        let with_custodians = || changed.iter().filter(|(_, custodians)| *custodians).map(|(group, _)| group);
        store_roles(&self.txn, with_custodians()).await?;
        record(&self.txn, repeat, answer).await?;
        let mut events: Vec<_> = with_custodians().chain(&formed).map(convert::group_changed).collect();
        let sizes = changed.iter().filter(|(_, custodians)| !*custodians).map(|(group, _)| group);
        events.extend(convert::group_sizes_changed(sizes));
        self.txn.append(events).await?;
        self.txn.commit().await?;
        Ok(())
    }
}

/// Makes the roles of present places what the groups' custodians say.
async fn store_roles<'g>(txn: &WriteTransaction, groups: impl Iterator<Item = &'g Group> + Clone) -> Result<(), DbErr> {
    Rows::new()
        .uuid("group_id", groups.clone().map(|group| group.id))
        .execute(
            &**txn,
            "UPDATE enrolment SET role = :1 FROM v WHERE enrolment.group_id = v.group_id AND enrolment.ended_at = 0 \
             AND enrolment.role = :2",
            &[(Role::Member as i32).into(), (Role::Custodian as i32).into()],
        )
        .await?;
    let pairs = || groups.clone().flat_map(|group| group.custodians.all().map(|officer| (group.id, officer)));
    Rows::new()
        .uuid("group_id", pairs().map(|(group, _)| group))
        .uuid("member_id", pairs().map(|(_, officer)| officer))
        .execute(
            &**txn,
            "UPDATE enrolment SET role = :1 FROM v WHERE enrolment.member_id = v.member_id \
             AND enrolment.group_id = v.group_id AND enrolment.ended_at = 0",
            &[(Role::Custodian as i32).into()],
        )
        .await
        .map(drop)
}
