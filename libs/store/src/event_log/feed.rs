//! Serving the log to other services.

use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use sea_orm::DbErr;
use senani_error::{Kind, ServiceError};
use senani_proto::eventlog::cursor::Cursor;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_server::EventLogService;
use senani_proto::eventlog::v1::{
    ErrorReason, Event, SnapshotRequest, SnapshotResponse, SubscribeRequest, SubscribeResponse,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::read::{self, bounds};
use crate::{ReadTransaction, Store, Timestamp};

/// Silence after which a checkpoint is sent.
const CHECKPOINT: Duration = Duration::from_secs(5);

/// How often the log is looked at when no commit of this process wakes the feed: other replicas write too.
const POLL: Duration = Duration::from_millis(500);

/// Messages under way to a slow reader at most.
const UNDER_WAY: usize = 4;

/// Events in one message of a snapshot.
const SNAPSHOT_EVENTS: usize = 256;

/// A service's present state as events.
pub trait Snapshot: Send + Sync + 'static {
    /// What a consumer would know if it had followed from the beginning, read in `txn`.
    fn payloads(&self, txn: &ReadTransaction) -> impl Future<Output = Result<Vec<Payload>, DbErr>> + Send;
}

/// The gRPC face of a service's event log.
#[derive(Debug)]
pub struct Feed<S> {
    store: Store,
    snapshot: S,
    stop: CancellationToken,
}

impl<S: Snapshot> Feed<S> {
    /// Serves the log in `store`; streams end with UNAVAILABLE when `stop` fires, and their readers resume elsewhere.
    pub fn new(store: Store, snapshot: S, stop: CancellationToken) -> Self {
        Self { store, snapshot, stop }
    }

    async fn start(&self, cursor: &str) -> Result<Cursor, FeedError> {
        let bounds = bounds(self.store.reader()).await?;
        if cursor.is_empty() {
            // From the oldest kept event would be a gap for a consumer that has nothing yet.
            return if bounds.pruned_through == 0 {
                Ok(Cursor { epoch: bounds.epoch, position: 0 })
            } else {
                Err(FeedError::Expired { pruned_through: bounds.pruned_through })
            };
        }
        let cursor: Cursor = cursor.parse().map_err(|()| FeedError::Invalid)?;
        if cursor.epoch != bounds.epoch {
            return Err(FeedError::Epoch);
        }
        if cursor.position > bounds.position {
            return Err(FeedError::Ahead);
        }
        if cursor.position < bounds.pruned_through {
            return Err(FeedError::Expired { pruned_through: bounds.pruned_through });
        }
        Ok(cursor)
    }
}

#[tonic::async_trait]
impl<S: Snapshot> EventLogService for Feed<S> {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;
    type SnapshotStream = Pin<Box<dyn Stream<Item = Result<SnapshotResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let cursor = self.start(&request.into_inner().cursor).await?;
        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        let (store, stop) = (self.store.clone(), self.stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = stop.cancelled() => {
                    let _ = sender.try_send(Err(Status::unavailable("the service stops, resume with your cursor")));
                }
                Err(error) = feed(&store, cursor, &sender) => {
                    let _ = sender.send(Err(error.into())).await;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let txn = self.store.begin_read().await.map_err(FeedError::from)?;
        let bounds = bounds(&*txn).await.map_err(FeedError::from)?;
        let payloads = self.snapshot.payloads(&txn).await.map_err(FeedError::from)?;
        drop(txn);
        let cursor = Cursor { epoch: bounds.epoch, position: bounds.position }.to_string();
        let mut events = payloads.into_iter().map(|payload| Event { payload: Some(payload), ..Event::default() });
        let mut last = Some(SnapshotResponse { events: Vec::new(), cursor });
        let messages = std::iter::from_fn(move || {
            let events: Vec<Event> = events.by_ref().take(SNAPSHOT_EVENTS).collect();
            if events.is_empty() { last.take() } else { Some(SnapshotResponse { events, cursor: String::new() }) }
        });
        Ok(Response::new(Box::pin(futures::stream::iter(messages.map(Ok)))))
    }
}

/// Sends events until the receiver is gone (`Ok`) or something fails.
async fn feed(
    store: &Store,
    mut cursor: Cursor,
    sender: &mpsc::Sender<Result<SubscribeResponse, Status>>,
) -> Result<(), FeedError> {
    let mut bell = store.bell();
    // A checkpoint at once: the consumer knows that it is up to date without waiting for silence.
    let mut checkpoint_at = tokio::time::Instant::now();
    loop {
        bell.mark_unchanged();
        let events = read::after(store.reader(), cursor.position).await?;
        let silent = events.is_empty();
        if silent && tokio::time::Instant::now() < checkpoint_at {
            let _ = tokio::time::timeout(POLL, bell.changed()).await;
            continue;
        }
        if let Some(first) = events.first() {
            // Pruning has overtaken this reader.
            if first.position != cursor.position + 1 {
                return Err(FeedError::Expired { pruned_through: first.position - 1 });
            }
        }
        cursor.position = events.last().map_or(cursor.position, |event| event.position);
        let response = SubscribeResponse { events, cursor: cursor.to_string(), send_time: Timestamp::now().to_proto() };
        if sender.send(Ok(response)).await.is_err() {
            return Ok(());
        }
        checkpoint_at = tokio::time::Instant::now() + if silent { CHECKPOINT } else { Duration::ZERO };
    }
}

/// Why a feed is refused or ends.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error("events after the cursor are gone, take a snapshot")]
    Expired { pruned_through: i64 },
    #[error("the cursor is of another incarnation of this database: it was restored or replaced")]
    Epoch,
    #[error("the cursor is beyond the head of the log: the database was restored")]
    Ahead,
    #[error("not a cursor")]
    Invalid,
    #[error("the database failed")]
    Database(#[from] DbErr),
}

impl ServiceError for FeedError {
    const DOMAIN: &'static str = "eventlog.senani.dev";

    fn kind(&self) -> Kind {
        match self {
            Self::Expired { .. } => Kind::OutOfRange,
            Self::Epoch | Self::Ahead => Kind::FailedPrecondition,
            Self::Invalid => Kind::InvalidArgument,
            Self::Database(_) => Kind::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Expired { .. } => ErrorReason::CursorExpired,
            Self::Epoch => ErrorReason::EpochMismatch,
            Self::Ahead => ErrorReason::CursorAhead,
            Self::Invalid => ErrorReason::CursorInvalid,
            Self::Database(_) => ErrorReason::Internal,
        }
        .as_str_name()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Expired { pruned_through } => vec![("pruned_through", pruned_through.to_string())],
            _ => Vec::new(),
        }
    }
}

impl From<FeedError> for Status {
    fn from(error: FeedError) -> Self {
        senani_error::into_status(error)
    }
}
