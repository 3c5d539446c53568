//! The queue before a tenant: of all runs that wait for a call, one asks the quota at a time, as `rules/queue` chooses.
//!
//! Promises: a tenant that is blocked or slow holds up no other; who asks makes way at once for one that comes before
//! it; one that goes away, however it does, passes its turn on.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::turns::Queued;
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName};
use crate::model::limits::CPU_CYCLE;
use crate::model::overload::{LateRun, Punctuality};
use crate::model::quota::{BlockReason, WaitReason};
use crate::model::severity::Severity;
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;
use crate::rules::queue::{self, Order, Wish};
use crate::rules::quota::{self, Allowance, Ask};
use crate::rules::schedule;

/// Of ticks in this quarter hour and the one before, so many of one hunt are counted.
const MOST_TICKS: usize = 31;

/// How long one that was told that there is no CPU for it waits at most until it asks again: what was kept for others
/// may not have been needed.
const CPU_LOOK: Duration = Duration::from_mins(1);

/// The queues before all tenants.
#[derive(Debug, Clone, Default)]
pub struct Gates {
    by_tenant: Arc<Mutex<HashMap<TenantName, Arc<Gate>>>>,
}

impl Gates {
    /// The queue before a tenant.
    pub(super) fn of(&self, tenant: &TenantName) -> Arc<Gate> {
        let mut gates = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(tenant.clone()).or_default())
    }

    /// How many runs wait for others to ask before them.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let gates = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        gates.values().map(|gate| gate.queued.load(Ordering::Relaxed)).sum()
    }

    /// How many runs wait for each tenant's quota, one that asks among them.
    #[must_use]
    pub fn depths(&self) -> BTreeMap<TenantName, usize> {
        let gates = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        gates.iter().map(|(tenant, gate)| (tenant.clone(), gate.state().waiting.len())).collect()
    }

    /// The hunts whose next tick has come while they wait for the quota by their schedule, and how long ago, by tenant.
    pub(super) fn late(&self, clock: &SharedClock) -> BTreeMap<TenantName, Vec<(HuntId, Duration)>> {
        let gates = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        gates.iter().map(|(tenant, gate)| (tenant.clone(), gate.late(clock))).collect()
    }

    /// How many of each tenant's scheduled runs were late since this process began, and by how much at worst: counted
    /// as they are committed.
    #[must_use]
    pub fn punctuality(&self) -> BTreeMap<TenantName, Punctuality> {
        let gates = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        gates.iter().map(|(tenant, gate)| (tenant.clone(), gate.state().since_start)).collect()
    }

    /// As [`punctuality`](Self::punctuality), since this was last asked.
    pub(super) fn punctuality_anew(&self) -> BTreeMap<TenantName, Punctuality> {
        let gates = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        gates.iter().map(|(tenant, gate)| (tenant.clone(), std::mem::take(&mut gate.state().lately))).collect()
    }
}

/// The queue before one tenant.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    /// Those of the queue that wait for their turn to ask.
    queued: AtomicUsize,
    /// Rings when a call has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of their coming.
    waiting: Vec<Waiter>,
    tickets: u64,
    /// Whose turn it is to ask.
    asker: Option<u64>,
    /// How the last one was chosen.
    order: Option<Order>,
    served: u64,
    /// How often a call can go out in the long run.
    pace: Duration,
    /// Until when the quarter hour's CPU is short.
    short_until: Option<Timestamp>,
    /// Whether the next call is to show that a block for CPU is over.
    probing: bool,
    /// What a call of each hunt was last seen to cost.
    work: HashMap<HuntId, Duration>,
    /// What each call that is under way is likely to cost, by its ticket.
    under_way: HashMap<u64, Duration>,
    /// The hunts that are due on the tenant by their schedule.
    standing: Vec<Arc<Hunt>>,
    /// How long the tenant was asked nothing in all, as it let nobody in.
    shut: Duration,
    since_start: Punctuality,
    lately: Punctuality,
    coming: Coming,
}

/// What is still to come in a quarter hour: laid out once for all who ask in it.
#[derive(Debug, Default)]
struct Coming {
    /// The quarter hour's end.
    until: Option<Timestamp>,
    starts: Vec<(Timestamp, Arc<Hunt>)>,
}

