//! Catching up after a downtime, behind live work.

use std::time::Duration;

use super::agenda::{Agenda, Run};
use super::places::Places;
use super::queue::play;
use crate::model::config::Quota;
use crate::model::coverage::CoverageNote;
use crate::model::hunt::Severity;
use crate::model::id::{RunId, TenantName};
use crate::model::limits::DATA_AGE;
use crate::model::time::{Timestamp, Window};
use crate::rules::coverage::Coverage;
use crate::rules::queue::PATIENCE;
use crate::rules::quota;
use crate::rules::schedule;
use crate::rules::window::{self, Asks, CatchUpFacts, Outlook, WindowFacts};

use super::agenda::Track;

/// What catching up takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatchingUp {
    /// After how long a downtime.
    pub downtime: Duration,
    /// Hunts of which more was missed than their next live run takes along.
    pub hunts: u32,
    /// The calls that this takes, beside those of live runs.
    pub calls: u64,
    /// How long it takes beside the live runs; `None` where it isn't over when the plan is.
    pub takes: Option<Duration>,
}

/// Event time that a hunt has missed.
#[derive(Debug, Clone, Copy)]
struct Missed {
    severity: Severity,
    /// Calls that aren't made yet: one after the other.
    left: u64,
    call_time: Duration,
    /// Whether one waits or is under way.
    busy: bool,
}

/// What is to be caught up on, and how far it has come.
#[derive(Debug, Default)]
pub(super) struct Behind {
    begins: Option<Timestamp>,
    /// What it may take of the quota.
    slack: Option<Quota>,
    /// How many may catch up at a time.
    room: usize,
    under_way: usize,
    /// The hunts that matter most first.
    missed: Vec<Missed>,
    /// Who waits for a place, and since when.
    open: Vec<(usize, Timestamp)>,
}

impl Behind {
    /// When it begins; none where there is nothing to do.
    pub(super) const fn begins(&self) -> Option<Timestamp> {
        self.begins
    }

    /// Lets as many wait as may.
    pub(super) fn open(&mut self, now: Timestamp) {
        while self.open.len() + self.under_way < self.room {
            let next = self.missed.iter_mut().enumerate().find(|(_, missed)| missed.left > 0 && !missed.busy);
            let Some((entry, missed)) = next else { return };
            missed.busy = true;
            self.open.push((entry, now));
        }
    }

    /// Who may send now, and how long the call takes.
    pub(super) fn take(
        &mut self,
        places: &Places,
        quota: &Quota,
        now: Timestamp,
        pressing: bool,
    ) -> Option<(usize, Duration)> {
        let quota = if pressing { quota } else { self.slack.as_ref()? };
        if places.full(quota).is_some() {
            return None;
        }
        let waited = |since: Timestamp| now.since(since) >= PATIENCE;
        let at = self.open.iter().position(|(_, since)| !pressing || waited(*since))?;
        let (entry, _) = self.open.remove(at);
        self.under_way += 1;
        let missed = self.missed.get_mut(entry)?;
        missed.left -= 1;
        Some((entry, missed.call_time))
    }

    pub(super) fn answered(&mut self, entry: usize) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(missed) = self.missed.get_mut(entry) {
            missed.busy = false;
        }
    }

    /// When who waits may have a place.
    pub(super) fn next(&self, places: &Places, now: Timestamp) -> Option<Timestamp> {
        let since = self.open.iter().map(|(_, since)| *since).min()?;
        let slack = places.free(self.slack.as_ref()?);
        let pressing = since.plus(PATIENCE);
        // Once it presses, it waits for a place of the whole quota, whose moment the ends of calls bring.
        let pressing = if pressing > now { Some(pressing) } else { places.first() };
        [slack, pressing].into_iter().flatten().filter(|at| *at > now).min()
    }
}

/// What catching up takes after a downtime that ends where the plan begins.
pub(super) fn catching_up(agenda: &Agenda<'_>, from: Timestamp, to: Timestamp, downtime: Duration) -> CatchingUp {
    let missed = missed(agenda, from, downtime);
    let count = |missed: &[Missed]| u32::try_from(missed.len()).unwrap_or(u32::MAX);
    let (hunts, calls) = (count(&missed), missed.iter().map(|missed| missed.left).sum());
    if missed.is_empty() {
        return CatchingUp { downtime, hunts, calls, takes: Some(Duration::ZERO) };
    }
    let quota = agenda.tenant.quota;
    let behind = Behind {
        begins: Some(from),
        slack: Some(quota::slack(&quota)),
        room: usize::try_from((quota.concurrent / 2).max(1)).unwrap_or(1),
        under_way: 0,
        missed,
        open: Vec::new(),
    };
    let mut woken = agenda.clone();
    woken.wake(from);
    let played = play(&woken, behind);
    let takes = played.caught_up.filter(|at| *at <= to).map(|at| at.since(from));
    CatchingUp { downtime, hunts, calls, takes }
}

