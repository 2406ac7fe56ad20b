//! Databases, servers and fakes for tests.
//!
//! A test asks for [`engines()`] and runs itself once per engine on its own [`database()`]; it waits with [`eventually()`], never
//! with a sleep. [`OtlpReceiver`] is a collector that remembers what it was sent, [`ChildProcess`] a program that can be
//! killed, stopped and continued. Whatever this crate starts ends with the test process, however that ends.
//!
//! What goes wrong here panics with a message for whoever runs the tests: there is nothing else that a test could do about it.

mod child_process;
mod database;
mod engine;
mod eventually;
mod otlp;
mod postgres;

pub use child_process::ChildProcess;
pub use database::{TestDatabase, database};
pub use engine::{Engine, engines};
pub use eventually::{Outcome, eventually};
pub use otlp::{OtlpReceiver, ReceivedMetric, ReceivedPoint, ReceivedSpan, SpanLink};
pub use postgres::{Durability, PostgresServer, postgres_programs};
