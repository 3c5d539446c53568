//! The window of a live run: one that its schedule calls for.

use std::time::Duration;

use crate::model::time::{Timestamp, Window};
use crate::rules::coverage::Coverage;

/// What the window of a live run is made of.
#[derive(Debug, Clone, Copy)]
pub struct WindowFacts<'a> {
    /// How much event time the run covers at least.
    pub lookback: Duration,
    /// How late events may arrive.
    pub late: Duration,
    /// The longest time between two ticks of the schedule.
    pub pause: Duration,
    /// Whether it takes missed event time along.
    pub reaches_back: bool,
    /// Whether a result that is too big can be asked in parts: only then may a window grow beyond the usual.
    pub splits: bool,
    /// What was covered so far.
    pub coverage: &'a Coverage,
    /// The moment that the run stands at.
    pub as_of: Timestamp,
    /// How far back the API's data reaches ([`crate::model::limits::DATA_AGE`]).
    pub data_age: Duration,
}

/// The window of a live run; it ends at `as_of`.
///
/// It reaches back by the lookback and `late`: what lies there was covered, but not what has arrived since.
/// What is owed before that it takes along as far as one more lookback, or one more pause of the schedule,
/// where that is longer: a missed tick costs no call of its own. More than that would make a live run wait
/// for the past, and is left to catching up ([`super::catch_up()`]). A hunt whose result can't be asked in parts takes no
/// more along than its schedule's pause: a window that has grown too wide would be refused, and grow further. It never
/// reaches beyond `data_age`.
///
/// Covered time in the future reaches back as far as it lies ahead. A shorter stretch might leave out
/// what the runs under the wrong clock asked for in vain; the whole thirty days would tell much that
/// is old.
#[must_use]
pub fn window(facts: WindowFacts<'_>) -> Window {
    let WindowFacts { lookback, late, pause, coverage, as_of, data_age, .. } = facts;
    let reach = as_of.minus(data_age);
    let ahead = clock_was_ahead(coverage, as_of);
    let usual = as_of.minus(lookback.max(ahead.unwrap_or_default())).minus(late).max(reach);
    let stretch = lookback.max(pause).saturating_mul(if facts.splits { 2 } else { 1 });
    let far = as_of.minus(stretch).minus(late).max(reach);
    let owed = if facts.reaches_back { coverage.gaps(Window { from: reach, to: usual }) } else { Vec::new() };
    let from = owed.iter().map(|gap| gap.from).find(|from| *from >= far).unwrap_or(usual);
    Window { from, to: as_of }
}

/// How long the window of a live run is that takes nothing along but what its schedule leaves to it.
#[must_use]
pub fn usual_length(lookback: Duration, late: Duration, pause: Duration) -> Duration {
    lookback.max(pause) + late
}

/// By how much covered time lies in the future of `now`: it was written under a clock that stood ahead, and what it
/// says of coverage can't be trusted.
#[must_use]
pub fn clock_was_ahead(coverage: &Coverage, now: Timestamp) -> Option<Duration> {
    coverage.covered_to().map(|to| to.since(now)).filter(|ahead| !ahead.is_zero())
}

/// The watermark after a run over `window`: its end, when the result is complete. `None` leaves the
/// watermark as it is.
///
/// It is set back too, when the clock was.
#[must_use]
pub fn next_watermark(window: Window, complete: bool) -> Option<Timestamp> {
    complete.then_some(window.to)
}

/// The watermark after a complete run over a window that isn't its schedule's: it moves only forward, and
/// only where the window leaves no gap after what is covered.
#[must_use]
pub fn extend_watermark(watermark: Option<Timestamp>, window: Window) -> Option<Timestamp> {
    let mark = watermark?;
    (window.from <= mark && mark < window.to).then_some(window.to)
}

