//! After a rotation of the key file the reports' keys are wrapped again; nothing that they sealed is touched.

use sea_orm::DbErr;
use senani_vault::WrappedKey;
use uuid::Uuid;

use super::Reports;
use crate::error::{Error, ReportError};
use crate::store::sql::{self, Columns};

/// Keys in a transaction.
const BATCH: i64 = 500;

impl Reports {
    /// Wraps some keys again that another version than the newest wraps. Answers how many; 0 when there are none.
    pub(crate) async fn rewrap(&self) -> Result<u64, Error> {
        if let Err(error) = self.vault.reload() {
            tracing::warn!(%error, "the key file cannot be read again, the keys known so far stay in use");
        }
        let newest = i32::from(self.vault.newest_version());
        let sql = "SELECT report_id, kek_version, wrapped FROM report_key WHERE kek_version < $1 ORDER BY kek_version LIMIT $2";
        let rows = sql::all(self.store.reader(), sql, [newest.into(), BATCH.into()]).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let txn = self.store.begin_write().await?;
        let mut count = 0;
        for row in &rows {
            let mut columns = Columns::of(row);
            let (report, version): (Uuid, i32) = (columns.take()?, columns.take()?);
            let known =
                u16::try_from(version).map_err(|_| DbErr::Type(format!("a stored key has version {version}")))?;
            let wrapped = WrappedKey { version: known, bytes: columns.take()? };
            let again = self.vault.rewrap(report, &wrapped).map_err(ReportError::from)?;
            // Not when another process was here, or the key was destroyed meanwhile.
            let sql = "UPDATE report_key SET kek_version = $3, wrapped = $4 WHERE report_id = $1 AND kek_version = $2";
            let values = [report.into(), version.into(), i32::from(again.version).into(), again.bytes.into()];
            count += sql::execute(&*txn, sql, values).await?;
        }
        txn.commit().await?;
        Ok(count)
    }
}
