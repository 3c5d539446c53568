//! A clock that was set, and how a loop of looks goes on after it.

use std::time::Duration;

use crate::model::time::Timestamp;

/// One look at both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The wall clock.
    pub wall: Timestamp,
    /// The clock that never jumps; it may stand still while the machine sleeps.
    pub steady: Duration,
}

/// What the wall clock did between two looks, besides going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMove {
    /// Nothing.
    Steady,
    /// It was put forward, or the machine slept: the two can't be told apart, and need not be.
    JumpedForward {
        /// By how much.
        by: Duration,
    },
    /// It was set back.
    SetBack {
        /// By how much.
        by: Duration,
    },
}

/// What the two clocks may differ by between looks without a word: time servers mend a clock by
/// small steps all the time.
const SLACK: Duration = Duration::from_secs(2);

/// What the wall clock did between two looks. It is for the log and for
/// [`crate::rules::quota::carry`]; what is due needs only [`resume`].
#[must_use]
pub fn moved(previous: Look, present: Look) -> ClockMove {
    let expected = previous.wall.plus(present.steady.saturating_sub(previous.steady));
    let (ahead, behind) = (present.wall.since(expected), expected.since(present.wall));
    if ahead > SLACK {
        ClockMove::JumpedForward { by: ahead }
    } else if behind > SLACK {
        ClockMove::SetBack { by: behind }
    } else {
        ClockMove::Steady
    }
}

/// From where to ask what is due, when it was last asked up to `last`: from `last`, unless it lies
/// ahead of `now` by more than two seconds. Then the clock was set back, and waiting for it to pass
/// `last` again would be a silence as long as the jump: it goes on from `now`, and ticks that the
/// clock passes a second time are made a second time.
///
/// A `last` that was stored by an earlier process is to be passed through here too.
#[must_use]
pub fn resume(last: Timestamp, now: Timestamp) -> Timestamp {
    if last.since(now) > SLACK { now } else { last }
}

/// A jump forward that may turn out to have been wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leap {
    /// The wall clock before it.
    pub before: Timestamp,
    /// By how much it went forward.
    pub by: Duration,
}

/// A start, or a leap that fits in no other way, is doubted for so long: what is asked for again costs calls, and a
/// clock is set back by seconds every now and then.
const DOUBTED: Duration = Duration::from_hours(24);

impl Leap {
    /// Whether a clock that was set back by `by` undoes it; in several steps it may.
    fn is_undone(&self, by: Duration) -> bool {
        by <= self.by.saturating_mul(2) && self.by <= by.saturating_mul(2)
    }
}

/// From when on, by the new time, what was asked for may have been asked under a wrong clock: the clock was just
/// set back by `by`, to `now`. `started` is what the wrong clock showed when this process began.
///
/// Where it undoes a leap, it is wrong since that leap. Else it may have been wrong when the process began, and is
/// taken to have been so where that is no longer ago than a day. Else nobody knows how long it was: what was asked
/// for lies in the future, or not further back than the clock was ahead.
#[must_use]
pub fn wrong_since(leap: Option<Leap>, started: Timestamp, by: Duration, now: Timestamp) -> Timestamp {
    if let Some(leap) = leap.filter(|leap| leap.is_undone(by)) {
        return leap.before.min(now);
    }
    let began = Some(started.minus(by)).filter(|began| now.since(*began) <= DOUBTED);
    began.map_or(now.minus(by), |began| began.min(now.minus(by)))
}

