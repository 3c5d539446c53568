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

/// From when on, by the new time, what was asked for may have been asked under a wrong clock: the clock was just
/// set back by `by`, to `now`.
///
/// Where it undoes a leap, it is wrong since that leap. Else nobody knows how long it was: what was asked for
/// lies in the future, or not further back than the clock was ahead.
#[must_use]
pub fn wrong_since(leap: Option<Leap>, by: Duration, now: Timestamp) -> Timestamp {
    let undoes = |leap: &Leap| by <= leap.by.saturating_mul(2) && leap.by <= by.saturating_mul(2);
    leap.filter(undoes).map_or(now.minus(by), |leap| leap.before.min(now))
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
        assert_eq!(wrong_since(None, hour * 9, now), now.minus(hour * 9));
        assert_eq!(wrong_since(leap(9), hour * 9, now), now.minus(hour * 50));
        assert_eq!(wrong_since(leap(9), hour * 5, now), now.minus(hour * 50));
        // A machine that slept for days, and a clock that is mended by a minute since.
        assert_eq!(wrong_since(leap(72), hour / 60, now), now.minus(hour / 60));
    }
}
