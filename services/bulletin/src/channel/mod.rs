//! Channels: how a message leaves the house.

mod answer;
mod connection;
mod content;
mod download;
mod media;
mod sender;

pub use connection::Connection;
pub(crate) use content::Content;
pub(crate) use download::{Missing, download};
pub(crate) use media::upload;
pub use sender::{ChannelError, Sender};
