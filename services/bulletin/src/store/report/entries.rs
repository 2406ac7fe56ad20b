//! The history of a report: sealed bodies, each linked to the one before.

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_proto::bulletin::v1 as pb;
use senani_store::WriteTransaction;
use senani_vault::{Context, DataKey, WrappedKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Reports;
use crate::domain::Micros;
use crate::domain::report::Report;
use crate::domain::report::chain::{Hash, Link, Walk, hash};
use crate::error::{Error, ReportError};
use crate::store::sql::{self, Columns};

/// Entries read at once.
const PAGE: u64 = 200;

/// An entry to write.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) kind: pb::report_entry::Kind,
    /// A subject, `reporter` or `clock`.
    pub(crate) actor: String,
    pub(crate) body: Option<pb::ReportEntryBody>,
    /// Nil without a file.
    pub(crate) file: Uuid,
}

impl Entry {
    pub(crate) fn new(kind: pb::report_entry::Kind, actor: &str, body: Option<pb::ReportEntryBody>) -> Self {
        Self { kind, actor: actor.to_owned(), body, file: Uuid::nil() }
    }
}

/// An entry as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) sequence: i64,
    pub(crate) kind: i32,
    pub(crate) actor: String,
    pub(crate) at: Micros,
    /// `None` when it has none, or its content is destroyed.
    pub(crate) body: Option<pb::ReportEntryBody>,
    pub(super) file: Uuid,
    pub(crate) hash: Vec<u8>,
    sealed: Vec<u8>,
    digest: Vec<u8>,
}

/// What a check of the chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// 0 when all are as they were written.
    pub(crate) first_broken: i64,
    pub(crate) entries: i64,
    pub(crate) files: i64,
    pub(crate) head: Vec<u8>,
}

fn place(report: Uuid, sequence: i64) -> Context<'static> {
    Context::new("report_entry", "body_sealed", report).part(sequence)
}

impl Reports {
    /// A new key for a report.
    pub(super) async fn give_key(&self, txn: &WriteTransaction, report: Uuid) -> Result<DataKey, DbErr> {
        let (key, wrapped) = self.vault.new_key(report);
        let sql = "INSERT INTO report_key (report_id, kek_version, wrapped) VALUES ($1, $2, $3)";
        let values = [report.into(), i32::from(wrapped.version).into(), wrapped.bytes.into()];
        sql::execute(&**txn, sql, values).await?;
        Ok(key)
    }

    /// The key of a report; `None` when it is destroyed.
    pub(super) async fn key(&self, db: &impl ConnectionTrait, report: Uuid) -> Result<Option<DataKey>, Error> {
        let sql = "SELECT kek_version, wrapped FROM report_key WHERE report_id = $1";
        let Some(row) = sql::one(db, sql, [report.into()]).await? else { return Ok(None) };
        let (version, bytes): (i32, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let version = u16::try_from(version).map_err(|_| DbErr::Type(format!("a stored key has version {version}")))?;
        let key = self.vault.unwrap(report, &WrappedKey { version, bytes }).map_err(ReportError::from)?;
        Ok(Some(key))
    }

    /// Adds an entry to a locked report, whose row is written by the caller.
    pub(super) async fn append(
        &self,
        txn: &WriteTransaction,
        report: &mut Report,
        key: Option<&DataKey>,
        entry: Entry,
        at: Micros,
    ) -> Result<(), Error> {
        let sequence = report.entry_count + 1;
        let sealed = match &entry.body {
            None => Vec::new(),
            Some(body) => {
                let key = key.ok_or(ReportError::Erased)?;
                key.seal(&body.encode_to_vec(), &place(report.id, sequence))
            }
        };
        let body_digest: Hash = Sha256::digest(&sealed).into();
        let kind = entry.kind as i32;
        let link = Link { report: report.id, sequence, kind, actor: &entry.actor, at, body_digest };
        let hash = hash(&report.chain_head, &link);
        let sql = "INSERT INTO report_entry (report_id, sequence, kind, at, file_id, actor, body_sealed, body_digest, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = [
            report.id.into(),
            sequence.into(),
            kind.into(),
            at.into(),
            entry.file.into(),
            entry.actor.into(),
            sealed.into(),
            body_digest.to_vec().into(),
            hash.to_vec().into(),
        ];
        sql::execute(&**txn, sql, values).await?;
        report.entry_count = sequence;
        report.chain_head = hash.to_vec();
        Ok(())
    }

