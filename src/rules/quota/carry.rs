//! The ledger after the clock was set.

use std::time::Duration;

use super::admit::LONGEST_CALL;
use crate::model::quota::{Block, CallLedger, LedgerCall};
use crate::model::time::Timestamp;
use crate::rules::schedule::ClockMove;

/// The ledger with its moments moved as the clock was, so that the real time since each call stays
/// what it was. Without it a clock put forward would make a full minute look empty, and one set back
/// would keep a minute full for as long as the jump.
///
/// After a machine's sleep, which looks the same as a clock put forward, it counts the calls from
/// before as just made: at worst an hour of a lower rate. Whatever still lies ahead of `now` (the
/// clock was set while huntd was down) counts as made now, once.
#[must_use]
pub fn carry(ledger: &CallLedger, moved: ClockMove, now: Timestamp) -> CallLedger {
    let shift = |at: Timestamp| match moved {
        ClockMove::Steady => at,
        ClockMove::JumpedForward { by } => at.plus(by),
        ClockMove::SetBack { by } => at.minus(by),
    };
    let past = |at: Timestamp| shift(at).min(now);
    // The end of a call whose process died may lie ahead ([`orphan_end`]).
    let end = |call: &LedgerCall, at: Timestamp| {
        if shift(call.sent) > now { now } else { shift(at).min(now.plus(LONGEST_CALL)) }
    };
    let call = |call: &LedgerCall| LedgerCall {
        sent: past(call.sent),
        answered: call.answered.map(|at| end(call, at)),
        ..*call
    };
    let block = |block: &Block| Block { until: shift(block.until).min(now.plus(LONGEST_BLOCK)), ..block.clone() };
    CallLedger {
        calls: ledger.calls.iter().map(call).collect(),
        block: ledger.block.as_ref().map(block),
        ..ledger.clone()
    }
}

/// When a call counts as answered whose process died: not before now, and not before the longest of the last calls would
/// have been, as the service goes on with what it was asked.
#[must_use]
pub fn orphan_end(sent: Timestamp, longest: Option<Duration>, now: Timestamp) -> Timestamp {
    sent.min(now).plus(longest.unwrap_or(UNKNOWN_LENGTH).min(LONGEST_CALL)).max(now)
}

/// How long a call is taken to run where none is known.
const UNKNOWN_LENGTH: Duration = Duration::from_secs(10);

/// The longest that one answer can keep a tenant from being asked.
pub(super) const LONGEST_BLOCK: Duration = Duration::from_hours(1);