/// What of a window is settled by a complete result that was asked for at `asked`: what happened less than
/// `late` ago may still arrive.
#[must_use]
pub fn settled(window: Window, asked: Timestamp, late: Duration) -> Option<Window> {
    let to = window.to.min(asked.minus(late));
    (window.from < to).then_some(Window { from: window.from, to })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::coverage::CoverageNote;
    use crate::model::id::RunId;
    use crate::model::limits::DATA_AGE;

    const HOUR: Duration = Duration::from_hours(1);
    const LATE: Duration = Duration::from_mins(30);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn run() -> RunId {
        RunId::new("r").unwrap()
    }

    fn covered(from: Timestamp, to: Timestamp) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.note(&CoverageNote::Origin(from), &run());
        coverage.note(&CoverageNote::Cover(Window { from, to }), &run());
        coverage
    }

    fn facts(coverage: &Coverage) -> WindowFacts<'_> {
        WindowFacts {
            lookback: HOUR,
            late: LATE,
            pause: HOUR,
            reaches_back: true,
            splits: true,
            coverage,
            as_of: at("2026-11-24T12:00:00Z"),
            data_age: DATA_AGE,
        }
    }

    #[test]
    fn reaches_back_by_the_lookback_and_takes_a_little_that_was_missed_along() {
        let cases = [
            (None, "2026-11-24T10:30:00Z"),
            (Some("2026-11-24T11:00:00Z"), "2026-11-24T10:30:00Z"),
            (Some("2026-11-24T10:30:00Z"), "2026-11-24T10:30:00Z"),
            (Some("2026-11-24T10:00:00Z"), "2026-11-24T10:00:00Z"),
            (Some("2026-11-24T09:30:00Z"), "2026-11-24T09:30:00Z"),
            (Some("2026-11-24T09:29:59Z"), "2026-11-24T10:30:00Z"),
            (Some("2026-10-01T12:10:00Z"), "2026-11-24T10:30:00Z"),
        ];
        for (to, from) in cases {
            let coverage = to.map_or_else(Coverage::default, |to| covered(at("2026-09-01T00:00:00Z"), at(to)));
            let window_is = Window { from: at(from), to: at("2026-11-24T12:00:00Z") };
            assert_eq!(window(facts(&coverage)), window_is, "{to:?}");
            assert_eq!(clock_was_ahead(&coverage, window_is.to), None, "{to:?}");
            let left = window(WindowFacts { reaches_back: false, ..facts(&coverage) });
            assert_eq!(left.from, at("2026-11-24T10:30:00Z"), "{to:?}");
        }
    }

    #[test]
    fn a_lookback_shorter_than_the_schedule_still_leaves_nothing_out() {
        let coverage = covered(at("2026-11-01T00:00:00Z"), at("2026-11-23T11:30:00Z"));
        for splits in [true, false] {
            let daily = window(WindowFacts { pause: HOUR * 24, splits, ..facts(&coverage) });
            assert_eq!(daily.from, at("2026-11-23T11:30:00Z"));
        }
    }

    #[test]
    fn a_hunt_that_cant_be_asked_in_parts_takes_nothing_along() {
        let coverage = covered(at("2026-11-01T00:00:00Z"), at("2026-11-24T09:30:00Z"));
        let usual = window(WindowFacts { splits: false, ..facts(&coverage) });
        assert_eq!(usual.from, at("2026-11-24T10:30:00Z"));
    }

    #[test]
    fn it_stays_within_the_apis_reach() {
        let coverage = Coverage::default();
        let long = WindowFacts { lookback: HOUR * 24 * 90, ..facts(&coverage) };
        assert_eq!(window(long).length(), DATA_AGE);
    }

    #[test]
    fn covered_time_in_the_future_isnt_trusted() {
        let began = at("2026-11-01T00:00:00Z");
        let coverage = covered(began, at("2026-11-24T12:10:00Z"));
        assert_eq!(window(facts(&coverage)).from, at("2026-11-24T10:30:00Z"));
        let coverage = covered(began, at("2026-11-24T21:00:00Z"));
        let run = window(facts(&coverage));
        assert_eq!((run.from, clock_was_ahead(&coverage, run.to)), (at("2026-11-24T02:30:00Z"), Some(HOUR * 9)));
        assert_eq!(next_watermark(run, true), Some(at("2026-11-24T12:00:00Z")));
    }

    #[test]
    fn what_may_still_arrive_is_not_settled() {
        let (from, to) = (at("2026-11-24T10:00:00Z"), at("2026-11-24T12:00:00Z"));
        let whole = Window { from, to };
        for (asked, settled_to) in [
            ("2026-11-24T12:00:00Z", Some("2026-11-24T11:30:00Z")),
            ("2026-11-24T13:00:00Z", Some("2026-11-24T12:00:00Z")),
            ("2026-11-24T10:30:00Z", None),
        ] {
            assert_eq!(settled(whole, at(asked), LATE), settled_to.map(|to| Window { from, to: at(to) }), "{asked}");
        }
    }

    #[test]
    fn a_chosen_window_moves_the_watermark_only_where_no_gap_remains() {
        let window = Window { from: at("2026-11-20T00:00:00Z"), to: at("2026-11-21T00:00:00Z") };
        for (mark, expected) in [
            (None, None),
            (Some("2026-11-19T23:59:59Z"), None),
            (Some("2026-11-20T00:00:00Z"), Some(window.to)),
            (Some("2026-11-20T12:00:00Z"), Some(window.to)),
            (Some("2026-11-21T00:00:00Z"), None),
            (Some("2026-11-24T00:00:00Z"), None),
        ] {
            assert_eq!(extend_watermark(mark.map(at), window), expected, "{mark:?}");
        }
    }

    proptest! {
        /// Live runs alone cover all but what is named as a gap; a gap is never shorter than what a live run
        /// takes along.
        #[test]
        fn what_live_runs_leave_out_is_a_gap(
            lookback in 1_u64..2_000_000,
            late in 0_u64..200_000,
            pause in 1_u64..500_000,
            splits: bool,
            pauses in prop::collection::vec((1_u64..1_500_000, prop::bool::weighted(0.7)), 1..25),
            events in prop::collection::vec((0_u64..20_000_000, 0.0_f64..=1.0), 60),
        ) {
            let start = at("2026-01-01T00:00:00Z");
            let seconds = Duration::from_secs;
            let (lookback, late, pause) = (seconds(lookback), seconds(late), seconds(pause));
            let (mut now, mut coverage, mut runs) = (start, Coverage::default(), Vec::new());
            for (gap, complete) in pauses {
                now = now.plus(seconds(gap));
                let facts = WindowFacts {
                    lookback, late, pause, reaches_back: true, splits, coverage: &coverage, as_of: now, data_age: DATA_AGE,
                };
                let asked = window(facts);
                prop_assert!(asked.to == now && asked.from >= now.minus(DATA_AGE));
                coverage.note(&CoverageNote::Origin(asked.from), &run());
                if complete {
                    runs.push(asked);
                    if let Some(settled) = settled(asked, now, late) {
                        coverage.note(&CoverageNote::Cover(settled), &run());
                    }
                }
            }
            let gaps = coverage.gaps(Window { from: start.minus(DATA_AGE), to: now.minus(late) });
            for (happened, share) in events {
                let happened = start.plus(seconds(happened));
                let arrived = happened.plus(late.mul_f64(share));
                let owed = coverage.origin().is_some_and(|origin| origin <= happened) && happened < now.minus(late);
                let found = runs.iter().any(|run| run.contains(happened) && arrived <= run.to);
                let open = gaps.iter().any(|gap| gap.contains(happened));
                prop_assert!(!owed || found || open, "{happened} arrived {arrived}: {runs:?} {gaps:?}");
            }
        }
    }
}
