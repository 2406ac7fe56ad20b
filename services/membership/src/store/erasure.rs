//! The erasure of a person: one transaction.
//!
//! What is personal is sealed with the person's key, so that its destruction reaches every copy. What is not sealed is deleted
//! here: indexes, attributes, the household. A table that is added and holds something about persons is added here, and to the
//! export in `disclosure.rs`; the test of erasure looks through every table.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::audit::record_erasure;
use super::consents::{BY_ERASURE, LedgerEntry};
use super::groups::{self, COLUMNS};
use super::listed::is_one_of;
use super::person::Person;
use super::{Registry, Repeat, was_done};
use crate::convert;
use crate::domain::{Custodians, Erasure, ErasureReason, Group, GroupState, MemberState, Purpose, without};
use crate::error::{Error, Refused};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErasureRequest<'e> {
    pub(crate) reason: ErasureReason,
    pub(crate) reference: &'e str,
    /// Who erases.
    pub(crate) subject: &'e str,
    /// Only to see what would happen.
    pub(crate) validate_only: bool,
}

impl Registry {
    /// Erases a person, all records of them, or answers the erasure that was.
    ///
    /// Locks, each kind in the order of its keys: members, groups, the head of the event log.
    pub(crate) async fn erase_person(
        &self,
        record: Uuid,
        request: ErasureRequest<'_>,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<Erasure, Error> {
        let (mut txn, person, left) = loop {
            let (txn, person) = self.hold_person(record).await?;
            // The answer of a repeated request is the stored erasure: nothing of it lies in the request log.
            was_done(&txn, repeat).await?;
            if person.state == MemberState::Erased {
                return Ok(find(&txn, &person).await?);
            }
            if let Some(left) = leave_groups(&txn, &person.records()).await? {
                break (txn, person, left);
            }
        };
        let now = Timestamp::now();
        let mut identifiers = 0;
        for record in person.records() {
            end_consents(&txn, record, request.subject, now).await?;
            identifiers += destroy(&txn, record).await?;
        }
        record_erasure(&txn, person.standing, request.subject, request.reason, request.reference).await?;

        let count = async |table: &str, rest: &str| -> Result<i64, DbErr> {
            let mut values = Vec::new();
            let condition = is_one_of(txn.get_database_backend(), "member_id", &person.records(), &mut values);
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {condition}{rest}");
            let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
            txn.query_one_raw(statement).await?.map_or(Ok(0), |row| row.try_get_by_index(0))
        };
        let erasure = Erasure {
            member: person.standing,
            merged: person.merged.clone(),
            reason: request.reason,
            reference: request.reference.to_owned(),
            erased_at: now.0,
            identifiers: i64::try_from(identifiers).unwrap_or(i64::MAX),
            disclosures: count("audit_entry", " AND length(reason_sealed) > 0").await?,
            happenings: count("member_history", "").await?,
            consents: count("member_consent", "").await?,
            enrolments: count("enrolment", "").await?,
            audit_entries: count("audit_entry", "").await?,
            incidents: count("incident", "").await?,
            groups: left.iter().map(|(group, _)| group.slug.clone()).collect(),
        };
        if request.validate_only {
            // Dropped without a commit, the transaction takes everything back.
            return Ok(erasure);
        }
        store(&txn, &erasure).await?;
        let (changed, resized): (Vec<_>, Vec<_>) = left.iter().partition(|(_, custodians_changed)| *custodians_changed);
        let mut events: Vec<_> = changed.into_iter().map(|(group, _)| convert::group_changed(group)).collect();
        events.extend(convert::group_sizes_changed(resized.into_iter().map(|(group, _)| group)));
        events.extend(person.records().into_iter().map(convert::person_erased));
        txn.append(events).await?;
        txn.commit().await?;
        self.forget_pages().await;
        Ok(erasure)
    }

