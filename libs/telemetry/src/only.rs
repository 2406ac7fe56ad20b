//! Filters that decide once for each place in the code, not at every passing.

use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::layer::{Context, Filter};

/// Of what `filter` lets through, only one kind: events or spans.
///
/// A closure beside the filter would do, but it is asked at every passing, and while it may say yes, the spans of h2 and
/// hyper are made for every frame only to be thrown away: a fifth of the time of a call through the gateway (measured).
#[derive(Debug)]
pub(crate) struct Only<F> {
    kind: fn(&Metadata<'_>) -> bool,
    filter: F,
}

impl<F> Only<F> {
    /// Only events.
    pub(crate) fn events(filter: F) -> Self {
        Self { kind: |metadata| metadata.is_event(), filter }
    }

    /// Only spans.
    pub(crate) fn spans(filter: F) -> Self {
        Self { kind: |metadata| metadata.is_span(), filter }
    }
}

impl<S: Subscriber, F: Filter<S>> Filter<S> for Only<F> {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        (self.kind)(metadata) && self.filter.enabled(metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if (self.kind)(metadata) { self.filter.callsite_enabled(metadata) } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filter.max_level_hint()
    }
}