/// As [`wrong_since`], for a clock that was set back before this process began, at `now`: the run before it ended at
/// `seen`, by the clock of then. `None` where nothing says that it was set back.
///
/// How long nobody was there hides a part of by how much it was.
#[must_use]
pub fn wrong_when_started(leap: Option<Leap>, seen: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let by = Some(seen.since(now)).filter(|by| *by > SLACK)?;
    let fits = |leap: &Leap| leap.is_undone(by) || now.since(leap.before) <= DOUBTED;
    let began = leap.filter(fits).map_or(now, |leap| leap.before);
    Some(began.min(now.minus(by)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(wall: i64, steady: u64) -> Look {
        Look { wall: Timestamp::from_seconds(wall), steady: Duration::from_secs(steady) }
    }

    #[test]
    fn tells_a_set_clock_from_a_going_one() {
        let hour = Duration::from_hours(1);
        let cases = [
            (look(1000, 0), look(1030, 30), ClockMove::Steady),
            (look(1000, 0), look(1032, 30), ClockMove::Steady),
            (look(1000, 0), look(1028, 30), ClockMove::Steady),
            (look(1000, 0), look(4630, 30), ClockMove::JumpedForward { by: hour }),
            (look(9000, 0), look(5430, 30), ClockMove::SetBack { by: hour }),
            // Set back by less than went by: the wall clock still goes up.
            (look(1000, 0), look(1020, 30), ClockMove::SetBack { by: Duration::from_secs(10) }),
        ];
        for (previous, present, expected) in cases {
            assert_eq!(moved(previous, present), expected, "{previous:?} {present:?}");
        }
    }

    #[test]
    fn goes_on_from_now_after_a_clock_that_was_set_back() {
        let at = Timestamp::from_seconds;
        assert_eq!(resume(at(100), at(130)), at(100));
        assert_eq!(resume(at(102), at(100)), at(102), "a small step makes no tick twice");
        assert_eq!(resume(at(103), at(100)), at(100));
        assert_eq!(resume(at(1_000_000), at(100)), at(100));
    }

    #[test]
    fn what_was_asked_under_a_wrong_clock_is_known_by_the_leap_that_is_undone() {
        let (now, hour) = (Timestamp::from_seconds(1_000_000), Duration::from_hours(1));
        let leap = |hours| Some(Leap { before: now.minus(hour * 50), by: hour * hours });
        let since = |leap, by| wrong_since(leap, Timestamp::EPOCH, by, now);
        assert_eq!(since(None, hour * 9), now.minus(hour * 9));
        assert_eq!(since(leap(9), hour * 9), now.minus(hour * 50));
        assert_eq!(since(leap(9), hour * 5), now.minus(hour * 50));
        // A machine that slept for days, and a clock that is mended by a minute since.
        assert_eq!(since(leap(72), hour / 60), now.minus(hour / 60));
    }

    #[test]
    fn a_start_under_a_wrong_clock_is_doubted_for_a_day() {
        let (now, hour) = (Timestamp::from_seconds(1_000_000), Duration::from_hours(1));
        // Begun so many hours ago, under a clock that was two hours ahead.
        let since = |hours: u32, leap| wrong_since(leap, now.minus(hour * hours).plus(hour * 2), hour * 2, now);
        assert_eq!(since(24, None), now.minus(hour * 24));
        assert_eq!(since(25, None), now.minus(hour * 2));
        assert_eq!(since(1, None), now.minus(hour * 2), "as far back as it was ahead all the same");
        let leap = Leap { before: now.minus(hour), by: hour * 2 };
        assert_eq!(since(24, Some(leap)), now.minus(hour), "it was right until the leap");
    }

    #[test]
    fn a_clock_that_was_set_back_between_two_processes_is_known_by_the_last_run() {
        let (now, hour) = (Timestamp::from_seconds(1_000_000), Duration::from_hours(1));
        let leap = |ago: u32, by| Some(Leap { before: now.minus(hour * ago), by: hour * by });
        let ahead = |hours: u32| now.plus(hour * hours);
        assert_eq!(wrong_when_started(leap(9, 9), now.minus(hour), now), None);
        assert_eq!(wrong_when_started(leap(9, 9), now.plus(SLACK), now), None, "mended by a small step");
        assert_eq!(wrong_when_started(None, ahead(3), now), Some(now.minus(hour * 3)));
        assert_eq!(wrong_when_started(leap(50, 3), ahead(2), now), Some(now.minus(hour * 50)));
        assert_eq!(wrong_when_started(leap(20, 9), ahead(1), now), Some(now.minus(hour * 20)), "down for eight hours");
        assert_eq!(wrong_when_started(leap(50, 9), ahead(1), now), Some(now.minus(hour)));
    }
}
