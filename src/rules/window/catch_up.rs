//! What to ask next for event time that was missed.
//!
//! Stateless: it looks at what is covered, and names one step; after that step it is asked again. So a
//! step that failed, or that a kill cut off, is simply named again.

use std::time::Duration;

use super::plan::{WindowFacts, window};
use super::scope::{QueryKind, QueryNature};
use crate::model::time::{Timestamp, Window};
use crate::rules::coverage::Coverage;

/// How a hunt is asked about the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// By a window of any length.
    Window,
    /// As of a past moment, from which it looks back by itself so far.
    AsOf(Duration),
    /// Not at all: it gives the same at any time, or nobody can tell what it looks at.
    Never,
}

impl Asks {
    /// How a hunt of this nature is asked.
    #[must_use]
    pub const fn of(nature: QueryNature) -> Self {
        match (nature.kind, nature.back) {
            (QueryKind::Windowed, _) => Self::Window,
            (QueryKind::OwnTime, Some(back)) => Self::AsOf(back),
            (QueryKind::OwnTime, None) | (QueryKind::Fixed | QueryKind::Snapshot, _) => Self::Never,
        }
    }
}

/// What the next step hangs on.
#[derive(Debug, Clone, Copy)]
pub struct CatchUpFacts<'a> {
    /// What is covered.
    pub coverage: &'a Coverage,
    /// How the hunt is asked.
    pub asks: Asks,
    /// As of a live run's window.
    pub lookback: Duration,
    /// How late events may arrive.
    pub late: Duration,
    /// The longest time between two ticks of the schedule.
    pub pause: Duration,
    /// The last tick of the schedule that a run was made for, well or not.
    pub last: Timestamp,
    /// The next tick.
    pub next: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
    /// How far back the API's data reaches.
    pub data_age: Duration,
    /// Whether the newest of what was missed comes first.
    pub newest_first: bool,
    /// Whether a result that is too big can be asked in parts.
    pub splits: bool,
    /// The longest window to ask for, where a longer one was too much already.
    pub most: Option<Duration>,
}

impl CatchUpFacts<'_> {
    /// Up to which tick live runs were made. One in the future was served before the clock was set back: up to it
    /// nothing is owed yet, and what is owed must not grow with each look, or it would be asked for in crumbs.
    pub(super) fn served(&self) -> Timestamp {
        if self.last <= self.now {
            return self.last;
        }
        self.next.map_or(self.now, |next| next.minus(self.pause)).min(self.now)
    }
}

/// What to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A window.
    Window(Window),
    /// The query as of a moment.
    AsOf(Timestamp),
}

/// What to do about event time that was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUpPlan {
    /// Nothing is missing that the next live run doesn't ask for.
    Nothing,
    /// Ask this now.
    Ask(Step),
    /// Something is missing, and can be settled from this moment on.
    Wait(Timestamp),
}

/// A live run that comes within this time makes asking for its event time now a waste of a call.
pub(super) const SOON: Duration = Duration::from_hours(1);
/// What is nearer to the end of the API's reach than this may be gone before the question arrives.
const EDGE: Duration = Duration::from_mins(1);

/// What to ask next.
///
/// The fewest runs that cover what is missing: for a window, one from the first gap to the last, or shorter
/// ones where that one was too much and can't be asked in parts; for an as-of hunt, moments so far apart that what it looks at by itself joins, with the overlap that its schedule has,
/// but never more of them than the schedule has ticks.
#[must_use]
pub fn catch_up(facts: &CatchUpFacts<'_>) -> CatchUpPlan {
    let open = open(facts);
    let gaps: Vec<Window> = open.iter().filter_map(|gap| ready(facts, *gap)).collect();
    match (gaps.first(), gaps.last()) {
        (Some(first), Some(last)) => CatchUpPlan::Ask(match facts.asks {
            Asks::AsOf(back) => Step::AsOf(moment(facts, back, if facts.newest_first { *last } else { *first })),
            Asks::Window | Asks::Never => Step::Window(narrow(facts, Window { from: first.from, to: last.to })),
        }),
        _ => open.first().map_or(CatchUpPlan::Nothing, |gap| CatchUpPlan::Wait(gap.to.plus(facts.late))),
    }
}

