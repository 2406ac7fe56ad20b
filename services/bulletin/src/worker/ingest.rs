//! Webhook bodies into the inbox: those that come at the same time share one commit.

use bytes::Bytes;
use senani_store::Store;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::bells::Bells;
use super::mask::mask;
use crate::error::Error;
use crate::store::inbox;

/// Bodies that wait for the commit before theirs.
const WAITING: usize = 32;
/// Bytes in one commit, unless a single body is larger.
const BYTES: usize = 8 * 1024 * 1024;

/// A body and who waits for it.
struct Arrival {
    channel: String,
    body: Bytes,
    durable: oneshot::Sender<Result<(), sea_orm::DbErr>>,
}

/// Where webhooks hand in their bodies.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    arrivals: mpsc::Sender<Arrival>,
}

impl Inbox {
    /// The door, and the worker behind it.
    pub(crate) fn new(store: Store, bells: Bells) -> (Self, impl Future<Output = ()> + Send) {
        let (arrivals, receiver) = mpsc::channel(WAITING);
        (Self { arrivals }, run(store, bells, receiver))
    }

    /// Returns when the body is durable, the numbers in it masked.
    pub(crate) async fn put(&self, channel: String, body: Bytes) -> Result<(), Error> {
        let (durable, done) = oneshot::channel();
        let body = mask(body);
        self.arrivals.send(Arrival { channel, body, durable }).await.map_err(|_| Error::Stopping)?;
        Ok(done.await.map_err(|_| Error::Stopping)??)
    }
}

async fn run(store: Store, bells: Bells, mut receiver: mpsc::Receiver<Arrival>) {
    while let Some(first) = receiver.recv().await {
        let mut size = first.body.len();
        let mut together = vec![first];
        while size < BYTES
            && let Ok(next) = receiver.try_recv()
        {
            size += next.body.len();
            together.push(next);
        }
        let (bodies, waiting): (Vec<_>, Vec<_>) =
            together.into_iter().map(|arrival| ((arrival.channel, Vec::from(arrival.body)), arrival.durable)).unzip();
        let outcome = inbox::store_all(&store, bodies).await;
        bells.apply.notify_one();
        for durable in waiting {
            // Whoever waited may be gone; the body is kept all the same.
            let _ = durable.send(outcome.as_ref().copied().map_err(copy));
        }
    }
}

/// The same failure for each of those who shared the commit.
fn copy(error: &sea_orm::DbErr) -> sea_orm::DbErr {
    sea_orm::DbErr::Custom(error.to_string())
}

/// Runs the worker until all doors are closed, or a moment after the stop.
pub(crate) async fn serve(worker: impl Future<Output = ()> + Send, stop: CancellationToken) {
    tokio::select! {
        () = worker => {}
        () = async { stop.cancelled().await; tokio::time::sleep(super::LAST_BODIES).await } => {}
    }
}
