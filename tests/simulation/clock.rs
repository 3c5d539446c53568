//! The clock of the simulation: it stands still until the play moves it, and wakes one who waits at a time.
//!
//! `ports::clock::ManualClock` wakes all whose time has come at once, and in which order the store's threads
//! then answer them hangs on the machine. Here every wait is a place in a list; the play lets go of one, in
//! an order that hangs on the seed alone, and waits until that one stands in the list again or has ended.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use huntd::model::time::Timestamp;
use huntd::ports::clock::Clock;
use tokio::sync::Notify;

/// Who waits: the number of a task, which grows with each that begins.
type Who = u64;

/// What is waited for.
#[derive(Debug, Clone, Copy)]
enum Due {
    /// The wall clock shows this.
    Wall(Timestamp),
    /// The true time is this.
    True(Timestamp),
}

#[derive(Debug)]
struct Waiter {
    who: Who,
    due: Due,
    waker: Option<Waker>,
    let_go: bool,
}

/// What the panic of a killed task carries.
#[derive(Debug)]
pub(crate) struct Killed;

#[derive(Debug)]
struct Hands {
    /// The true time.
    now: Timestamp,
    /// Nanoseconds by which the wall clock is ahead of it.
    ahead: i64,
    /// The true time at which the steady time began.
    start: Timestamp,
    waiters: BTreeMap<u64, Waiter>,
    next: u64,
    /// Who was let go last, and how often it may still look at the clock before it dies.
    doomed: Option<(Who, u32)>,
    killed: bool,
}

/// The clock.
#[derive(Debug)]
pub(crate) struct Clocks {
    hands: Mutex<Hands>,
    /// Rings when somebody begins to wait.
    pub(crate) bell: Notify,
}

impl Clocks {
    pub(crate) fn new(start: Timestamp) -> Arc<Self> {
        let hands =
            Hands { now: start, ahead: 0, start, waiters: BTreeMap::new(), next: 0, doomed: None, killed: false };
        Arc::new(Self { hands: Mutex::new(hands), bell: Notify::new() })
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap()
    }

    /// The true time.
    pub(crate) fn true_now(&self) -> Timestamp {
        self.hands().now
    }

    /// Lets the true time go on to `at`; it never goes back.
    pub(crate) fn go_on_to(&self, at: Timestamp) {
        let mut hands = self.hands();
        hands.now = hands.now.max(at);
    }

    /// Sets the wall clock so many nanoseconds ahead of the true time.
    pub(crate) fn set_ahead(&self, nanos: i64) {
        self.hands().ahead = nanos;
    }

    /// The true time at which the wall clock shows `wall`, if nobody sets it.
    pub(crate) fn true_of(&self, wall: Timestamp) -> Timestamp {
        self.hands().true_of(wall)
    }

    /// When the next of those who wait is to be let go.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let hands = self.hands();
        hands.first().map(|(due, _, _)| due)
    }

    /// Lets the next one go. With `looks`, it dies at that look at the clock.
    pub(crate) fn let_go(&self, looks: Option<u32>) {
        let mut hands = self.hands();
        let Some((due, who, number)) = hands.first() else { return };
        hands.now = hands.now.max(due);
        hands.doomed = looks.map(|looks| (who, looks));
        let waiter = hands.waiters.get_mut(&number).unwrap();
        waiter.let_go = true;
        if let Some(waker) = waiter.waker.take() {
            waker.wake();
        }
    }

    /// How many tasks wait, and nobody let them go yet.
    pub(crate) fn waiting(&self) -> usize {
        let hands = self.hands();
        let mut who: Vec<Who> = hands.waiters.values().map(|waiter| waiter.who).collect();
        who.sort_unstable();
        who.dedup();
        let freed = hands.waiters.values().filter(|waiter| waiter.let_go).count();
        who.len() - freed.min(who.len())
    }

    /// Whether a task was killed since this was asked last.
    pub(crate) fn was_killed(&self) -> bool {
        let mut hands = self.hands();
        hands.doomed = None;
        std::mem::take(&mut hands.killed)
    }

    /// Waits for its turn at the true time `at`, or right now when that is past.
    pub(crate) async fn gate(&self, at: Timestamp) {
        self.wait(Due::True(at)).await;
    }

    fn wait(&self, due: Due) -> Wait<'_> {
        let mut hands = self.hands();
        hands.next += 1;
        let number = hands.next;
        hands.waiters.insert(number, Waiter { who: me(), due, waker: None, let_go: false });
        drop(hands);
        self.bell.notify_one();
        Wait { clocks: self, number }
    }

    /// Kills the task that looks at the clock, where that is its fate. By unwinding, as nothing else stops
    /// a task in the middle of a poll; the store's work is between two looks, and never half done.
    fn look(&self) -> MutexGuard<'_, Hands> {
        let mut hands = self.hands();
        if let Some((who, looks)) = hands.doomed
            && tokio::task::try_id().is_some()
            && who == me()
        {
            hands.doomed = looks.checked_sub(1).map(|looks| (who, looks));
            if hands.doomed.is_none() {
                hands.killed = true;
                drop(hands);
                std::panic::resume_unwind(Box::new(Killed));
            }
        }
        hands
    }
}

impl Hands {
    fn true_of(&self, wall: Timestamp) -> Timestamp {
        Timestamp::from_nanos(wall.nanos().saturating_sub(self.ahead))
    }

    fn first(&self) -> Option<(Timestamp, Who, u64)> {
        let due = |due: Due| match due {
            Due::Wall(at) => self.true_of(at),
            Due::True(at) => at,
        };
        let all = self.waiters.iter().filter(|(_, waiter)| !waiter.let_go);
        all.map(|(number, waiter)| (due(waiter.due).max(self.now), waiter.who, *number)).min()
    }
}

/// The number of the task that asks; 0 for the play itself.
fn me() -> Who {
    tokio::task::try_id().map_or(0, |id| id.to_string().parse().unwrap())
}

struct Wait<'a> {
    clocks: &'a Clocks,
    number: u64,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut hands = self.clocks.hands();
        let waiter = hands.waiters.get_mut(&self.number).unwrap();
        if waiter.let_go {
            return Poll::Ready(());
        }
        waiter.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.clocks.hands().waiters.remove(&self.number);
    }
}

#[async_trait::async_trait]
impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        let hands = self.look();
        Timestamp::from_nanos(hands.now.nanos() + hands.ahead)
    }

    fn steady(&self) -> Duration {
        let hands = self.look();
        hands.now.since(hands.start)
    }

    async fn wait_until(&self, at: Timestamp) {
        self.wait(Due::Wall(at)).await;
    }

    async fn pass(&self, span: Duration) {
        let until = self.true_now().plus(span);
        self.wait(Due::True(until)).await;
    }
}
