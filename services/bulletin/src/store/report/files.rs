//! Files of reports, sealed piece by piece.

use sea_orm::{ConnectionTrait, DbErr};
use senani_proto::bulletin::v1 as pb;
use senani_store::{Rows, WriteTransaction};
use senani_vault::{Context, DataKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Reports;
use crate::error::{Error, ReportError};
use crate::store::sql;

/// Bytes of a piece.
pub(crate) const PIECE: usize = 512 * 1024;

fn place(file: Uuid, piece: i64) -> Context<'static> {
    Context::new("report_file", "content_sealed", file).part(piece)
}

/// A file on its way in: what was read of it is sealed already.
pub(crate) struct SealedFile {
    pub(crate) id: Uuid,
    key: DataKey,
    pieces: Vec<Vec<u8>>,
    rest: Vec<u8>,
    size: usize,
    digest: Sha256,
}

impl std::fmt::Debug for SealedFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SealedFile").field("id", &self.id).field("size", &self.size).finish_non_exhaustive()
    }
}

impl SealedFile {
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn push(&mut self, content: &[u8]) {
        self.digest.update(content);
        self.size += content.len();
        self.rest.extend_from_slice(content);
        while self.rest.len() >= PIECE {
            let rest = self.rest.split_off(PIECE);
            let piece = std::mem::replace(&mut self.rest, rest);
            self.seal(&piece);
        }
    }

    fn seal(&mut self, piece: &[u8]) {
        let sealed = self.key.seal(piece, &place(self.id, self.pieces.len() as i64));
        self.pieces.push(sealed);
    }

    /// SHA-256 of all of it, in hexadecimal digits.
    pub(crate) fn finish(&mut self) -> String {
        let piece = std::mem::take(&mut self.rest);
        if !piece.is_empty() {
            self.seal(&piece);
        }
        hex::encode(self.digest.finalize_reset())
    }

    pub(super) async fn store(self, txn: &WriteTransaction, report: Uuid) -> Result<(), DbErr> {
        let id = self.id;
        Rows::new()
            .big_int("piece", 0..self.pieces.len() as i64)
            .bytes("content_sealed", self.pieces)
            .execute(
                &**txn,
                "INSERT INTO report_file (file_id, piece, report_id, content_sealed) \
                 SELECT :1, v.piece, :2, v.content_sealed FROM v",
                &[id.into(), report.into()],
            )
            .await
            .map(drop)
    }
}

impl Reports {
    /// A file for a report, whose content is still there.
    pub(crate) async fn new_file(&self, report: Uuid) -> Result<SealedFile, Error> {
        let key = self.key(self.store.reader(), report).await?.ok_or(ReportError::Erased)?;
        Ok(SealedFile { id: Uuid::now_v7(), key, pieces: Vec::new(), rest: Vec::new(), size: 0, digest: Sha256::new() })
    }

    /// The file of an entry: what it is, and by what its pieces are read.
    pub(crate) async fn file(&self, report: Uuid, sequence: i64) -> Result<(pb::EvidenceFile, FileReader), Error> {
        let not_found = || ReportError::EvidenceNotFound(sequence);
        let entry = self.history(report, sequence - 1, 1).await?.into_iter().next().ok_or_else(not_found)?;
        let file = entry.body.and_then(|body| body.file).ok_or_else(not_found)?;
        if entry.sequence != sequence || entry.file.is_nil() {
            return Err(not_found().into());
        }
        let key = self.key(self.store.reader(), report).await?.ok_or_else(not_found)?;
        Ok((file, FileReader { reports: self.clone(), key, file: entry.file, next: 0 }))
    }

    /// SHA-256 of a stored file in hexadecimal digits; `None` when a piece cannot be opened.
    pub(super) async fn digest_of_file(&self, key: &DataKey, file: Uuid) -> Result<Option<String>, Error> {
        let mut digest = Sha256::new();
        let mut piece = 0;
        while let Some(sealed) = self.piece(self.store.reader(), file, piece).await? {
            let Ok(content) = key.open(&sealed, &place(file, piece)) else { return Ok(None) };
            digest.update(&*content);
            piece += 1;
        }
        Ok(Some(hex::encode(digest.finalize())))
    }

    async fn piece(&self, db: &impl ConnectionTrait, file: Uuid, piece: i64) -> Result<Option<Vec<u8>>, DbErr> {
        let sql = "SELECT content_sealed FROM report_file WHERE file_id = $1 AND piece = $2";
        let row = sql::one(db, sql, [file.into(), piece.into()]).await?;
        row.map(|row| row.try_get_by_index(0)).transpose()
    }
}

/// Reads a file piece by piece.
#[derive(Debug)]
pub(crate) struct FileReader {
    reports: Reports,
    key: DataKey,
    file: Uuid,
    next: i64,
}

impl FileReader {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let sealed = self.reports.piece(self.reports.store.reader(), self.file, self.next).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let content = self.key.open(&sealed, &place(self.file, self.next)).map_err(ReportError::from)?;
        self.next += 1;
        Ok(Some(content.to_vec()))
    }
}