impl Coming {
    fn lay_out(&mut self, hunts: &[Arc<Hunt>], tenant: &TenantName, now: Timestamp) {
        let end = quota::cycle_end(now);
        if self.until == Some(end) {
            return;
        }
        self.until = Some(end);
        // From the quarter hour's beginning on, as the clock may be set back in it.
        let begin = now.floor_to(CPU_CYCLE);
        let starts = hunts.iter().flat_map(|hunt| {
            let next = |after: &Timestamp| schedule::next(&hunt.schedule, hunt.timezone, *after);
            // A splay may carry a tick over from before.
            let ticks = std::iter::successors(next(&begin.minus(CPU_CYCLE)), next).take(MOST_TICKS);
            let starts = ticks.map(|tick| schedule::start(hunt, tenant, tick)).take_while(|start| *start < end);
            starts.filter(|start| *start >= begin).map(|start| (start, Arc::clone(hunt))).collect::<Vec<_>>()
        });
        self.starts = starts.collect();
    }
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    hunt: HuntId,
    /// When it came, by the steady clock, and how long the tenant had been shut by then.
    since: Duration,
    shut: Duration,
    wish: Wish,
    bell: Arc<Notify>,
    /// It was told that the quarter hour has no CPU for it, and need not ask before this.
    held_until: Option<Timestamp>,
}

impl Waiter {
    /// How long it has waited for the quota: not for the tenant to let somebody in.
    fn waited(&self, shut: Duration, steady: Duration) -> Duration {
        steady.saturating_sub(self.since).saturating_sub(shut.saturating_sub(self.shut))
    }
}

impl State {
    fn elect(&mut self, now: Timestamp) {
        // One that sleeps for want of CPU must not be the one that all others wait for.
        let awake = |waiter: &&Waiter| waiter.held_until.is_none_or(|until| until <= now);
        let waiting: Vec<&Waiter> = self.waiting.iter().filter(awake).collect();
        let wishes: Vec<Wish> = waiting.iter().map(|waiter| waiter.wish).collect();
        let short = self.short_until.is_some_and(|until| now < until);
        let order = match (self.probing, short) {
            (true, _) => Order::Cheapest,
            (false, true) => Order::ByPatience,
            (false, false) => queue::order(&wishes, self.pace, now),
        };
        self.order = Some(order);
        let chosen = queue::first(&wishes, order, self.served, now).and_then(|place| waiting.get(place));
        let before = self.asker;
        self.asker = chosen.map(|waiter| waiter.ticket);
        // Who asks already isn't rung again; who asks no longer sees it when its wait is over.
        if let Some(waiter) = chosen.filter(|waiter| before != Some(waiter.ticket)) {
            waiter.bell.notify_one();
        }
    }

