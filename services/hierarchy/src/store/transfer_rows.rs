//! Rows of `transfer`: reading and writing them.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_store::{PageSize, WriteTransaction};
use uuid::Uuid;

use super::units::size_value;
use super::{Units, row};
use crate::convert;
use crate::domain::{LeftBehind, Transfer, TransferState};
use crate::error::Error;

/// What every query of transfers selects, from `transfer t JOIN unit u`.
const COLUMNS: &str = "t.id, t.appointment_id, t.officer, t.unit_id, u.slug, t.post, t.effective_date, t.state, t.left_behind, \
     t.new_appointment, t.force_reason, t.forced_by, t.begun_by, t.version, t.created_at, t.updated_at, t.ended_at";

/// Which transfers to list.
#[derive(Debug, Default)]
pub(crate) struct TransferListing<'a> {
    /// Slug of the unit to which.
    pub(crate) unit: Option<&'a str>,
    pub(crate) officer: Option<Uuid>,
    /// A number of the contract.
    pub(crate) state: Option<i32>,
}

impl Units {
    pub(crate) async fn transfer(&self, id: Uuid) -> Result<Transfer, Error> {
        find(self.store.reader(), id).await?.ok_or_else(|| convert::transfer_not_found(id))
    }

    /// Transfers after `after` in the order of their ids.
    pub(crate) async fn transfers(
        &self,
        listing: &TransferListing<'_>,
        after: Uuid,
        size: PageSize,
    ) -> Result<Vec<Transfer>, Error> {
        let mut values: Vec<Value> = vec![after.into(), size_value(size)];
        let mut conditions = String::new();
        let mut add = |column: &str, value: Value| {
            values.push(value);
            conditions.push_str(&format!(" AND t.{column} = ${}", values.len()));
        };
        if let Some(slug) = listing.unit {
            add("unit_id", self.get(slug, None).await?.id.into());
        }
        if let Some(officer) = listing.officer {
            add("officer", officer.into());
        }
        if let Some(state) = listing.state {
            add("state", state.into());
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM transfer t JOIN unit u ON u.id = t.unit_id WHERE t.id > $1{conditions} \
             ORDER BY t.id LIMIT $2"
        );
        let db = self.store.reader();
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Keeps what was found to be left behind, so that it can be read. The record is otherwise as the caller has seen it.
    pub(super) async fn note_left_behind(&self, id: Uuid, left: &LeftBehind) -> Result<(), Error> {
        let txn = self.store.begin_write().await?;
        let note = Statement::from_sql_and_values(
            txn.get_database_backend(),
            "UPDATE transfer SET left_behind = $2 WHERE id = $1 AND state = $3",
            [id.into(), to_json(Some(left))?.into(), (TransferState::Pending as i32).into()],
        );
        txn.execute_raw(note).await?;
        Ok(txn.commit().await?)
    }
}

/// The pending transfer of an appointment.
pub(super) async fn pending_of(db: &impl ConnectionTrait, appointment: Uuid) -> Result<Option<Uuid>, DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT id FROM transfer WHERE appointment_id = $1 AND state = 1",
        [appointment.into()],
    );
    db.query_one_raw(statement).await?.map(|row| row.try_get_by_index(0)).transpose()
}

/// One transfer.
pub(super) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Transfer>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM transfer t JOIN unit u ON u.id = t.unit_id WHERE t.id = $1");
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()]);
    db.query_one_raw(statement).await?.as_ref().map(read).transpose()
}

/// Writes what a transfer is now.
pub(super) async fn write(txn: &WriteTransaction, transfer: &Transfer) -> Result<(), DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "INSERT INTO transfer (id, appointment_id, officer, unit_id, post, effective_date, state, left_behind, \
         new_appointment, force_reason, forced_by, begun_by, version, created_at, updated_at, ended_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (id) DO UPDATE SET effective_date = excluded.effective_date, state = excluded.state, \
         left_behind = excluded.left_behind, new_appointment = excluded.new_appointment, \
         force_reason = excluded.force_reason, forced_by = excluded.forced_by, version = excluded.version, \
         updated_at = excluded.updated_at, ended_at = excluded.ended_at",
        [
            transfer.id.into(),
            transfer.appointment.into(),
            transfer.officer.into(),
            transfer.unit.into(),
            (transfer.post as i32).into(),
            transfer.effective_date.as_str().into(),
            (transfer.state as i32).into(),
            to_json(transfer.left_behind.as_ref())?.into(),
            transfer.new_appointment.into(),
            transfer.force_reason.as_str().into(),
            transfer.forced_by.as_str().into(),
            transfer.begun_by.as_str().into(),
            transfer.version.into(),
            transfer.created_at.into(),
            transfer.updated_at.into(),
            transfer.ended_at.into(),
        ],
    );
    txn.execute_raw(statement).await.map(drop)
}

/// Empty when it is not known.
fn to_json(left: Option<&LeftBehind>) -> Result<String, DbErr> {
    let text = left.map(serde_json::to_string).transpose().map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(text.unwrap_or_default())
}

fn read(row: &QueryResult) -> Result<Transfer, DbErr> {
    let (post, state): (i32, i32) = (row.try_get_by_index(5)?, row.try_get_by_index(7)?);
    let left: String = row.try_get_by_index(8)?;
    let left = (!left.is_empty()).then(|| serde_json::from_str(&left)).transpose();
    Ok(Transfer {
        id: row.try_get_by_index(0)?,
        appointment: row.try_get_by_index(1)?,
        officer: row.try_get_by_index(2)?,
        unit: row.try_get_by_index(3)?,
        unit_slug: row.try_get_by_index(4)?,
        post: row::post(post)?,
        effective_date: row.try_get_by_index(6)?,
        state: TransferState::from_number(state)
            .ok_or_else(|| DbErr::Type(format!("unknown state of a transfer {state}")))?,
        left_behind: left.map_err(|error| DbErr::Json(error.to_string()))?,
        new_appointment: row.try_get_by_index(9)?,
        force_reason: row.try_get_by_index(10)?,
        forced_by: row.try_get_by_index(11)?,
        begun_by: row.try_get_by_index(12)?,
        version: row.try_get_by_index(13)?,
        created_at: row.try_get_by_index(14)?,
        updated_at: row.try_get_by_index(15)?,
        ended_at: row.try_get_by_index(16)?,
    })
}
