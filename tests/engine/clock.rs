//! A clock for the engine's tests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use huntd::model::time::Timestamp;
use huntd::ports::clock::{Clock, ManualClock};
use tokio::sync::watch;

/// Awaits what must come; a test that waits for ever says nothing.
pub(crate) async fn within<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(Duration::from_mins(1), what).await.unwrap_or_else(|_| panic!("it did not come in a minute"))
}

/// Lets others go on until `done`.
pub(crate) async fn until(done: impl Fn() -> bool) {
    within(async {
        while !done() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A clock that only the test moves, or that leaps to whatever is waited for; it tells how many wait.
pub(crate) struct TestClock {
    pub(crate) manual: ManualClock,
    leaps: AtomicBool,
    waiting: watch::Sender<usize>,
}

/// One that waits.
struct Waiter<'a>(&'a watch::Sender<usize>);

impl<'a> Waiter<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl TestClock {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self { manual: ManualClock::new(at), leaps: AtomicBool::new(true), waiting: watch::Sender::new(0) }
    }

    /// From now on only the test moves it.
    pub(crate) fn hold(&self) {
        self.leaps.store(false, Ordering::SeqCst);
    }

    /// From now on it leaps; those who wait already are woken by `advance`.
    pub(crate) fn leap(&self) {
        self.leaps.store(true, Ordering::SeqCst);
    }

    /// Resolves when so many wait.
    pub(crate) async fn waited_by(&self, many: usize) {
        within(self.waiting.subscribe().wait_for(|count| *count >= many)).await.unwrap();
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        *self.waiting.borrow()
    }

    fn leaps(&self) -> bool {
        self.leaps.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.manual.now()
    }

    fn steady(&self) -> Duration {
        self.manual.steady()
    }

    async fn wait_until(&self, at: Timestamp) {
        if self.leaps() {
            tokio::task::yield_now().await;
            self.manual.advance(at.since(self.manual.now()));
        }
        // Counted here alone, as every wait of the engine is for a moment or for a span whichever is first.
        let _waiter = Waiter::new(&self.waiting);
        self.manual.wait_until(at).await;
    }

    async fn pass(&self, span: Duration) {
        if self.leaps() && span.is_zero() {
            return;
        }
        self.manual.pass(span).await;
    }
}
