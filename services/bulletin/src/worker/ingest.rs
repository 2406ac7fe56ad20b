//! Webhook bodies into the inbox: those that come at the same time share one commit.

use bytes::Bytes;
use senani_store::Store;
use senani_vault::Vault;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::bells::Bells;
use super::mask::mask;
use super::messages;
use crate::error::Error;
use crate::store::inbox;
use crate::store::report::SealedMessage;

/// Bodies that wait for the commit before theirs.
const WAITING: usize = 32;
/// Bytes in one commit, unless a single body is larger.
const BYTES: usize = 8 * 1024 * 1024;

/// A body and who waits for it.
struct Arrival {
    channel: String,
    /// Without its messages; `None` when nothing else was in it.
    body: Option<Bytes>,
    messages: Vec<SealedMessage>,
    size: usize,
    durable: oneshot::Sender<Result<(), sea_orm::DbErr>>,
}

/// Where webhooks hand in their bodies.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    arrivals: mpsc::Sender<Arrival>,
    /// Seals messages.
    vault: Vault,
}

impl Inbox {
    /// The door, and the worker behind it.
    pub(crate) fn new(store: Store, vault: Vault, bells: Bells) -> (Self, impl Future<Output = ()> + Send) {
        let (arrivals, receiver) = mpsc::channel(WAITING);
        (Self { arrivals, vault }, run(store, bells, receiver))
    }

    /// Returns when the body is durable: messages sealed, in all else the numbers masked.
    pub(crate) async fn put(&self, channel: String, body: Bytes) -> Result<(), Error> {
        let (durable, done) = oneshot::channel();
        let size = body.len();
        let (body, messages) = messages::split(&channel, body);
        let messages = messages.iter().map(|message| SealedMessage::new(&self.vault, message)).collect();
        let body = body.map(mask);
        self.arrivals.send(Arrival { channel, body, messages, size, durable }).await.map_err(|_| Error::Stopping)?;
        Ok(done.await.map_err(|_| Error::Stopping)??)
    }
}

async fn run(store: Store, bells: Bells, mut receiver: mpsc::Receiver<Arrival>) {
    while let Some(first) = receiver.recv().await {
        let mut size = first.size;
        let mut together = vec![first];
        while size < BYTES
            && let Ok(next) = receiver.try_recv()
        {
            size += next.size;
            together.push(next);
        }
        let (mut bodies, mut messages, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for arrival in together {
            bodies.extend(arrival.body.map(|body| (arrival.channel, Vec::from(body))));
            messages.extend(arrival.messages);
            waiting.push(arrival.durable);
        }
        let told = !messages.is_empty();
        let outcome = inbox::store_all(&store, bodies, messages).await;
        bells.apply.notify_one();
        if told {
            bells.inbound.notify_one();
        }
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