    /// SQLite keeps earlier states of pages in its log until that begins anew. What was deleted in the database itself is overwritten
    /// (`secure_delete`). When a reader holds the log now, the next checkpoint does it.
    async fn forget_pages(&self) {
        if self.store.backend() != DbBackend::Sqlite {
            return;
        }
        if let Err(error) = self.store.reader().execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await {
            tracing::warn!(%error, "the write-ahead log could not be cut after an erasure, the next checkpoint does it");
        }
    }
}

/// Ends the enrolments. Answers the groups as they are now, and whether their custodians changed; `None` when a member came into another
/// group while we waited for a lock, which whoever splits a group can do without holding the member.
async fn leave_groups(txn: &WriteTransaction, records: &[Uuid]) -> Result<Option<Vec<(Group, bool)>>, Error> {
    let backend = txn.get_database_backend();
    let mut values = Vec::new();
    let listed = is_one_of(backend, "e.member_id", records, &mut values);
    let present = format!("SELECT e.member_id, e.group_id FROM enrolment e WHERE {listed} AND e.ended_at = 0");
    let present = || txn.query_all_raw(Statement::from_sql_and_values(backend, &present, values.clone()));
    let group_of = |row: &QueryResult| row.try_get_by_index::<Uuid>(1);
    let ids = present().await?.iter().map(group_of).collect::<Result<Vec<Uuid>, DbErr>>()?;

    let mut of_groups = Vec::new();
    let condition = is_one_of(backend, "g.id", &ids, &mut of_groups);
    let sql = format!("SELECT {COLUMNS} FROM member_group g WHERE {condition} ORDER BY g.id{}", groups::lock(backend));
    let locked = txn.query_all_raw(Statement::from_sql_and_values(backend, sql, of_groups)).await?;
    // Each with whether the person was in it, and whether its custodians changed.
    let mut held = Vec::with_capacity(locked.len());
    for row in &locked {
        held.push((groups::group(row)?, false, false));
    }

    let mut alone = Vec::new();
    for row in present().await? {
        let (member, id): (Uuid, Uuid) = (row.try_get_by_index(0)?, group_of(&row)?);
        let Some((group, was_in, changed)) = held.iter_mut().find(|(group, ..)| group.id == id) else {
            return Ok(None);
        };
        match without(&group.custodians, member) {
            Ok(None) => {}
            Ok(Some(others)) => {
                group.custodians = others;
                *changed = true;
            }
            Err(_) if group.state == GroupState::Active => alone.push(group.slug.clone()),
            Err(_) => {
                group.custodians = Custodians::default();
                *changed = true;
            }
        }
        group.enrolled_count -= 1;
        *was_in = true;
    }
    if !alone.is_empty() {
        return Err(Refused::SoleCustodian { groups: alone }.into());
    }
    let end = format!("UPDATE enrolment AS e SET ended_at = ${} WHERE {listed} AND e.ended_at = 0", values.len() + 1);
    values.push(Timestamp::now().0.into());
    txn.execute_raw(Statement::from_sql_and_values(backend, end, values)).await?;
    let left: Vec<(Group, bool)> = held
        .into_iter()
        .filter(|(_, was_in, _)| *was_in)
        .map(|(group, _, changed)| (Group { version: group.version + 1, ..group }, changed))
        .collect();
    groups::store_changes(txn, &left.iter().map(|(group, _)| group).collect::<Vec<_>>()).await?;
    Ok(Some(left))
}

/// Closes the ledger for every purpose that holds.
async fn end_consents(txn: &WriteTransaction, member: Uuid, subject: &str, now: Timestamp) -> Result<(), DbErr> {
    for purpose in [Purpose::Membership, Purpose::DirectMessages] {
        let last = "SELECT consents FROM member_consent WHERE member_id = $1 AND purpose = $2 ORDER BY recorded_at DESC LIMIT 1";
        let values: [Value; 2] = [member.into(), (purpose as i32).into()];
        let last = txn.query_one_raw(Statement::from_sql_and_values(txn.get_database_backend(), last, values)).await?;
        if last.map_or(Ok(false), |row| row.try_get_by_index::<bool>(0))? {
            let entry = LedgerEntry {
                member,
                purpose,
                given: false,
                channel: BY_ERASURE,
                notice_version: "",
                language: "",
                recorded_by: subject,
            };
            entry.add(txn, now).await?;
        }
    }
    Ok(())
}

