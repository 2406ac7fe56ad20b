//! A panic is a log line like any other failure.

use std::panic::PanicHookInfo;

/// Replaces the default hook, which prints to standard error in a form that no log reader understands.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "senani::panic", location, panic = text(panic), "panicked");
    }));
}

fn text(panic: &PanicHookInfo<'_>) -> String {
    panic.payload_as_str().unwrap_or("a panic without a text").to_owned()
}
