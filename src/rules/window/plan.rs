//! The window of a run.

use std::time::Duration;

use crate::model::hunt::CatchUp;
use crate::model::time::{Timestamp, Window};

/// What the window of a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowFacts {
    /// How much event time the run covers at least.
    pub lookback: Duration,
    /// How late events may arrive.
    pub late: Duration,
    /// Whether missed event time is covered.
    pub catch_up: CatchUp,
    /// The first instant not covered by complete results; `None` before the first.
    pub watermark: Option<Timestamp>,
    /// The moment that the run stands at.
    pub as_of: Timestamp,
    /// How far back the API's data reaches ([`crate::model::limits::DATA_AGE`]).
    pub data_age: Duration,
}

/// The window of a run, and what there is to say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowPlan {
    /// What to ask for; ends at `as_of`.
    pub window: Window,
    /// Event time that was never covered and is beyond the API's reach now: it is to be told.
    pub lost: Option<Window>,
    /// Whether the window is wider than the lookback, to cover what was missed.
    pub caught_up: bool,
    /// By how much the watermark lies after `as_of`: the clock ran ahead when it was written, and
    /// what it says of coverage can't be trusted. It is worth a word in the log.
    pub clock_was_ahead: Option<Duration>,
}

/// The window of a run.
///
/// It reaches back to the lookback, or to the watermark where that is earlier and `catch_up` is
/// `auto`, and `late` further: what lies before the watermark was covered, but not what has arrived
/// there since. It never reaches beyond `data_age`.
///
/// A watermark in the future reaches back as far as it lies ahead. A shorter stretch might leave out
/// what the runs under the wrong clock asked for in vain; the whole thirty days would tell much that
/// is old.
#[must_use]
pub fn window(facts: WindowFacts) -> WindowPlan {
    let WindowFacts { lookback, late, catch_up, as_of, data_age, .. } = facts;
    let watermark = facts.watermark.filter(|_| catch_up == CatchUp::Auto);
    let ahead = watermark.map(|mark| mark.since(as_of)).filter(|span| !span.is_zero());
    let usual = as_of.minus(lookback);
    let wanted = watermark.map_or(usual, |mark| mark.min(usual)).min(as_of.minus(ahead.unwrap_or_default()));
    let reach = as_of.minus(data_age);
    WindowPlan {
        window: Window { from: wanted.minus(late).max(reach), to: as_of },
        lost: watermark.filter(|mark| *mark < reach).map(|from| Window { from, to: reach }),
        caught_up: wanted < usual,
        clock_was_ahead: ahead,
    }
}

/// The watermark after a run of [`window`]'s making: its end, when the result is complete. `None`
/// leaves the watermark as it is, so that the next run covers the same event time again.
///
/// It is set back too, when the clock was.
#[must_use]
pub fn next_watermark(window: Window, complete: bool) -> Option<Timestamp> {
    complete.then_some(window.to)
}

