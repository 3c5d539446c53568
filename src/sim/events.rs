//! Which events a query finds: those in the asked event time that have arrived by now.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::cell::{Cell, Fill, Kind, cell, mix};
use super::moment::Asked;
use super::rewritten::Share;
use super::scenario::{Scenario, SimHunt, SimRow, Stream};
use crate::model::time::Timestamp;

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// `row` or `stream`, and its place there: unique in its hunt.
    pub id: String,
    /// Event time; none in an inventory.
    pub at: Option<Timestamp>,
    /// When queries begin to find it.
    pub arrived: Timestamp,
    /// The values, in the order of the hunt's columns.
    pub cells: Vec<Cell>,
}

/// What a request asks of one hunt.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Relative times count from here.
    pub start: Timestamp,
    /// The instant of the request: what arrives later isn't there.
    pub now: Timestamp,
    /// Event time asked for.
    pub asked: Asked,
    /// Decides lateness and hashes; the same for a simulator's whole life.
    pub seed: u64,
    /// Decides the order of rows; `None` keeps that of the scenario.
    pub shuffle: Option<u64>,
    /// The part of the rows that is asked for.
    pub share: Option<Share>,
}

/// The events that a question finds, one after the other, without holding them.
#[derive(Debug, Clone)]
pub struct Found {
    scenario: Arc<Scenario>,
    hunt: usize,
    question: Question,
    rows: Vec<usize>,
    runs: Vec<Run>,
    place: (usize, u64),
}

/// The part of a stream that lies in the asked time, as numbers `from..from + length`.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: u64,
    length: u64,
    /// The i-th event taken is `from + (i * step + offset) % length`: each number once, in an order
    /// that no list is needed for.
    step: u64,
    offset: u64,
}

impl Found {
    /// The events of the hunt in place `hunt` of the scenario.
    #[must_use]
    pub fn new(scenario: &Arc<Scenario>, hunt: usize, question: Question) -> Self {
        let known = scenario.hunts.get(hunt);
        let rows = known.map(|known| rows(known, &question)).unwrap_or_default();
        let streams = known.map(|known| known.streams.as_slice()).unwrap_or_default();
        let runs = streams.iter().map(|stream| run(stream, &question)).collect();
        Self { scenario: Arc::clone(scenario), hunt, question, rows, runs, place: (0, 0) }
    }

    /// How many there are. Goes through the streams once, without making their values.
    #[must_use]
    pub fn total(&self) -> u64 {
        let streams = self.scenario.hunts.get(self.hunt).map(|hunt| hunt.streams.as_slice()).unwrap_or_default();
        let mut total = self.rows.len() as u64;
        for (place, (stream, run)) in streams.iter().zip(&self.runs).enumerate() {
            let numbers = run.from..run.from + run.length;
            total += numbers
                .filter(|n| self.is_asked(place, *n))
                .filter(|n| arrival(stream, &self.question, self.hunt, place, *n).1 <= self.question.now)
                .count() as u64;
        }
        total
    }

    /// Whether an event of a stream is in the part of the rows that is asked for.
    fn is_asked(&self, place: usize, n: u64) -> bool {
        self.question.share.is_none_or(|share| share.takes(mix(&[self.hunt as u64, place as u64 + 1, n])))
    }

    fn row(&self, hunt: &SimHunt, index: usize) -> Option<Event> {
        let row = hunt.rows.get(index)?;
        let (at, arrived) = times(row, &self.question);
        let fill = Fill {
            start: self.question.start,
            at: at.unwrap_or(arrived),
            arrived,
            n: index as u64,
            hash: mix(&[self.question.seed, self.hunt as u64, index as u64]),
        };
        let cells = cells(hunt, &row.row, at, &fill);
        Some(Event { id: format!("row-{index}"), at, arrived, cells })
    }

