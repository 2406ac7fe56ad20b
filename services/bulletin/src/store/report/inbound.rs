//! Messages become reports, entries of reports, or counts of who has answered a bulletin. Each once, in any order, however late.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use senani_proto::bulletin::v1 as pb;
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::entries::Entry;
use super::rows::{self, Marks};
use super::{Reports, inbox, media};
use crate::domain::Micros;
use crate::domain::report::Report;
use crate::domain::report::inbound::{Inbound, Meaning};
use crate::error::{Error, ReportError};
use crate::store::sql;
use crate::wire;

/// The newest bulletins whose messages may be answered.
const ANSWERABLE: i64 = 200;
/// Numbers of `report_response.kind`.
const ACKNOWLEDGED: i32 = 1;
const REACTED: i32 = 2;

/// Who has sent a message, and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// In the register.
    pub(crate) member: Option<Uuid>,
    /// A keyed hash of who is not in it; empty when nothing at all is known.
    pub(crate) index: String,
    pub(crate) unit: Uuid,
}

impl Origin {
    fn key(&self) -> String {
        self.member.map_or_else(|| self.index.clone(), |member| member.to_string())
    }
}

/// How messages become reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threads {
    /// Messages of one sender that are no further apart are one report.
    pub(crate) within: Micros,
    /// Until a new report must be triaged.
    pub(crate) triage: Micros,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    Report,
    Entry,
    Response,
    /// It had come before, or says nothing to us.
    Nothing,
}

impl Reports {
    /// Records a message and removes it from the inbox, in one transaction.
    pub(crate) async fn record(
        &self,
        waiting: Uuid,
        message: &Inbound,
        origin: &Origin,
        threads: Threads,
    ) -> Result<Became, Error> {
        let mut txn = self.store.begin_write().await?;
        if !inbox::take(&txn, waiting).await? {
            return Ok(Became::Nothing);
        }
        in_turn(&txn, &self.vault.fingerprint(origin.key().as_bytes())).await?;
        let now = Timestamp::now().0;
        let fingerprint = self.vault.fingerprint(&[b"message\0", message.id.as_bytes()].concat());
        let sql = "INSERT INTO report_message (fingerprint, report_id, received_at) VALUES ($1, $2, $3) \
             ON CONFLICT (fingerprint) DO NOTHING";
        let fingerprint = hex::encode(fingerprint);
        let values = [fingerprint.clone().into(), Uuid::nil().into(), now.into()];
        if sql::execute(&*txn, sql, values).await? == 0 {
            txn.commit().await?;
            return Ok(Became::Nothing);
        }
        let answered = answered_bulletin(&*txn, message, origin).await?;
        let response = match message.meaning() {
            Meaning::Nothing => Some(None),
            Meaning::Reacted { present } => Some(answered.map(|bulletin| (bulletin.0, REACTED, present))),
            Meaning::Acknowledged(_) => Some(answered.map(|bulletin| (bulletin.0, ACKNOWLEDGED, true))),
            Meaning::Told => None,
        };
        if let Some(response) = response {
            if let Some((bulletin, kind, present)) = response {
                note_response(&txn, bulletin, &origin.key(), kind, present, message.sent_at).await?;
            }
            txn.commit().await?;
            return Ok(response.map_or(Became::Nothing, |_| Became::Response));
        }
        let (report, became) = match self.thread(&txn, message, origin, answered, threads).await? {
            Some(report) => (self.go_on(&txn, report, message, answered, now).await?, Became::Entry),
            None => (self.begin(&txn, message, origin, answered, threads, now).await?, Became::Report),
        };
        media::await_file(&txn, &report, message).await?;
        let sql = "UPDATE report_message SET report_id = $2 WHERE fingerprint = $1";
        sql::execute(&*txn, sql, [fingerprint.into(), report.id.into()]).await?;
        txn.append(vec![wire::report::report_changed(&report)]).await?;
        txn.commit().await?;
        Ok(became)
    }