/// The watermark after a complete run over a window that a person chose: it moves only forward, and
/// only where the window leaves no gap after what is covered.
#[must_use]
pub fn extend_watermark(watermark: Option<Timestamp>, window: Window) -> Option<Timestamp> {
    let mark = watermark?;
    (window.from <= mark && mark < window.to).then_some(window.to)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::limits::DATA_AGE;

    const HOUR: Duration = Duration::from_hours(1);
    const LATE: Duration = Duration::from_mins(30);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn facts(watermark: Option<&str>) -> WindowFacts {
        WindowFacts {
            lookback: HOUR,
            late: LATE,
            catch_up: CatchUp::Auto,
            watermark: watermark.map(at),
            as_of: at("2026-11-24T12:00:00Z"),
            data_age: DATA_AGE,
        }
    }

    #[test]
    fn reaches_back_to_the_lookback_or_the_watermark_and_late_further() {
        let cases = [
            (None, "2026-11-24T10:30:00Z", false),
            (Some("2026-11-24T11:30:00Z"), "2026-11-24T10:30:00Z", false),
            (Some("2026-11-24T11:00:00Z"), "2026-11-24T10:30:00Z", false),
            (Some("2026-11-24T09:00:00Z"), "2026-11-24T08:30:00Z", true),
            (Some("2026-11-20T12:00:00Z"), "2026-11-20T11:30:00Z", true),
            (Some("2026-10-25T12:10:00Z"), "2026-10-25T12:00:00Z", true),
        ];
        for (watermark, from, caught_up) in cases {
            let plan = window(facts(watermark));
            let window = Window { from: at(from), to: at("2026-11-24T12:00:00Z") };
            assert_eq!(plan, WindowPlan { window, lost: None, caught_up, clock_was_ahead: None }, "{watermark:?}");
        }
    }

    #[test]
    fn says_what_is_beyond_reach() {
        let plan = window(facts(Some("2026-10-01T00:00:00Z")));
        assert_eq!(plan.window.from, at("2026-10-25T12:00:00Z"));
        assert_eq!(plan.lost, Some(Window { from: at("2026-10-01T00:00:00Z"), to: at("2026-10-25T12:00:00Z") }));
        let long = WindowFacts { lookback: HOUR * 24 * 90, ..facts(None) };
        assert_eq!((window(long).window.length(), window(long).lost), (DATA_AGE, None));
    }

    #[test]
    fn skip_leaves_out_what_was_missed() {
        let skip = WindowFacts { catch_up: CatchUp::Skip, ..facts(Some("2026-10-01T00:00:00Z")) };
        assert_eq!(window(skip), window(facts(None)));
    }

    #[test]
    fn a_watermark_from_the_future_isnt_trusted() {
        let plan = window(facts(Some("2026-11-24T12:10:00Z")));
        assert_eq!(plan.window.from, at("2026-11-24T10:30:00Z"));
        let plan = window(facts(Some("2026-11-24T21:00:00Z")));
        assert_eq!(plan.window.from, at("2026-11-24T02:30:00Z"));
        assert_eq!((plan.clock_was_ahead, plan.lost), (Some(HOUR * 9), None));
        assert_eq!(next_watermark(plan.window, true), Some(at("2026-11-24T12:00:00Z")));
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
        #[test]
        fn no_event_is_missed_in_any_pattern_of_downtime(
            lookback in 1_u64..2_000_000,
            late in 0_u64..200_000,
            gaps in prop::collection::vec((1_u64..1_500_000, prop::bool::weighted(0.7)), 1..25),
            events in prop::collection::vec((0_u64..20_000_000, 0.0_f64..=1.0), 60),
        ) {
            let start = at("2026-01-01T00:00:00Z");
            let (lookback, late) = (Duration::from_secs(lookback), Duration::from_secs(late));
            let (mut now, mut watermark, mut runs, mut lost) = (start, None, Vec::new(), Vec::new());
            for (gap, complete) in gaps {
                now = now.plus(Duration::from_secs(gap));
                let facts =
                    WindowFacts { lookback, late, catch_up: CatchUp::Auto, watermark, as_of: now, data_age: DATA_AGE };
                let plan = window(facts);
                prop_assert!(plan.window.to == now && plan.window.from >= now.minus(DATA_AGE));
                if complete {
                    lost.extend(plan.lost);
                    runs.push(plan.window);
                }
                watermark = next_watermark(plan.window, complete).or(watermark);
            }
            let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Ok(()) };
            for (n, run) in runs.iter().enumerate().skip(1) {
                let covered_or_lost = run.from <= runs[n - 1].to || lost.iter().any(|gap| gap.from == runs[n - 1].to && gap.to == run.from);
                prop_assert!(covered_or_lost, "{run:?}");
            }
            for (happened, share) in events {
                let happened = start.plus(Duration::from_secs(happened));
                let arrived = happened.plus(late.mul_f64(share));
                // Beyond the first window nothing is promised, nor for what hasn't been asked for yet,
                // nor for what was too old when a run was made again.
                let Some(run) = runs.iter().find(|run| run.to > arrived && run.to > happened) else { continue };
                if happened < first.from || happened >= last.to || happened < run.to.minus(DATA_AGE) {
                    continue;
                }
                prop_assert!(run.contains(happened), "{happened} arrived {arrived}, {run:?}");
            }
        }
    }
}
