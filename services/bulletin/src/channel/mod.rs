//! Channels: how a message leaves the house.

mod answer;
mod connection;
mod content;
mod media;
mod sender;

pub use connection::Connection;
pub(crate) use content::Content;
pub(crate) use media::upload;
pub use sender::{ChannelError, Sender};