    fn streamed(&self, hunt: &SimHunt, place: usize, n: u64) -> Option<Event> {
        let stream = hunt.streams.get(place)?;
        let (at, arrived) = arrival(stream, &self.question, self.hunt, place, n);
        if arrived > self.question.now || !self.is_asked(place, n) {
            return None;
        }
        let hash = mix(&[self.question.seed, self.hunt as u64, place as u64, n, 2]);
        let fill = Fill { start: self.question.start, at, arrived, n, hash };
        let cells = cells(hunt, &stream.row, Some(at), &fill);
        Some(Event { id: format!("stream-{place}-{n}"), at: Some(at), arrived, cells })
    }
}

impl Iterator for Found {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let scenario = Arc::clone(&self.scenario);
        let hunt = scenario.hunts.get(self.hunt)?;
        if let Some(index) = self.rows.pop() {
            return self.row(hunt, index);
        }
        loop {
            let (place, i) = self.place;
            let run = self.runs.get(place)?;
            if i >= run.length {
                self.place = (place + 1, 0);
                continue;
            }
            self.place = (place, i + 1);
            let n = run.from + run.nth(i);
            if let Some(event) = self.streamed(hunt, place, n) {
                return Some(event);
            }
        }
    }
}

impl Run {
    fn nth(self, i: u64) -> u64 {
        let spot = (u128::from(i) * u128::from(self.step) + u128::from(self.offset)) % u128::from(self.length.max(1));
        u64::try_from(spot).unwrap_or_default()
    }
}

/// The single events found, last first, as they are taken from the end.
fn rows(hunt: &SimHunt, question: &Question) -> Vec<usize> {
    let mut found = Vec::new();
    for (index, row) in hunt.rows.iter().enumerate() {
        let (at, arrived) = times(row, question);
        if !question.share.is_none_or(|share| share.takes(mix(&[index as u64]))) {
            continue;
        }
        let left = row.leaves.is_some_and(|leaves| leaves.resolve(question.start) <= question.now);
        if arrived <= question.now && !left && at.is_none_or(|at| question.asked.from <= at && at < question.asked.to) {
            found.extend(std::iter::repeat_n(index, row.copies as usize));
        }
    }
    match question.shuffle {
        Some(draw) => fastrand::Rng::with_seed(draw).shuffle(&mut found),
        None => found.reverse(),
    }
    found
}

fn times(row: &SimRow, question: &Question) -> (Option<Timestamp>, Timestamp) {
    let at = row.at.map(|at| at.resolve(question.start));
    let ever = Timestamp::from_nanos(i64::MIN);
    (at, row.arrives.map(|arrives| arrives.resolve(question.start)).or(at).unwrap_or(ever))
}

/// Event time and arrival of a stream's n-th event.
fn arrival(stream: &Stream, question: &Question, hunt: usize, place: usize, n: u64) -> (Timestamp, Timestamp) {
    let span = nanos(stream.every.0).saturating_mul(n);
    let at = first(stream, question).plus(Duration::from_nanos(span));
    let late = stream.late.pick(mix(&[question.seed, hunt as u64, place as u64, n, 1]));
    (at, at.plus(late))
}

fn first(stream: &Stream, question: &Question) -> Timestamp {
    stream.from.map_or(question.start, |moment| moment.resolve(question.start)).floor_to(super::moment::TICK)
}

