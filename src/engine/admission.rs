//! A place in the quota: waited for in the queue before the tenant, and entered in the ledger.

use std::borrow::Cow;
use std::time::Duration;

use super::gate::{Gate, UnderWay};
use super::means::Runner;
use super::order::Order;
use super::waiting::Waiting;
use crate::model::limits::DATA_AGE;
use crate::model::quota::{Admission, BlockReason, CallLedger, WaitReason};
use crate::model::run::Trigger;
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;
use crate::ports::store::CallId;
use crate::ports::store::error::StoreError;
use crate::rules::queue::{PATIENCE, Wish};
use crate::rules::quota::{self, Allowance, Ask};
use crate::rules::schedule::{self, ClockMove, Look};

/// A wait for the quota that a person should know of.
const WORTH_SAYING: Duration = Duration::from_secs(5);
/// The longest wait between two looks at a block: a person may have mended what it is for.
const LOOK: Duration = Duration::from_mins(1);
/// What the scheduler has for carrying the quota's ledger along after the clock was set: until then
/// the calls of the last minute look older or younger than they are.
const CARRY: Duration = Duration::from_secs(5);
/// How long a call that was entered in the ledger may wait until it is made.
const RESERVED: Duration = Duration::from_secs(30);

/// A call that is in the quota's ledger before it is known when it will be made.
#[derive(Debug)]
pub(super) struct Reserved {
    /// Its entry.
    pub(super) call: CallId,
    /// Since when it is there, by the steady clock.
    since: Duration,
    /// Whether it shows that a block for CPU is over.
    pub(super) probes: bool,
    /// How long its run waited for it.
    pub(super) waited: Duration,
    /// Its likely cost, among that of all calls under way.
    _under_way: UnderWay,
}

impl Reserved {
    /// Whether it still may be made: the ledger takes a call of old for over, and the service counts it when it
    /// comes.
    pub(super) fn is_fresh(&self, clock: &SharedClock) -> bool {
        clock.steady().saturating_sub(self.since) < RESERVED
    }
}

/// Waits until a call of `order` may go out, and enters it in the ledger.
pub(super) async fn reserve(runner: &Runner, order: &Order, waiting: &Waiting) -> Result<Reserved, StoreError> {
    let (clock, tenant) = (&runner.clock, &order.tenant);
    let gate = runner.gates.of(&tenant.name);
    let configured = Allowance::of(&tenant.quota, &[], None, clock.now());
    let reach = quota::reach(&configured);
    let wish = wish(order, &gate, clock.now());
    let (began, mut said) = (clock.steady(), false);
    waiting.set(true);
    // What came due at the same moment comes in first, so that the first call is the right one's.
    tokio::task::yield_now().await;
    let place = gate.enter(&order.hunt.id, wish, &configured, clock);
    loop {
        place.turn().await;
        let now = clock.now();
        let patience = PATIENCE.saturating_sub(clock.steady().saturating_sub(began));
        let mut probes = false;
        let admit = |ledger: &CallLedger| {
            let allowed = Allowance::of(&tenant.quota, &ledger.learnt, ledger.budget, now).proven(ledger, now);
            let spares = wish.catches_up && !patience.is_zero();
            let allowed = if spares { allowed.slack() } else { allowed };
            let needs_cpu = allowed.cpu.is_some() || allowed.cpu_likely.is_some();
            let ask = if needs_cpu { gate.ask(&wish, &tenant.name, now) } else { Ask::default() };
            probes = quota::is_probing(ledger, now);
            quota::admit(&seen_by(order.trigger, ledger), &allowed, ask, now)
        };
        let (until, why) = match runner.store.reserve_call(&tenant.name, now, reach, admit).await? {
            (Admission::Go, Some(call)) => {
                let (under_way, waited) = place.served();
                waiting.set(false);
                return Ok(Reserved { call, since: clock.steady(), probes, waited, _under_way: under_way });
            }
            (Admission::Go, None) => continue,
            (Admission::Wait { until, why }, _) => (until, why),
        };
        let again = place.wait(why, until);
        if until.since(now) > WORTH_SAYING && !said && !wish.catches_up {
            said = true;
            tracing::warn!(hunt = %order.hunt.id, tenant = %tenant.name, %until, %why, "waiting for the quota");
        }
        // A block may be lifted before its time, by hand or by another process.
        let longest = match why {
            WaitReason::Blocked(_) => LOOK,
            _ => DATA_AGE,
        };
        let longest = if wish.catches_up && !patience.is_zero() { longest.min(patience) } else { longest };
        let (before, pause) = (clock.steady(), pause(clock, again.min(now.plus(longest))));
        if why == WaitReason::ConcurrentFull {
            tokio::select! {
                () = pause => {}
                () = place.call_ended() => {}
            }
        } else {
            pause.await;
        }
        if why == WaitReason::Blocked(BlockReason::Access) {
            place.was_shut(clock.steady().saturating_sub(before));
        }
        place.awake();
    }
}

/// Waits until `at`, and no longer than that is away now, also when the wall clock is set back.
pub(super) async fn pause(clock: &SharedClock, at: Timestamp) {
    let before = look(clock);
    tokio::select! {
        () = clock.wait_until(at) => {}
        () = clock.pass(at.since(before.wall)) => {}
    }
    if schedule::moved(before, look(clock)) != ClockMove::Steady {
        clock.pass(CARRY).await;
    }
}

fn look(clock: &SharedClock) -> Look {
    Look { wall: clock.now(), steady: clock.steady() }
}

/// What an order waits for.
fn wish(order: &Order, gate: &Gate, now: Timestamp) -> Wish {
    let hunt = &order.hunt;
    let after = |tick| schedule::next(&hunt.schedule, hunt.timezone, tick);
    let catches_up = order.trigger == Trigger::CatchUp;
    let deadline = match order.trigger {
        Trigger::Schedule => after(order.due),
        Trigger::CatchUp | Trigger::Manual => None,
    };
    let deadline = deadline.unwrap_or(if catches_up { now.plus(DATA_AGE) } else { now });
    let next = after(deadline).unwrap_or_else(|| deadline.plus(DATA_AGE));
    Wish {
        severity: hunt.severity,
        catches_up,
        by_hand: order.trigger == Trigger::Manual,
        since: now,
        deadline,
        pause: next.since(deadline),
        work: gate.work_of(&hunt.id),
    }
}

/// The ledger as a run sees it: one by hand doesn't heed a block for want of access.
pub(super) fn seen_by(trigger: Trigger, ledger: &CallLedger) -> Cow<'_, CallLedger> {
    let is_shut = ledger.block.as_ref().is_some_and(|block| block.reason == BlockReason::Access);
    if trigger == Trigger::Manual && is_shut {
        return Cow::Owned(CallLedger { block: None, ..ledger.clone() });
    }
    Cow::Borrowed(ledger)
}
