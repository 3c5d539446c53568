//! Whether a call may go out now, and what a 429 says.
//!
//! The promise: in no rolling minute and no rolling hour does the service count more of huntd's
//! calls than the config allows, whatever it takes as the moment of a call, over restarts and over
//! every process that shares the ledger. docs/quota.md says it in words.

mod admit;
mod allowance;
mod block;
mod carry;
mod cpu;
mod dearest;
mod message;
#[cfg(test)]
mod tests;
mod usage;

pub use admit::{Ask, HOUR_MARGIN, LONGEST_CALL, MINUTE_MARGIN, admit, is_probing, reach};
pub use allowance::{Allowance, Likely, Rolling, budget_from, slack, spendable};
pub use block::{access_block, block_for};
pub use carry::{carry, orphan_end};
pub use cpu::{cycle_end, turn, work_in_cycle};
pub use dearest::{Dearest, Share, dearest};
pub use message::{learn, read_429};
pub use usage::{Gauge, Limit, Limits, Usage, standing, usage};
