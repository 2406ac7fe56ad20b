//! Files of reports, in and out.

use std::pin::Pin;

use futures::{Stream, stream};
use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::add_evidence_request::Piece;
use senani_proto::bulletin::v1::read_evidence_response::Piece as Answer;
use tonic::{Status, Streaming};

use super::report_requests::{note, report_id};
use super::report_service::ReportApi;
use crate::domain::report::Report;
use crate::domain::report::content::SHORT_TEXT;
use crate::error::{Error, ReportError};
use crate::store::report::{Entry, PIECE, SealedFile, Target};

/// A file on its way out.
pub(super) type EvidenceStream = Pin<Box<dyn Stream<Item = Result<pb::ReadEvidenceResponse, Status>> + Send>>;

impl ReportApi {
    pub(super) async fn take_evidence(
        &self,
        caller: &Principal,
        mut pieces: Streaming<pb::AddEvidenceRequest>,
    ) -> Result<Report, Status> {
        let header = match pieces.message().await?.and_then(|message| message.piece) {
            Some(Piece::Header(header)) => header,
            Some(Piece::Content(_)) | None => return Err(Error::StreamOutOfOrder.into()),
        };
        let id = report_id(&header.name)?;
        if !is_media_type(&header.media_type) {
            let what = "must be `type/subtype` in small letters";
            return Err(Error::from(ReportError::EvidenceInvalid { field: "header.media_type", what }).into());
        }
        if header.description.chars().count() > SHORT_TEXT {
            let what = "is over 500 characters";
            return Err(Error::from(ReportError::EvidenceInvalid { field: "header.description", what }).into());
        }
        note("header.description", header.description.clone(), false)?;
        let sight = self.sight(caller);
        // Before the file is read: a report that takes none costs none.
        let report = self.seen(&sight, id).await?;
        report.check_note().map_err(|refusal| Error::from(ReportError::from(refusal)))?;
        let _turn = self.evidence.acquire().await.map_err(|_| Error::Stopping)?;
        let mut file = self.reports.new_file(id).await?;
        self.read(&mut pieces, &mut file).await?;
        let sha256 = file.finish();
        self.check(&header, &file, &sha256)?;

        let described = pb::EvidenceFile {
            media_type: header.media_type.clone(),
            size: i64::try_from(file.size()).unwrap_or(i64::MAX),
            sha256: sha256.clone(),
            description: header.description.clone(),
            provider_media_id: String::new(),
        };
        let wanted = pb::EvidenceHeader { sha256, request_id: String::new(), ..header.clone() };
        let request = self.repeatable(caller, "ReportService/AddEvidence", &header.request_id, &wanted)?;
        let target = Target { id, sight: &sight, etag: "" };
        let body = pb::ReportEntryBody { file: Some(described), ..pb::ReportEntryBody::default() };
        let entry =
            Entry { file: file.id, ..Entry::new(pb::report_entry::Kind::Evidence, caller.subject(), Some(body)) };
        let changed = self.reports.change(&request, &target, Some(file), |report| {
            report.check_note().map_err(ReportError::from)?;
            report.touch();
            Ok(entry)
        });
        Ok(changed.await?)
    }

    async fn read(&self, pieces: &mut Streaming<pb::AddEvidenceRequest>, file: &mut SealedFile) -> Result<(), Status> {
        let limit = self.config.evidence_max_bytes;
        while let Some(message) = pieces.message().await? {
            let Some(Piece::Content(content)) = message.piece else { return Err(Error::StreamOutOfOrder.into()) };
            if file.size() + content.len() > limit {
                return Err(Error::from(ReportError::EvidenceTooLarge { limit }).into());
            }
            for piece in content.chunks(PIECE) {
                file.push(piece);
                // Half a megabyte takes a millisecond: others may go on in between.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn check(&self, header: &pb::EvidenceHeader, file: &SealedFile, sha256: &str) -> Result<(), Error> {
        if file.size() == 0 {
            return Err(ReportError::EvidenceInvalid { field: "content", what: "is empty" }.into());
        }
        if !header.sha256.is_empty() && !header.sha256.eq_ignore_ascii_case(sha256) {
            let what = "is not that of the file that came";
            return Err(ReportError::EvidenceInvalid { field: "header.sha256", what }.into());
        }
        Ok(())
    }

    pub(super) async fn give_evidence(
        &self,
        caller: &Principal,
        request: pb::ReadEvidenceRequest,
    ) -> Result<EvidenceStream, Error> {
        let id = report_id(&request.name)?;
        self.seen(&self.sight(caller), id).await?;
        let (file, reader) = self.reports.file(id, request.sequence).await?;
        let first = pb::ReadEvidenceResponse { piece: Some(Answer::File(file)) };
        let rest = stream::try_unfold(reader, |mut reader| async move {
            let piece = reader.next().await.map_err(Status::from)?;
            Ok(piece.map(|piece| (pb::ReadEvidenceResponse { piece: Some(Answer::Content(piece.into())) }, reader)))
        });
        Ok(Box::pin(futures::StreamExt::chain(stream::iter([Ok(first)]), rest)))
    }
}

/// `type/subtype`, each of letters, digits and the few marks that they have.
fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-._".contains(&byte);
        !part.is_empty() && part.len() <= 64 && part.bytes().all(allowed)
    };
    text.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}
