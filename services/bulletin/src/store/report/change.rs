//! What is done with reports: each one transaction with its entry and its event.

use sea_orm::DbErr;
use senani_proto::bulletin::v1 as pb;
use senani_proto::name::ReportName;
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::Reports;
use super::entries::Entry;
use super::files::SealedFile;
use super::rows::{self, Marks};
use crate::domain::report::sight::Sight;
use crate::domain::report::{Report, similarity};
use crate::error::{Error, ReportError};
use crate::store::desk::Repeatable;
use crate::store::sql;
use crate::wire;

/// A report to write, and what begins its history.
#[derive(Debug)]
pub(crate) struct NewReport {
    pub(crate) report: Report,
    pub(crate) entry: Entry,
    /// SHA-256 of the call-back token, hexadecimal; empty for none.
    pub(crate) token_hash: String,
}

/// Which report is to be changed, by somebody who sees these units, as it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) id: Uuid,
    pub(crate) sight: &'a Sight,
    /// Empty: as it is now.
    pub(crate) etag: &'a str,
}

impl Target<'_> {
    /// The report, locked, when it is seen and as it was read.
    async fn lock(&self, txn: &WriteTransaction) -> Result<Report, Error> {
        let report = rows::lock(txn, self.id).await?;
        if !self.sight.covers(report.unit) {
            return Err(ReportError::NotFound(Some(self.id)).into());
        }
        if !self.etag.is_empty() && self.etag != report.etag() {
            return Err(Error::EtagMismatch(report.etag()));
        }
        Ok(report)
    }
}

impl Reports {
    /// Writes a new report; a repeated request gets the name that it got before.
    pub(crate) async fn submit(&self, request: &Repeatable<'_>, new: NewReport) -> Result<Uuid, Error> {
        let mut txn = self.store.begin_write().await?;
        if let Some(id) = answered(request, &txn).await? {
            return Ok(id);
        }
        let marks = Marks { token_hash: new.token_hash, ..Marks::default() };
        let report = self.write(&txn, new.report, new.entry, marks).await?;
        finish(&mut txn, request, &[&report]).await?;
        txn.commit().await?;
        Ok(report.id)
    }

    /// Writes a report with its key and its first entry.
    pub(super) async fn write(
        &self,
        txn: &WriteTransaction,
        mut report: Report,
        entry: Entry,
        mut marks: Marks,
    ) -> Result<Report, Error> {
        let key = self.give_key(txn, report.id).await?;
        if let Some(body) = &entry.body {
            marks.similarity = similarity::signature(&body.text, &*self.salt);
        }
        let at = report.received_at;
        self.append(txn, &mut report, Some(&key), entry, at).await?;
        rows::insert(txn, &report, marks).await?;
        Ok(report)
    }

    /// Changes a report. `step` answers what the history says of it. A repeated request gets the report as it is now.
    pub(crate) async fn change(
        &self,
        request: &Repeatable<'_>,
        target: &Target<'_>,
        file: Option<SealedFile>,
        step: impl FnOnce(&mut Report) -> Result<Entry, Error> + Send,
    ) -> Result<Report, Error> {
        let mut txn = self.store.begin_write().await?;
        if let Some(id) = answered(request, &txn).await? {
            drop(txn);
            return self.find(id).await;
        }
        let mut report = target.lock(&txn).await?;
        let retained = report.retain_until;
        let entry = step(&mut report)?;
        let key = self.key(&*txn, report.id).await?;
        self.append(&txn, &mut report, key.as_ref(), entry, Timestamp::now().0).await?;
        if let Some(file) = file {
            file.store(&txn, report.id).await?;
        }
        rows::update(&txn, &report).await?;
        if retained != report.retain_until {
            // What was merged into it ends, and opens again, with it.
            let sql = "UPDATE report SET retain_until = $2 WHERE merged_into = $1 AND erased_at = 0";
            sql::execute(&*txn, sql, [report.id.into(), report.retain_until.into()]).await?;
        }
        finish(&mut txn, request, &[&report]).await?;
        txn.commit().await?;
        Ok(report)
    }

