//! Which service a span belongs to, when many live in one process.
//!
//! Three sources, the first that speaks wins: the crate that it comes from (`senani_bulletin::worker` is the
//! bulletin's); the attribute that it was made with; what it inherits through the trace context, which is how spans of
//! our libraries get their service. A span that none of them names belongs to the service of the process.

use std::time::Duration;

use opentelemetry::{Context, KeyValue, trace::Span as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, Span, SpanData, SpanProcessor},
};

use crate::context::enabled;

/// Span attribute that names the service: `hierarchy`.
pub const SERVICE_ATTRIBUTE: &str = "senani.service";

/// Attribute in which the tracing layer notes the module that a span comes from.
const TARGET_ATTRIBUTE: &str = "target";

/// The crates that are services; all other crates of ours serve several.
const SERVICES: [&str; 7] = ["analytics", "bulletin", "console", "gateway", "hierarchy", "membership", "simulator"];

/// In the trace context: the service that the work belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service(pub(crate) &'static str);

/// Runs `future` as work of `service`: spans that our libraries start in it (and not in tasks that it spawns) belong to
/// the service. For workers; calls are marked by the server. A span that is entered around it stays the current one.
pub fn in_service<F: Future>(service: &'static str, future: F) -> impl Future<Output = F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |waker| {
        // On top of the context of this very moment: one that was taken earlier would hide the span that is entered now.
        let _service = enabled().then(|| Context::current().with_value(Service(service)).attach());
        future.as_mut().poll(waker)
    })
}

/// The service of a finished span, whose attributes afterwards name it exactly once.
pub(crate) fn settle(span: &mut SpanData, process: &str) -> String {
    let mut named = None;
    let mut target = None;
    span.attributes.retain(|attribute| match attribute.key.as_str() {
        SERVICE_ATTRIBUTE => {
            named.get_or_insert_with(|| attribute.value.to_string());
            false
        }
        TARGET_ATTRIBUTE => {
            target = service_of(&attribute.value.as_str());
            true
        }
        _ => true,
    });
    let service = target.map(str::to_owned).or(named).unwrap_or_else(|| process.to_owned());
    span.attributes.push(KeyValue::new(SERVICE_ATTRIBUTE, service.clone()));
    service
}

fn service_of(target: &str) -> Option<&'static str> {
    let module = target.strip_prefix("senani_")?;
    let krate = module.split("::").next()?;
    SERVICES.into_iter().find(|service| *service == krate)
}

/// Notes on each span, as it starts, the service that it inherits.
#[derive(Debug)]
pub(crate) struct NoteService(pub(crate) BatchSpanProcessor);

impl SpanProcessor for NoteService {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(Service(service)) = context.get::<Service>() {
            span.set_attribute(KeyValue::new(SERVICE_ATTRIBUTE, *service));
        }
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_of_a_span_names_its_service() {
        assert_eq!(service_of("senani_bulletin::worker::dispatch"), Some("bulletin"));
        assert_eq!(service_of("senani_hierarchy"), Some("hierarchy"));
        assert_eq!(service_of("senani_store::event_log"), None);
        assert_eq!(service_of("tonic::transport"), None);
    }
}
