//! Whether a call may go out now.

use std::time::Duration;

use crate::model::config::Quota;
use crate::model::quota::{Admission, CallLedger, LedgerCall, WaitReason};
use crate::model::time::Timestamp;

/// After this a call without a recorded answer is over: its process died. A call is cut off by its
/// own time-out well before (the service works three minutes on a request).
pub const LONGEST_CALL: Duration = Duration::from_mins(4);

/// What each window is longer than its name: the service's clock runs a little differently, it may
/// count to whole seconds, and a clock is mended by small steps. It costs one call in sixty.
pub const MARGIN: Duration = Duration::from_secs(1);

pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);

/// How far back a ledger must hold the calls, by when they were sent.
pub const REACH: Duration = Duration::from_secs(3600 + 4 * 60 + 1);

/// When to look again while as many calls are under way as may be: one of another process may end
/// at any moment, and nobody rings for it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Whether one call may go out at `now`, when `ledger` has those that went before.
///
/// The service may count a call at any moment from its sending to its answer. So a call takes up a
/// place in each window from when it was sent until the window's length after its answer. A call
/// that is under way takes up its place for now; one that was sent in the future (the clock was set
/// back) counts as sent now.
///
/// `Wait.until` is the first moment at which the answer can be another, going by what the ledger
/// has now.
#[must_use]
pub fn admit(ledger: &CallLedger, quota: &Quota, now: Timestamp) -> Admission {
    let calls: Vec<Life> = ledger.calls.iter().map(|call| Life::of(call, now)).collect();
    let blocked = ledger.block.as_ref().filter(|block| block.until > now);
    let waits = [
        blocked.map(|block| (block.until, WaitReason::Blocked(block.reason))),
        full(&calls, HOUR, quota.calls_per_hour, now).map(|until| (until, WaitReason::HourFull)),
        full(&calls, MINUTE, quota.calls_per_minute, now).map(|until| (until, WaitReason::MinuteFull)),
        busy(&calls, quota.concurrent, now).map(|until| (until, WaitReason::ConcurrentFull)),
    ];
    // The first of equals is named, so a block comes before all.
    match waits.into_iter().flatten().reduce(|worst, wait| if wait.0 > worst.0 { wait } else { worst }) {
        Some((until, why)) => Admission::Wait { until, why },
        None => Admission::Go,
    }
}

/// What of a quota work may take that can wait: half of the calls of each window, and all but one of those at a
/// time. Live runs find the other half free, however much is to be caught up.
#[must_use]
pub fn slack(quota: &Quota) -> Quota {
    Quota {
        calls_per_minute: (quota.calls_per_minute / 2).max(1),
        calls_per_hour: (quota.calls_per_hour / 2).max(1),
        concurrent: quota.concurrent.saturating_sub(1).max(1),
        ..*quota
    }
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

    /// When its place in a window of `length` is free; at the earliest, while it is under way.
    pub(super) fn free(&self, length: Duration, now: Timestamp) -> Timestamp {
        match self {
            Self::UnderWay(_) => now.plus(length + MARGIN),
            Self::Over(at) => at.plus(length + MARGIN),
        }
    }
}

/// When there may be a place in a window of `length`, where there is none now.
fn full(calls: &[Life], length: Duration, limit: u32, now: Timestamp) -> Option<Timestamp> {
    let mut taken: Vec<Timestamp> = calls.iter().map(|life| life.free(length, now)).filter(|at| *at > now).collect();
    let surplus = taken.len().checked_sub(usize::try_from(limit).unwrap_or(usize::MAX))?;
    taken.sort_unstable();
    // Above the limit by `surplus`, one more than that must end. A limit of none never has a place.
    Some(taken.get(surplus).copied().unwrap_or_else(|| now.plus(length + MARGIN)))
}

/// When to look again, where as many calls are under way as may be.
fn busy(calls: &[Life], limit: u32, now: Timestamp) -> Option<Timestamp> {
    let under_way = calls.iter().filter_map(|life| match life {
        Life::UnderWay(cut_off) => Some(*cut_off),
        Life::Over(_) => None,
    });
    let look = under_way.clone().fold(now.plus(LOOK_AGAIN), Timestamp::min);
    (under_way.count() >= usize::try_from(limit).unwrap_or(usize::MAX)).then_some(look)
}
