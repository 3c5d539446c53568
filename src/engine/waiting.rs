//! Whether a run only waits.

use tokio::sync::watch;

/// Whether a run only waits: in the queue, for the quota, or for its next try. Such a run may be
/// dropped at a stop without loss.
#[derive(Debug, Clone)]
pub(super) struct Waiting(watch::Sender<bool>);

impl Waiting {
    pub(super) fn new(waits: bool) -> Self {
        Self(watch::Sender::new(waits))
    }

    pub(super) fn set(&self, waits: bool) {
        self.0.send_replace(waits);
    }

    /// Whether it waits at this moment.
    pub(super) fn now(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves while the run waits.
    pub(super) async fn waits(&self) {
        // The sender is part of `self`, which outlives this wait: the channel can't close.
        let _closed = self.0.subscribe().wait_for(|waits| *waits).await.is_err();
    }
}
