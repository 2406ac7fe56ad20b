//! Messages from their arrival until they are reports: sealed as they came, each with a key of its own.

use sea_orm::DbErr;
use senani_store::{Rows, Timestamp, WriteTransaction};
use senani_vault::{Context, Vault, WrappedKey};
use uuid::Uuid;

use super::Reports;
use crate::domain::Micros;
use crate::error::{Error, ReportError};
use crate::store::sql::{self, Columns};

/// A message, sealed.
#[derive(Debug)]
pub(crate) struct SealedMessage {
    id: Uuid,
    key: WrappedKey,
    message: Vec<u8>,
}

impl SealedMessage {
    /// Seals what a webhook brought.
    pub(crate) fn new(vault: &Vault, message: &[u8]) -> Self {
        let id = Uuid::now_v7();
        let (key, wrapped) = vault.new_key(id);
        Self { id, key: wrapped, message: key.seal(message, &place(id)) }
    }
}

fn place(id: Uuid) -> Context<'static> {
    Context::new("report_inbox", "message_sealed", id)
}

/// Makes messages durable with the rest of their webhook.
pub(in crate::store) async fn insert(txn: &WriteTransaction, messages: Vec<SealedMessage>) -> Result<(), DbErr> {
    Rows::new()
        .uuid("id", messages.iter().map(|message| message.id))
        .int("kek_version", messages.iter().map(|message| i32::from(message.key.version)))
        .bytes("wrapped", messages.iter().map(|message| message.key.bytes.clone()))
        .bytes("message_sealed", messages.iter().map(|message| message.message.clone()))
        .execute(
            &**txn,
            "INSERT INTO report_inbox (id, received_at, next_attempt_at, kek_version, wrapped, message_sealed) \
             SELECT v.id, :1, :1, v.kek_version, v.wrapped, v.message_sealed FROM v",
            &[Timestamp::now().0.into()],
        )
        .await
        .map(drop)
}

impl Reports {
    /// The vault in which messages are sealed.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Messages that are to be looked at by `now`, the oldest first, opened.
    pub(crate) async fn waiting(&self, now: Micros, limit: i64) -> Result<Vec<(Uuid, Vec<u8>)>, Error> {
        let sql = "SELECT id, kek_version, wrapped, message_sealed FROM report_inbox WHERE next_attempt_at <= $1 \
             ORDER BY id LIMIT $2";
        let mut messages = Vec::new();
        for row in sql::all(self.store.reader(), sql, [now.into(), limit.into()]).await? {
            let mut columns = Columns::of(&row);
            let (id, version): (Uuid, i32) = (columns.take()?, columns.take()?);
            let version = u16::try_from(version).unwrap_or_default();
            let wrapped = WrappedKey { version, bytes: columns.take()? };
            let key = self.vault.unwrap(id, &wrapped).map_err(ReportError::from)?;
            let sealed: Vec<u8> = columns.take()?;
            messages.push((id, key.open(&sealed, &place(id)).map_err(ReportError::from)?.to_vec()));
        }
        Ok(messages)
    }

    /// Leaves a message for later.
    pub(crate) async fn postpone(&self, id: Uuid, until: Micros) -> Result<(), DbErr> {
        let txn = self.store.begin_write().await?;
        let sql = "UPDATE report_inbox SET next_attempt_at = $2 WHERE id = $1";
        sql::execute(&*txn, sql, [id.into(), until.into()]).await?;
        txn.commit().await
    }

    /// Removes a message of which nothing is kept.
    pub(crate) async fn discard(&self, id: Uuid) -> Result<(), DbErr> {
        let txn = self.store.begin_write().await?;
        take(&txn, id).await?;
        txn.commit().await
    }
}

/// Removes a message that the same transaction records; false when another process has it.
pub(super) async fn take(txn: &WriteTransaction, id: Uuid) -> Result<bool, DbErr> {
    Ok(sql::execute(&**txn, "DELETE FROM report_inbox WHERE id = $1", [id.into()]).await? == 1)
}
