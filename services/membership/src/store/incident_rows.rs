//! Incidents as they lie in their tables.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_store::{Rows, WriteTransaction};
use uuid::Uuid;

use crate::convert;
use crate::domain::{ActionKind, Incident, IncidentAction, IncidentKind, IncidentState, Outcome};
use crate::error::{Error, Resource};

/// What every query of incidents selects, from `incident i` and `member_group g`.
pub(super) const COLUMNS: &str = "i.id, i.group_id, g.slug, g.unit_id, g.unit_slug, i.member_id, i.kind, i.state, i.outcome, i.occurred_at, \
     i.recorded_at, i.closed_at, i.recorded_by, i.closed_by, i.evidence_sha256, i.reference, i.version";

pub(super) async fn find(db: &impl ConnectionTrait, id: Uuid, lock: &str) -> Result<Incident, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM incident i JOIN member_group g ON g.id = i.group_id WHERE i.id = $1{lock}");
    let row = db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()])).await?;
    let row = row.ok_or_else(|| Resource::Incident.not_found(convert::incident_name(id)))?;
    let mut found = [incident(&row)?];
    add_actions(db, &mut found).await?;
    let [found] = found;
    Ok(found)
}

pub(super) fn incident(row: &QueryResult) -> Result<Incident, DbErr> {
    let unknown = |what: &str, number: i32| DbErr::Type(format!("a stored {what} of an incident is unknown: {number}"));
    let (kind, state, outcome): (i32, i32, i32) =
        (row.try_get_by_index(6)?, row.try_get_by_index(7)?, row.try_get_by_index(8)?);
    Ok(Incident {
        id: row.try_get_by_index(0)?,
        group_id: row.try_get_by_index(1)?,
        group_slug: row.try_get_by_index(2)?,
        unit_id: row.try_get_by_index(3)?,
        unit_slug: row.try_get_by_index(4)?,
        member: Some(row.try_get_by_index::<Uuid>(5)?).filter(|member| !member.is_nil()),
        kind: IncidentKind::from_number(kind).ok_or_else(|| unknown("kind", kind))?,
        state: IncidentState::from_number(state).ok_or_else(|| unknown("state", state))?,
        outcome: Outcome::from_number(outcome),
        occurred_at: row.try_get_by_index(9)?,
        recorded_at: row.try_get_by_index(10)?,
        closed_at: row.try_get_by_index(11)?,
        recorded_by: row.try_get_by_index(12)?,
        closed_by: row.try_get_by_index(13)?,
        evidence: row.try_get_by_index(14)?,
        reference: row.try_get_by_index(15)?,
        version: row.try_get_by_index(16)?,
        actions: Vec::new(),
    })
}

pub(super) async fn add_actions(db: &impl ConnectionTrait, incidents: &mut [Incident]) -> Result<(), DbErr> {
    let rows = Rows::new()
        .uuid("id", incidents.iter().map(|incident| incident.id))
        .query(
            db,
            "SELECT a.incident_id, a.kind, a.reference, a.acted_by, a.acted_at FROM v CROSS JOIN incident_action a \
             WHERE a.incident_id = v.id ORDER BY a.incident_id, a.position",
            &[],
        )
        .await?;
    let mut actions = HashMap::<Uuid, Vec<IncidentAction>>::new();
    for row in &rows {
        let kind: i32 = row.try_get_by_index(1)?;
        actions.entry(row.try_get_by_index(0)?).or_default().push(IncidentAction {
            kind: ActionKind::from_number(kind)
                .ok_or_else(|| DbErr::Type(format!("a stored action on an incident is unknown: {kind}")))?,
            reference: row.try_get_by_index(2)?,
            acted_by: row.try_get_by_index(3)?,
            acted_at: row.try_get_by_index(4)?,
        });
    }
    for incident in incidents {
        incident.actions = actions.remove(&incident.id).unwrap_or_default();
    }
    Ok(())
}

pub(super) async fn insert(txn: &WriteTransaction, incident: &Incident, note_sealed: Vec<u8>) -> Result<(), DbErr> {
    let sql = "INSERT INTO incident (id, group_id, member_id, kind, state, outcome, occurred_at, recorded_at, closed_at, \
               recorded_by, closed_by, evidence_sha256, reference, note_sealed, version) \
               VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 0, $8, '', $9, $10, $11, $12)";
    let values: [Value; 12] = [
        incident.id.into(),
        incident.group_id.into(),
        incident.member.unwrap_or_default().into(),
        (incident.kind as i32).into(),
        (incident.state as i32).into(),
        incident.occurred_at.into(),
        incident.recorded_at.into(),
        incident.recorded_by.as_str().into(),
        incident.evidence.clone().into(),
        incident.reference.as_str().into(),
        note_sealed.into(),
        incident.version.into(),
    ];
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await.map(drop)
}

/// Stores where an incident stands, and its last action if it is not stored yet.
pub(super) async fn store_step(txn: &WriteTransaction, incident: &Incident) -> Result<(), DbErr> {
    let backend = txn.get_database_backend();
    let sql =
        "UPDATE incident SET state = $2, outcome = $3, closed_at = $4, closed_by = $5, version = $6 WHERE id = $1";
    let values: [Value; 6] = [
        incident.id.into(),
        (incident.state as i32).into(),
        incident.outcome.map_or(0, |outcome| outcome as i32).into(),
        incident.closed_at.into(),
        incident.closed_by.as_str().into(),
        incident.version.into(),
    ];
    txn.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let Some(action) = incident.actions.last() else { return Ok(()) };
    let sql = "INSERT INTO incident_action (incident_id, position, kind, reference, acted_by, acted_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (incident_id, position) DO NOTHING";
    let values: [Value; 6] = [
        incident.id.into(),
        i32::try_from(incident.actions.len()).unwrap_or(i32::MAX).into(),
        (action.kind as i32).into(),
        action.reference.as_str().into(),
        action.acted_by.as_str().into(),
        action.acted_at.into(),
    ];
    txn.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.map(drop)
}