    /// As [`elect`](Self::elect), where one has come in and the others have been chosen from already: a thousand that
    /// come at once are compared with the one that asks, and not with each other.
    fn elect_newest(&mut self, now: Timestamp) {
        let asker = self.waiting.iter().find(|waiter| Some(waiter.ticket) == self.asker);
        let (Some(asker), Some(newest), Some(order)) = (asker, self.waiting.last(), self.order) else {
            return self.elect(now);
        };
        if queue::first(&[asker.wish, newest.wish], order, 0, now) == Some(1) {
            newest.bell.notify_one();
            self.asker = Some(newest.ticket);
        }
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hunts whose coming runs are foreseen.
    pub(super) fn stand(&self, hunts: Vec<Arc<Hunt>>) {
        let mut state = self.state();
        (state.standing, state.coming) = (hunts, Coming::default());
    }

    /// What a call of a hunt cost, for the next ones.
    pub(super) fn remember(&self, hunt: &HuntId, work: Duration) {
        let mut state = self.state();
        // Old and new count alike, so that one slow answer doesn't decide.
        let known = state.work.entry(hunt.clone()).or_insert(work);
        *known = (*known + work) / 2;
    }

    /// A call has ended: one that waits because too many are under way may ask again.
    pub(super) fn call_ended(&self) {
        self.ended.notify_one();
    }

    /// What a call of a hunt is likely to cost.
    pub(super) fn work_of(&self, hunt: &HuntId) -> Duration {
        self.state().work.get(hunt).copied().unwrap_or_default()
    }

    /// What to ask the quota for, for a wish: its own likely work, that of the calls under way, and what those
    /// that matter more are likely to need until the quarter hour ends.
    pub(super) fn ask(&self, wish: &Wish, tenant: &TenantName, now: Timestamp) -> Ask {
        let mut state = self.state();
        let State { coming, standing, .. } = &mut *state;
        coming.lay_out(standing, tenant, now);
        let work = |hunt: &Hunt| state.work.get(&hunt.id).copied().unwrap_or_default();
        let rank = wish.rank(now);
        let above = |severity: Severity| severity > rank;
        let coming = state.coming.starts.iter().filter(|(start, hunt)| *start > now && above(hunt.severity));
        let coming = coming.map(|(_, hunt)| work(hunt));
        let waiting = state.waiting.iter().filter(|waiter| above(waiter.wish.rank(now))).map(|waiter| waiter.wish.work);
        let has_above = state.standing.iter().any(|hunt| hunt.severity > wish.severity);
        let leave = has_above.then(|| coming.chain(waiting).sum());
        Ask { work: wish.work, under_way: state.under_way.values().sum(), leave }
    }

    fn late(&self, clock: &SharedClock) -> Vec<(HuntId, Duration)> {
        let (state, now, steady) = (self.state(), clock.now(), clock.steady());
        let late = |waiter: &Waiter| {
            let by = now.since(waiter.wish.deadline).min(waiter.waited(state.shut, steady));
            let scheduled = !waiter.wish.catches_up && !waiter.wish.by_hand;
            (scheduled && !by.is_zero()).then(|| (waiter.hunt.clone(), by))
        };
        state.waiting.iter().filter_map(late).collect()
    }

    /// A scheduled run was committed.
    pub(super) fn ran(&self, late: Option<&LateRun>) {
        let mut state = self.state();
        state.since_start = state.since_start.with(late);
        state.lately = state.lately.with(late);
    }

    /// A place in the queue, until it is dropped.
    pub(super) fn enter(
        self: &Arc<Self>,
        hunt: &HuntId,
        wish: Wish,
        allowed: &Allowance,
        clock: &SharedClock,
    ) -> Place {
        let bell = Arc::new(Notify::new());
        let mut state = self.state();
        state.tickets += 1;
        let ticket = state.tickets;
        state.pace = allowed.pace();
        let (hunt, since, shut) = (hunt.clone(), clock.steady(), state.shut);
        state.waiting.push(Waiter { ticket, hunt, since, shut, wish, bell: Arc::clone(&bell), held_until: None });
        state.elect_newest(clock.now());
        drop(state);
        Place { gate: Arc::clone(self), ticket, work: wish.work, bell, clock: Arc::clone(clock) }
    }
}

/// A place in the queue.
pub(super) struct Place {
    gate: Arc<Gate>,
    ticket: u64,
    work: Duration,
    bell: Arc<Notify>,
    clock: SharedClock,
}

impl Place {
    /// Waits until it is this one's turn to ask.
    pub(super) async fn turn(&self) {
        if self.gate.state().asker == Some(self.ticket) {
            return;
        }
        let _in_queue = Queued::new(&self.gate.queued);
        while self.gate.state().asker != Some(self.ticket) {
            self.bell.notified().await;
        }
    }

    /// Resolves when a call of this process has ended on the tenant.
    pub(super) async fn call_ended(&self) {
        self.gate.ended.notified().await;
    }

    /// Chooses anew, after a wait for the quota that was for `why`, and says when it is worth asking again: at `until`,
    /// or before.
    pub(super) fn wait(&self, why: WaitReason, until: Timestamp) -> Timestamp {
        let now = self.clock.now();
        let mut state = self.gate.state();
        let mut again = until;
        match why {
            WaitReason::Blocked(BlockReason::Cpu) | WaitReason::Probed => state.probing = true,
            WaitReason::CpuSpent => {
                again = until.min(now.plus(CPU_LOOK));
                state.short_until = Some(until.plus(CPU_CYCLE));
                if let Some(mine) = state.waiting.iter_mut().find(|waiter| waiter.ticket == self.ticket) {
                    mine.held_until = Some(again);
                }
            }
            _ => {}
        }
        state.elect(now);
        again
    }

