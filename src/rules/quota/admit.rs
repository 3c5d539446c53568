//! Whether a call may go out now.

use std::time::Duration;

use super::allowance::{Allowance, Rolling};
use super::cpu;
use crate::model::quota::{Admission, BlockReason, CallLedger, LedgerCall, WaitReason};
use crate::model::time::Timestamp;

/// After this a call without a recorded answer is over: its process died. A call is cut off by its
/// own time-out well before (the service works three minutes on a request).
pub const LONGEST_CALL: Duration = Duration::from_mins(4);

/// When to look again while as many calls are under way as may be: one of another process may end
/// at any moment, and nobody rings for it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// From so many calls in a window on they are spread.
const WORTH_SPREADING: u32 = 20;

/// How long after its end a block for CPU still asks for a probe: a tenant that nobody called since may as well
/// be full by others.
const PROBED_FOR: Duration = Duration::from_hours(1);

/// What the minute is longer than its name: the service's clock runs a little differently, and is mended by small
/// steps. It costs one call in two hundred and forty.
pub const MINUTE_MARGIN: Duration = Duration::from_millis(250);
/// What the hour and the day are longer, for the same reasons.
pub const HOUR_MARGIN: Duration = Duration::from_secs(2);

/// What a window is longer than its name.
pub(super) fn margin(window: Duration) -> Duration {
    if window <= super::allowance::MINUTE { MINUTE_MARGIN } else { HOUR_MARGIN }
}

/// What is asked for: one call of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ask {
    /// What it is likely to cost the tenant, as [`LedgerCall::work`] is measured.
    pub work: Duration,
    /// What the calls that are under way are likely to cost in all.
    pub under_way: Duration,
    /// What runs of a higher severity are likely to cost until the quarter hour ends; `None` where there are none at
    /// all on the tenant.
    pub leave: Option<Duration>,
}

/// Whether one call may go out at `now`, when `ledger` has those that went before.
///
/// The service may count a call at any moment from its sending to the first byte of its answer. So a call takes
/// up a place in each window from when it was sent until the window's length after that byte. A call that is under
/// way takes up its place for now; one that was sent in the future (the clock was set back) counts as sent now.
///
/// Once half of a window's calls are spent, the rest goes out evenly: what comes due meanwhile finds a place, and
/// the same stretch of the next minute isn't empty again.
///
/// `Wait.until` is the first moment at which the answer can be another, going by what the ledger
/// has now.
#[must_use]
pub fn admit(ledger: &CallLedger, allowed: &Allowance, ask: Ask, now: Timestamp) -> Admission {
    let calls: Vec<Life> = ledger.calls.iter().map(|call| Life::of(call, now)).collect();
    let full = |window: &Rolling<u32>| full(&calls, window, now).map(|until| (until, spent(window.length)));
    let paced = |window: &Rolling<u32>| {
        let last = ledger.calls.iter().map(|call| call.sent.min(now)).max()?;
        paced(&calls, window, last, now).map(|until| (until, WaitReason::Paced))
    };
    let running = |window: &Rolling<Duration>| {
        running(&ledger.calls, window, now).map(|until| (until, WaitReason::RunningTimeSpent))
    };
    let waits = [
        blocked(ledger, now),
        probed(ledger, now),
        cpu::spent(&ledger.calls, allowed, ask, now).map(|until| (until, WaitReason::CpuSpent)),
        busy(&calls, allowed.concurrent, now).map(|until| (until, WaitReason::ConcurrentFull)),
    ];
    let waits = waits
        .into_iter()
        .flatten()
        .chain(allowed.calls.iter().rev().filter_map(full))
        .chain(allowed.running.iter().filter_map(running))
        .chain(allowed.calls.iter().filter_map(paced));
    // The first of equals is named, so a block comes before all.
    match waits.reduce(|worst, wait| if wait.0 > worst.0 { wait } else { worst }) {
        Some((until, why)) => Admission::Wait { until, why },
        None => Admission::Go,
    }
}

/// How far back a ledger must hold the calls, by when they were sent or answered, for all that is allowed.
#[must_use]
pub fn reach(allowed: &Allowance) -> Duration {
    let lengths = allowed.calls.iter().map(|window| window.length);
    let lengths = lengths.chain(allowed.running.iter().map(|window| window.length));
    lengths.max().unwrap_or_default() + LONGEST_CALL + HOUR_MARGIN
}

fn spent(window: Duration) -> WaitReason {
    if window <= super::allowance::MINUTE { WaitReason::MinuteFull } else { WaitReason::HourFull }
}

fn blocked(ledger: &CallLedger, now: Timestamp) -> Option<(Timestamp, WaitReason)> {
    let block = ledger.block.as_ref().filter(|block| block.until > now)?;
    Some((block.until, WaitReason::Blocked(block.reason)))
}

