//! Incidents.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};
use senani_proto::membership::v1 as pb;
use senani_store::{PageSize, Rows, WriteTransaction};
use senani_vault::{Context, DataKey};
use uuid::Uuid;

use super::group_changes::{end_places, store_whole};
use super::incident_rows::{COLUMNS, add_actions, find, incident, insert, store_step};
use super::listed::is_one_of;
use super::{Registry, Repeat, answered, groups, lock_member, record};
use crate::convert;
use crate::domain::{
    ActionKind, GroupState, Happened, Incident, IncidentAction, IncidentState, MemberState, Note, Outcome, without,
};
use crate::error::{Error, GroupRefused, Refused, Resource};

/// Incidents read at once while a filter that SQL does not know picks some of them.
const BATCH: i64 = 1_000;

/// Where a note is kept, which is authenticated with it.
fn note_place(incident: Uuid) -> Context<'static> {
    Context::new("incident", "note_sealed", incident)
}

/// Which incidents to list.
pub(crate) struct IncidentFilter<'f> {
    /// Whether the groups of this unit are asked for; `None` for those of every unit.
    pub(crate) unit: Option<&'f (dyn Fn(Uuid) -> bool + Send + Sync)>,
    /// Slug of a group; empty for all.
    pub(crate) group: &'f str,
    pub(crate) member: Option<Uuid>,
    pub(crate) state: Option<IncidentState>,
}

/// What is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Members,
    Groups,
}

/// What happens to an incident.
#[derive(Debug, Clone)]
pub(crate) enum IncidentStep {
    Act(IncidentAction),
    Close { outcome: Outcome, by: String, at: i64 },
}

/// A call that changes an incident.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IncidentCall<'c> {
    pub(crate) id: Uuid,
    /// Empty, or what the caller last saw.
    pub(crate) etag: &'c str,
    pub(crate) repeat: Option<&'c Repeat<'c>>,
}

