//! Applying differences: one transaction with the claim of the request id, everything that changes, and the event.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::ReconciliationName;
use senani_store::{Rows, Timestamp, WriteTransaction};
use senani_vault::BlindIndex;
use uuid::Uuid;

use super::custodians::set_roles;
use super::listed::is_one_of;
use super::personal::identifier_place;
use super::roster::{blind_index, person};
use super::{InForce, Registry, Repeat, answered, groups, record, roster_history};
use crate::convert;
use crate::domain::roster::{Applied, ApplyError, Change, Difference, DifferenceKind, Obstacle, Reconciliation, apply};
use crate::domain::{Group, GroupState, IdentifierKind, Role};
use crate::error::{Error, RosterRefusal, Wrong};

/// Which differences to apply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selection<'s> {
    pub(crate) name: &'s ReconciliationName,
    /// In the order of the request.
    pub(crate) places: &'s [i32],
    /// Empty, or what the caller last saw.
    pub(crate) etag: &'s str,
    /// Who applies.
    pub(crate) subject: &'s str,
    pub(crate) validate_only: bool,
}

/// A difference that is to be applied.
struct Selected {
    place: i32,
    difference: Difference,
    /// The old and the new number, and the new one sealed.
    number: Option<(BlindIndex, BlindIndex, Vec<u8>)>,
}

