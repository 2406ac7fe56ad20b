//! Requests that were done, so that a repeated one is answered again instead of done again. Written in the transaction of the work.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use uuid::Uuid;

use crate::{Timestamp, WriteTransaction};

/// How long a request id is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// What identifies a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestKey<'a> {
    /// The caller: one caller's ids never meet another's.
    pub subject: &'a str,
    /// The method, e.g. `UnitService/CreateUnit`.
    pub method: &'a str,
    /// The caller's id.
    pub request_id: Uuid,
}

/// Whether a request is new.
#[derive(Debug)]
pub enum Claim {
    /// It is: do the work, then [`record`] its answer in the same transaction.
    New,
    /// It was done: its encoded answer.
    Done(Vec<u8>),
    /// Another request has used this id.
    Reused,
}

/// Claims a request id. A concurrent request with the same id waits until this transaction ends.
///
/// # Errors
/// The database's.
pub async fn claim(txn: &WriteTransaction, key: RequestKey<'_>, fingerprint: &[u8]) -> Result<Claim, DbErr> {
    let backend = txn.get_database_backend();
    let now = Timestamp::now();
    let forget = Statement::from_sql_and_values(
        backend,
        "DELETE FROM request_log WHERE created_at < $1",
        [(now.0 - i64::try_from(REMEMBERED.as_micros()).unwrap_or(i64::MAX)).into()],
    );
    txn.execute_raw(forget).await?;
    let insert = Statement::from_sql_and_values(
        backend,
        "INSERT INTO request_log (subject, method, request_id, fingerprint, response, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject, method, request_id) DO NOTHING",
        [
            key.subject.into(),
            key.method.into(),
            key.request_id.into(),
            fingerprint.to_vec().into(),
            Vec::<u8>::new().into(),
            now.0.into(),
        ],
    );
    if txn.execute_raw(insert).await?.rows_affected() == 1 {
        return Ok(Claim::New);
    }
    let find = Statement::from_sql_and_values(
        backend,
        "SELECT fingerprint, response FROM request_log WHERE subject = $1 AND method = $2 AND request_id = $3",
        [key.subject.into(), key.method.into(), key.request_id.into()],
    );
    let row = txn.query_one_raw(find).await?.ok_or_else(|| DbErr::RecordNotFound("request_log".into()))?;
    let known: Vec<u8> = row.try_get_by_index(0)?;
    if known == fingerprint { Ok(Claim::Done(row.try_get_by_index(1)?)) } else { Ok(Claim::Reused) }
}

/// Stores the answer of a claimed request.
///
/// # Errors
/// The database's.
pub async fn record(txn: &WriteTransaction, key: RequestKey<'_>, response: Vec<u8>) -> Result<(), DbErr> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "UPDATE request_log SET response = $4 WHERE subject = $1 AND method = $2 AND request_id = $3",
        [key.subject.into(), key.method.into(), key.request_id.into(), response.into()],
    );
    txn.execute_raw(statement).await.map(drop)
}