/// Destroys the key and all that says who it was; answers how many identifiers there were.
async fn destroy(txn: &WriteTransaction, member: Uuid) -> Result<u64, DbErr> {
    let backend = txn.get_database_backend();
    let run = async |sql: &str, values: Vec<Value>| -> Result<u64, DbErr> {
        Ok(txn.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?.rows_affected())
    };
    run("DELETE FROM member_key WHERE member_id = $1", vec![member.into()]).await?;
    run("UPDATE incident SET note_sealed = $2 WHERE member_id = $1", vec![member.into(), Vec::<u8>::new().into()])
        .await?;
    let identifiers = run("DELETE FROM member_identifier WHERE member_id = $1", vec![member.into()]).await?;
    super::reconciliation::forget_member(txn, member).await?;
    let marks = "UPDATE member_history SET mark = '{}', note_sealed = $2 WHERE member_id = $1";
    run(marks, vec![member.into(), Vec::<u8>::new().into()]).await?;
    run(
        "UPDATE member SET unit_id = $2, rank = 0, consents = false, category = '', gender = '', language = '', household = $3, \
         verified_by = '', verified_at = 0, names_sealed = $3, state = $4, version = version + 1 WHERE id = $1",
        vec![
            member.into(),
            Uuid::nil().into(),
            Vec::<u8>::new().into(),
            (MemberState::Erased as i32).into(),
        ],
    )
    .await?;
    Ok(identifiers)
}

async fn store(txn: &WriteTransaction, erasure: &Erasure) -> Result<(), DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "INSERT INTO erasure (member_id, erased_at, reason, reference, identifier_count, disclosure_count, history_count, \
         consent_count, enrolment_count, audit_count, group_slugs, incident_count) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            erasure.member.into(),
            erasure.erased_at.into(),
            (erasure.reason as i32).into(),
            erasure.reference.as_str().into(),
            erasure.identifiers.into(),
            erasure.disclosures.into(),
            erasure.happenings.into(),
            erasure.consents.into(),
            erasure.enrolments.into(),
            erasure.audit_entries.into(),
            erasure.groups.join(",").into(),
            erasure.incidents.into(),
        ],
    );
    txn.execute_raw(statement).await.map(drop)
}

async fn find(txn: &WriteTransaction, person: &Person) -> Result<Erasure, DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "SELECT erased_at, reason, reference, identifier_count, disclosure_count, history_count, consent_count, enrolment_count, \
         audit_count, group_slugs, incident_count FROM erasure WHERE member_id = $1",
        [person.standing.into()],
    );
    let row = txn.query_one_raw(statement).await?.ok_or_else(|| DbErr::RecordNotFound("erasure".into()))?;
    let reason: i32 = row.try_get_by_index(1)?;
    let groups: String = row.try_get_by_index(9)?;
    Ok(Erasure {
        member: person.standing,
        merged: person.merged.clone(),
        erased_at: row.try_get_by_index(0)?,
        reason: ErasureReason::from_number(reason)
            .ok_or_else(|| DbErr::Type(format!("a stored reason of an erasure is unknown: {reason}")))?,
        reference: row.try_get_by_index(2)?,
        identifiers: row.try_get_by_index(3)?,
        disclosures: row.try_get_by_index(4)?,
        happenings: row.try_get_by_index(5)?,
        consents: row.try_get_by_index(6)?,
        enrolments: row.try_get_by_index(7)?,
        audit_entries: row.try_get_by_index(8)?,
        incidents: row.try_get_by_index(10)?,
        groups: groups.split(',').filter(|slug| !slug.is_empty()).map(str::to_owned).collect(),
    })
}