impl Registry {
    /// Applies a selection, all or none, and answers the comparison as it is then.
    ///
    /// Locks, each kind in the order of its keys: the comparison, members, numbers, the group, the head of the event log.
    pub(crate) async fn apply_reconciliation(
        &self,
        selection: Selection<'_>,
        in_force: &InForce,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<Reconciliation, Error> {
        let Selection { name, .. } = selection;
        let mut txn = self.store.begin_write().await?;
        let now = Timestamp::now();
        if answered::<pb::Reconciliation>(&txn, repeat).await?.is_some() {
            return self.show_reconciliation(&*txn, name, now).await;
        }
        let (group_id, group_version, version) = lock_reconciliation(&txn, name, now).await?;
        let current = convert::etag(version);
        if !selection.etag.is_empty() && selection.etag != current {
            return Err(Error::EtagMismatch { etag: current });
        }
        let selected = selected(&txn, name, selection.places).await?;
        let outdated = || Error::from(RosterRefusal::Outdated(name.clone()));
        if !still_fit(&txn, &selected).await? {
            return Err(outdated());
        }
        if !self.change_numbers(&txn, name.uid, &selected, now).await? {
            return Err(outdated());
        }
        let mut group = groups::find(&*txn, name.group.slug(), groups::lock(txn.get_database_backend()))
            .await?
            .filter(|group| group.id == group_id)
            .ok_or_else(outdated)?;
        if group.state != GroupState::Active {
            return Err(RosterRefusal::GroupClosed(group.slug).into());
        }
        if group.version != group_version && !selected.is_empty() {
            return Err(outdated());
        }
        let differences: Vec<Difference> = selected.iter().map(|one| one.difference.clone()).collect();
        let applied = apply(&differences, &group.custodians, group.enrolled_count, in_force.ceiling(&group)).map_err(
            |error| match error {
                ApplyError::SoleCustodian => RosterRefusal::SoleCustodian(group.slug.clone()),
                ApplyError::GroupFull => RosterRefusal::GroupFull(group.slug.clone()),
            },
        )?;
        let events = change_group(&txn, &mut group, &applied, now).await?;
        let renumbered = selected.iter().filter(|one| one.number.is_some());
        let renumbered: Vec<Uuid> = renumbered.map(|one| one.difference.member).collect();
        roster_history::add(&txn, now, selection.subject, &group.slug, &renumbered, &applied.changes).await?;
        mark_applied(&txn, name.uid, &selected, &group, now).await?;
        let shown = self.show_reconciliation(&*txn, name, now).await?;
        if selection.validate_only {
            // Dropped without a commit, everything is as it was.
            return Ok(shown);
        }
        record(&txn, repeat, &pb::Reconciliation { name: name.to_string(), ..Default::default() }).await?;
        txn.append(events).await?;
        txn.commit().await?;
        Ok(shown)
    }

    /// Ends old numbers and records new ones; whether each old one was still there and each new one free.
    async fn change_numbers(
        &self,
        txn: &WriteTransaction,
        reconciliation: Uuid,
        selected: &[Selected],
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut changes = Vec::new();
        for Selected { place, difference, number } in selected {
            let Some((old, new, sealed)) = number else { continue };
            let member = difference.member;
            let Some(number) = self.new_number(&**txn, reconciliation, *place, member, sealed).await? else {
                return Ok(false);
            };
            let Some(key) = self.data_key(&**txn, member).await? else { return Ok(false) };
            let sealed = key.seal(number.expose().as_bytes(), &identifier_place(member, IdentifierKind::Phone));
            changes.push((*new, *old, member, sealed));
        }
        changes.sort_unstable();
        let ended = Rows::new()
            .uuid("member_id", changes.iter().map(|(_, _, member, _)| *member))
            .bytes("value_index", changes.iter().map(|(_, old, _, _)| old.to_vec()))
            .execute(
                &**txn,
                // The old number may be that of a record that was merged into the member's.
                "UPDATE member_identifier SET valid_to = :1 FROM v WHERE member_identifier.value_index = v.value_index \
                 AND member_identifier.member_id IN (SELECT r.id FROM member r WHERE r.id = v.member_id \
                 OR r.merged_into = v.member_id) AND member_identifier.valid_to = 0",
                &[now.0.into()],
            )
            .await?;
        let made = Rows::new()
            .uuid("member_id", changes.iter().map(|(_, _, member, _)| *member))
            .bytes("value_index", changes.iter().map(|(new, ..)| new.to_vec()))
            .bytes("value_sealed", changes.iter().map(|(_, _, _, sealed)| sealed.clone()))
            .execute(
                &**txn,
                "INSERT INTO member_identifier (member_id, valid_from, valid_to, kind, value_index, value_sealed) \
                 SELECT v.member_id, :1, 0, :2, v.value_index, v.value_sealed FROM v WHERE true \
                 ON CONFLICT (value_index) WHERE valid_to = 0 DO NOTHING",
                &[now.0.into(), (IdentifierKind::Phone as i32).into()],
            )
            .await?;
        Ok(ended == changes.len() as u64 && made == ended)
    }
}

/// The group of a comparison, the version of the group, and that of the comparison.
async fn lock_reconciliation(
    txn: &WriteTransaction,
    name: &ReconciliationName,
    now: Timestamp,
) -> Result<(Uuid, i64, i64), Error> {
    let backend = txn.get_database_backend();
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let sql = format!(
        "SELECT group_id, group_version, version FROM roster_reconciliation WHERE id = $1 AND expires_at > $2{lock}"
    );
    let statement = Statement::from_sql_and_values(backend, sql, [name.uid.into(), now.0.into()]);
    let row = txn.query_one_raw(statement).await?.ok_or_else(|| RosterRefusal::NotFound(name.clone()))?;
    let group: Uuid = row.try_get_by_index(0)?;
    let slug = "SELECT slug FROM member_group WHERE id = $1";
    let found = txn.query_one_raw(Statement::from_sql_and_values(backend, slug, [group.into()])).await?;
    let slug: Option<String> = found.map(|row| row.try_get_by_index(0)).transpose()?;
    if slug.as_deref() != Some(name.group.slug()) {
        return Err(RosterRefusal::NotFound(name.clone()).into());
    }
    Ok((group, row.try_get_by_index(1)?, row.try_get_by_index(2)?))
}

/// The differences with these places that are not applied yet.
async fn selected(txn: &WriteTransaction, name: &ReconciliationName, places: &[i32]) -> Result<Vec<Selected>, Error> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "SELECT place, member_id, kind, role, applied_role, obstacle, applied_at, old_index, new_index, new_sealed \
         FROM roster_difference WHERE reconciliation_id = $1 ORDER BY place",
        [name.uid.into()],
    );
    let mut known = BTreeMap::new();
    for row in txn.query_all_raw(statement).await? {
        let place: i32 = row.try_get_by_index(0)?;
        known.insert(place, row);
    }
    let mut wrong = Vec::new();
    let mut selected = Vec::new();
    let mut taken = BTreeSet::new();
    for (index, place) in places.iter().enumerate() {
        let Some(row) = known.get(place) else {
            let unknown = Wrong::new(
                ErrorReason::DifferenceUnknown,
                format!("difference_ids[{index}]"),
                "is not of this reconciliation",
            );
            wrong.push(unknown.with("difference", place));
            continue;
        };
        if row.try_get_by_index::<i64>(6)? != 0 || !taken.insert(*place) {
            continue;
        }
        if let Some(obstacle) = Obstacle::from_number(row.try_get_by_index(5)?) {
            return Err(RosterRefusal::Hindered { place: *place, obstacle }.into());
        }
        let sealed: Vec<u8> = row.try_get_by_index(9)?;
        let number = if sealed.is_empty() { None } else { Some((blind_index(row, 7)?, blind_index(row, 8)?, sealed)) };
        let kind = DifferenceKind::from_number(row.try_get_by_index(2)?);
        let difference = Difference {
            kind: kind.ok_or_else(|| DbErr::Type("a stored kind of a difference is unknown".into()))?,
            member: row.try_get_by_index(1)?,
            role: Role::from_number(row.try_get_by_index(3)?),
            applied_role: Role::from_number(row.try_get_by_index(4)?),
            evidence: None,
            obstacle: None,
            number: None,
        };
        selected.push(Selected { place: *place, difference, number });
    }
    if wrong.is_empty() { Ok(selected) } else { Err(Error::Invalid(wrong)) }
}