/// The part of what is missing that is asked for now, where all of it was too much.
fn narrow(facts: &CatchUpFacts<'_>, gap: Window) -> Window {
    let Some(length) = facts.most.filter(|_| !facts.splits) else { return gap };
    if facts.newest_first {
        return Window { from: gap.from.max(gap.to.minus(length)), to: gap.to };
    }
    Window { from: gap.from, to: gap.to.min(gap.from.plus(length)) }
}

/// What is owed, lies in the API's reach, and isn't asked for by the next live run.
fn open(facts: &CatchUpFacts<'_>) -> Vec<Window> {
    let reach = facts.now.minus(facts.data_age).plus(EDGE);
    let soon = |next: &Timestamp| next.since(facts.now) <= SOON;
    let Some(owed) = owed_to(facts) else { return Vec::new() };
    let to = match facts.next.filter(soon) {
        Some(next) if facts.asks == Asks::Window => owed.min(live_from(facts, next)),
        _ => owed,
    };
    facts.coverage.gaps(Window { from: reach, to })
}

/// Up to where event time is owed by now; the rest is the next live run's, by its very rule. None where a hunt is
/// asked about no past.
pub(super) fn owed_to(facts: &CatchUpFacts<'_>) -> Option<Timestamp> {
    let served = facts.served();
    match facts.asks {
        Asks::Never => None,
        Asks::Window => Some(served.minus(facts.late)),
        Asks::AsOf(back) => Some(facts.next.map_or(served, |next| served.min(next.minus(back)))),
    }
}

/// What of a gap can be settled by a question now. Of an as-of hunt one question shall settle all of it.
fn ready(facts: &CatchUpFacts<'_>, gap: Window) -> Option<Window> {
    let settled = facts.now.minus(facts.late);
    match facts.asks {
        Asks::Window => super::settled(gap, facts.now, facts.late),
        Asks::AsOf(_) | Asks::Never => (gap.to <= settled).then_some(gap),
    }
}

pub(super) fn live_from(facts: &CatchUpFacts<'_>, next: Timestamp) -> Timestamp {
    let CatchUpFacts { lookback, late, pause, coverage, data_age, splits, .. } = *facts;
    window(WindowFacts { lookback, late, pause, reaches_back: true, splits, coverage, as_of: next, data_age }).from
}

/// The moment as of which an as-of hunt is asked for a gap.
fn moment(facts: &CatchUpFacts<'_>, back: Duration, gap: Window) -> Timestamp {
    let newest = gap.to.plus(overlap(facts, back)).min(facts.now);
    if facts.newest_first {
        return newest;
    }
    gap.from.plus(as_of_step(facts, back)).min(newest)
}

/// By how much two moments of an as-of hunt look at the same: as much as its schedule lets them, and `late` at most.
fn overlap(facts: &CatchUpFacts<'_>, back: Duration) -> Duration {
    facts.late.min(back.saturating_sub(facts.pause))
}

/// How far two moments of an as-of hunt are apart.
pub(super) fn as_of_step(facts: &CatchUpFacts<'_>, back: Duration) -> Duration {
    as_of_covers(back, facts.pause).saturating_sub(overlap(facts, back))
}

