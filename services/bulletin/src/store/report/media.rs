//! Files of messages that are still at the provider.

use sea_orm::DbErr;
use senani_proto::bulletin::v1 as pb;
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::entries::Entry;
use super::files::SealedFile;
use super::{Reports, rows};
use crate::domain::Micros;
use crate::domain::report::Report;
use crate::domain::report::inbound::Inbound;
use crate::error::Error;
use crate::store::sql::{self, Columns};
use crate::wire;

/// A file to fetch.
#[derive(Debug, Clone)]
pub(crate) struct Awaited {
    pub(crate) report: Uuid,
    /// The entry that names it.
    pub(crate) sequence: i64,
    pub(crate) channel: String,
    pub(crate) media_id: String,
    /// How often it was tried.
    pub(crate) attempts: i32,
}

/// Notes that the last entry of a locked report names a file.
pub(super) async fn await_file(txn: &WriteTransaction, report: &Report, message: &Inbound) -> Result<(), DbErr> {
    let Some(file) = message.file.as_ref().filter(|file| !file.media_id.is_empty()) else { return Ok(()) };
    let sql = "INSERT INTO report_media (report_id, sequence, channel, media_id, attempt_count, next_attempt_at) \
         VALUES ($1, $2, $3, $4, 0, $5)";
    let values = [
        report.id.into(),
        report.entry_count.into(),
        message.channel.clone().into(),
        file.media_id.clone().into(),
        Timestamp::now().0.into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}

impl Reports {
    /// Files that are to be tried by `now`.
    pub(crate) async fn awaited(&self, now: Micros, limit: i64) -> Result<Vec<Awaited>, DbErr> {
        let sql = "SELECT report_id, sequence, channel, media_id, attempt_count FROM report_media \
             WHERE next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT $2";
        let rows = sql::all(self.store.reader(), sql, [now.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(Awaited {
                    report: columns.take()?,
                    sequence: columns.take()?,
                    channel: columns.take()?,
                    media_id: columns.take()?,
                    attempts: columns.take()?,
                })
            })
            .collect()
    }

    /// Tries a file again at a time; 0: never.
    pub(crate) async fn await_again(&self, file: &Awaited, at: Micros) -> Result<(), DbErr> {
        let txn = self.store.begin_write().await?;
        if at == 0 {
            forget(&txn, file).await?;
        } else {
            let sql = "UPDATE report_media SET attempt_count = attempt_count + 1, next_attempt_at = $3 \
                 WHERE report_id = $1 AND sequence = $2";
            sql::execute(&*txn, sql, [file.report.into(), file.sequence.into(), at.into()]).await?;
        }
        txn.commit().await
    }

    /// Keeps a file that was fetched as evidence; false when another process has it, or the report was destroyed meanwhile.
    pub(crate) async fn keep(&self, awaited: &Awaited, mut file: SealedFile, media_type: &str) -> Result<bool, Error> {
        let sha256 = file.finish();
        let mut txn = self.store.begin_write().await?;
        if !forget(&txn, awaited).await? {
            return Ok(false);
        }
        let mut report = rows::lock(&txn, awaited.report).await?;
        let Some(key) = self.key(&*txn, report.id).await? else {
            txn.commit().await?;
            return Ok(false);
        };
        let described = pb::EvidenceFile {
            media_type: media_type.to_owned(),
            size: i64::try_from(file.size()).unwrap_or(i64::MAX),
            sha256,
            description: String::new(),
            provider_media_id: awaited.media_id.clone(),
        };
        let body = pb::ReportEntryBody { file: Some(described), ..pb::ReportEntryBody::default() };
        let entry = Entry::new(pb::report_entry::Kind::Evidence, "services/bulletin", Some(body));
        let entry = Entry { file: file.id, ..entry };
        self.append(&txn, &mut report, Some(&key), entry, Timestamp::now().0).await?;
        file.store(&txn, report.id).await?;
        report.touch();
        rows::update(&txn, &report).await?;
        txn.append(vec![wire::report::report_changed(&report)]).await?;
        txn.commit().await?;
        Ok(true)
    }

    /// The media type that the sender gave to a file, when it is one.
    pub(crate) async fn media_type(&self, awaited: &Awaited) -> Result<String, Error> {
        let entry = self.history(awaited.report, awaited.sequence - 1, 1).await?.into_iter().next();
        let file = entry.and_then(|entry| entry.body).and_then(|body| body.file);
        let given = file.map(|file| file.media_type).unwrap_or_default();
        // `audio/ogg; codecs=opus`
        let plain = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Ok(if plain.contains('/') { plain } else { "application/octet-stream".to_owned() })
    }
}

async fn forget(txn: &WriteTransaction, file: &Awaited) -> Result<bool, DbErr> {
    let sql = "DELETE FROM report_media WHERE report_id = $1 AND sequence = $2";
    Ok(sql::execute(&**txn, sql, [file.report.into(), file.sequence.into()]).await? == 1)
}
