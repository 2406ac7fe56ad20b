//! W3C trace context, in and out.

use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::service::Service;

const TRACE_PARENT: &str = "traceparent";

static ENABLED: AtomicBool = AtomicBool::new(false);

/// Whether spans and metrics are exported. Where it is false, whoever records them may skip all preparation.
#[inline]
pub fn enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

pub(crate) fn set_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// The W3C `traceparent` of the current span, to be stored where work waits (event envelope, delivery row). None when
/// nothing is exported or no span is entered.
pub fn trace_parent() -> Option<String> {
    if !enabled() {
        return None;
    }
    let mut carrier = Parent(None);
    TraceContextPropagator::new().inject_context(&Context::current(), &mut carrier);
    carrier.0
}

/// Makes the span a child of a stored `traceparent`. Call it before the span is entered; a malformed or missing parent
/// leaves the span as it is.
pub fn set_parent(span: &Span, trace_parent: Option<&str>) {
    let Some(trace_parent) = trace_parent.filter(|_| enabled()) else { return };
    let carrier = Parent(Some(trace_parent.to_owned()));
    let context = TraceContextPropagator::new().extract_with_context(&Context::current(), &carrier);
    if context.has_active_span() {
        // Fails only for a disabled or already entered span, which then simply keeps its parent.
        let _ = span.set_parent(context);
    }
}

/// Makes the span the server side of an incoming call: a child of the span in the metadata, if any, and of `service`,
/// which the spans below it inherit.
pub fn set_call_parent(span: &Span, headers: &HeaderMap, service: &'static str) {
    if enabled() {
        let _ = span.set_parent(extract(headers).with_value(Service(service)));
    }
}

/// Writes the current span's `traceparent` (and `tracestate`) into outgoing metadata.
pub fn inject(headers: &mut HeaderMap) {
    if enabled() {
        TraceContextPropagator::new().inject_context(&Context::current(), &mut Headers(headers));
    }
}

/// The trace context of incoming metadata, on top of nothing.
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &ReadHeaders(headers))
}

struct Parent(Option<String>);

impl Injector for Parent {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACE_PARENT {
            self.0 = Some(value);
        }
    }
}

impl Extractor for Parent {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.as_deref().filter(|_| key == TRACE_PARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACE_PARENT]
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        // The propagator also writes an empty `tracestate`, which says nothing.
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

struct ReadHeaders<'a>(&'a HeaderMap);

impl Extractor for ReadHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
