//! The queue, played through: when each run's calls go out.
//!
//! One order: the deadline (the next tick of the same hunt), severity, age. A run whose next tick has come is merged
//! into that tick's run, which keeps the deadline and the age of the first, so that nobody starves. A hunt never
//! overlaps itself.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::agenda::{Agenda, Call, Run};
use super::catch_up::Behind;
use super::places::{Full, Places};
use crate::model::hunt::Severity;
use crate::model::time::Timestamp;

/// What became of a track's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Waits {
    /// Runs that waited longer than [`LATE`].
    pub(super) late: u32,
    /// Runs that were merged into the next one.
    pub(super) merged: u32,
    /// The longest wait, and since when.
    pub(super) worst: Option<(Duration, Timestamp)>,
}

/// A run that waits no longer isn't called late: a few calls of one moment go out one after the other.
pub(super) const LATE: Duration = Duration::from_mins(1);

/// A stretch in which calls wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jam {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// The most runs that wait at a time.
    pub(super) most: u32,
    /// What they wait for: of several, the longest window.
    pub(super) why: Full,
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Each call, in the order of sending.
    pub(super) calls: Vec<Call>,
    /// By track.
    pub(super) waits: Vec<Waits>,
    /// In order.
    pub(super) jams: Vec<Jam>,
    /// When the last call of catching up was answered.
    pub(super) caught_up: Option<Timestamp>,
}

/// Where a track stands.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The run that waits or is under way.
    current: Option<usize>,
    /// Whether its first call is out.
    started: bool,
    /// How many of its calls aren't sent yet.
    left: u32,
    /// A run that waits for the current one to end.
    next: Option<usize>,
    /// Deadline and start of the earliest run that isn't made yet.
    owed: Option<(Timestamp, Timestamp)>,
}

/// A run that waits for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ready {
    deadline: Timestamp,
    severity: Reverse<Severity>,
    since: Timestamp,
    run: usize,
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Run(usize),
    Missed(usize),
}

struct Queue<'a> {
    agenda: &'a Agenda<'a>,
    places: Places,
    states: Vec<State>,
    ready: BinaryHeap<Reverse<Ready>>,
    answers: BinaryHeap<Reverse<(Timestamp, Work)>>,
    /// How many runs have come due.
    arrived: usize,
    waiting: u32,
    jam: Option<Jam>,
    behind: Behind,
    played: Played,
}

/// Plays an agenda through, until every run is made or merged. `behind` is what is caught up on beside it.
pub(super) fn play(agenda: &Agenda<'_>, behind: Behind) -> Played {
    let tracks = agenda.tracks.len();
    let mut queue = Queue {
        agenda,
        places: Places::default(),
        states: vec![State::default(); tracks],
        ready: BinaryHeap::new(),
        answers: BinaryHeap::new(),
        arrived: 0,
        waiting: 0,
        jam: None,
        behind,
        played: Played { waits: vec![Waits::default(); tracks], ..Played::default() },
    };
    let mut now = None;
    while let Some(at) = queue.next(now) {
        queue.step(at);
        now = Some(at);
    }
    queue.played
}