    /// The open report that the message belongs to: the same sender's, not long ago, and of no other bulletin. Locked.
    async fn thread(
        &self,
        txn: &WriteTransaction,
        message: &Inbound,
        origin: &Origin,
        answered: Option<(Uuid, i32)>,
        threads: Threads,
    ) -> Result<Option<Report>, Error> {
        let (column, sender): (_, sea_orm::Value) = match origin.member {
            Some(member) => ("member_id = $1", member.into()),
            None if origin.index.is_empty() => return Ok(None),
            None => ("sender_index = $1 AND sender_index <> ''", origin.index.clone().into()),
        };
        let query = format!(
            "SELECT id FROM report WHERE {column} AND last_message_at > 0 AND last_message_at >= $2 AND last_message_at <= $3 \
             AND state <= 3 AND ($4 = $5 OR bulletin_id = $5 OR bulletin_id = $4) ORDER BY last_message_at DESC, id DESC LIMIT 1"
        );
        let values = [
            sender,
            message.sent_at.saturating_sub(threads.within).into(),
            message.sent_at.saturating_add(threads.within).into(),
            answered.map_or(Uuid::nil(), |bulletin| bulletin.0).into(),
            Uuid::nil().into(),
        ];
        let Some(row) = sql::one(&**txn, &query, values).await? else { return Ok(None) };
        let report = rows::lock(txn, row.try_get_by_index(0)?).await?;
        // Somebody may have ended it meanwhile.
        Ok(Some(report).filter(|report| report.state.is_open()))
    }

    async fn go_on(
        &self,
        txn: &WriteTransaction,
        mut report: Report,
        message: &Inbound,
        answered: Option<(Uuid, i32)>,
        now: Micros,
    ) -> Result<Report, Error> {
        let key = self.key(&**txn, report.id).await?.ok_or(ReportError::Erased)?;
        let entry = Entry::new(pb::report_entry::Kind::Added, "reporter", Some(body(message)));
        self.append(txn, &mut report, Some(&key), entry, now).await?;
        report.touch();
        report.frequently_forwarded |= message.frequently_forwarded;
        if let (None, Some((bulletin, category))) = (report.bulletin, answered) {
            report.bulletin = Some(bulletin);
            if report.category == 0 {
                report.category = category;
            }
        }
        rows::update(txn, &report).await?;
        self.more_was_told(txn, report.id, &message.text).await?;
        let latest = "UPDATE report SET last_message_at = $2 WHERE id = $1 AND last_message_at < $2";
        sql::execute(&**txn, latest, [report.id.into(), message.sent_at.into()]).await?;
        Ok(report)
    }

    async fn begin(
        &self,
        txn: &WriteTransaction,
        message: &Inbound,
        origin: &Origin,
        answered: Option<(Uuid, i32)>,
        threads: Threads,
        now: Micros,
    ) -> Result<Report, Error> {
        let category = answered.map_or(0, |bulletin| bulletin.1);
        let kind = if message.frequently_forwarded {
            pb::ReportKind::Rumour
        } else if category == pb::Category::MissingPerson as i32 || category == pb::Category::Wanted as i32 {
            pb::ReportKind::Sighting
        } else {
            pb::ReportKind::Tip
        };
        let due_at = now.saturating_add(threads.triage).max(1);
        let report = Report {
            kind: kind.into(),
            category,
            bulletin: answered.map(|bulletin| bulletin.0),
            reporter: origin.member,
            frequently_forwarded: message.frequently_forwarded,
            ..Report::received(Uuid::now_v7(), origin.unit, pb::ReportSource::Message.into(), now, due_at)
        };
        let sender_index = if origin.member.is_some() { String::new() } else { origin.index.clone() };
        let marks = Marks { sender_index, last_message_at: message.sent_at.max(1), ..Marks::default() };
        let entry = Entry::new(pb::report_entry::Kind::Received, "reporter", Some(body(message)));
        self.write(txn, report, entry, marks).await
    }