/// Which numbers of the stream lie in the asked time; the arrivals are looked at one by one later.
fn run(stream: &Stream, question: &Question) -> Run {
    let (first, every) = (first(stream, question), nanos(stream.every.0));
    let most = stream.count.unwrap_or(u64::MAX);
    let last = question.now.plus(Duration::from_nanos(1));
    let (from, to) = if every == 0 {
        let inside = question.asked.from <= first && first < question.asked.to.min(last);
        (0, if inside { most } else { 0 })
    } else {
        let before = |end: Timestamp| nanos(end.since(first)).div_ceil(every);
        (before(question.asked.from), before(question.asked.to.min(last)).min(most))
    };
    let length = to.saturating_sub(from);
    let (step, offset) = match question.shuffle {
        Some(draw) if length > 1 => (coprime(draw, length), mix(&[draw, 3]) % length),
        _ => (1, 0),
    };
    Run { from, length, step, offset }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A number below `length` that shares no divisor with it, so that its multiples meet every number once.
fn coprime(draw: u64, length: u64) -> u64 {
    let begin = draw % length;
    (begin..length).chain(1..length).find(|step| gcd(*step, length) == 1).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The values of a row: its own, else the hunt's base, else the event time in `Timestamp`, else null.
fn cells(hunt: &SimHunt, row: &Map<String, Value>, at: Option<Timestamp>, fill: &Fill) -> Vec<Cell> {
    let one = |name: &String, kind: Kind| match (row.get(name).or_else(|| hunt.base.get(name)), at) {
        // Reading the scenario has tried every value in its column.
        (Some(value), _) => cell(kind, value, fill).unwrap_or(Cell::Null),
        (None, Some(at)) if kind == Kind::DateTime && name == "Timestamp" => Cell::Time(at),
        (None, _) if kind == Kind::String => Cell::Text(String::new()),
        (None, _) => Cell::Null,
    };
    hunt.columns.iter().map(|(name, kind)| one(name, *kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::scenario::parse_scenario;
    use super::*;

    const HEAD: &str = "tenants: [{id: t, client_id: c, secret: s}]\nhunts:\n  - name: h\n    match: {table: T}\n    columns: {Timestamp: datetime, N: long}\n";

    fn found(rest: &str, now: i64, from: i64, to: i64, shuffle: Option<u64>) -> Vec<i64> {
        let scenario = Arc::new(parse_scenario(&format!("{HEAD}{rest}")).unwrap());
        let asked = Asked { from: Timestamp::from_seconds(from), to: Timestamp::from_seconds(to) };
        let now = Timestamp::from_seconds(now);
        let found =
            Found::new(&scenario, 0, Question { start: Timestamp::EPOCH, now, asked, seed: 7, shuffle, share: None });
        let total = found.total();
        let all: Vec<i64> =
            found.map(|event| if let Some(Cell::Whole(n)) = event.cells.get(1) { *n } else { -1 }).collect();
        assert_eq!(all.len() as u64, total);
        all
    }

    #[test]
    fn rows_are_found_by_event_time_once_they_arrived() {
        let rows = "    rows:\n      - {at: 10s, row: {N: 1}}\n      - {at: 10s, arrives: 30s, row: {N: 2}}\n      - {at: 20s, leaves: 40s, row: {N: 3}}\n      - {row: {N: 4}}\n      - {at: 12s, copies: 2, row: {N: 5}}\n";
        assert_eq!(found(rows, 9, 0, 100, None), [4]);
        assert_eq!(found(rows, 20, 0, 100, None), [1, 3, 4, 5, 5]);
        assert_eq!(found(rows, 29, 0, 20, None), [1, 4, 5, 5], "to is exclusive");
        assert_eq!(found(rows, 30, 10, 11, None), [1, 2, 4], "from is inclusive");
        assert_eq!(found(rows, 40, 0, 100, None), [1, 2, 4, 5, 5]);
    }

    #[test]
    fn streams_are_found_the_same_in_any_order() {
        let stream = "    streams: [{every: 1s, late: {to: 20s}, row: {N: \"{n}\"}}]\n";
        let plain = found(stream, 60, 10, 50, None);
        let mut shuffled = found(stream, 60, 10, 50, Some(99));
        assert_ne!(plain, shuffled);
        shuffled.sort_unstable();
        assert_eq!(plain, shuffled);
        assert!(plain.iter().all(|n| (10..50).contains(n)));
        assert!(plain.len() < 40, "some are late");
        assert_eq!(found(stream, 70, 10, 50, None), (10..50).collect::<Vec<_>>(), "all have arrived after 20 s");
    }

    #[test]
    fn a_crowd_at_one_instant_is_bounded_by_its_count() {
        let stream = "    streams: [{from: 5s, every: 0s, count: 1000, row: {N: \"{n}\"}}]\n";
        assert_eq!(found(stream, 5, 5, 6, Some(3)).len(), 1000);
        assert_eq!(found(stream, 4, 5, 6, None).len(), 0);
        assert_eq!(found(stream, 5, 6, 7, None).len(), 0);
    }
}