/// How much event time before its moment a run of an as-of hunt covers: what it looks at, and at least what
/// its schedule leaves to it. A hunt that looks back an hour each day looks, by its author's choice, at
/// nothing else.
#[must_use]
pub fn as_of_covers(back: Duration, pause: Duration) -> Duration {
    back.max(pause)
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
        Timestamp::parse(&format!("2026-11-{text}Z")).unwrap()
    }

    fn window_of(from: &str, to: &str) -> Window {
        Window { from: at(from), to: at(to) }
    }

    fn run() -> RunId {
        RunId::new("r").unwrap()
    }

    fn covered(windows: &[Window]) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.note(&CoverageNote::Origin(at("01T00:00:00")), &run());
        for window in windows {
            coverage.note(&CoverageNote::Cover(*window), &run());
        }
        coverage
    }

    fn facts(coverage: &Coverage, asks: Asks) -> CatchUpFacts<'_> {
        CatchUpFacts {
            coverage,
            asks,
            lookback: HOUR,
            late: LATE,
            pause: HOUR,
            last: at("24T12:00:00"),
            next: Some(at("24T13:00:00")),
            now: at("24T12:00:10"),
            data_age: DATA_AGE,
            newest_first: false,
            splits: true,
            most: None,
        }
    }

    #[test]
    fn three_days_of_downtime_are_one_window() {
        let coverage = covered(&[window_of("01T00:00:00", "21T11:30:00"), window_of("24T10:30:00", "24T11:30:00")]);
        let step = Step::Window(window_of("21T11:30:00", "24T10:30:00"));
        assert_eq!(catch_up(&facts(&coverage, Asks::Window)), CatchUpPlan::Ask(step));
    }

    #[test]
    fn what_was_refused_as_one_window_is_asked_by_windows_of_a_live_run() {
        let coverage = covered(&[window_of("01T00:00:00", "24T02:00:00"), window_of("24T06:00:00", "24T11:30:00")]);
        let refused = CatchUpFacts { splits: false, most: Some(HOUR + LATE), ..facts(&coverage, Asks::Window) };
        let ask = |facts: &CatchUpFacts<'_>| catch_up(facts);
        assert_eq!(ask(&refused), CatchUpPlan::Ask(Step::Window(window_of("24T02:00:00", "24T03:30:00"))));
        let newest = CatchUpFacts { newest_first: true, ..refused };
        assert_eq!(ask(&newest), CatchUpPlan::Ask(Step::Window(window_of("24T04:30:00", "24T06:00:00"))));
        // One that can be asked in parts is.
        let whole = CatchUpPlan::Ask(Step::Window(window_of("24T02:00:00", "24T06:00:00")));
        assert_eq!(ask(&CatchUpFacts { splits: true, ..refused }), whole);
    }

    #[test]
    fn several_gaps_are_one_window_too() {
        let windows = [("01T00:00:00", "20T00:00:00"), ("21T00:00:00", "22T00:00:00"), ("23T00:00:00", "24T11:30:00")];
        let coverage = covered(&windows.map(|(from, to)| window_of(from, to)));
        let step = Step::Window(window_of("20T00:00:00", "23T00:00:00"));
        assert_eq!(catch_up(&facts(&coverage, Asks::Window)), CatchUpPlan::Ask(step));
    }

    #[test]
    fn what_the_next_live_run_asks_for_is_left_to_it() {
        let coverage = covered(&[window_of("01T00:00:00", "24T11:30:00")]);
        assert_eq!(catch_up(&facts(&coverage, Asks::Window)), CatchUpPlan::Nothing);
        // The last run failed: the next one takes its event time along.
        let coverage = covered(&[window_of("01T00:00:00", "24T10:30:00")]);
        assert_eq!(catch_up(&facts(&coverage, Asks::Window)), CatchUpPlan::Nothing);
        // But not before tomorrow.
        let daily = CatchUpFacts { next: Some(at("25T12:00:00")), pause: HOUR * 24, ..facts(&coverage, Asks::Window) };
        let step = Step::Window(window_of("24T10:30:00", "24T11:30:00"));
        assert_eq!(catch_up(&daily), CatchUpPlan::Ask(step));
    }

    #[test]
    fn after_the_clock_was_set_back_nothing_is_asked_for_in_crumbs() {
        let coverage = covered(&[window_of("01T00:00:00", "24T11:30:00")]);
        for (minute, seconds) in [("05", "00"), ("05", "15"), ("45", "00")] {
            let now = at(&format!("24T12:{minute}:{seconds}"));
            // It was served up to midnight, before the clock was set back by half a day.
            let back = CatchUpFacts { last: at("25T00:00:00"), now, ..facts(&coverage, Asks::Window) };
            assert_eq!(catch_up(&back), CatchUpPlan::Nothing, "{now}");
            let as_of = CatchUpFacts { asks: Asks::AsOf(HOUR * 2), ..back };
            assert_eq!(catch_up(&as_of), CatchUpPlan::Nothing, "{now}");
        }
    }

    #[test]
    fn an_inventory_has_nothing_to_catch_up() {
        let coverage = covered(&[]);
        assert_eq!(catch_up(&facts(&coverage, Asks::Never)), CatchUpPlan::Nothing);
    }

    /// All moments that are asked until nothing is missing.
    fn moments(mut facts: CatchUpFacts<'_>, coverage: &Coverage, back: Duration) -> Vec<Timestamp> {
        let (mut coverage, mut moments) = (coverage.clone(), Vec::new());
        for _ in 0..2000 {
            let asked = CatchUpFacts { coverage: &coverage, ..facts };
            let CatchUpPlan::Ask(Step::AsOf(moment)) = catch_up(&asked) else { return moments };
            moments.push(moment);
            let window = Window { from: moment.minus(as_of_covers(back, facts.pause)), to: moment };
            let settled = super::super::settled(window, facts.now, facts.late).unwrap();
            coverage.note(&CoverageNote::Cover(settled), &run());
            facts.now = facts.now.plus(Duration::from_secs(5));
        }
        panic!("it never ends: {moments:?}");
    }

    #[test]
    fn an_as_of_hunt_is_asked_by_its_own_lookback_and_not_by_every_tick() {
        let coverage = covered(&[window_of("01T00:00:00", "23T12:00:00"), window_of("24T08:00:00", "24T11:30:00")]);
        // Four hours back, every hour: three hours and a half apart. Nine live runs would have been twenty.
        let four = HOUR * 4;
        let facts = facts(&coverage, Asks::AsOf(four));
        let hours = |asked: &[Timestamp]| asked.iter().map(|at| at.to_string()[8..16].to_owned()).collect::<Vec<_>>();
        let oldest_first = moments(facts, &coverage, four);
        assert_eq!(hours(&oldest_first), ["23T15:30", "23T19:00", "23T22:30", "24T02:00", "24T05:30", "24T08:30"]);
        let newest_first = moments(CatchUpFacts { newest_first: true, ..facts }, &coverage, four);
        assert_eq!(hours(&newest_first), ["24T08:30", "24T05:00", "24T01:30", "23T22:00", "23T18:30", "23T15:00"]);
    }

    #[test]
    fn what_arrives_late_for_an_as_of_hunt_without_overlap_is_asked_again() {
        // It ran at twelve with `ago(1h)`; the run at one looks back to twelve, and not at what happened at a
        // quarter to twelve and arrived at a quarter past.
        let coverage = covered(&[window_of("01T00:00:00", "24T11:30:00")]);
        let now = facts(&coverage, Asks::AsOf(HOUR));
        assert_eq!(catch_up(&now), CatchUpPlan::Wait(at("24T12:30:00")));
        let later = CatchUpFacts { now: at("24T12:30:00"), ..now };
        assert_eq!(catch_up(&later), CatchUpPlan::Ask(Step::AsOf(at("24T12:00:00"))));
        // One that looks back further needs nothing.
        let enough = facts(&coverage, Asks::AsOf(HOUR + LATE));
        assert_eq!(catch_up(&enough), CatchUpPlan::Nothing);
    }

    #[test]
    fn what_is_about_to_leave_the_apis_reach_is_not_asked_for() {
        let coverage = covered(&[window_of("10T00:00:00", "24T11:30:00")]);
        let facts = CatchUpFacts { data_age: HOUR * 24 * 20, ..facts(&coverage, Asks::Window) };
        let step = Step::Window(window_of("04T12:01:10", "10T00:00:00"));
        assert_eq!(catch_up(&facts), CatchUpPlan::Ask(step));
    }

    proptest! {
        #[test]
        fn an_as_of_hunt_ends_with_nothing_missing_and_no_more_runs_than_ticks(
            back in 60_u64..400_000,
            late in 0_u64..100_000,
            pause in 600_u64..100_000,
            gaps in prop::collection::vec((0_u64..1_000_000, 1_u64..300_000), 1..6),
            newest_first: bool,
        ) {
            let seconds = Duration::from_secs;
            let start = at("01T00:00:00");
            let mut coverage = covered(&[]);
            let (mut cursor, mut ticks) = (start, 0_u64);
            for (before, length) in gaps {
                coverage.note(&CoverageNote::Cover(Window { from: cursor, to: cursor.plus(seconds(before)) }), &run());
                cursor = cursor.plus(seconds(before + length));
                ticks += length / pause + 2;
            }
            let now = cursor.plus(seconds(late + 1));
            let facts = CatchUpFacts {
                coverage: &coverage, asks: Asks::AsOf(seconds(back)), lookback: HOUR, late: seconds(late),
                pause: seconds(pause), last: cursor, next: None, now, data_age: DATA_AGE * 9, newest_first, splits: false, most: None,
            };
            let asked = moments(facts, &coverage, seconds(back));
            prop_assert!(asked.len() as u64 <= ticks, "{} runs for {ticks} ticks", asked.len());
            prop_assert!(asked.iter().all(|moment| *moment <= now.plus(seconds(5 * 2000))));
        }
    }
}