impl Agenda<'_> {
    /// Adds the live run that each hunt makes first of all when huntd comes back at `now`.
    fn wake(&mut self, now: Timestamp) {
        let mut firsts: Vec<Option<Run>> = vec![None; self.tracks.len()];
        for run in &self.runs {
            if let Some(first) = firsts.get_mut(run.track) {
                first.get_or_insert(*run);
            }
        }
        for (track, first) in firsts.into_iter().enumerate() {
            // The run of a tick that lies before is that run.
            if let Some(first) = first.filter(|first| first.tick > now) {
                let run = Run { track, tick: now, start: now, deadline: first.tick, calls: first.calls };
                self.runs.push(run);
            }
        }
        self.runs.sort_by_key(|run| (run.start, run.track));
    }
}

/// What each hunt has missed, the hunts that matter most first.
fn missed(agenda: &Agenda<'_>, now: Timestamp, downtime: Duration) -> Vec<Missed> {
    let tenant = &agenda.tenant.name;
    let mut all: Vec<Missed> = agenda
        .tracks
        .iter()
        .filter_map(|track| {
            let steps = steps(track, tenant, now, downtime);
            // A wide window is one call; a step of an as-of hunt is as dear as a live run.
            let calls = if matches!(track.hunt.asks, Asks::AsOf(_)) { track.calls() } else { 1 };
            let (severity, call_time) = (track.hunt.hunt.severity, track.call_time);
            (steps > 0).then_some(Missed { severity, left: steps.saturating_mul(calls), call_time, busy: false })
        })
        .collect();
    all.sort_by_key(|missed| std::cmp::Reverse(missed.severity));
    all
}

impl Track<'_> {
    fn calls(&self) -> u64 {
        let calls = self.cost.api.as_nanos().checked_div(self.call_time.as_nanos()).unwrap_or(1);
        u64::try_from(calls).unwrap_or(1).max(1)
    }
}

/// How many steps a hunt needs behind live work, as `gaps` would say it after the first live run.
fn steps(track: &Track<'_>, tenant: &TenantName, now: Timestamp, downtime: Duration) -> u64 {
    let hunt = &track.hunt.hunt;
    let Ok(run) = RunId::new("downtime") else { return 0 };
    if !hunt.catch_up.catches_up() || track.hunt.asks == Asks::Never {
        return 0;
    }
    let mut coverage = Coverage::default();
    let began = now.minus(DATA_AGE).minus(downtime);
    coverage.note(&CoverageNote::Origin(began), &run);
    let down = Window { from: began, to: now.minus(downtime).minus(hunt.late) };
    coverage.note(&CoverageNote::Cover(down), &run);
    let live = match track.hunt.asks {
        Asks::AsOf(back) => Window { from: now.minus(window::as_of_covers(back, track.pause)), to: now },
        Asks::Window | Asks::Never => {
            let (lookback, late, pause, splits) = (hunt.lookback, hunt.late, track.pause, track.hunt.splits);
            let facts = WindowFacts {
                lookback,
                late,
                pause,
                reaches_back: true,
                splits,
                coverage: &coverage,
                as_of: now,
                data_age: DATA_AGE,
            };
            window::window(facts)
        }
    };
    if let Some(settled) = window::settled(live, now, hunt.late) {
        coverage.note(&CoverageNote::Cover(settled), &run);
    }
    let next = schedule::next(&hunt.schedule, hunt.timezone, now);
    let facts = CatchUpFacts {
        coverage: &coverage,
        asks: track.hunt.asks,
        lookback: hunt.lookback,
        late: hunt.late,
        pause: track.pause,
        last: now,
        next: next.map(|tick| schedule::start(hunt, tenant, tick)),
        now,
        data_age: DATA_AGE,
        newest_first: hunt.severity >= Severity::High,
        splits: track.hunt.splits,
        most: None,
    };
    let gaps = window::gaps(&facts).into_iter().map(|gap| match window::outlook(&facts, gap) {
        Outlook::CaughtUp(runs) => runs,
        Outlook::NextRun(_) | Outlook::Later(_) | Outlook::LeftOut => 0,
    });
    gaps.sum()
}
