//! The dispatcher of a channel: claims batches, sends them, records what came of them. Several batches are under way at a time: while one is
//! sent, the next is claimed and the one before is recorded.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use senani_proto::membership::v1::address::Refusal;
use senani_store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::{Batch, Job};
use super::bells::Bells;
use super::library::{Found, Library};
use super::metrics::Metrics;
use super::outbox::Outbox;
use super::{new_token, pause, within};
use crate::channel::{ChannelError, Sender};
use crate::config::{ChannelConfig, Config};
use crate::domain::attempt::{Answer, Class, Persistence, class_of, judge};
use crate::domain::delivery::{CONSENT_WITHDRAWN, MEMBER_GONE};
use crate::error::Error;
use crate::objects::PosterObjects;
use crate::register::Register;
use crate::store::claims::{self, Claimed, Place, Wish};
use crate::store::{bulletins, results};

/// Batches under way at a time: one claimed, one or two sent, one recorded.
const BATCHES: usize = 4;
/// How often an idle dispatcher looks for what other processes left.
const LOOK: Duration = Duration::from_millis(250);
/// How often stretches of the ledger that were claimed are looked through again. Passing 300,000 rows that were sent takes about 50 ms.
const BEGIN_AGAIN: Duration = Duration::from_secs(10);
/// Pause after something that we need (membership, the database) has failed.
const REST: Duration = Duration::from_secs(1);
/// How often a batch is recorded before it is left to its lease.
const RECORD_ATTEMPTS: usize = 20;

/// What the parts of a dispatcher share.
#[derive(Debug)]
struct Desk {
    store: Store,
    register: Register,
    channel: String,
    lease: Duration,
    persistence: Persistence,
    /// Rest after the provider has refused our credentials or our account.
    pause: Duration,
    library: Library,
    outbox: Outbox<Job>,
    /// Until when nothing is claimed.
    resting: std::sync::Mutex<Option<tokio::time::Instant>>,
    bells: Bells,
    metrics: Metrics,
    stop: CancellationToken,
}

/// Sends what is queued on one channel.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    desk: Arc<Desk>,
    sender: Sender,
    concurrency: usize,
    batch: u64,
}

impl Dispatcher {
    /// A dispatcher for a channel.
    ///
    /// # Errors
    /// The channel is configured wrongly.
    pub(crate) fn new(
        store: Store,
        register: Register,
        objects: PosterObjects,
        config: &Config,
        channel: &ChannelConfig,
        bells: Bells,
        stop: CancellationToken,
    ) -> Result<Self, ChannelError> {
        let sender = Sender::new(channel)?;
        let library = Library::new(store.clone(), objects, channel, sender.clone());
        let desk = Desk {
            store,
            register,
            channel: channel.name.clone(),
            lease: config.lease(),
            persistence: channel.persistence(),
            pause: Duration::from_secs(channel.pause_seconds.max(1)),
            library,
            outbox: Outbox::new(),
            resting: std::sync::Mutex::default(),
            bells,
            metrics: Metrics::new(),
            stop,
        };
        Ok(Self {
            desk: Arc::new(desk),
            sender,
            concurrency: config.dispatch_concurrency.clamp(1, 1_024),
            batch: config.claim_batch.clamp(1, 1_000) as u64,
        })
    }

    /// Sends until the stop; then what is under way ends, and what is not goes back to the queue.
    pub(crate) async fn run(self) {
        let desk = self.desk;
        // Dropped with this future, the sets end everything at once.
        let mut connections = JoinSet::new();
        for _ in 0..self.concurrency {
            connections.spawn(deliver(Arc::clone(&desk), self.sender.clone()));
        }
        let mut batches = JoinSet::new();
        let room = Arc::new(Semaphore::new(BATCHES));
        let mut cursor = Cursor::new();
        loop {
            let slot = tokio::select! {
                slot = Arc::clone(&room).acquire_owned() => slot,
                () = desk.stop.cancelled() => break,
            };
            let Ok(slot) = slot else { break };
            while batches.try_join_next().is_some() {}
            desk.rest().await;
            if desk.stop.is_cancelled() {
                break;
            }
            let token = new_token();
            match desk.claim(&mut cursor, self.batch, token).await {
                Ok(claimed) if claimed.is_empty() => {
                    drop(slot);
                    tokio::select! {
                        () = desk.bells.dispatch.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                        () = desk.stop.cancelled() => {}
                    }
                }
                Ok(claimed) => {
                    batches.spawn(process(Arc::clone(&desk), token, claimed, slot));
                }
                Err(error) => {
                    tracing::warn!(channel = desk.channel, error = %error, "deliveries could not be claimed, will try again");
                    pause(REST, &desk.stop).await;
                }
            }
        }
        while batches.join_next().await.is_some() {}
        desk.outbox.close();
        while connections.join_next().await.is_some() {}
    }
}