    /// How many have acknowledged a bulletin, and how many have reacted to it.
    pub(crate) async fn responses(&self, bulletin: Uuid) -> Result<(i64, i64), DbErr> {
        let sql = "SELECT kind, COUNT(*) FROM report_response WHERE bulletin_id = $1 AND present GROUP BY kind";
        let (mut acknowledged, mut reacted) = (0, 0);
        for row in sql::all(self.store.reader(), sql, [bulletin.into()]).await? {
            match row.try_get_by_index::<i32>(0)? {
                ACKNOWLEDGED => acknowledged = row.try_get_by_index(1)?,
                _ => reacted = row.try_get_by_index(1)?,
            }
        }
        Ok((acknowledged, reacted))
    }
}

/// Messages of one sender are recorded one after the other, or two at once would begin two reports. SQLite has one writer anyway.
async fn in_turn(txn: &WriteTransaction, sender: &[u8; 32]) -> Result<(), DbErr> {
    if txn.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut turn = [0; 8];
    turn.copy_from_slice(&sender[..8]);
    sql::one(&**txn, "SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS turn", [i64::from_be_bytes(turn).into()])
        .await
        .map(drop)
}

/// The bulletin that a message answers, and its category: by the number on the button, else by the message of ours that it names, which
/// was a delivery to the same member.
async fn answered_bulletin(
    db: &impl ConnectionTrait,
    message: &Inbound,
    origin: &Origin,
) -> Result<Option<(Uuid, i32)>, DbErr> {
    if let Meaning::Acknowledged(number) = message.meaning() {
        let sql = "SELECT id, category FROM bulletin WHERE number = $1 AND number <> ''";
        let row = sql::one(db, sql, [number.into()]).await?;
        return row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose();
    }
    let Some(member) = origin.member.filter(|_| !message.answers.is_empty()) else { return Ok(None) };
    // A look-up for each of the newest bulletins, by the index that keeps each person once: an index on the provider's ids would be
    // written three times for each of hundreds of thousands of deliveries.
    let sql = "SELECT b.id, b.category FROM (SELECT id, category FROM bulletin WHERE number <> '' ORDER BY id DESC LIMIT $3) b \
         CROSS JOIN delivery d WHERE d.bulletin_id = b.id AND d.member_id = $1 AND d.provider_message_id = $2 LIMIT 1";
    let row = sql::one(db, sql, [member.into(), message.answers.clone().into(), ANSWERABLE.into()]).await?;
    row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
}

/// The last word of a sender, by the provider's clock.
async fn note_response(
    txn: &WriteTransaction,
    bulletin: Uuid,
    sender: &str,
    kind: i32,
    present: bool,
    at: Micros,
) -> Result<(), DbErr> {
    let sql = "INSERT INTO report_response (bulletin_id, sender, kind, at, present) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (bulletin_id, sender, kind) DO UPDATE SET at = excluded.at, present = excluded.present \
         WHERE excluded.at > report_response.at";
    let values = [bulletin.into(), sender.into(), kind.into(), at.into(), present.into()];
    sql::execute(&**txn, sql, values).await.map(drop)
}

/// What a message tells, as an entry holds it.
fn body(message: &Inbound) -> pb::ReportEntryBody {
    let place = (message.degrees.is_some() || !message.place_text.is_empty()).then(|| {
        let (latitude, longitude) = message.degrees.unwrap_or_default();
        pb::ReportPlace { latitude, longitude, text: message.place_text.clone() }
    });
    pb::ReportEntryBody {
        text: message.text.clone(),
        place,
        file: message.file.as_ref().map(|file| pb::EvidenceFile {
            media_type: file.media_type.clone(),
            size: 0,
            sha256: file.sha256.clone(),
            description: String::new(),
            provider_media_id: file.media_id.clone(),
        }),
        mark: Some(pb::InboundMark {
            message_type: message.kind.clone(),
            forwarded: message.forwarded,
            frequently_forwarded: message.frequently_forwarded,
            payload: message.payload.clone(),
            send_time: Timestamp(message.sent_at).to_proto(),
        }),
        ..pb::ReportEntryBody::default()
    }
}