    /// Entries after `after`, the oldest first, opened where their content is still there.
    pub(crate) async fn history(&self, report: Uuid, after: i64, limit: u64) -> Result<Vec<Opened>, Error> {
        let db = self.store.reader();
        let key = self.key(db, report).await?;
        self.entries(report, key.as_ref(), after, limit).await
    }

    async fn entries(&self, report: Uuid, key: Option<&DataKey>, after: i64, limit: u64) -> Result<Vec<Opened>, Error> {
        let sql = "SELECT sequence, kind, actor, at, file_id, hash, body_sealed, body_digest FROM report_entry \
             WHERE report_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
        let values = [report.into(), after.into(), limit.cast_signed().into()];
        let rows = sql::all(self.store.reader(), sql, values).await?;
        let mut entries = rows.iter().map(read).collect::<Result<Vec<_>, DbErr>>()?;
        for entry in &mut entries {
            if let Some(key) = key
                && !entry.sealed.is_empty()
            {
                let plain = key.open(&entry.sealed, &place(report, entry.sequence)).map_err(ReportError::from)?;
                let body = pb::ReportEntryBody::decode(plain.as_slice());
                entry.body = Some(body.map_err(|error| DbErr::Type(format!("body of an entry: {error}")))?);
            }
        }
        Ok(entries)
    }

    /// Checks the whole chain of a report, and its files.
    pub(crate) async fn verify(&self, report: &Report) -> Result<Found, Error> {
        let key = self.key(self.store.reader(), report.id).await?;
        let mut walk = Walk::new(report.id);
        let mut found = Found::default();
        let mut after = 0;
        loop {
            // Not opened: what was changed could not be, and is to be reported, not to fail.
            let entries = self.entries(report.id, None, after, PAGE).await?;
            for entry in &entries {
                let sound = self.is_sound(report, key.as_ref(), entry, &mut walk, &mut found).await?;
                if !sound && found.first_broken == 0 {
                    found.first_broken = entry.sequence;
                }
                found.entries += 1;
                found.head.clone_from(&entry.hash);
            }
            match entries.last() {
                // Entries that came since the report was read are none of this check.
                Some(last) if last.sequence < report.entry_count => after = last.sequence,
                _ => break,
            }
        }
        if found.first_broken == 0 && !walk.ends(report.entry_count, &report.chain_head) {
            found.first_broken = found.entries.max(1);
        }
        Ok(found)
    }

    async fn is_sound(
        &self,
        report: &Report,
        key: Option<&DataKey>,
        entry: &Opened,
        walk: &mut Walk,
        found: &mut Found,
    ) -> Result<bool, Error> {
        let Ok(body_digest) = Hash::try_from(entry.digest.as_slice()) else { return Ok(false) };
        let link = Link {
            report: report.id,
            sequence: entry.sequence,
            kind: entry.kind,
            actor: &entry.actor,
            at: entry.at,
            body_digest,
        };
        let linked = walk.follows(&link, &entry.hash);
        let destroyed = report.erased_at != 0 && entry.sealed.is_empty();
        let whole = destroyed || Sha256::digest(&entry.sealed).as_slice() == body_digest;
        if !linked || !whole || destroyed || entry.file.is_nil() {
            return Ok(linked && whole);
        }
        found.files += 1;
        let Some(key) = key else { return Ok(false) };
        let Ok(plain) = key.open(&entry.sealed, &place(report.id, entry.sequence)) else { return Ok(false) };
        let body = pb::ReportEntryBody::decode(plain.as_slice()).unwrap_or_default();
        let digest = self.digest_of_file(key, entry.file).await?;
        Ok(body.file.is_some_and(|file| digest.as_deref() == Some(&file.sha256)))
    }
}

fn read(row: &QueryResult) -> Result<Opened, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Opened {
        sequence: columns.take()?,
        kind: columns.take()?,
        actor: columns.take()?,
        at: columns.take()?,
        body: None,
        file: columns.take()?,
        hash: columns.take()?,
        sealed: columns.take()?,
        digest: columns.take()?,
    })
}
