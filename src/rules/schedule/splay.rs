//! Spread: hunts of one minute don't all call in the same second.

use std::time::Duration;

use super::due::{Due, due, next};
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName, digest};
use crate::model::schedule::Schedule;
use crate::model::time::{Timestamp, Zone};

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
    let most = held(&hunt.schedule, hunt.timezone, tick, hunt.splay);
    tick.plus(splay(&hunt.id, tenant, most))
}

/// `most`, held to half the time from `tick` to the next.
fn held(schedule: &Schedule, zone: Zone, tick: Timestamp, most: Duration) -> Duration {
    held_before(tick, next(schedule, zone, tick), most)
}

/// The longest splay of a run, held to half the time from its tick to the one that is `following`: for who walks
/// the ticks and knows it already.
#[must_use]
pub fn held_before(tick: Timestamp, following: Option<Timestamp>, most: Duration) -> Duration {
    following.map_or(most, |following| most.min(following.since(tick) / 2))
}

/// The latest tick after `served` whose run would have started by `now`, and how many ticks have come since; `None`
/// where none has.
#[must_use]
pub fn latest(hunt: &Hunt, tenant: &TenantName, served: Timestamp, now: Timestamp) -> Option<(Timestamp, u64)> {
    // No splay is longer than half the time to the next tick, so the tick before the latest has started.
    let found = |until| match due(&hunt.schedule, hunt.timezone, served, until) {
        Due::Run { tick, missed, .. } => Some((tick, missed + 1)),
        Due::Nothing { .. } => None,
    };
    let (tick, ticks) = found(now)?;
    if start(hunt, tenant, tick) <= now {
        return Some((tick, ticks));
    }
    found(tick.minus(Duration::from_nanos(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splay_is_held_to_half_the_time_to_the_next_tick() {
        let tick = Timestamp::parse("2026-11-24T16:00:00Z").unwrap();
        for (text, most, expected) in [
            ("* * * * *", 90, 30),
            ("* * * * *", 10, 10),
            ("@daily", 90, 90),
            ("every 10s", 60, 5),
            ("0 0 31 2 *", 60, 60),
        ] {
            let schedule = Schedule::parse(text).unwrap();
            let found = held(&schedule, Zone::UTC, tick, Duration::from_secs(most));
            assert_eq!(found, Duration::from_secs(expected), "{text} {most}");
        }
    }
}
