//! The signals that end a process.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that was told twice, as a shell reports an interrupt.
const INTERRUPTED: i32 = 130;

/// A token that the first SIGINT or SIGTERM cancels; a second one ends the process at once with code 130. Must be called
/// within a runtime.
pub fn stop_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match (interrupt, terminate) {
        (Ok(interrupt), Ok(terminate)) => {
            tokio::spawn(watch(interrupt, terminate, stop.clone()));
        }
        (interrupt, terminate) => {
            let error = interrupt.err().or(terminate.err()).map(|error| error.to_string());
            tracing::warn!(error, "signals cannot be watched, the process ends without drain");
        }
    }
    stop
}

async fn watch(mut interrupt: Signal, mut terminate: Signal, stop: CancellationToken) {
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    };
    let signal = next().await;
    tracing::info!(signal, "stopping, a second signal ends the process at once");
    stop.cancel();
    let signal = next().await;
    tracing::warn!(signal, "ended without drain");
    std::process::exit(INTERRUPTED);
}
