//! A poster as it comes in: the bulletin's name first, then the file in pieces.

use senani_proto::bulletin::v1::AttachPosterRequest;
use senani_proto::bulletin::v1::attach_poster_request::Piece;
use tonic::{Status, Streaming};

use super::bulletin_service::PosterLimits;
use crate::domain::poster::{Poster, PosterFault, inspect};
use crate::error::Error;

pub(super) struct PosterStream {
    pieces: Streaming<AttachPosterRequest>,
    limit: usize,
}

impl PosterStream {
    pub(super) fn new(pieces: Streaming<AttachPosterRequest>, limit: usize) -> Self {
        Self { pieces, limit }
    }

    /// The name in the first message.
    pub(super) async fn name(&mut self) -> Result<String, Status> {
        match self.pieces.message().await?.and_then(|message| message.piece) {
            Some(Piece::Name(name)) => Ok(name),
            Some(Piece::Content(_)) | None => Err(Error::StreamOutOfOrder.into()),
        }
    }

    /// The file, inspected. No more of it is kept than may be.
    pub(super) async fn poster(mut self, limits: &PosterLimits) -> Result<(Poster, Vec<u8>), Status> {
        let mut content = Vec::new();
        while let Some(message) = self.pieces.message().await? {
            let Some(Piece::Content(piece)) = message.piece else { return Err(Error::StreamOutOfOrder.into()) };
            if content.len() + piece.len() > self.limit {
                return Err(self.fault(PosterFault::TooLarge));
            }
            content.extend_from_slice(&piece);
        }
        let limit = self.limit;
        let _turn = limits.decoding.acquire().await.map_err(|_| Error::Stopping)?;
        let inspected = tokio::task::spawn_blocking(move || inspect(&content, limit).map(|poster| (poster, content)));
        match inspected.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(fault)) => Err(self.fault(fault)),
            // A decoder that panics has met something that is no image.
            Err(_) => Err(self.fault(PosterFault::NotAnImage)),
        }
    }

    fn fault(&self, fault: PosterFault) -> Status {
        Error::Poster { fault, bytes: self.limit }.into()
    }
}
