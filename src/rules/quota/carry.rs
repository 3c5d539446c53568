//! The ledger after the clock was set.

use std::time::Duration;

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
    let call = |call: &LedgerCall| LedgerCall { sent: past(call.sent), answered: call.answered.map(past), ..*call };
    let block = |block: &Block| Block { until: shift(block.until).min(now.plus(LONGEST_BLOCK)), ..block.clone() };
    CallLedger {
        calls: ledger.calls.iter().map(call).collect(),
        block: ledger.block.as_ref().map(block),
        ..ledger.clone()
    }
}

/// The longest that one answer can keep a tenant from being asked.
pub(super) const LONGEST_BLOCK: Duration = Duration::from_hours(1);