    /// Is there again after a wait.
    pub(super) fn awake(&self) {
        let mut state = self.gate.state();
        let mine = state.waiting.iter_mut().find(|waiter| waiter.ticket == self.ticket);
        if mine.is_some_and(|waiter| waiter.held_until.take().is_some()) {
            state.elect(self.clock.now());
        }
    }

    /// The tenant let nobody in for so long: that is nobody's wait for the quota.
    pub(super) fn was_shut(&self, span: Duration) {
        self.gate.state().shut += span;
    }

    /// The call was let through; says how long it waited for the quota.
    pub(super) fn served(self) -> (UnderWay, Duration) {
        let mut state = self.gate.state();
        state.served += 1;
        state.probing = false;
        state.under_way.insert(self.ticket, self.work);
        let own = state.waiting.iter().find(|waiter| waiter.ticket == self.ticket);
        let waited = own.map(|waiter| waiter.waited(state.shut, self.clock.steady())).unwrap_or_default();
        (UnderWay { gate: Arc::clone(&self.gate), ticket: self.ticket }, waited)
    }
}

/// A call that was let through, until it has ended.
#[derive(Debug)]
pub(super) struct UnderWay {
    gate: Arc<Gate>,
    ticket: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.gate.state().under_way.remove(&self.ticket);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.waiting.retain(|waiter| waiter.ticket != self.ticket);
        if state.asker == Some(self.ticket) {
            state.elect(self.clock.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Quota;
    use crate::ports::clock::{Clock, ManualClock};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_500_060);

    struct Door {
        gate: Arc<Gate>,
        clock: Arc<ManualClock>,
    }

    impl Door {
        fn new() -> Self {
            Self { gate: Arc::default(), clock: Arc::new(ManualClock::new(NOW)) }
        }

        fn wish(&self, severity: Severity, work: u64) -> Wish {
            let (now, quarter) = (self.clock.now(), Duration::from_mins(15));
            let work = Duration::from_secs(work);
            let (since, deadline) = (now, now.plus(quarter));
            Wish { severity, catches_up: false, by_hand: false, since, deadline, pause: quarter, work }
        }

        fn enter(&self, wish: Wish) -> Place {
            let clock: SharedClock = Arc::<ManualClock>::clone(&self.clock);
            self.gate.enter(&HuntId::new("h").unwrap(), wish, &Allowance::of(&Quota::DEFAULT, &[], None, NOW), &clock)
        }

        fn ask(&self, wish: &Wish) -> Ask {
            self.gate.ask(wish, &TenantName::new("contoso").unwrap(), self.clock.now())
        }

        fn asks(&self, place: &Place) -> bool {
            self.gate.state().asker == Some(place.ticket)
        }
    }

    #[test]
    fn who_sleeps_for_want_of_cpu_holds_up_nobody() {
        let door = Door::new();
        let dear = door.enter(door.wish(Severity::Medium, 60));
        let cheap = door.enter(door.wish(Severity::Low, 1));
        assert!(door.asks(&dear));
        let again = dear.wait(WaitReason::CpuSpent, quota::turn(NOW));
        assert_eq!(again, NOW.plus(CPU_LOOK));
        assert!(door.asks(&cheap));
        cheap.wait(WaitReason::CpuSpent, quota::turn(NOW));
        let high = door.enter(door.wish(Severity::High, 10));
        assert!(door.asks(&high), "though all others sleep");
        drop(high);
        assert!(!door.asks(&dear) && !door.asks(&cheap));
        door.clock.advance(CPU_LOOK);
        cheap.awake();
        assert!(door.asks(&dear), "both may ask again, and it comes first");
    }

    #[test]
    fn what_is_under_way_and_waits_is_asked_for() {
        let door = Door::new();
        let high = door.enter(door.wish(Severity::High, 10));
        let low = door.wish(Severity::Low, 3);
        assert_eq!(door.ask(&low).leave, None, "no hunt on the tenant is above it");
        let under_way = high.served();
        assert_eq!(door.ask(&low).under_way, Duration::from_secs(10));
        drop(under_way);
        assert_eq!(door.ask(&low).under_way, Duration::ZERO);
    }
}