/// How far each publication's stretch of the ledger was claimed: a batch begins where the one before ended.
#[derive(Debug)]
struct Cursor {
    claimed: HashMap<Uuid, Uuid>,
    /// When all stretches were last looked through from their beginning.
    begun: tokio::time::Instant,
}

impl Cursor {
    fn new() -> Self {
        Self { claimed: HashMap::new(), begun: tokio::time::Instant::now() }
    }
}

impl Desk {
    async fn claim(&self, cursor: &mut Cursor, limit: u64, token: i64) -> Result<Vec<Claimed>, sea_orm::DbErr> {
        let wish = Wish { channel: &self.channel, limit, lease: self.lease };
        let again = claims::claim(&self.store, wish, Place::Again, token).await?;
        if !again.is_empty() {
            return Ok(again);
        }
        let stretches = claims::stretches(&self.store).await?;
        cursor.claimed.retain(|publication, _| stretches.iter().any(|stretch| stretch.publication == *publication));
        if cursor.begun.elapsed() > BEGIN_AGAIN {
            // What another process had locked and then left, or wrote with a clock that is behind.
            *cursor = Cursor::new();
        }
        for stretch in stretches {
            let before = Uuid::from_u128(stretch.first.as_u128().saturating_sub(1));
            let mut after = cursor.claimed.get(&stretch.publication).copied().unwrap_or(before);
            while after < stretch.last && !self.stop.is_cancelled() {
                let end = claims::window(&self.store, after, stretch.last, limit).await?;
                let claimed = claims::claim(&self.store, wish, Place::New { after, end }, token).await?;
                cursor.claimed.insert(stretch.publication, end);
                after = end;
                if !claimed.is_empty() {
                    return Ok(claimed);
                }
            }
        }
        Ok(Vec::new())
    }

