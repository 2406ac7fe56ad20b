//! A person: the record that stands for them, and those that were merged into it.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};
use senani_store::WriteTransaction;
use uuid::Uuid;

use super::Registry;
use super::listed::is_one_of;
use crate::convert;
use crate::domain::MemberState;
use crate::error::{Error, Resource};

/// All records of a person, held until the transaction ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The record that stands for them.
    pub(super) standing: Uuid,
    /// Those merged into it, in the order of their ids.
    pub(super) merged: Vec<Uuid>,
    /// That of the record that stands for them.
    pub(super) state: MemberState,
}

impl Person {
    /// All records, the one that stands for the person first.
    pub(super) fn records(&self) -> Vec<Uuid> {
        [self.standing].into_iter().chain(self.merged.iter().copied()).collect()
    }
}

impl Registry {
    /// Begins a transaction that holds all records of the person whose record this is. Locks them in the order of their ids.
    pub(super) async fn hold_person(&self, record: Uuid) -> Result<(WriteTransaction, Person), Error> {
        loop {
            let txn = self.store.begin_write().await?;
            let seen = look(&txn, record).await?;
            lock_all(&txn, &seen).await?;
            // A merge that we waited for may have made them more, or another's.
            let held = look(&txn, record).await?;
            if (held.standing, &held.merged) == (seen.standing, &seen.merged) {
                return Ok((txn, held));
            }
        }
    }
}

/// The records of a person as they are now.
async fn look(txn: &WriteTransaction, record: Uuid) -> Result<Person, Error> {
    let sql = "SELECT m.id, m.state, m.merged_into FROM member m WHERE m.id = $1 \
               OR m.id = (SELECT r.merged_into FROM member r WHERE r.id = $1) OR m.merged_into = $1 \
               OR m.merged_into = (SELECT r.merged_into FROM member r WHERE r.id = $1) ORDER BY m.id";
    let rows =
        txn.query_all_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, [record.into()])).await?;
    let read = |row: &QueryResult| -> Result<(Uuid, i32, Option<Uuid>), DbErr> {
        Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?))
    };
    let records = rows.iter().map(read).collect::<Result<Vec<_>, DbErr>>()?;
    let standing = records.iter().find(|(_, _, into)| into.is_none());
    let (standing, state, _) = *standing.ok_or_else(|| Resource::Member.not_found(convert::member_name(record)))?;
    let unknown = || DbErr::Type(format!("a stored state of a member is unknown: {state}"));
    let merged = records.into_iter().filter(|(_, _, into)| into.is_some()).map(|(id, ..)| id).collect();
    Ok(Person { standing, merged, state: MemberState::from_number(state).ok_or_else(unknown)? })
}

async fn lock_all(txn: &WriteTransaction, person: &Person) -> Result<(), DbErr> {
    let backend = txn.get_database_backend();
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let mut values = Vec::new();
    let condition = is_one_of(backend, "id", &person.records(), &mut values);
    let sql = format!("SELECT id FROM member WHERE {condition} ORDER BY id{lock}");
    txn.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await.map(drop)
}
