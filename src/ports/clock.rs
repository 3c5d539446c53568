//! The clock: the only place where the time is read.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::model::time::Timestamp;

/// A clock.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock. May jump, forward and back.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, that never jumps. May stand still while the machine sleeps.
    fn steady(&self) -> Duration;

    /// Waits until the wall clock shows `at` or more; looks again at least every 30 seconds, as a
    /// timer knows nothing of a clock that was set or of a machine that slept.
    async fn wait_until(&self, at: Timestamp);

    /// Waits until the steady time has gone on by `span`, whatever the wall clock does: with it a wait
    /// for a moment ends in time also when the wall clock is set back meanwhile.
    async fn pass(&self, span: Duration);
}

/// A clock that is shared.
pub type SharedClock = Arc<dyn Clock>;

/// This machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// Starts counting the steady time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest sleep between two looks at the wall clock.
const LOOK: Duration = Duration::from_secs(30);

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_chrono(&chrono::Utc::now())
    }

    fn steady(&self) -> Duration {
        self.start.elapsed()
    }

    async fn wait_until(&self, at: Timestamp) {
        loop {
            let rest = at.since(self.now());
            if rest.is_zero() {
                return;
            }
            tokio::time::sleep(rest.min(LOOK)).await;
        }
    }

    async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// A clock that stands still until it is moved: for tests, and for `demo`'s simulated days.
#[derive(Debug)]
pub struct ManualClock {
    state: watch::Sender<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self { state: watch::Sender::new((at, Duration::ZERO)) }
    }

    /// Lets `span` pass, on both clocks.
    pub fn advance(&self, span: Duration) {
        self.state.send_modify(|(now, steady)| {
            *now = now.plus(span);
            *steady = steady.saturating_add(span);
        });
    }

    /// Sets the wall clock, forward or back; the steady time stays.
    pub fn set_wall(&self, at: Timestamp) {
        self.state.send_modify(|(now, _)| *now = at);
    }
}

#[async_trait::async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.borrow().0
    }

    fn steady(&self) -> Duration {
        self.state.borrow().1
    }

    async fn wait_until(&self, at: Timestamp) {
        let mut state = self.state.subscribe();
        // The sender is part of `self`, which outlives this wait: the channel can't close.
        let _closed = state.wait_for(|(now, _)| *now >= at).await.is_err();
    }

    async fn pass(&self, span: Duration) {
        let until = self.steady().saturating_add(span);
        let mut state = self.state.subscribe();
        let _closed = state.wait_for(|(_, steady)| *steady >= until).await.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_who_waits() {
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH));
        let waiting = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { clock.wait_until(Timestamp::from_seconds(10)).await }
        });
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.set_wall(Timestamp::from_seconds(11));
        waiting.await.unwrap();
        assert_eq!(clock.steady(), Duration::from_secs(9));
    }
    #[tokio::test]
    async fn a_span_passes_by_the_steady_time_alone() {
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH));
        let waiting = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { clock.pass(Duration::from_secs(10)).await }
        });
        tokio::task::yield_now().await;
        clock.set_wall(Timestamp::from_seconds(1000));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(Duration::from_secs(10));
        waiting.await.unwrap();
    }
}
