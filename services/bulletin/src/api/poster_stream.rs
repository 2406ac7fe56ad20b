//! A poster as it comes in: the bulletin's name first, then the file in pieces.

use std::sync::Arc;

use senani_proto::bulletin::v1::AttachPosterRequest;
use senani_proto::bulletin::v1::attach_poster_request::Piece;
use tonic::{Status, Streaming};

use super::bulletin_service::PosterLimits;
use crate::domain::poster::{Poster, PosterFault, prepare};
use crate::error::Error;

pub(super) struct PosterStream {
    pieces: Streaming<AttachPosterRequest>,
}

impl PosterStream {
    pub(super) fn new(pieces: Streaming<AttachPosterRequest>) -> Self {
        Self { pieces }
    }

    /// The name in the first message.
    pub(super) async fn name(&mut self) -> Result<String, Status> {
        match self.pieces.message().await?.and_then(|message| message.piece) {
            Some(Piece::Name(name)) => Ok(name),
            Some(Piece::Content(_)) | None => Err(Error::StreamOutOfOrder.into()),
        }
    }

    /// The file's picture, encoded anew. No more of the file is kept than may be.
    pub(super) async fn poster(mut self, limits: &PosterLimits) -> Result<(Poster, Vec<u8>), Status> {
        let bytes = limits.rules.bytes;
        let refuse = |fault| Status::from(Error::Poster { fault, bytes });
        let mut file = Vec::new();
        while let Some(message) = self.pieces.message().await? {
            let Some(Piece::Content(piece)) = message.piece else { return Err(Error::StreamOutOfOrder.into()) };
            if file.len() + piece.len() > bytes {
                return Err(refuse(PosterFault::TooLarge));
            }
            file.extend_from_slice(&piece);
        }
        let turn = Arc::clone(&limits.decoding).acquire_owned().await.map_err(|_| Error::Stopping)?;
        let rules = limits.rules.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            // Kept to the end of the work, which goes on when the caller does not wait for it.
            let _turn = turn;
            prepare(&file, &rules)
        });
        match prepared.await {
            Ok(outcome) => outcome.map_err(refuse),
            // A decoder that panics has met something that is no image.
            Err(_) => Err(refuse(PosterFault::Damaged)),
        }
    }
}