impl Registry {
    /// Records an incident in the group with this slug; `incident` lacks only what the group says.
    pub(crate) async fn record_incident(
        &self,
        mut incident: Incident,
        note: &Note,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<pb::Incident, Error> {
        let txn = self.store.begin_write().await?;
        if let Some(answer) = answered(&txn, repeat).await? {
            return Ok(answer);
        }
        let mut note_sealed = Vec::new();
        if let Some(member) = incident.member {
            let state = lock_member(&txn, member).await?;
            if !note.0.is_empty() {
                let key = self.data_key(&*txn, member).await?.filter(|_| state != MemberState::Erased);
                let key = key.ok_or_else(|| Error::MemberErased(convert::member_name(member)))?;
                note_sealed = key.seal(note.0.as_bytes(), &note_place(incident.id));
            }
        }
        let group = groups::find(&*txn, &incident.group_slug, "").await?;
        let group = group.ok_or_else(|| Resource::Group.not_found(convert::group_name(&incident.group_slug)))?;
        incident.group_id = group.id;
        incident.unit_id = group.unit_id;
        incident.unit_slug = group.unit_slug;
        insert(&txn, &incident, note_sealed).await?;
        let answer = convert::incident(&incident);
        record(&txn, repeat, &answer).await?;
        txn.commit().await?;
        Ok(answer)
    }

    /// Acts on an incident or closes it: one transaction, with what it does to the group.
    ///
    /// Locks: the member, the group, the incident, the head of the event log.
    pub(crate) async fn step_incident(
        &self,
        call: IncidentCall<'_>,
        step: IncidentStep,
    ) -> Result<pb::Incident, Error> {
        // Group and member of an incident never change.
        let before = self.incident(call.id).await?;
        let mut txn = self.store.begin_write().await?;
        if let Some(answer) = answered(&txn, call.repeat).await? {
            return Ok(answer);
        }
        let does = match &step {
            IncidentStep::Act(action) => Some(action.kind),
            IncidentStep::Close { .. } => None,
        };
        let removed = before.member.filter(|_| does == Some(ActionKind::MemberRemoved));
        if let Some(member) = removed {
            lock_member(&txn, member).await?;
        }
        let mut group = None;
        if removed.is_some() || does == Some(ActionKind::GroupClosed) {
            let lock = groups::lock(txn.get_database_backend());
            group = groups::find(&*txn, &before.group_slug, lock).await?;
        }
        let lock = if txn.get_database_backend() == DbBackend::Postgres { " FOR UPDATE OF i" } else { "" };
        let mut incident = find(&*txn, call.id, lock).await?;
        let current = convert::etag(incident.version);
        if !call.etag.is_empty() && call.etag != current {
            return Err(Error::EtagMismatch { etag: current });
        }
        let name = || convert::incident_name(call.id);
        match &step {
            IncidentStep::Act(action) => incident.act(action.clone()),
            IncidentStep::Close { outcome, by, at } => incident.close(*outcome, by, *at),
        }
        .map_err(|why| GroupRefused::Incident { incident: name(), why })?;
        let mut events = Vec::new();
        if let Some(group) = &mut group {
            if group.state == GroupState::Closed {
                return Err(GroupRefused::Closed { group: group.slug.clone() }.into());
            }
            match removed {
                Some(member) => {
                    end_place(&txn, group.id, member, &group.slug).await?;
                    let left = without(&group.custodians, member);
                    if let Some(others) =
                        left.map_err(|_| Refused::SoleCustodian { groups: vec![group.slug.clone()] })?
                    {
                        group.custodians = others;
                    }
                    group.enrolled_count -= 1;
                }
                None => end_places(&txn, group).await?,
            }
            group.version += 1;
            store_whole(&txn, group).await?;
            events.push(convert::group_changed(group));
        }
        store_step(&txn, &incident).await?;
        let answer = convert::incident(&incident);
        record(&txn, call.repeat, &answer).await?;
        txn.append(events).await?;
        txn.commit().await?;
        Ok(answer)
    }

    pub(crate) async fn incident(&self, id: Uuid) -> Result<Incident, Error> {
        find(self.store.reader(), id, "").await
    }

    /// An incident with its note; the note is empty once the member is erased.
    pub(crate) async fn incident_with_note(&self, id: Uuid) -> Result<(Incident, Note), Error> {
        let txn = self.store.begin_read().await?;
        let incident = find(&*txn, id, "").await?;
        let sql = "SELECT note_sealed FROM incident WHERE id = $1";
        let row =
            txn.query_one_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, [id.into()])).await?;
        let sealed: Vec<u8> = row.map_or(Ok(Vec::new()), |row| row.try_get_by_index(0))?;
        let Some(member) = incident.member.filter(|_| !sealed.is_empty()) else {
            return Ok((incident, Note::default()));
        };
        let note = match self.data_key(&*txn, member).await? {
            Some(key) => String::from_utf8_lossy(&key.open(&sealed, &note_place(id))?).into_owned(),
            None => String::new(),
        };
        Ok((incident, Note(note)))
    }

    /// Incidents before `before` in the order of their ids, the greatest first.
    pub(crate) async fn list_incidents(
        &self,
        filter: &IncidentFilter<'_>,
        before: Option<Uuid>,
        size: PageSize,
    ) -> Result<Vec<Incident>, Error> {
        let db = self.store.reader();
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let batch = if filter.unit.is_some() { BATCH } else { limit };
        let sql = format!(
            "SELECT {COLUMNS} FROM incident i JOIN member_group g ON g.id = i.group_id WHERE i.id < $1 \
             AND ($2 = '' OR g.slug = $2) AND ($3 = $4 OR i.member_id = $3) AND ($5 = 0 OR i.state = $5) \
             ORDER BY i.id DESC LIMIT $6"
        );
        let mut before = before.unwrap_or(Uuid::max());
        let mut found = Vec::new();
        loop {
            let values: [Value; 6] = [
                before.into(),
                filter.group.into(),
                filter.member.unwrap_or_default().into(),
                Uuid::nil().into(),
                filter.state.map_or(0, |state| state as i32).into(),
                batch.into(),
            ];
            let rows =
                db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), &sql, values)).await?;
            let read = rows.iter().map(incident).collect::<Result<Vec<_>, DbErr>>()?;
            let last = read.last().map(|incident| incident.id);
            found.extend(read.into_iter().filter(|one| filter.unit.is_none_or(|within| within(one.unit_id))));
            match last {
                Some(last) if found.len() < limit as usize && rows.len() as i64 == batch => before = last,
                _ => break,
            }
        }
        found.truncate(limit as usize);
        add_actions(db, &mut found).await?;
        Ok(found)
    }

    /// What happened in a period and was not found to be nothing, by member (of those who are known) or by group. Incidents of a
    /// period are some thousands.
    pub(crate) async fn incidents_within(
        &self,
        subject: Subject,
        period: std::ops::Range<i64>,
        unit: Option<&(dyn Fn(Uuid) -> bool + Send + Sync)>,
    ) -> Result<Vec<Happened>, Error> {
        let db = self.store.reader();
        let column = match subject {
            Subject::Members => "i.member_id",
            Subject::Groups => "i.group_id",
        };
        let sql = format!(
            "SELECT i.id, {column}, i.occurred_at, g.unit_id FROM incident i JOIN member_group g ON g.id = i.group_id \
             WHERE i.occurred_at >= $1 AND i.occurred_at < $2 AND i.outcome <> $3 AND {column} <> $4"
        );
        let values: [Value; 4] =
            [period.start.into(), period.end.into(), (Outcome::NotUpheld as i32).into(), Uuid::nil().into()];
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        let mut happened = Vec::with_capacity(rows.len());
        for row in &rows {
            let of_unit: Uuid = row.try_get_by_index(3)?;
            if unit.is_none_or(|within| within(of_unit)) {
                happened.push(Happened {
                    incident: row.try_get_by_index(0)?,
                    subject: row.try_get_by_index(1)?,
                    occurred_at: row.try_get_by_index(2)?,
                });
            }
        }
        Ok(happened)
    }

    /// Slugs of groups by their ids.
    pub(crate) async fn group_slugs(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
        let rows = Rows::new()
            .uuid("id", ids.iter().copied())
            .query(self.store.reader(), "SELECT g.id, g.slug FROM v CROSS JOIN member_group g WHERE g.id = v.id", &[])
            .await?;
        let slugs = rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
        Ok(slugs.collect::<Result<_, DbErr>>()?)
    }
}

