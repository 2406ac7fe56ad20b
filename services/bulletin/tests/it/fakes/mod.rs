//! Hierarchy, membership and the gateway's webhook, as small as they can be.

mod event_log;
mod register;
mod senders;
mod structure;
mod webhook;

pub(crate) use event_log::FakeLog;
pub(crate) use register::FakeRegister;
pub(crate) use senders::FakeSenders;
pub(crate) use structure::{FakeUnit, appointment, structure_events};
pub(crate) use webhook::FakeGateway;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;

/// A server that ends when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves gRPC on a free port.
pub(crate) async fn serve(router: tonic::transport::server::Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let task = tokio::spawn(async move {
        let _ = router.serve_with_incoming(TcpListenerStream::new(listener)).await;
    });
    Running { address, task }
}
