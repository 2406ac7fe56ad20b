//! Who wakes whom within the process. A bell only saves time: every worker also looks by itself, for what other processes leave.

use std::sync::Arc;

use tokio::sync::Notify;

/// The bells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bells {
    /// A publication was recorded.
    pub(crate) expand: Arc<Notify>,
    /// Deliveries are ready.
    pub(crate) dispatch: Arc<Notify>,
    /// Webhook bodies are in the inbox.
    pub(crate) apply: Arc<Notify>,
    /// Messages are in the inbox of reports.
    pub(crate) inbound: Arc<Notify>,
    /// Files of messages are to be fetched.
    pub(crate) fetch: Arc<Notify>,
}