/// What was recorded of a person under some ids, in the order in which it was, with the notes of those that have a key.
pub(super) async fn of_person(
    db: &impl ConnectionTrait,
    members: &[Uuid],
    keys: &HashMap<Uuid, DataKey>,
) -> Result<Vec<(Incident, Note)>, Error> {
    let mut values = Vec::new();
    let condition = is_one_of(db.get_database_backend(), "i.member_id", members, &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, i.note_sealed FROM incident i JOIN member_group g ON g.id = i.group_id WHERE {condition} \
         ORDER BY i.id"
    );
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let mut incidents = rows.iter().map(incident).collect::<Result<Vec<_>, DbErr>>()?;
    add_actions(db, &mut incidents).await?;
    let mut found = Vec::with_capacity(incidents.len());
    for (row, incident) in rows.iter().zip(incidents) {
        let sealed: Vec<u8> = row.try_get_by_index(17)?;
        let key = incident.member.and_then(|member| keys.get(&member));
        let note = match key.filter(|_| !sealed.is_empty()) {
            Some(key) => String::from_utf8_lossy(&key.open(&sealed, &note_place(incident.id))?).into_owned(),
            None => String::new(),
        };
        found.push((incident, Note(note)));
    }
    Ok(found)
}

/// Ends one member's place in a group.
async fn end_place(txn: &WriteTransaction, group: Uuid, member: Uuid, slug: &str) -> Result<(), Error> {
    let sql = "UPDATE enrolment SET ended_at = $3 WHERE member_id = $1 AND group_id = $2 AND ended_at = 0";
    let values = [member.into(), group.into(), senani_store::Timestamp::now().0.into()];
    let ended = txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
    if ended.rows_affected() == 0 {
        return Err(GroupRefused::NotEnrolled { member, group: slug.to_owned() }.into());
    }
    Ok(())
}
