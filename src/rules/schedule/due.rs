//! Which ticks are due.

use std::time::Duration;

use super::cron::ZonedCron;
use crate::model::schedule::{Schedule, ScheduleKind};
use crate::model::time::{Timestamp, Zone};

/// What is due in an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// No tick lies in it.
    Nothing {
        /// The first tick after it; `None` for a schedule that never ticks again.
        next: Option<Timestamp>,
    },
    /// One run is due. Earlier ticks are served by the same run: its window reaches back to what is
    /// not covered yet.
    Run {
        /// The latest tick in the interval.
        tick: Timestamp,
        /// How many earlier ticks there are; [`MISSED_CAP`] stands for that many or more.
        missed: u64,
        /// The first tick after the interval.
        next: Option<Timestamp>,
    },
}

/// Missed ticks are counted up to here: the number is for people, and a schedule of every second
/// misses millions in a month.
pub const MISSED_CAP: u64 = 100;

const SECOND: Duration = Duration::from_secs(1);

/// The first tick after `after`; `None` when there is none before the year 2262, as for
/// `0 0 31 2 *`.
#[must_use]
pub fn next(schedule: &Schedule, zone: Zone, after: Timestamp) -> Option<Timestamp> {
    match schedule.kind() {
        ScheduleKind::Every(interval) => {
            let tick = after.floor_to(*interval).plus(*interval);
            (tick.nanos() < i64::MAX).then_some(tick)
        }
        ScheduleKind::Cron(cron) => {
            let after = after.floor_to(SECOND).chrono();
            ZonedCron::new(cron, zone.0).next(after).map(|at| Timestamp::from_chrono(&at))
        }
    }
}

/// What is due after `last` and up to and with `now`. Nothing is when `last` isn't before `now`:
/// see [`super::resume`] for a clock that was set back.
///
/// The cost grows with the logarithm of the interval, not with the ticks in it.
#[must_use]
pub fn due(schedule: &Schedule, zone: Zone, last: Timestamp, now: Timestamp) -> Due {
    let after = |at| next(schedule, zone, at);
    if last >= now {
        return Due::Nothing { next: after(now) };
    }
    let first = match after(last) {
        Some(tick) if tick <= now => tick,
        following => return Due::Nothing { next: following },
    };
    let tick = match schedule.kind() {
        ScheduleKind::Every(interval) => now.floor_to(*interval),
        ScheduleKind::Cron(_) => latest(after, first, now),
    };
    let ticks = std::iter::successors(Some(first), |at| after(*at));
    let missed = ticks.take_while(|at| *at < tick).zip(1..=MISSED_CAP).last().map_or(0, |(_, count)| count);
    Due::Run { tick, missed, next: after(tick) }
}

/// The latest tick up to `now`, of which `tick` is one, found by halving the time between.
fn latest(after: impl Fn(Timestamp) -> Option<Timestamp>, tick: Timestamp, now: Timestamp) -> Timestamp {
    // Nothing ticks after `high` and up to `now`.
    let (mut tick, mut high) = (tick, now.floor_to(SECOND));
    while tick < high {
        let middle = tick.plus(high.since(tick) / 2).floor_to(SECOND);
        match after(middle).filter(|at| *at <= now) {
            Some(at) => tick = at,
            None => high = middle,
        }
    }
    tick
}
