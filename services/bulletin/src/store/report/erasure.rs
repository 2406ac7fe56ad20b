//! The end of the retention: the key of a report is destroyed, and with it everything that it sealed.

use senani_proto::bulletin::v1 as pb;
use uuid::Uuid;

use super::entries::Entry;
use super::{Reports, rows};
use crate::domain::Micros;
use crate::error::{Error, ReportError};
use crate::store::sql;
use crate::wire;

/// Reports that one look takes.
const ROUND: i64 = 100;

impl Reports {
    /// Destroys the content of what was kept until `now`. Answers how many reports.
    pub(crate) async fn erase_due(&self, now: Micros) -> Result<u64, Error> {
        let sql = "SELECT id FROM report WHERE retain_until > 0 AND erased_at = 0 AND retain_until <= $1 \
             ORDER BY retain_until LIMIT $2";
        let mut count = 0;
        for row in sql::all(self.store.reader(), sql, [now.into(), ROUND.into()]).await? {
            count += u64::from(self.erase(row.try_get_by_index(0)?, now).await?);
        }
        Ok(count)
    }

    /// History, digests and counts stay; words, places, files, and who told it are gone.
    async fn erase(&self, id: Uuid, now: Micros) -> Result<bool, Error> {
        let mut txn = self.store.begin_write().await?;
        let mut report = rows::lock(&txn, id).await?;
        if report.retain_until == 0 || report.retain_until > now || report.erased_at != 0 {
            // Another process was here, or it was opened again.
            return Ok(false);
        }
        report.erase(now).map_err(ReportError::from)?;
        self.append(&txn, &mut report, None, Entry::new(pb::report_entry::Kind::Erased, "clock", None), now).await?;
        for sql in [
            "DELETE FROM report_key WHERE report_id = $1",
            "DELETE FROM report_file WHERE report_id = $1",
            "DELETE FROM report_media WHERE report_id = $1",
            "DELETE FROM report_message WHERE report_id = $1",
        ] {
            sql::execute(&*txn, sql, [id.into()]).await?;
        }
        let nothing: Vec<u8> = Vec::new();
        let sql = "UPDATE report_entry SET body_sealed = $2 WHERE report_id = $1";
        sql::execute(&*txn, sql, [id.into(), nothing.clone().into()]).await?;
        rows::update(&txn, &report).await?;
        let sql =
            "UPDATE report SET similarity = $2, sender_index = '', token_hash = '', last_message_at = 0 WHERE id = $1";
        sql::execute(&*txn, sql, [id.into(), nothing.into()]).await?;
        txn.append(vec![wire::report::report_changed(&report)]).await?;
        txn.commit().await?;
        Ok(true)
    }
}
