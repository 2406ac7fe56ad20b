//! The server: connections in, webhooks out.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Error, config::Config, fault::Faults, provider::Provider, routes, webhook, witness::Testimony};

/// How long connections may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(2);
/// Streams on one HTTP/2 connection.
const MAX_STREAMS: u32 = 1_024;

/// A simulated provider that is bound to its address and not yet serving.
#[derive(Debug)]
pub struct App {
    provider: Arc<Provider>,
    listener: TcpListener,
    address: SocketAddr,
}

impl App {
    /// Checks the configuration, reads the record file, binds the address.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Record`] or [`Error::Bind`].
    pub async fn build(config: Config) -> Result<Self, Error> {
        let listen = config.listen;
        let provider = Arc::new(Provider::new(config)?);
        let listener = TcpListener::bind(listen).await.map_err(Error::Bind)?;
        let address = listener.local_addr().map_err(Error::Bind)?;
        Ok(Self { provider, listener, address })
    }

    /// Where it listens, with the port that was free.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For the same process: change the faults, read the witness.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { provider: Arc::clone(&self.provider) }
    }

    /// Serves HTTP/1.1 and HTTP/2 (prior knowledge) and posts receipts until `stop`. Receipts that were not taken by then are lost, unless
    /// there is a record file: a simulator started on it again goes on with them.
    ///
    /// # Errors
    /// None today; connections fail one by one.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        tracing::info!(address = %self.address, "simulator serves");
        let tasks = TaskTracker::new();
        tasks.spawn(webhook::run(Arc::clone(&self.provider), stop.clone()));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    tasks.spawn(serve(Arc::clone(&self.provider), stream, stop.clone()));
                }
                Err(error) => {
                    // Out of descriptors, most likely: a pause lets connections end.
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        tasks.close();
        tasks.wait().await;
        Ok(())
    }
}

async fn serve(provider: Arc<Provider>, stream: TcpStream, stop: CancellationToken) {
    // Answers are small and must not wait for company.
    let _ = stream.set_nodelay(true);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).pipeline_flush(true);
    server.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    let service = service_fn(move |request: Request<Incoming>| routes::answer(Arc::clone(&provider), request));
    let connection = server.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(DRAIN, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// A simulator, seen from the same process.
#[derive(Clone, Debug)]
pub struct Handle {
    provider: Arc<Provider>,
}

impl Handle {
    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.provider.faults()
    }

    /// Changes the faults, from the next request on.
    ///
    /// # Errors
    /// [`Error::Config`] when the shares are not shares.
    pub fn set_faults(&self, faults: Faults) -> Result<(), Error> {
        self.provider.set_faults(faults)
    }

    /// Changes where receipts are posted, also those that wait; empty: nowhere, they go on waiting.
    ///
    /// # Errors
    /// [`Error::Config`] when it is not an `http://` address.
    pub fn set_webhook_url(&self, url: &str) -> Result<(), Error> {
        self.provider.set_webhook_url(url)
    }

    /// What was counted until now: the body of `GET /witness`.
    #[must_use]
    pub fn witness(&self) -> Testimony {
        self.provider.witness.testify(self.provider.pending())
    }

    /// How often a message with this callback data was accepted (0 where the witness does not keep it).
    #[must_use]
    pub fn sends_of(&self, callback_data: &str) -> u32 {
        self.provider.witness.sends_of(callback_data)
    }
}
