//! An event log in memory.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures::Stream;
use senani_proto::eventlog::cursor::Cursor;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_server::EventLogService;
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SnapshotResponse, SubscribeRequest, SubscribeResponse};
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Holds events and serves them to whoever subscribes.
#[derive(Debug, Clone)]
pub(crate) struct FakeLog {
    events: Arc<Mutex<Vec<Event>>>,
    bell: watch::Sender<usize>,
}

impl FakeLog {
    pub(crate) fn new(payloads: impl IntoIterator<Item = Payload>) -> Self {
        let log = Self { events: Arc::default(), bell: watch::channel(0).0 };
        log.append(payloads);
        log
    }

    pub(crate) fn append(&self, payloads: impl IntoIterator<Item = Payload>) {
        let mut events = self.events.lock().expect("nobody panics with it");
        for payload in payloads {
            let position = events.len() as i64 + 1;
            events.push(Event { position, payload: Some(payload), ..Event::default() });
        }
        self.bell.send_replace(events.len());
    }
}

#[tonic::async_trait]
impl EventLogService for FakeLog {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;
    type SnapshotStream = Pin<Box<dyn Stream<Item = Result<SnapshotResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let mut position = request.into_inner().cursor.parse::<Cursor>().map_or(0, |cursor| cursor.position) as usize;
        let (log, mut bell) = (self.clone(), self.bell.subscribe());
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        tokio::spawn(async move {
            loop {
                bell.mark_unchanged();
                let events: Vec<Event> = log.events.lock().expect("nobody panics with it")[position..].to_vec();
                position += events.len();
                let cursor = Cursor { epoch: "fake".to_owned(), position: position as i64 }.to_string();
                if sender.send(Ok(SubscribeResponse { events, cursor, send_time: None })).await.is_err() {
                    return;
                }
                let _ = tokio::time::timeout(std::time::Duration::from_secs(5), bell.changed()).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        Err(Status::unimplemented("no snapshot here"))
    }
}
