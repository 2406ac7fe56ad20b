//! An import as it runs: while one chunk is being committed the next one is prepared.

use futures::Stream;
use opentelemetry::KeyValue;
use senani_proto::membership::v1::import_members_request::Piece;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_store::Timestamp;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use tracing::Instrument as _;
use uuid::Uuid;

use super::personal::check_notice;
use super::prepare::Preparation;
use super::{Cell, in_force};
use crate::convert;
use crate::domain::Import;
use crate::error::Error;
use crate::store::{Chunk, Registry, Terms};

/// Chunks prepared ahead of the one being committed.
const AHEAD: usize = 1;
/// Reports under way to the caller; further ones are left out until it reads, for a later one says more.
const REPORTS: usize = 8;
/// New members after which the planner of the database is told.
const MANY: i64 = 10_000;

/// What an import needs.
#[derive(Debug)]
pub(super) struct ImportJob {
    pub(super) registry: Registry,
    pub(super) cell: Cell,
    pub(super) stop: CancellationToken,
    /// Who imports.
    pub(super) subject: String,
}

type Reports = mpsc::Sender<Result<pb::ImportMembersResponse, Status>>;
type Pieces = Streaming<pb::ImportMembersRequest>;

impl ImportJob {
    /// Runs the import in a task of its own; the stream reports what is durable.
    pub(super) fn start(
        self,
        pieces: Pieces,
    ) -> impl Stream<Item = Result<pb::ImportMembersResponse, Status>> + Send + 'static {
        let (sender, receiver) = mpsc::channel(REPORTS);
        let run = async move {
            let report = match self.run(pieces, &sender).await {
                Ok(import) => Ok(pb::ImportMembersResponse { progress: Some(convert::import(&import)), done: true }),
                Err(error) => Err(error.into()),
            };
            let _ = sender.send(report).await;
        };
        tokio::spawn(run.instrument(tracing::Span::current()));
        ReceiverStream::new(receiver)
    }

    async fn run(self, mut pieces: Pieces, reports: &Reports) -> Result<Import, Error> {
        let options = options(&mut pieces).await?;
        let id: Uuid = options
            .import_id
            .parse()
            .map_err(|_| Error::invalid(ErrorReason::ImportIdInvalid, "options.import_id", "is not a UUID"))?;
        let in_force = in_force(&self.cell, &self.registry).await?;
        check_notice(&self.registry, &options.notice_version, "options.notice_version").await?;
        let mut import = match self.registry.import(id).await? {
            Some(import) => import,
            None => Import::new(id, Timestamp::now().0),
        };
        let mut terms = Terms { notice_version: options.notice_version, recorded_by: self.subject, in_force };
        let accepted_before = import.accepted_count;
        let rows = rows_counter();

        let (sender, mut chunks) = mpsc::channel(AHEAD);
        let preparation = Preparation::new(self.registry.clone(), self.cell.clone(), import.clone());
        tokio::spawn(prepare(preparation, pieces, sender).instrument(tracing::Span::current()));
        loop {
            let chunk = tokio::select! {
                chunk = chunks.recv() => chunk,
                () = self.stop.cancelled() => return Err(Error::Stopping),
                () = reports.closed() => return Err(Error::Stream(Box::new(Status::cancelled("the caller is gone")))),
            };
            let Some(chunk) = chunk else { break };
            let before = (import.accepted_count, import.rejected_count());
            // The rows were read by the structure as it was then: a unit that has come meanwhile has its place.
            terms.in_force.tree = self.cell.replica.tree();
            import = self.registry.store_chunk(&import, chunk?, &terms).await?;
            let count = |now: i64, before: i64| u64::try_from(now - before).unwrap_or_default();
            rows.add(count(import.accepted_count, before.0), &[KeyValue::new("outcome", "accepted")]);
            rows.add(count(import.rejected_count(), before.1), &[KeyValue::new("outcome", "rejected")]);
            if !import.complete {
                let progress = Some(convert::import(&import));
                let _ = reports.try_send(Ok(pb::ImportMembersResponse { progress, done: false }));
            }
        }
        if import.accepted_count - accepted_before >= MANY
            && let Err(error) = self.registry.refresh_statistics().await
        {
            tracing::warn!(%error, "the statistics of the database could not be refreshed");
        }
        tracing::info!(
            import.id = %import.id,
            rows = import.row_count,
            accepted = import.accepted_count,
            rejected = import.rejected_count(),
            "import complete"
        );
        Ok(import)
    }
}

/// Prepares chunks until the file ends or something is wrong, which then comes last.
async fn prepare(mut preparation: Preparation, mut pieces: Pieces, chunks: mpsc::Sender<Result<Chunk, Error>>) {
    let outcome = async {
        while let Some(piece) = next(&mut pieces).await? {
            let Piece::Content(content) = piece else {
                return Err(out_of_order("the options come once"));
            };
            let mut input = &content[..];
            while let Some(chunk) = preparation.take(&mut input).await? {
                if chunks.send(Ok(chunk)).await.is_err() {
                    return Ok(None);
                }
            }
        }
        preparation.finish().await
    };
    let last = match outcome.await {
        Ok(None) => return,
        Ok(Some(chunk)) => Ok(chunk),
        Err(error) => Err(error),
    };
    let _ = chunks.send(last).await;
}

async fn options(pieces: &mut Pieces) -> Result<pb::ImportMembersOptions, Error> {
    match next(pieces).await? {
        Some(Piece::Options(options)) => Ok(options),
        _ => Err(out_of_order("the first message carries the options")),
    }
}

async fn next(pieces: &mut Pieces) -> Result<Option<Piece>, Error> {
    let message = pieces.message().await.map_err(|status| Error::Stream(Box::new(status)))?;
    match message {
        Some(pb::ImportMembersRequest { piece: Some(piece) }) => Ok(Some(piece)),
        Some(_) => Err(out_of_order("a message is empty")),
        None => Ok(None),
    }
}

fn out_of_order(what: &str) -> Error {
    Error::invalid(ErrorReason::StreamOutOfOrder, "piece", what)
}

/// Rows of imports made durable, by outcome.
fn rows_counter() -> opentelemetry::metrics::Counter<u64> {
    opentelemetry::global::meter("senani")
        .u64_counter("senani.membership.import.rows")
        .with_description("rows of imports that are durable, by outcome")
        .build()
}