/// Locks the members, counts their change, and tells whether each can still become what the difference says.
async fn still_fit(txn: &WriteTransaction, selected: &[Selected]) -> Result<bool, DbErr> {
    let backend = txn.get_database_backend();
    let ids: Vec<Uuid> =
        selected.iter().map(|one| one.difference.member).collect::<BTreeSet<_>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(true);
    }
    let mut values = Vec::new();
    let condition = is_one_of(backend, "id", &ids, &mut values);
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let sql = format!("SELECT id, state, category, rank, gender FROM member WHERE {condition} ORDER BY id{lock}");
    let rows = txn.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let members = rows
        .iter()
        .map(|row| person(row).map(|(id, person, active)| (id, (person.police, active))))
        .collect::<Result<BTreeMap<_, _>, DbErr>>()?;
    let fit = selected.iter().all(|Selected { difference, .. }| {
        let Some((police, active)) = members.get(&difference.member).copied() else { return false };
        match (difference.kind, difference.applied_role) {
            (DifferenceKind::OnlyInChat | DifferenceKind::RoleDiffers, Some(Role::Custodian)) => police && active,
            (DifferenceKind::OnlyInChat, _) => active,
            _ => true,
        }
    });
    if fit {
        let mut values = Vec::new();
        let condition = is_one_of(backend, "id", &ids, &mut values);
        let sql = format!("UPDATE member SET version = version + 1 WHERE {condition}");
        txn.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    Ok(fit)
}

/// Writes enrolments, roles and the group; the events that tell it.
async fn change_group(
    txn: &WriteTransaction,
    group: &mut Group,
    applied: &Applied,
    now: Timestamp,
) -> Result<Vec<senani_proto::eventlog::v1::event::Payload>, DbErr> {
    if applied.changes.is_empty() {
        return Ok(Vec::new());
    }
    let each = || applied.changes.iter().copied();
    Rows::new()
        .uuid(
            "member_id",
            each().filter_map(|change| if let Change::End(member) = change { Some(member) } else { None }),
        )
        .execute(
            &**txn,
            "UPDATE enrolment SET ended_at = :2 FROM v WHERE enrolment.member_id = v.member_id \
             AND enrolment.group_id = :1 AND enrolment.ended_at = 0",
            &[group.id.into(), now.0.into()],
        )
        .await?;
    let come =
        || each().filter_map(|change| if let Change::Enrol(id, role) = change { Some((id, role)) } else { None });
    Rows::new()
        .uuid("member_id", come().map(|(member, _)| member))
        .int("role", come().map(|(_, role)| role as i32))
        .execute(
            &**txn,
            "INSERT INTO enrolment (member_id, group_id, role, started_at, ended_at) \
             SELECT v.member_id, :1, v.role, :2, 0 FROM v",
            &[group.id.into(), now.0.into()],
        )
        .await?;
    for role in [Role::Member, Role::Custodian] {
        let to_role =
            |change| if let Change::SetRole(member, to) = change { (to == role).then_some(member) } else { None };
        let members: Vec<Uuid> = each().filter_map(to_role).collect();
        set_roles(txn, group.id, &members, role).await?;
    }
    let custodians_changed = group.custodians != applied.custodians;
    group.custodians = applied.custodians.clone();
    group.enrolled_count = applied.enrolled_count;
    group.version += 1;
    groups::store_changes(txn, &[group]).await?;
    Ok(if custodians_changed { vec![convert::group_changed(group)] } else { convert::group_sizes_changed([&*group]) })
}

async fn mark_applied(
    txn: &WriteTransaction,
    reconciliation: Uuid,
    selected: &[Selected],
    group: &Group,
    now: Timestamp,
) -> Result<(), DbErr> {
    if selected.is_empty() {
        return Ok(());
    }
    Rows::new()
        .int("place", selected.iter().map(|one| one.place))
        .execute(
            &**txn,
            "UPDATE roster_difference SET applied_at = :2 FROM v WHERE roster_difference.reconciliation_id = :1 \
             AND roster_difference.place = v.place",
            &[reconciliation.into(), now.0.into()],
        )
        .await?;
    let set = "UPDATE roster_reconciliation SET group_version = $2, version = version + 1 WHERE id = $1";
    let values = [reconciliation.into(), group.version.into()];
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), set, values)).await.map(drop)
}
