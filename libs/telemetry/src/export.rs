//! Spans and metrics out by OTLP over gRPC.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithTonicConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter as ExportSpans,
    },
};
use tonic::transport::{Channel, Endpoint};

use crate::{
    TelemetryError,
    service::{NoteService, settle},
};

/// Spans that may wait for export, at about 1 KiB each; more are dropped rather than slow the work down.
const SPAN_QUEUE: usize = 16_384;
/// Spans per export request.
const SPAN_BATCH: usize = 1_024;
/// Longest time that a finished span waits for its export.
const SPAN_DELAY: Duration = Duration::from_secs(1);
/// Between two exports of metrics.
const METRIC_INTERVAL: Duration = Duration::from_secs(10);
/// Longest time that the last export may take when the process ends.
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// The exporting machinery. It has a small runtime of its own, so that it works (and ends) whatever runtime the process
/// has, also while that one is busy or gone.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Export {
    pub(crate) fn start(service: &str, endpoint: &str) -> Result<Self, TelemetryError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("senani-otlp")
            .enable_all()
            .build()
            .map_err(TelemetryError::Runtime)?;
        let entered = runtime.enter();
        let channel = Endpoint::from_shared(endpoint.to_owned())
            .ok()
            .filter(|endpoint| endpoint.uri().scheme_str() == Some("http"))
            .ok_or_else(|| TelemetryError::Endpoint(endpoint.to_owned()))?
            .connect_timeout(LAST_EXPORT)
            .connect_lazy();

        let exporter = ByService { process: service.to_owned(), channel: channel.clone(), exporters: Mutex::default() };
        let batches = BatchSpanProcessor::builder(exporter)
            .with_batch_config(
                BatchConfigBuilder::default()
                    .with_max_queue_size(SPAN_QUEUE)
                    .with_max_export_batch_size(SPAN_BATCH)
                    .with_scheduled_delay(SPAN_DELAY)
                    .build(),
            )
            .build();
        let tracers = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_resource(resource(service))
            .with_span_processor(NoteService(batches))
            .build();

        let metrics = MetricExporter::builder().with_tonic().with_channel(channel).build()?;
        let meters = SdkMeterProvider::builder()
            .with_resource(resource(service))
            .with_reader(PeriodicReader::builder(metrics).with_interval(METRIC_INTERVAL).build())
            .build();
        opentelemetry::global::set_meter_provider(meters.clone());
        drop(entered);
        Ok(Self { tracers, meters, runtime: Some(runtime) })
    }

    /// Sends what waits. Failures are the receiver's affair: telemetry never fails the work.
    pub(crate) fn flush(&self) {
        let _ = self.tracers.force_flush();
        let _ = self.meters.force_flush();
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        let _ = self.tracers.shutdown_with_timeout(LAST_EXPORT);
        let _ = self.meters.shutdown_with_timeout(LAST_EXPORT);
        if let Some(runtime) = self.runtime.take() {
            // A runtime may not be dropped where it could block, and the guard may live in an async main.
            runtime.shutdown_background();
        }
    }
}

fn resource(service: &str) -> Resource {
    Resource::builder()
        .with_service_name(service.to_owned())
        .with_attributes([
            KeyValue::new("service.namespace", "senani"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build()
}

/// Exports each span under the resource of its service, so that a cell in one process looks to the receiver like the
/// processes that it stands for.
struct ByService {
    process: String,
    channel: Channel,
    exporters: Mutex<HashMap<String, Arc<SpanExporter>>>,
}

impl ByService {
    fn exporter(&self, service: &str) -> Result<Arc<SpanExporter>, OTelSdkError> {
        let mut exporters = self.exporters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exporter) = exporters.get(service) {
            return Ok(Arc::clone(exporter));
        }
        let mut exporter = SpanExporter::builder()
            .with_tonic()
            .with_channel(self.channel.clone())
            .build()
            .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?;
        exporter.set_resource(&resource(service));
        let exporter = Arc::new(exporter);
        exporters.insert(service.to_owned(), Arc::clone(&exporter));
        Ok(exporter)
    }
}

impl ExportSpans for ByService {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut services: HashMap<String, Vec<SpanData>> = HashMap::new();
        for mut span in batch {
            let service = settle(&mut span, &self.process);
            services.entry(service).or_default().push(span);
        }
        let mut outcome = Ok(());
        for (service, spans) in services {
            let result = self.exporter(&service)?.export(spans).await;
            outcome = outcome.and(result);
        }
        outcome
    }
}

impl std::fmt::Debug for ByService {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ByService").field("process", &self.process).finish_non_exhaustive()
    }
}