/// Whether the first call after a block for CPU is to show that the tenant is free again. It is kept until it was
/// answered.
#[must_use]
pub fn is_probing(ledger: &CallLedger, now: Timestamp) -> bool {
    let over = |until: Timestamp| until <= now && now.since(until) < PROBED_FOR;
    ledger.block.as_ref().is_some_and(|block| block.reason == BlockReason::Cpu && over(block.until))
}

/// The wait for a probe that is under way.
fn probed(ledger: &CallLedger, now: Timestamp) -> Option<(Timestamp, WaitReason)> {
    let since = ledger.block.as_ref().filter(|_| is_probing(ledger, now))?.until;
    let under_way =
        |call: &&LedgerCall| call.answered.is_none() && call.sent >= since && call.sent.plus(LONGEST_CALL) > now;
    ledger.calls.iter().find(under_way)?;
    Some((now.plus(LOOK_AGAIN), WaitReason::Probed))
}

/// A call as it stands at the moment of the question.
pub(super) enum Life {
    /// No answer yet; when it counts as over at the latest.
    UnderWay(Timestamp),
    /// Over since.
    Over(Timestamp),
}

impl Life {
    pub(super) fn of(call: &LedgerCall, now: Timestamp) -> Self {
        let cut_off = call.sent.min(now).plus(LONGEST_CALL);
        match call.answered {
            Some(at) => Self::Over(at.min(now)),
            None if cut_off <= now => Self::Over(cut_off),
            None => Self::UnderWay(cut_off),
        }
    }

    /// When its place in a window is free.
    pub(super) fn free(&self, length: Duration, now: Timestamp) -> Timestamp {
        match self {
            Self::UnderWay(_) => now.plus(length + margin(length)),
            Self::Over(at) => at.plus(length + margin(length)),
        }
    }
}

fn count(calls: u32) -> usize {
    usize::try_from(calls).unwrap_or(usize::MAX)
}

/// When there may be a place in a window, where there is none now.
fn full(calls: &[Life], window: &Rolling<u32>, now: Timestamp) -> Option<Timestamp> {
    let length = window.length;
    let mut taken: Vec<Timestamp> = calls.iter().map(|life| life.free(length, now)).filter(|at| *at > now).collect();
    let surplus = taken.len().checked_sub(count(window.most))?;
    // A limit of none never has a place; above it by `surplus`, one more than that must end.
    if surplus >= taken.len() {
        return Some(now.plus(length + margin(length)));
    }
    Some(*taken.select_nth_unstable(surplus).1)
}

/// When the next call is due in a window of which half is spent, where it isn't yet. What is left goes out evenly until
/// places are free again; where they are free all the time, a tenth earlier than evenly, so that what was late is made
/// good. Windows of few calls aren't spread.
fn paced(calls: &[Life], window: &Rolling<u32>, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
    if window.most < WORTH_SPREADING {
        return None;
    }
    let mut taken: Vec<Timestamp> =
        calls.iter().map(|life| life.free(window.length, now)).filter(|at| *at > now).collect();
    let left = window.most.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
    let above_half = taken.len().checked_sub(count(window.most / 2) + 1)?;
    let (before, half_free, _) = taken.select_nth_unstable(above_half);
    let first_free = before.iter().copied().min().unwrap_or(*half_free);
    let evenly = (window.length / window.most * 9 / 10).max(first_free.since(last) / (left + 1));
    let next = last.plus(evenly).min(*half_free);
    (next > now).then_some(next)
}

/// When calls have run for less than they may in a window, where they have not.
fn running(calls: &[LedgerCall], window: &Rolling<Duration>, now: Timestamp) -> Option<Timestamp> {
    let length = window.length + margin(window.length);
    let from = now.minus(length);
    // A call counts whole until it has left the window whole.
    let mut inside: Vec<(Timestamp, Duration)> = calls
        .iter()
        .map(|call| {
            let ran = call.ran.unwrap_or_else(|| match call.answered {
                Some(at) => at.since(call.sent),
                None => now.since(call.sent.min(now)).min(LONGEST_CALL),
            });
            (call.sent.min(now).plus(ran), ran)
        })
        .filter(|(end, _)| *end > from)
        .collect();
    inside.sort_unstable();
    let mut rest: Duration = inside.iter().map(|(_, ran)| *ran).sum();
    if rest < window.most {
        return None;
    }
    for (end, ran) in inside {
        rest = rest.saturating_sub(ran);
        if rest < window.most {
            return Some(end.plus(length).max(now.plus(LOOK_AGAIN)));
        }
    }
    Some(now.plus(length))
}

/// When to look again, where as many calls are under way as may be.
fn busy(calls: &[Life], limit: u32, now: Timestamp) -> Option<Timestamp> {
    let under_way = calls.iter().filter_map(|life| match life {
        Life::UnderWay(cut_off) => Some(*cut_off),
        Life::Over(_) => None,
    });
    let look = under_way.clone().fold(now.plus(LOOK_AGAIN), Timestamp::min);
    (under_way.count() >= count(limit)).then_some(look)
}
