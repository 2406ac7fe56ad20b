//! Numbers and addresses: begun, ended, listed. One present value of a kind has one holder, which an index makes sure of.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use senani_proto::membership::v1::ErrorReason;
use senani_store::WriteTransaction;
use senani_vault::DataKey;
use uuid::Uuid;

use super::Registry;
use super::happenings::Entry;
use super::held::{Beside, Call, Held};
use super::listed::is_one_of;
use super::personal::identifier_place;
use crate::domain::{Act, HappenedAct, IdentifierKind, ListedIdentifier, Mark};
use crate::error::{Error, Refused};

/// A number or an address that begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewIdentifier<'v> {
    pub(crate) kind: IdentifierKind,
    /// In its one spelling.
    pub(crate) value: &'v str,
    /// Microseconds since the epoch.
    pub(crate) valid_from: i64,
}

impl Registry {
    fn value_index(&self, identifier: &NewIdentifier<'_>) -> Vec<u8> {
        self.vault.blind_index(identifier.kind.index_kind(), identifier.value.as_bytes()).to_vec()
    }

    /// Gives a member a value; false when somebody holds it, also in a transaction that ends meanwhile.
    pub(super) async fn add_identifier_row(
        &self,
        txn: &WriteTransaction,
        member: Uuid,
        key: &DataKey,
        identifier: &NewIdentifier<'_>,
    ) -> Result<bool, DbErr> {
        let add = "INSERT INTO member_identifier (member_id, valid_from, valid_to, kind, value_index, value_sealed) \
                   VALUES ($1, $2, 0, $3, $4, $5) ON CONFLICT (value_index) WHERE valid_to = 0 DO NOTHING";
        let sealed = key.seal(identifier.value.as_bytes(), &identifier_place(member, identifier.kind));
        let values: [Value; 5] = [
            member.into(),
            identifier.valid_from.into(),
            (identifier.kind as i32).into(),
            self.value_index(identifier).into(),
            sealed.into(),
        ];
        let added = txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), add, values)).await?;
        Ok(added.rows_affected() == 1)
    }

    /// Begins an identifier; the present one of its kind ends when it begins.
    pub(crate) async fn add_identifier(&self, call: Call<'_>, identifier: NewIdentifier<'_>) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::NoGroups, None).await?;
        let Some(held) = held else { return Ok(()) };
        let member = held.member().clone();
        let state = member.after(Act::Amend)?;
        debug_assert_eq!(state, member.state, "an amendment moves nobody");
        let index = self.value_index(&identifier);
        let present = present(&held, identifier.kind).await?;
        if present.as_ref().is_some_and(|(_, known)| *known == index) {
            return held.finish(call.repeat, &call.answer()).await;
        }
        if present.is_some_and(|(since, _)| since >= identifier.valid_from) {
            let what = "must be after the present one began";
            return Err(Error::invalid(ErrorReason::TimeInvalid, "start_time", what));
        }
        // The number of a record that was merged into this one is the member's own.
        let own = "UPDATE member_identifier SET valid_to = $2 WHERE value_index = $3 AND valid_to = 0 \
                   AND member_id IN (SELECT id FROM member WHERE merged_into = $1)";
        let values: [Value; 3] = [member.id.into(), held.now.0.into(), index.into()];
        held.txn.execute_raw(Statement::from_sql_and_values(held.txn.get_database_backend(), own, values)).await?;
        let key = self.data_key(&*held.txn, member.id).await?;
        let key = key.ok_or_else(|| Error::from(Refused::State { member: member.id, state: member.state }))?;
        if !self.add_identifier_row(&held.txn, member.id, &key, &identifier).await? {
            let taken = match identifier.kind {
                IdentifierKind::Phone => Refused::PhoneDuplicate,
                _ => Refused::IdentifierTaken,
            };
            return Err(taken.into());
        }
        // Only now: an import that has the new number and waits for the old one would wait for us, and we for it.
        end(&held, identifier.kind, identifier.valid_from).await?;
        held.set_member(&member, "", Vec::new()).await?;
        let mark = Mark { code: identifier.kind as i32, ..Mark::default() };
        let entry = Entry::new(member.id, HappenedAct::IdentifierAdded, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Ends the present identifier of a kind.
    pub(crate) async fn end_identifier(&self, call: Call<'_>, kind: IdentifierKind) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::NoGroups, None).await?;
        let Some(held) = held else { return Ok(()) };
        let member = held.member().clone();
        member.after(Act::Amend)?;
        if end(&held, kind, held.now.0).await? == 0 {
            return Err(Refused::NoIdentifier { member: member.id }.into());
        }
        held.set_member(&member, "", Vec::new()).await?;
        let mark = Mark { code: kind as i32, ..Mark::default() };
        let entry = Entry::new(member.id, HappenedAct::IdentifierEnded, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// The identifiers of a member and of those merged into them, by kind, the latest first.
    pub(crate) async fn identifiers(&self, member: Uuid) -> Result<Vec<ListedIdentifier>, Error> {
        let db = self.store.reader();
        let ids = self.records_of(db, member).await?;
        let mut values = Vec::new();
        let listed = is_one_of(db.get_database_backend(), "member_id", &ids, &mut values);
        let sql = format!(
            "SELECT member_id, kind, valid_from, valid_to, value_sealed FROM member_identifier WHERE {listed} \
             ORDER BY kind, valid_from DESC, member_id"
        );
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        let mut keys = HashMap::new();
        for id in ids {
            keys.insert(id, self.data_key(db, id).await?);
        }
        let mut identifiers = Vec::with_capacity(rows.len());
        for row in &rows {
            let (member, number): (Uuid, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let sealed: Vec<u8> = row.try_get_by_index(4)?;
            let kind = IdentifierKind::from_number(number)
                .ok_or_else(|| DbErr::Type(format!("a stored kind of identifier is unknown: {number}")))?;
            // What is left of an erased member is nobody's.
            let Some(Some(key)) = keys.get(&member) else { continue };
            let value = key.open(&sealed, &identifier_place(member, kind))?;
            let value = std::str::from_utf8(&value).map_err(|error| DbErr::Type(error.to_string()))?;
            identifiers.push(ListedIdentifier {
                member,
                kind,
                masked: kind.masked(value),
                valid_from: row.try_get_by_index(2)?,
                valid_to: row.try_get_by_index(3)?,
            });
        }
        Ok(identifiers)
    }
}

/// Since when the member has the present identifier of a kind, and its index.
async fn present(held: &Held, kind: IdentifierKind) -> Result<Option<(i64, Vec<u8>)>, DbErr> {
    let find = "SELECT valid_from, value_index FROM member_identifier WHERE member_id = $1 AND kind = $2 AND valid_to = 0 \
                ORDER BY valid_from DESC LIMIT 1";
    let values: [Value; 2] = [held.member().id.into(), (kind as i32).into()];
    let statement = Statement::from_sql_and_values(held.txn.get_database_backend(), find, values);
    let row = held.txn.query_one_raw(statement).await?;
    row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
}

/// Ends the present identifiers of a kind that began before a moment, at it; how many these were.
async fn end(held: &Held, kind: IdentifierKind, at: i64) -> Result<u64, DbErr> {
    let end = "UPDATE member_identifier SET valid_to = $3 WHERE member_id = $1 AND kind = $2 AND valid_to = 0 \
               AND valid_from < $3";
    let values: [Value; 3] = [held.member().id.into(), (kind as i32).into(), at.into()];
    let statement = Statement::from_sql_and_values(held.txn.get_database_backend(), end, values);
    Ok(held.txn.execute_raw(statement).await?.rows_affected())
}