impl Queue<'_> {
    /// The next moment at which something happens.
    fn next(&self, now: Option<Timestamp>) -> Option<Timestamp> {
        let due = self.agenda.runs.get(self.arrived).map(|run| run.start);
        let answer = self.answers.peek().map(|answer| answer.0.0);
        let waits = !self.ready.is_empty();
        let place = self.places.free(&self.agenda.tenant.quota).filter(|_| waits);
        let behind = now.and_then(|now| self.behind.next(&self.places, now));
        // Before the first step there may be nothing but what was missed.
        let first = now.is_none().then(|| self.behind.begins()).flatten();
        [due, answer, place, behind, first].into_iter().flatten().min()
    }

    fn step(&mut self, now: Timestamp) {
        self.places.tidy(now);
        while let Some(Reverse((at, work))) = self.answers.peek().copied() {
            if at > now {
                break;
            }
            self.answers.pop();
            match work {
                Work::Run(run) => self.answered(run, now),
                Work::Missed(entry) => {
                    self.behind.answered(entry);
                    self.played.caught_up = Some(at);
                }
            }
        }
        while let Some(run) = self.agenda.runs.get(self.arrived).filter(|run| run.start <= now) {
            self.arrived += 1;
            self.arrive(self.arrived - 1, run, now);
        }
        self.behind.open(now);
        // Who has waited long enough takes its turn before live work, or would never have one.
        self.send_missed(now, true);
        self.send(now);
        self.send_missed(now, false);
        self.note_jam(now);
    }

    fn arrive(&mut self, index: usize, run: &Run, now: Timestamp) {
        let Some(state) = self.states.get_mut(run.track) else { return };
        state.owed.get_or_insert((run.deadline, run.start));
        match state.current {
            Some(_) if state.started => {
                if state.next.replace(index).is_some() {
                    self.merged(run.track, now);
                }
            }
            // What stands in the queue for the earlier run is passed over there.
            Some(_) => {
                self.waiting = self.waiting.saturating_sub(1);
                self.merged(run.track, now);
                self.line_up(index, run);
            }
            None => self.line_up(index, run),
        }
    }

    /// Puts a run into the queue.
    fn line_up(&mut self, index: usize, run: &Run) {
        let Some(state) = self.states.get_mut(run.track) else { return };
        (state.current, state.started, state.left) = (Some(index), false, run.calls);
        let (deadline, since) = state.owed.unwrap_or((run.deadline, run.start));
        self.push(index, run.track, deadline, since);
    }

    fn push(&mut self, index: usize, track: usize, deadline: Timestamp, since: Timestamp) {
        let severity = self.agenda.tracks.get(track).map_or(Severity::Medium, |track| track.hunt.hunt.severity);
        self.ready.push(Reverse(Ready { deadline, severity: Reverse(severity), since, run: index }));
        self.waiting += 1;
    }

    /// A run is merged into the next one. How long its hunt waits counts by then: it may never run.
    fn merged(&mut self, track: usize, now: Timestamp) {
        let since = self.states.get(track).and_then(|state| state.owed).map(|(_, since)| since);
        if let Some(waits) = self.played.waits.get_mut(track) {
            waits.merged += 1;
            waits.waited(since.unwrap_or(now), now);
        }
    }

    /// A run's call was answered: another of its calls, or the hunt's next run.
    fn answered(&mut self, index: usize, now: Timestamp) {
        let Some(run) = self.agenda.runs.get(index) else { return };
        let Some(state) = self.states.get_mut(run.track) else { return };
        if state.left > 0 {
            self.push(index, run.track, run.deadline, run.start);
            return;
        }
        state.current = None;
        let Some(next) = state.next.take() else { return };
        match self.agenda.runs.get(next) {
            Some(run) if run.deadline > now => self.line_up(next, run),
            _ => self.merged(run.track, now),
        }
    }

    /// Sends what has a place, by its order.
    fn send(&mut self, now: Timestamp) {
        while let Some(Reverse(ready)) = self.ready.peek().copied() {
            let Some(run) = self.agenda.runs.get(ready.run) else { return };
            let Some(state) = self.states.get_mut(run.track) else { return };
            if state.current != Some(ready.run) {
                self.ready.pop();
                continue;
            }
            if !state.started && run.deadline <= now {
                state.current = None;
                self.ready.pop();
                self.waiting = self.waiting.saturating_sub(1);
                self.merged(run.track, now);
                continue;
            }
            if self.places.full(&self.agenda.tenant.quota).is_some() {
                return;
            }
            self.ready.pop();
            self.waiting = self.waiting.saturating_sub(1);
            if !state.started {
                state.started = true;
                let (_, since) = state.owed.take().unwrap_or((run.deadline, run.start));
                if let Some(waits) = self.played.waits.get_mut(run.track) {
                    waits.began(since, now);
                }
            }
            state.left = state.left.saturating_sub(1);
            let answered = self.agenda.track(run).map_or(now, |track| now.plus(track.call_time));
            self.take(now, answered, Work::Run(ready.run));
        }
    }

    /// Sends what was missed, as far as it has a place; `pressing` is what has waited long enough to take any.
    fn send_missed(&mut self, now: Timestamp, pressing: bool) {
        while let Some((entry, length)) = self.behind.take(&self.places, &self.agenda.tenant.quota, now, pressing) {
            self.take(now, now.plus(length), Work::Missed(entry));
        }
    }

    fn take(&mut self, now: Timestamp, answered: Timestamp, work: Work) {
        self.places.take(answered);
        self.answers.push(Reverse((answered, work)));
        if let Work::Run(run) = work {
            self.played.calls.push(Call { sent: now, answered, run });
        }
    }

    fn note_jam(&mut self, now: Timestamp) {
        let full = self.places.full(&self.agenda.tenant.quota).unwrap_or(Full::AtOnce);
        match (&mut self.jam, self.waiting) {
            (None, 0) => {}
            (Some(jam), 0) => {
                jam.to = now;
                self.played.jams.push(*jam);
                self.jam = None;
            }
            (Some(jam), waiting) => (jam.most, jam.why) = (jam.most.max(waiting), jam.why.max(full)),
            (None, waiting) => self.jam = Some(Jam { from: now, to: now, most: waiting, why: full }),
        }
    }
}

impl Waits {
    fn began(&mut self, since: Timestamp, now: Timestamp) {
        if now.since(since) > LATE {
            self.late += 1;
        }
        self.waited(since, now);
    }

    fn waited(&mut self, since: Timestamp, now: Timestamp) {
        let wait = now.since(since);
        if !wait.is_zero() && self.worst.is_none_or(|(worst, _)| wait > worst) {
            self.worst = Some((wait, since));
        }
    }
}
