//! The server: what it serves, how it accepts, how it ends.

use std::{collections::HashMap, convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{body::Body, server::NamedService};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::Service;

use crate::{
    call::{Calls, Route},
    handler::{Handler, RouterHandler, ServiceHandler},
    reflection,
};

/// How long open calls may go on after the stop, unless the server is told otherwise.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a unary call may take whose caller sets no deadline. Streams have none by themselves.
pub const UNARY_DEADLINE: Duration = Duration::from_secs(60);

/// HTTP/2: the server asks a silent peer for a sign of life after this time, …
const KEEPALIVE: Duration = Duration::from_secs(20);
/// … and closes the connection when none comes within this time.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const CONCURRENT_STREAMS: u32 = 1_024;
/// Bytes that a peer may send ahead on one stream: a few import chunks in flight.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// Bytes that a peer may send ahead on all streams of a connection; bounds what a slow handler makes us hold.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
const FRAME: u32 = 64 * 1024;
const HEADERS: u32 = 16 * 1024;
/// Pause after a failed accept, which without it would spin while descriptors are scarce.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serving could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The contracts in this binary cannot be reflected.
    #[error("the descriptor set cannot be reflected")]
    Reflection(#[from] reflection::ReflectionError),
    /// The listener is of no use.
    #[error("the listener is unusable")]
    Listener(#[from] io::Error),
}

/// A server of one service process (or of one service in a process that has several).
pub struct Server {
    calls: Calls,
    names: Vec<String>,
    drain_timeout: Duration,
}

impl Server {
    /// A server for the service with this name: `hierarchy`.
    pub fn new(service: &'static str) -> Self {
        let calls = Calls {
            service,
            routes: HashMap::new(),
            router: None,
            fallback: None,
            trusts_subject: true,
            unary_deadline: UNARY_DEADLINE,
            ending: CancellationToken::new(),
        };
        Self { calls, names: Vec::new(), drain_timeout: DRAIN_TIMEOUT }
    }

    /// Serves a generated gRPC service under its own name.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        self.names.push(S::NAME.to_owned());
        self.route(S::NAME, ServiceHandler(service), false);
        self
    }

    /// Serves everything that is not gRPC, over HTTP/1.1 and HTTP/2: pages and webhooks.
    #[must_use]
    pub fn add_router(mut self, router: axum::Router) -> Self {
        self.calls.router = Some(Box::new(RouterHandler(router)));
        self
    }

    /// Serves the gRPC paths that no service here has: the gateway's forwarder. Requests carry the request id, the
    /// [`Deadline`](crate::Deadline) in their extensions, and the path as it came.
    #[must_use]
    pub fn fallback<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        self.calls.fallback = Some(Box::new(ServiceHandler(service)));
        self
    }

    /// Tells reflection and health about services that are reached through [`Self::fallback`].
    #[must_use]
    pub fn announce<'name>(mut self, names: impl IntoIterator<Item = &'name str>) -> Self {
        self.names.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Stands at the edge: callers are strangers, so all `x-senani-*` metadata that they send is removed and no
    /// principal is read from it.
    #[must_use]
    pub fn at_the_edge(mut self) -> Self {
        self.calls.trusts_subject = false;
        self
    }

    /// How long open calls may go on after the stop.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// How long a unary call may take whose caller sets no deadline.
    #[must_use]
    pub fn unary_deadline(mut self, deadline: Duration) -> Self {
        self.calls.unary_deadline = deadline;
        self
    }

    /// Serves until `stop` fires, then drains: health turns NOT_SERVING, no connection is accepted and no call begun,
    /// open calls have the drain timeout to end, what is left is cut. Returns when nothing is open.
    ///
    /// Handlers of endless streams must watch the same token and end their stream; the cut is for those that do not.
    ///
    /// # Errors
    /// The contracts cannot be reflected or the listener is unusable; nothing was served then.
    pub async fn serve(mut self, listener: TcpListener, stop: CancellationToken) -> Result<(), ServeError> {
        let health = self.add_infrastructure().await?;
        let address = listener.local_addr()?;
        let http1 = self.calls.router.is_some();
        let service = self.calls.service;
        let names = std::mem::take(&mut self.names);
        let ending = self.calls.ending.clone();
        let connections = Connections {
            calls: Arc::new(self.calls),
            protocols: protocols(http1),
            stop: ending.clone(),
            cut: CancellationToken::new(),
        };
        let tracker = TaskTracker::new();

        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    tracker.spawn(connections.clone().connection(stream, peer));
                }
                Err(error) => {
                    tracing::warn!(service, error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);

        for name in names.iter().map(String::as_str).chain([""]) {
            health.set_service_status(name, ServingStatus::NotServing).await;
        }
        // Only now, so that watchers of health have the change before their stream ends.
        ending.cancel();
        tracker.close();
        if tokio::time::timeout(self.drain_timeout, tracker.wait()).await.is_err() {
            tracing::warn!(service, %address, "calls still open after the drain timeout are cut");
            connections.cut.cancel();
            tracker.wait().await;
        }
        Ok(())
    }

    async fn add_infrastructure(&mut self) -> Result<HealthReporter, ServeError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        for name in &self.names {
            reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        let names = || self.names.iter().map(String::as_str);
        let v1 = reflection::builder(names()).build_v1()?;
        let v1alpha = reflection::builder(names()).build_v1alpha()?;
        self.infrastructure(health);
        self.infrastructure(v1);
        self.infrastructure(v1alpha);
        Ok(reporter)
    }

    fn infrastructure<S>(&mut self, service: S)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        self.route(S::NAME, ServiceHandler(service), true);
    }

    fn route(&mut self, name: &str, handler: impl Handler + 'static, infrastructure: bool) {
        self.calls.routes.insert(name.to_owned(), Route { handler: Box::new(handler), infrastructure });
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Server")
            .field("service", &self.calls.service)
            .field("names", &self.names)
            .field("drain_timeout", &self.drain_timeout)
            .finish_non_exhaustive()
    }
}

fn protocols(http1: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if !http1 {
        builder = builder.http2_only();
    }
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_header_list_size(HEADERS);
    builder
}

#[derive(Clone)]
struct Connections {
    calls: Arc<Calls>,
    protocols: auto::Builder<TokioExecutor>,
    /// Begin no call any more, end when the open ones have.
    stop: CancellationToken,
    /// End now.
    cut: CancellationToken,
}

impl Connections {
    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        // Answers are small and awaited; a socket without the option is still a good one.
        let _ = stream.set_nodelay(true);
        let calls = self.calls;
        let service = service_fn(move |request: Request<Incoming>| Arc::clone(&calls).answer(request, peer));
        let mut connection = pin!(self.protocols.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.cut.cancelled() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = %error, "a connection ended with an error");
        }
    }
}
