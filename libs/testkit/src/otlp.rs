//! An OpenTelemetry collector that remembers what it was sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// A batch of spans may be larger than gRPC's 4 MiB.
const BATCH_BYTES: usize = 64 * 1024 * 1024;

/// A span as it arrived. Ids are in lower-case hexadecimal digits, as in `traceparent`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedSpan {
    /// `service.name` of the process that sent it.
    pub service: String,
    /// Name of the span.
    pub name: String,
    /// 32 digits, shared by all spans of a trace.
    pub trace_id: String,
    /// 16 digits.
    pub span_id: String,
    /// 16 digits; empty for the root of a trace.
    pub parent_span_id: String,
    /// Attributes, their values as text.
    pub attributes: BTreeMap<String, String>,
    /// Spans, of this or another trace, that it follows from.
    pub links: Vec<SpanLink>,
    /// Whether its status is an error.
    pub failed: bool,
}

/// A span's link to another span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanLink {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
}

/// A metric as it arrived in one export.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedMetric {
    /// `service.name` of the process that sent it.
    pub service: String,
    /// Name of the metric.
    pub name: String,
    /// Unit of its values, as UCUM writes it.
    pub unit: String,
    /// One per set of attributes.
    pub points: Vec<ReceivedPoint>,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedPoint {
    /// Attributes, their values as text.
    pub attributes: BTreeMap<String, String>,
    /// The value of a sum or gauge; the number of observations of a histogram.
    pub value: f64,
}

/// A gRPC server on a free loopback port that takes traces and metrics as OTLP, and remembers them. Stops when dropped.
#[derive(Debug)]
pub struct OtlpReceiver {
    address: SocketAddr,
    received: Received,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl OtlpReceiver {
    /// Starts it.
    ///
    /// # Panics
    /// When no loopback port can be bound.
    pub async fn start() -> Self {
        let listener = match TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(error) => panic!("the OTLP receiver cannot bind a port: {error}"),
        };
        let address = listener.local_addr().expect("a bound listener has an address");
        let received = Received::default();
        let serve = Server::builder()
            .add_service(TraceServiceServer::new(received.clone()).max_decoding_message_size(BATCH_BYTES))
            .add_service(MetricsServiceServer::new(received.clone()).max_decoding_message_size(BATCH_BYTES))
            .serve_with_incoming(TcpListenerStream::new(listener));
        Self { address, received, server: tokio::spawn(serve) }
    }

    /// The value for `--otlp`: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans received so far.
    #[must_use]
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.received.spans().clone()
    }

    /// All metrics received so far, one entry per metric and export.
    #[must_use]
    pub fn metrics(&self) -> Vec<ReceivedMetric> {
        self.received.metrics().clone()
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone, Debug, Default)]
struct Received {
    spans: Arc<Mutex<Vec<ReceivedSpan>>>,
    metrics: Arc<Mutex<Vec<ReceivedMetric>>>,
}

impl Received {
    fn spans(&self) -> MutexGuard<'_, Vec<ReceivedSpan>> {
        self.spans.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn metrics(&self) -> MutexGuard<'_, Vec<ReceivedMetric>> {
        self.metrics.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.spans();
        for resource in request.into_inner().resource_spans {
            let service = service_name(resource.resource.as_ref());
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                spans.push(ReceivedSpan {
                    service: service.clone(),
                    name: span.name,
                    trace_id: hexadecimal(&span.trace_id),
                    span_id: hexadecimal(&span.span_id),
                    parent_span_id: hexadecimal(&span.parent_span_id),
                    attributes: attributes(&span.attributes),
                    links: span
                        .links
                        .iter()
                        .map(|link| SpanLink {
                            trace_id: hexadecimal(&link.trace_id),
                            span_id: hexadecimal(&link.span_id),
                        })
                        .collect(),
                    failed: span.status.is_some_and(|status| status.code() == StatusCode::Error),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Received {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut metrics = self.metrics();
        for resource in request.into_inner().resource_metrics {
            let service = service_name(resource.resource.as_ref());
            for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                let points = metric.data.map(points).unwrap_or_default();
                metrics.push(ReceivedMetric { service: service.clone(), name: metric.name, unit: metric.unit, points });
            }
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn points(values: metric::Data) -> Vec<ReceivedPoint> {
    let number = |point: opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| ReceivedPoint {
        attributes: attributes(&point.attributes),
        value: match point.value {
            Some(number_data_point::Value::AsDouble(value)) => value,
            Some(number_data_point::Value::AsInt(value)) => value as f64,
            None => 0.0,
        },
    };
    let observations =
        |set: &[KeyValue], count: u64| ReceivedPoint { attributes: attributes(set), value: count as f64 };
    match values {
        metric::Data::Gauge(gauge) => gauge.data_points.into_iter().map(number).collect(),
        metric::Data::Sum(sum) => sum.data_points.into_iter().map(number).collect(),
        metric::Data::Histogram(histogram) => {
            histogram.data_points.iter().map(|point| observations(&point.attributes, point.count)).collect()
        }
        metric::Data::ExponentialHistogram(histogram) => {
            histogram.data_points.iter().map(|point| observations(&point.attributes, point.count)).collect()
        }
        metric::Data::Summary(summary) => {
            summary.data_points.iter().map(|point| observations(&point.attributes, point.count)).collect()
        }
    }
}

fn service_name(resource: Option<&Resource>) -> String {
    resource.and_then(|resource| attributes(&resource.attributes).remove("service.name")).unwrap_or_default()
}

fn attributes(set: &[KeyValue]) -> BTreeMap<String, String> {
    set.iter().map(|pair| (pair.key.clone(), pair.value.as_ref().map(text).unwrap_or_default())).collect()
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(value)) => value.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(value)) => hexadecimal(value),
        Some(Value::ArrayValue(array)) => format!("[{}]", array.values.iter().map(text).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