    /// Merges a report into another. Both histories are kept and tell of each other.
    pub(crate) async fn merge(
        &self,
        request: &Repeatable<'_>,
        target: &Target<'_>,
        into: Uuid,
    ) -> Result<Report, Error> {
        let mut txn = self.store.begin_write().await?;
        if let Some(id) = answered(request, &txn).await? {
            drop(txn);
            return self.find(id).await;
        }
        let survivor_target = Target { id: into, sight: target.sight, etag: "" };
        // The smaller id first, so that two merges never wait for each other.
        let (mut report, mut survivor) = if target.id < into {
            let report = target.lock(&txn).await?;
            (report, survivor_target.lock(&txn).await?)
        } else {
            let survivor = survivor_target.lock(&txn).await?;
            (target.lock(&txn).await?, survivor)
        };
        survivor.check_merge().map_err(ReportError::from)?;
        report.merge_into(into).map_err(ReportError::from)?;
        let now = Timestamp::now().0;
        let body = |other: Uuid| pb::ReportEntryBody {
            other_report: ReportName(other).to_string(),
            ..pb::ReportEntryBody::default()
        };
        for (report, other, kind) in [
            (&mut report, into, pb::report_entry::Kind::MergedAway),
            (&mut survivor, target.id, pb::report_entry::Kind::MergedHere),
        ] {
            let key = self.key(&*txn, report.id).await?;
            let entry = Entry::new(kind, request.subject, Some(body(other)));
            self.append(&txn, report, key.as_ref(), entry, now).await?;
        }
        survivor.touch();
        rows::update(&txn, &report).await?;
        rows::update(&txn, &survivor).await?;
        // What was merged into this one before goes on there, too.
        let sql = "UPDATE report SET merged_into = $2 WHERE merged_into = $1";
        sql::execute(&*txn, sql, [report.id.into(), into.into()]).await?;
        finish(&mut txn, request, &[&report, &survivor]).await?;
        txn.commit().await?;
        Ok(report)
    }

    /// What a reporter tells later: in their report, and in the one that goes on for it.
    pub(crate) async fn add(
        &self,
        request: &Repeatable<'_>,
        id: Uuid,
        content: pb::ReportContent,
    ) -> Result<(), Error> {
        let mut txn = self.store.begin_write().await?;
        if answered(request, &txn).await?.is_some() {
            return Ok(());
        }
        let mut told = vec![rows::lock(&txn, id).await?];
        if let Some(survivor) = told[0].merged_into {
            // Not in the order of the ids when the survivor is the older: a merge would have to lock both in between, and it can not, for
            // this one is merged already.
            told.push(rows::lock(&txn, survivor).await?);
        }
        let now = Timestamp::now().0;
        let text = content.text.clone();
        let mut body = wire::report::body(content);
        for report in &mut told {
            report.check_content().map_err(ReportError::from)?;
            let key = self.key(&*txn, report.id).await?;
            let entry = Entry::new(pb::report_entry::Kind::Added, "reporter", Some(body.clone()));
            self.append(&txn, report, key.as_ref(), entry, now).await?;
            report.touch();
            rows::update(&txn, report).await?;
            self.more_was_told(&txn, report.id, &text).await?;
            body.other_report = ReportName(id).to_string();
        }
        finish(&mut txn, request, &told.iter().collect::<Vec<_>>()).await?;
        txn.commit().await?;
        Ok(())
    }

    /// Takes more words into the signature of a locked report.
    pub(super) async fn more_was_told(&self, txn: &WriteTransaction, id: Uuid, text: &str) -> Result<(), DbErr> {
        let row = sql::one(&**txn, "SELECT similarity FROM report WHERE id = $1", [id.into()]).await?;
        let before: Vec<u8> = row.ok_or_else(|| DbErr::RecordNotFound("report".into()))?.try_get_by_index(0)?;
        let after = similarity::together(&before, &similarity::signature(text, &*self.salt));
        let sql = "UPDATE report SET similarity = $2 WHERE id = $1";
        sql::execute(&**txn, sql, [id.into(), after.into()]).await.map(drop)
    }
}

/// The report that a request with the same id was about.
pub(super) async fn answered(request: &Repeatable<'_>, txn: &WriteTransaction) -> Result<Option<Uuid>, Error> {
    let answer: Option<pb::Report> = request.claim(txn).await?;
    let name = answer.map(|answer| answer.name.parse::<ReportName>()).transpose();
    Ok(name.map_err(|error| DbErr::Type(format!("a stored answer: {error}")))?.map(|name| name.0))
}

/// Records the answer, of which only the name is kept, and appends the events. Nothing but the commit may follow.
pub(super) async fn finish(
    txn: &mut WriteTransaction,
    request: &Repeatable<'_>,
    reports: &[&Report],
) -> Result<(), Error> {
    if let Some(first) = reports.first() {
        let answer = pb::Report { name: ReportName(first.id).to_string(), ..pb::Report::default() };
        request.record(txn, &answer).await?;
    }
    txn.append(reports.iter().map(|report| wire::report::report_changed(report)).collect::<Vec<_>>()).await?;
    Ok(())
}
