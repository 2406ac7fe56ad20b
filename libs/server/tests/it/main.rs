//! The server over TCP, through tonic's own client.

mod calls;
mod drain;
mod infrastructure;
mod probe;
mod telemetry;
