//! Spread: hunts of one minute don't all call in the same second.

use std::time::Duration;

use super::due::next;
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName, digest};
use crate::model::time::Timestamp;

/// How long after its tick `hunt` starts on `tenant`: from zero up to but not including `most`, in
/// whole milliseconds. It is decided by the two names alone, so that it is the same each time and on
/// each machine.
#[must_use]
pub fn splay(hunt: &HuntId, tenant: &TenantName, most: Duration) -> Duration {
    let [a, b, c, d, ..] = digest("huntd splay v1", &[hunt.as_str().as_bytes(), tenant.as_str().as_bytes()]);
    let share = u128::from(u32::from_be_bytes([a, b, c, d]));
    let millis = (most.as_millis() * share) >> 32;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// When the run of `tick` starts: the tick plus the splay, which is held to half the time to the
/// next tick, so that no start waits for the next one's turn.
#[must_use]
pub fn start(hunt: &Hunt, tenant: &TenantName, tick: Timestamp) -> Timestamp {
    let most = match next(&hunt.schedule, hunt.timezone, tick) {
        Some(following) => hunt.splay.min(following.since(tick) / 2),
        None => hunt.splay,
    };
    tick.plus(splay(&hunt.id, tenant, most))
}
