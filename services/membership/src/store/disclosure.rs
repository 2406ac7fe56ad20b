//! What leaves the register in clear, each time with its entry in the audit in one transaction.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_store::{Timestamp, WriteTransaction};
use senani_vault::{DataKey, PhoneNumber};
use uuid::Uuid;

use super::audit::{Disclosure, record_disclosure};
use super::consents::{FIND_CONSENTS, listed_consent};
use super::listed::is_one_of;
use super::personal::{identifier_place, open_phone};
use super::{Registry, incidents, lock_member};
use crate::convert;
use crate::domain::{
    AuditAction, Enrolment, Identifier, IdentifierKind, ListedConsent, MemberState, PersonExport, RecordedEnrolment,
};
use crate::error::Error;

impl Registry {
    /// The present number of a member. The error of a member without one is no entry in the audit: nothing was seen.
    pub(crate) async fn reveal_phone(&self, member: Uuid, disclosure: Disclosure<'_>) -> Result<PhoneNumber, Error> {
        let txn = self.store.begin_write().await?;
        let state = lock_member(&txn, member).await?;
        let key = match self.data_key(&*txn, member).await? {
            Some(key) if state != MemberState::Erased => key,
            _ => return Err(Error::MemberErased(convert::member_name(member))),
        };
        let find = "SELECT value_sealed FROM member_identifier WHERE member_id = $1 AND kind = $2 AND valid_to = 0 \
                    ORDER BY valid_from DESC LIMIT 1";
        let values = [member.into(), (IdentifierKind::Phone as i32).into()];
        let found = txn.query_one_raw(Statement::from_sql_and_values(txn.get_database_backend(), find, values)).await?;
        let found = found.ok_or_else(|| Error::PhoneNotFound(convert::member_name(member)))?;
        let number = open_phone(&key, member, &found.try_get_by_index::<Vec<u8>>(0)?)?;
        record_disclosure(&txn, member, Some(&key), AuditAction::PhoneRevealed, disclosure).await?;
        txn.commit().await?;
        Ok(number)
    }

    /// Everything that the register holds of a person, under all of their records; of an erased one what remains.
    ///
    /// A table that is added and holds something about persons is added here and to `erasure.rs`.
    pub(crate) async fn export_person(&self, member: Uuid, disclosure: Disclosure<'_>) -> Result<PersonExport, Error> {
        let (txn, person) = self.hold_person(member).await?;
        let mut keys = HashMap::new();
        for record in person.records() {
            if let Some(key) = self.data_key(&*txn, record).await? {
                keys.insert(record, key);
            }
        }
        let action = AuditAction::PersonExported;
        record_disclosure(&txn, person.standing, keys.get(&person.standing), action, disclosure).await?;

        let find = "SELECT household FROM member WHERE";
        let households = of_person(&txn, find, "id", &person.records(), "").await?;
        let mut household_known = false;
        for row in &households {
            household_known |= !row.try_get_by_index::<Vec<u8>>(0)?.is_empty();
        }
        let export = PersonExport {
            member: self.member_in(&*txn, person.standing).await?,
            household_known,
            identifiers: identifiers(&txn, &person.records(), &keys).await?,
            consents: consents(&txn, &person.records()).await?,
            enrolments: enrolments(&txn, &person.records()).await?,
            history: self.history_of(&txn, &person.records()).await?,
            audit_entries: self.audit_of(&*txn, &person.records()).await?,
            incidents: incidents::of_person(&*txn, &person.records(), &keys).await?,
            exported_at: Timestamp::now().0,
        };
        txn.commit().await?;
        Ok(export)
    }
}

/// The rows of some records: `find` ends before the condition on `column`, `order` follows it.
async fn of_person(
    txn: &WriteTransaction,
    find: &str,
    column: &str,
    records: &[Uuid],
    order: &str,
) -> Result<Vec<QueryResult>, DbErr> {
    let backend = txn.get_database_backend();
    let mut values: Vec<Value> = Vec::new();
    let condition = is_one_of(backend, column, records, &mut values);
    let sql = format!("{find} {condition} {order}");
    txn.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await
}

async fn identifiers(
    txn: &WriteTransaction,
    records: &[Uuid],
    keys: &HashMap<Uuid, DataKey>,
) -> Result<Vec<Identifier>, Error> {
    let find = "SELECT member_id, kind, value_sealed, valid_from, valid_to FROM member_identifier WHERE";
    let rows = of_person(txn, find, "member_id", records, "ORDER BY valid_from, kind").await?;
    let mut identifiers = Vec::with_capacity(rows.len());
    for row in &rows {
        let (member, number): (Uuid, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let kind = IdentifierKind::from_number(number)
            .ok_or_else(|| DbErr::Type(format!("a stored kind of identifier is unknown: {number}")))?;
        // A record with identifiers has a key: both are destroyed together.
        let Some(key) = keys.get(&member) else { continue };
        let value = key.open(&row.try_get_by_index::<Vec<u8>>(2)?, &identifier_place(member, kind))?;
        identifiers.push(Identifier {
            member,
            kind,
            value: String::from_utf8_lossy(&value).into_owned(),
            valid_from: row.try_get_by_index(3)?,
            valid_to: row.try_get_by_index(4)?,
        });
    }
    Ok(identifiers)
}

async fn consents(txn: &WriteTransaction, records: &[Uuid]) -> Result<Vec<ListedConsent>, DbErr> {
    let rows = of_person(txn, FIND_CONSENTS, "member_id", records, "ORDER BY recorded_at, member_id").await?;
    rows.iter().map(listed_consent).collect()
}

async fn enrolments(txn: &WriteTransaction, records: &[Uuid]) -> Result<Vec<RecordedEnrolment>, DbErr> {
    let find = "SELECT e.member_id, g.slug, e.role, e.started_at, e.ended_at FROM enrolment e \
                JOIN member_group g ON g.id = e.group_id WHERE";
    let rows = of_person(txn, find, "e.member_id", records, "ORDER BY e.started_at, g.slug, e.member_id").await?;
    let enrolment = |row: &QueryResult| {
        Ok(RecordedEnrolment {
            member: row.try_get_by_index(0)?,
            enrolment: Enrolment {
                group_slug: row.try_get_by_index(1)?,
                role: row.try_get_by_index(2)?,
                started_at: row.try_get_by_index(3)?,
            },
            ended_at: row.try_get_by_index(4)?,
        })
    };
    rows.iter().map(enrolment).collect()
}
