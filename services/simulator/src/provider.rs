//! The simulated provider: what its endpoints and its webhooks share.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Mutex, MutexGuard, RwLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use http::Uri;
use tokio::sync::{Notify, Semaphore};

use crate::{
    Error,
    config::Config,
    fault::{Admission, Faults},
    media::Media,
    message::Message,
    plan::Plan,
    record::Record,
    refusal::Refusal,
    sends::TraceParent,
    wheel::{MessageId, Pending, Wheel},
    witness::Witness,
};

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) config: Config,
    /// The whole value of `Authorization`.
    pub(crate) authorization: String,
    pub(crate) witness: Witness,
    pub(crate) media: Media,
    /// Told when the wheel stops being empty, and when there is an address to post to.
    pub(crate) wake: Notify,
    /// Whether the last attempt to post was in vain: logged when it changes, not each time.
    pub(crate) webhook_failing: AtomicBool,
    faults: RwLock<Faults>,
    webhook: RwLock<Option<Uri>>,
    wheel: Mutex<Wheel>,
    /// One permit for each further message that may be pending.
    room: Semaphore,
    pending: AtomicU64,
    requests: AtomicU64,
    start: u32,
    messages: AtomicU32,
    /// Wall clock of the start; the rest is monotonic.
    started: (u64, Instant),
}

impl Provider {
    /// Checks the configuration, reads the record file and the media kept before.
    pub(crate) fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        let webhook = parse_webhook(&config.webhook_url)?;
        let media = Media::open(config.media_capacity, config.record_path.as_deref())
            .map_err(|source| Error::Record { what: "media", source })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let provider = Self {
            authorization: format!("Bearer {}", config.token),
            witness: Witness::new(config.record.then_some(config.record_capacity)),
            media,
            wake: Notify::new(),
            webhook_failing: AtomicBool::new(false),
            faults: RwLock::new(config.faults),
            webhook: RwLock::new(webhook),
            wheel: Mutex::new(Wheel::new(now)),
            room: Semaphore::new(config.pending_capacity),
            pending: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            start: rand::random(),
            messages: AtomicU32::new(0),
            started: (now, Instant::now()),
            config,
        };
        provider.restore()?;
        Ok(provider)
    }

    /// Goes on from the record file, if there is one.
    fn restore(&self) -> Result<(), Error> {
        let Some(path) = &self.config.record_path else { return Ok(()) };
        let (record, open) = Record::open(path, |pending, silent| {
            self.witness.restore(pending, (!silent).then(|| self.plan(pending).outcome));
        })
        .map_err(|source| Error::Record { what: "witness", source })?;
        self.witness.write_to(record);
        if open.len() > self.config.pending_capacity {
            self.room.add_permits(open.len() - self.config.pending_capacity);
        }
        for mut pending in open {
            let permit = self.room.try_acquire().expect("there is a permit for each of them");
            permit.forget();
            pending.due_ms = self.plan(&pending).steps()[0].due_ms;
            self.pending.fetch_add(1, Ordering::Relaxed);
            self.wheel().push(pending);
        }
        Ok(())
    }

    /// Milliseconds since the epoch; never steps back.
    pub(crate) fn now_ms(&self) -> u64 {
        self.started.0 + self.started.1.elapsed().as_millis() as u64
    }

    /// Numbers the requests, for faults and for `fbtrace_id`.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn wheel(&self) -> MutexGuard<'_, Wheel> {
        self.wheel.lock().expect("nothing panics under this lock")
    }

    pub(crate) fn take_due(&self, due: &mut VecDeque<Pending>) {
        let now = self.now_ms();
        self.wheel().take_due(now, due);
    }

    /// Messages whose last receipt was not yet taken.
    pub(crate) fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    /// Makes room for as many further messages.
    pub(crate) fn finish(&self, messages: usize) {
        self.pending.fetch_sub(messages as u64, Ordering::Relaxed);
        self.room.add_permits(messages);
    }

    /// The receipts of a message.
    pub(crate) fn plan(&self, pending: &Pending) -> Plan {
        let id;
        let key = if pending.callback.is_empty() {
            id = pending.id.to_string();
            id.as_bytes()
        } else {
            pending.callback.as_bytes()
        };
        Plan::new(self.config.seed, key, &self.config.outcomes, &self.config.delays)
    }

    pub(crate) fn faults(&self) -> Faults {
        *self.faults.read().expect("nothing panics under this lock")
    }

    pub(crate) fn set_faults(&self, faults: Faults) -> Result<(), Error> {
        faults.check()?;
        *self.faults.write().expect("nothing panics under this lock") = faults;
        Ok(())
    }

    pub(crate) fn webhook_uri(&self) -> Option<Uri> {
        self.webhook.read().expect("nothing panics under this lock").clone()
    }

    pub(crate) fn set_webhook_url(&self, url: &str) -> Result<(), Error> {
        let uri = parse_webhook(url)?;
        *self.webhook.write().expect("nothing panics under this lock") = uri;
        self.wake.notify_one();
        Ok(())
    }

    /// Whether the provider takes the request with this number: before its body is read.
    pub(crate) fn admit(&self, request: u64) -> Admission {
        self.faults().draw(self.config.seed, request)
    }

    /// Accepts a message: waits for room, records it, plans its receipts.
    ///
    /// # Errors
    /// 131000 when the record cannot be written; then the message is not accepted.
    pub(crate) async fn accept(
        &self,
        message: &Message<'_>,
        trace: Option<TraceParent>,
        silent: bool,
    ) -> Result<MessageId, Refusal> {
        let permit = self.room.acquire().await.map_err(|_| Refusal::unavailable())?;
        // No await from here on: a client that hangs up leaves either nothing or a message with its receipts.
        let id = MessageId { start: self.start, number: self.messages.fetch_add(1, Ordering::Relaxed) };
        let mut pending = Pending {
            callback: message.callback.as_ref().into(),
            accepted_ms: self.now_ms(),
            id,
            recipient: message.recipient,
            due_ms: 0,
            step: 0,
            template: message.template,
        };
        let plan = self.plan(&pending);
        pending.due_ms = plan.steps()[0].due_ms;
        self.witness
            .accept(&pending, (!silent).then_some(plan.outcome), trace)
            .map_err(|error| self.cannot_record(&error))?;
        if silent {
            return Ok(id);
        }
        permit.forget();
        self.pending.fetch_add(1, Ordering::Relaxed);
        let mut wheel = self.wheel();
        let idle = wheel.is_empty();
        wheel.push(pending);
        drop(wheel);
        if idle {
            self.wake.notify_one();
        }
        Ok(id)
    }

    fn cannot_record(&self, error: &io::Error) -> Refusal {
        tracing::error!(%error, "a send cannot be recorded and is refused");
        Refusal::server_error()
    }
}

/// Empty for none.
fn parse_webhook(url: &str) -> Result<Option<Uri>, Error> {
    if url.is_empty() {
        return Ok(None);
    }
    match url.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.authority().is_some() => Ok(Some(uri)),
        _ => Err(Error::Config { field: "webhook_url", reason: "must be an http:// address" }),
    }
}
