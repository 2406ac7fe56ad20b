//! The one call that a process makes at its start.

use std::io;

use opentelemetry::trace::TracerProvider as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{context, export::Export, log, only::Only, panic};

/// Form of the log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people, coloured on a terminal.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// What a process wants of its telemetry.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where spans and metrics go by OTLP over gRPC: `http://localhost:4317`. None: nothing is recorded.
    pub otlp: Option<String>,
    /// Form of the log lines, which go to standard error.
    pub format: LogFormat,
    /// Which events are logged, as `tracing` directives: `info,senani_store=debug`.
    pub filter: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { otlp: None, format: LogFormat::Human, filter: "info".to_owned() }
    }
}

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not a list of directives.
    #[error("the log filter is malformed")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The endpoint is not an `http://` address.
    #[error("the OTLP endpoint must be an http:// address and is {0}")]
    Endpoint(String),
    /// The exporter refuses its settings.
    #[error("the OTLP exporter could not be built")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// No thread for the exporter.
    #[error("the exporter's runtime could not be started")]
    Runtime(#[source] io::Error),
    /// The process has its telemetry already.
    #[error("telemetry is set up already")]
    AlreadyStarted,
}

/// Keeps telemetry alive; dropping it sends what is left (for at most a few seconds) and ends the export.
#[derive(Debug)]
#[must_use = "dropping the guard ends the export"]
pub struct Guard {
    export: Option<Export>,
}

impl Guard {
    /// Sends what waits for export and returns when the receiver has it. Blocks the thread.
    pub fn flush(&self) {
        if let Some(export) = &self.export {
            export.flush();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        context::set_enabled(false);
    }
}

/// Sets up logs, and spans and metrics when there is an OTLP endpoint, for the whole process. `service` is the
/// `service.name` of what no service claims: the service itself, or `senani` for a cell in one process.
///
/// # Errors
/// A malformed filter or endpoint, or a second call in the same process.
pub fn init(service: &str, options: &Options) -> Result<Guard, TelemetryError> {
    let events = EnvFilter::builder().parse(&options.filter)?;
    let export = options.otlp.as_deref().map(|endpoint| Export::start(service, endpoint)).transpose()?;
    let started = match &export {
        // No layer stands in for that of spans: even an empty one has every place in the code asked again and again.
        None => {
            tracing_subscriber::registry().with(log::layer(options.format).with_filter(Only::events(events))).try_init()
        }
        Some(export) => {
            // Only our own spans: those of h2, hyper and tonic would describe the exporter's own calls, for ever.
            let ours = Targets::new().with_target("senani", tracing::Level::DEBUG);
            let spans = tracing_opentelemetry::layer()
                .with_tracer(export.tracers.tracer("senani"))
                .with_location(false)
                .with_threads(false)
                .with_target(true)
                .with_tracked_inactivity(false)
                .with_filter(Only::spans(ours));
            let logs = log::layer(options.format).with_filter(Only::events(events));
            tracing_subscriber::registry().with(spans).with(logs).try_init()
        }
    };
    started.map_err(|_| TelemetryError::AlreadyStarted)?;
    panic::log_panics();
    context::set_enabled(export.is_some());
    Ok(Guard { export })
}