    async fn rest(&self) {
        let until = *self.resting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(until) = until else { return };
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = self.stop.cancelled() => {}
        }
    }

    fn rest_for(&self, duration: Duration) {
        let until = tokio::time::Instant::now() + duration;
        let mut resting = self.resting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *resting = Some(resting.map_or(until, |known| known.max(until)));
    }

    /// Addresses and contents for a batch; deliveries that cannot be sent get their answer at once.
    async fn prepare(&self, batch: &Arc<Batch>) -> Result<(), Error> {
        let mut contents: BTreeMap<Uuid, Found> = BTreeMap::new();
        for delivery in &batch.deliveries {
            if let Entry::Vacant(place) = contents.entry(delivery.bulletin) {
                place.insert(self.library.content(delivery.bulletin).await?);
            }
        }
        let members = batch.deliveries.iter().map(|delivery| delivery.member);
        let addresses =
            self.register.open(members).await.map_err(|status| Error::MembershipUnavailable(Box::new(status)))?;
        let mut jobs = Vec::with_capacity(batch.deliveries.len());
        for (index, (delivery, address)) in batch.deliveries.iter().zip(addresses).enumerate() {
            let barred = match address.refusal() {
                Refusal::Unspecified if !address.phone.is_empty() => None,
                Refusal::ConsentWithdrawn => Some(CONSENT_WITHDRAWN),
                Refusal::MemberGone | Refusal::Unspecified => Some(MEMBER_GONE),
            };
            match (barred, &contents[&delivery.bulletin]) {
                (Some(reason), _) => batch.answer(index, Answer::Barred(reason)),
                (None, Err(answer)) => batch.answer(index, answer.clone()),
                (None, Ok(content)) => jobs.push(Job {
                    batch: Arc::clone(batch),
                    index,
                    phone: address.phone,
                    content: Arc::clone(content),
                }),
            }
        }
        self.outbox.extend(jobs.into_iter());
        Ok(())
    }

    /// Waits for the answers and keeps the lease meanwhile.
    async fn watch(&self, batch: &Batch) {
        let mut beat = tokio::time::interval(self.lease / 3);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        beat.tick().await;
        loop {
            tokio::select! {
                () = batch.completed() => return,
                _ = beat.tick() => {
                    match claims::extend(&self.store, batch.token, self.lease).await {
                        Ok(true) => {}
                        Ok(false) => {
                            tracing::warn!(channel = self.channel, "a batch has lost its lease, the rest of it is not sent");
                            batch.withhold();
                        }
                        Err(error) => tracing::warn!(error = %error, "a lease could not be extended"),
                    }
                }
            }
        }
    }

    async fn record(&self, batch: &Batch) {
        let answers = batch.take_answers();
        self.react(batch, &answers).await;
        let results: Vec<_> = batch
            .deliveries
            .iter()
            .zip(&answers)
            .map(|(delivery, answer)| {
                (delivery.clone(), judge(answer, delivery.attempt, rand::random(), &self.persistence))
            })
            .collect();
        for attempt in 1..=RECORD_ATTEMPTS {
            match results::record(&self.store, batch.token, &results).await {
                Ok(recorded) => {
                    for (kind, count) in results::by_kind(&results) {
                        self.metrics.attempts(&self.channel, kind, count);
                    }
                    if recorded.stale > 0 {
                        self.metrics.stale(recorded.stale);
                        tracing::warn!(
                            channel = self.channel,
                            count = recorded.stale,
                            "results came after their lease, they change nothing"
                        );
                    }
                    return;
                }
                Err(error) => {
                    tracing::warn!(channel = self.channel, attempt, error = %error, "results could not be recorded");
                    // Even while stopping: what was sent should be known. The lease is the limit.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        tracing::error!(channel = self.channel, "results of a batch are left to its lease: receipts will settle them");
    }

    /// What answers say about the channel as a whole.
    async fn react(&self, batch: &Batch, answers: &[Answer]) {
        let refusals = batch.deliveries.iter().zip(answers).filter_map(|(delivery, answer)| match answer {
            Answer::Refused { status, code } => Some((delivery.bulletin, *status, *code)),
            _ => None,
        });
        let mut stopped = None;
        let mut media: Vec<Uuid> = Vec::new();
        let mut throttled = false;
        for (bulletin, status, code) in refusals {
            match class_of(status, code) {
                Class::Channel => stopped = Some((status, code)),
                Class::Media if !media.contains(&bulletin) => media.push(bulletin),
                Class::Throttled => throttled = true,
                _ => {}
            }
        }
        if let Some((status, code)) = stopped {
            tracing::error!(
                channel = self.channel,
                status,
                code,
                pause_seconds = self.pause.as_secs(),
                "the provider refuses the sender, the channel rests; look at its credentials and account"
            );
            self.rest_for(self.pause);
        } else if throttled {
            self.rest_for(self.persistence.pause_from.mul_f64(rand::random_range(0.1..=1.0)));
        } else if answers.iter().all(|answer| *answer == Answer::Unreached) {
            tracing::warn!(channel = self.channel, "the provider cannot be reached, will try again");
            self.rest_for(REST.min(self.persistence.pause_to));
        }
        for bulletin in media {
            if let Err(error) = self.library.forget_media(bulletin).await {
                tracing::warn!(error = %error, "an uploaded poster could not be forgotten");
            }
        }
    }
}

/// One connection: sends whatever comes next.
async fn deliver(desk: Arc<Desk>, sender: Sender) {
    let mut connection = sender.connection();
    while let Some(job) = desk.outbox.next().await {
        job.send(&mut connection, desk.stop.is_cancelled()).await;
    }
}

/// A batch from its claim to its record.
async fn process(desk: Arc<Desk>, token: i64, claimed: Vec<Claimed>, slot: OwnedSemaphorePermit) {
    let span = tracing::info_span!(parent: None, "dispatch batch", channel = desk.channel, deliveries = claimed.len());
    if senani_telemetry::enabled() {
        let trace_parent = bulletins::trace_parent(desk.store.reader(), claimed[0].bulletin).await;
        senani_telemetry::set_parent(&span, trace_parent.ok().as_deref());
    }
    let batch = Arc::new(Batch::new(token, claimed, span.clone()));
    let work = async {
        if let Err(error) = desk.prepare(&batch).await {
            tracing::warn!(channel = desk.channel, error = %error, "a batch could not be prepared, will try again");
            desk.rest_for(REST);
            (0..batch.deliveries.len()).for_each(|index| batch.answer(index, Answer::Withheld));
        }
        desk.watch(&batch).await;
        desk.record(&batch).await;
    };
    within(span, work).await;
    drop(slot);
}
