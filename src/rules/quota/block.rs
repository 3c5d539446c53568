//! How long a tenant is left alone after a failure that would meet every call.

use std::time::Duration;

use super::carry::LONGEST_BLOCK;
use super::cpu;
use crate::model::failure::{ApiFailure, FailureClass, ThrottleWindow};
use crate::model::quota::{Block, BlockReason};
use crate::model::time::Timestamp;

/// A full minute, when the answer doesn't say how much of it is left.
const MINUTE_UNSAID: Duration = Duration::from_mins(1);
/// An hour is full because others spend the tenant's quota too, and a place may come free at any
/// moment: four questions an hour cost little, and an hour of silence much.
const HOUR_UNSAID: Duration = Duration::from_mins(15);
/// The gateway without `Retry-After`; Microsoft's example of the header says 10 s.
const GATEWAY_UNSAID: Duration = Duration::from_secs(30);
/// The service's clock isn't ours.
const MARGIN: Duration = Duration::from_secs(1);
/// A person must act, and is not waited for longer than this.
const ACCESS: Duration = Duration::from_mins(15);

/// The block that `failure` puts on its tenant: a 429 until there is a place again, a failure of
/// sign-in, right or licence for a quarter of an hour. `None` for what concerns one call only.
///
/// A wait that the answer names counts, up to an hour.
#[must_use]
pub fn block_for(failure: &ApiFailure, now: Timestamp) -> Option<Block> {
    let said = failure.wait.map(|wait| wait.min(LONGEST_BLOCK));
    let (until, reason) = match failure.class {
        FailureClass::ThrottledCalls(window) => {
            let (unsaid, reason) = match window {
                ThrottleWindow::Minute => (MINUTE_UNSAID, BlockReason::CallsPerMinute),
                ThrottleWindow::Hour => (HOUR_UNSAID, BlockReason::CallsPerHour),
                ThrottleWindow::Unnamed => (GATEWAY_UNSAID, BlockReason::Gateway),
            };
            (now.plus(said.unwrap_or(unsaid)).plus(MARGIN), reason)
        }
        FailureClass::ThrottledCpu => {
            (said.map_or_else(|| cpu::turn(now), |wait| now.plus(wait).plus(cpu::MARGIN)), BlockReason::Cpu)
        }
        FailureClass::SignIn | FailureClass::Forbidden | FailureClass::Unlicensed | FailureClass::Secret => {
            return Some(access_block(failure, now));
        }
        _ => return None,
    };
    Some(Block { until, reason, said: failure.message.clone() })
}

/// The block for a tenant that doesn't let huntd in; also for a token that is refused again after a
/// new sign-in, which [`block_for`] can't know.
#[must_use]
pub fn access_block(failure: &ApiFailure, now: Timestamp) -> Block {
    Block { until: now.plus(ACCESS), reason: BlockReason::Access, said: failure.message.clone() }
}
