//! The listening socket.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

/// Listens at `address`; port 0 takes a free one. Must be called within a runtime.
///
/// # Errors
/// The address is taken, not ours, or needs a privilege.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
