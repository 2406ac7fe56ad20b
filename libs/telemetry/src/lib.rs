//! Traces, metrics and logs; their context in and out of gRPC metadata.
//!
//! [`init`] is called once per process. Without an OTLP endpoint no span is ever created: the log layer takes events
//! only, so a span's call site costs one atomic load. With one, spans go out in batches, W3C trace context comes in by
//! [`set_call_parent`] and [`set_parent`] and goes out by [`inject`] and [`trace_parent`].
//!
//! Which service a span belongs to, also when a whole cell runs in one process, is told by its attribute
//! [`SERVICE_ATTRIBUTE`] and by the resource that it is exported under; see [`in_service`].

mod context;
mod export;
mod init;
mod log;
mod only;
mod panic;
mod request;
mod service;

pub use context::{enabled, extract, inject, set_call_parent, set_parent, trace_parent};
pub use init::{Guard, LogFormat, Options, TelemetryError, init};
pub use request::{REQUEST_ID_HEADER, request_id, with_request_id};
pub use service::{SERVICE_ATTRIBUTE, in_service};
