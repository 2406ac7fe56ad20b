//! One HTTP/2 connection that is there when it is needed.

use std::{
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use http::{Request, Response, uri::Authority};
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tonic::{Status, body::Body};

use crate::failure::{ConnectTimeout, connection_lost, unreachable};

/// Bytes that the server may send ahead on one stream …
const STREAM_WINDOW: u32 = 1024 * 1024;
/// … and on all streams of the connection.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
const FRAME: u32 = 64 * 1024;
/// Answers with many details in their trailers are larger than requests.
const HEADERS: u32 = 64 * 1024;

/// When a silent connection is given up. Without it a connection through a cut network stays dead for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Longest time to make a connection.
    pub(crate) connect: Duration,
    /// Ask the server for a sign of life after this long without one, …
    pub(crate) keepalive: Duration,
    /// … and give the connection up when none comes within this time.
    pub(crate) keepalive_timeout: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            keepalive: Duration::from_secs(10),
            keepalive_timeout: Duration::from_secs(5),
        }
    }
}

type Sender = SendRequest<Body>;
type Connecting = Shared<BoxFuture<'static, Result<Sender, Arc<dyn Error + Send + Sync>>>>;

enum State {
    Idle,
    /// One attempt, on which all callers of the moment wait.
    Connecting(Connecting),
    Open(Sender),
}

pub(crate) struct Connection {
    authority: Authority,
    patience: Patience,
    state: Mutex<State>,
}

impl Connection {
    pub(crate) fn new(authority: Authority, patience: Patience) -> Self {
        Self { authority, patience, state: Mutex::new(State::Idle) }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Sends the request; a request that a closing connection gives back unsent goes over a new one.
    pub(crate) async fn send(self: &Arc<Self>, request: Request<Body>) -> Result<Response<Incoming>, Status> {
        let mut sender = self.sender().await?;
        match sender.try_send_request(request).await {
            Ok(response) => Ok(response),
            Err(mut failure) => match failure.take_message() {
                None => Err(connection_lost(failure.into_error())),
                Some(request) => {
                    self.forget();
                    let mut sender = self.sender().await?;
                    sender.send_request(request).await.map_err(connection_lost)
                }
            },
        }
    }

    async fn sender(self: &Arc<Self>) -> Result<Sender, Status> {
        let connecting = {
            let mut state = self.state();
            match &*state {
                State::Open(sender) if !sender.is_closed() => return Ok(sender.clone()),
                State::Connecting(connecting) => connecting.clone(),
                State::Open(_) | State::Idle => {
                    let connecting = self.start();
                    *state = State::Connecting(connecting.clone());
                    connecting
                }
            }
        };
        connecting.await.map_err(|error| unreachable(self.authority.as_str(), error))
    }

    /// Connects in a task of its own, so that the attempt outlives the caller who happened to be first.
    fn start(self: &Arc<Self>) -> Connecting {
        let this = Arc::clone(self);
        let task = tokio::spawn(async move {
            let connected = match tokio::time::timeout(this.patience.connect, this.connect()).await {
                Ok(connected) => connected,
                Err(_) => Err(Arc::new(ConnectTimeout) as Arc<dyn Error + Send + Sync>),
            };
            *this.state() = connected.as_ref().map_or(State::Idle, |sender| State::Open(sender.clone()));
            connected
        });
        task.map(|outcome| outcome.unwrap_or_else(|error| Err(Arc::new(error)))).boxed().shared()
    }

    async fn connect(&self) -> Result<Sender, Arc<dyn Error + Send + Sync>> {
        let port = self.authority.port_u16().unwrap_or(80);
        // An IPv6 address stands in brackets in an authority, and not in a socket address.
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, port)).await.map_err(shared)?;
        let _ = stream.set_nodelay(true);
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(self.patience.keepalive)
            .keep_alive_timeout(self.patience.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .max_header_list_size(HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(shared)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "a connection ended with an error");
            }
        });
        Ok(sender)
    }

    /// Gives up a connection that takes no requests any more. Leaves a newer one alone.
    fn forget(&self) {
        let mut state = self.state();
        if matches!(&*state, State::Open(sender) if sender.is_closed()) {
            *state = State::Idle;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shared(error: impl Error + Send + Sync + 'static) -> Arc<dyn Error + Send + Sync> {
    Arc::new(error)
}
