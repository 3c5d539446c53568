//! The moves, one after the other.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::super::agenda::{Agenda, MOST_RUNS, Ticks};
use super::super::input::{PlanError, PlanInput};
use super::super::moves::{Move, later, later_text};
use super::Suggestion;
use super::load::{Capacity, Load, Weight};
use crate::model::hunt::Hunt;
use crate::rules::schedule;

/// The most minutes that are looked at while moves are sought: beyond it there may be better ones.
const MOST_WORK: u64 = 40_000_000;
/// Splays that are tried, in minutes.
const SPLAYS: [u64; 8] = [1, 2, 5, 10, 15, 20, 30, 60];

/// A run, as far as a move changes it. Times are counted from the plan's beginning.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// The tick; before the beginning it counts as the beginning.
    tick: Duration,
    /// Half the time to the next tick: the longest splay.
    half: Duration,
    weight: Weight,
}

/// A hunt on a tenant.
#[derive(Debug, Default)]
struct Spot {
    tenant: usize,
    /// The hunt's share of a splay, of 2^32.
    share: u64,
    starts: Vec<Start>,
}

/// A hunt on all its tenants.
#[derive(Debug)]
struct Candidate<'a> {
    hunt: &'a Hunt,
    /// Which hunts it is alike to: they run at the same minutes at the same cost.
    kind: String,
    spots: Vec<Spot>,
    /// The ways in which it can be moved.
    shifts: Vec<Shift>,
    moved: bool,
}

/// By how much a hunt is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shift {
    Minutes(u32),
    Splay(Duration),
}

/// How good a move is: less is better in each field.
type Rank = (u64, u64, Duration);

/// The moves that bring every minute down to so many percent of what fits, or as near as they can.
pub(super) fn moves(input: &PlanInput<'_>, percent: u64) -> Result<Vec<Suggestion>, PlanError> {
    let mut search = Search::of(input, percent)?;
    let mut suggestions = Vec::new();
    while search.work < MOST_WORK && search.loads.iter().any(|load| load.total() > 0) {
        let Some((index, shift)) = search.best() else { break };
        let Some(suggestion) = search.make(index, shift) else { break };
        suggestions.push(suggestion);
    }
    Ok(suggestions)
}

struct Search<'a> {
    loads: Vec<Load>,
    candidates: Vec<Candidate<'a>>,
    work: u64,
}

impl<'a> Search<'a> {
    fn of(input: &PlanInput<'a>, percent: u64) -> Result<Self, PlanError> {
        let (mut ticks, mut room) = (Ticks::new(input), MOST_RUNS);
        let minutes = usize::try_from(input.length.as_secs().div_ceil(60)).unwrap_or(1);
        let mut loads = Vec::new();
        let mut candidates: Vec<Candidate<'a>> = input
            .hunts
            .iter()
            .map(|planned| {
                let hunt = &*planned.hunt;
                Candidate { hunt, kind: String::new(), spots: Vec::new(), shifts: shifts(hunt), moved: false }
            })
            .collect();
        for (number, tenant) in input.tenants.iter().enumerate() {
            let agenda = Agenda::of(input, tenant, &mut ticks, &mut room)?;
            let mut spots = spots(&agenda, number, input);
            let mut load = Load::new(minutes, Capacity::of(&tenant.quota, percent));
            for (candidate, planned) in candidates.iter_mut().zip(input.hunts) {
                let Some(at) = agenda.tracks.iter().position(|track| std::ptr::eq(track.hunt, planned)) else {
                    continue;
                };
                let Some(spot) = spots.get_mut(at).map(std::mem::take) else { continue };
                let cost = agenda.tracks.get(at).map(|track| (track.cost.calls, track.call_time));
                // Writing to a String can't fail.
                write!(candidate.kind, "{number} {cost:?};").unwrap_or_default();
                for start in &spot.starts {
                    load.add(load.minute(spot.at(start, candidate.hunt.splay)), start.weight);
                }
                candidate.spots.push(spot);
            }
            loads.push(load);
        }
        for candidate in &mut candidates {
            let Hunt { schedule, timezone, splay, .. } = candidate.hunt;
            // A splay of less than a minute leaves a start in its minute; a longer one is each hunt's own.
            let by_minutes = matches!(candidate.shifts.first(), Some(Shift::Minutes(_)));
            let own = if by_minutes && *splay < Duration::from_mins(1) { "" } else { candidate.hunt.id.as_str() };
            candidate.kind = format!("{schedule} {timezone} {own} {}", candidate.kind);
        }
        // Of hunts that are alike, the one that matters least is moved.
        candidates.sort_by(|a, b| (a.hunt.severity, &a.hunt.id).cmp(&(b.hunt.severity, &b.hunt.id)));
        Ok(Self { loads, candidates, work: 0 })
    }

    /// The best move of all.
    fn best(&mut self) -> Option<(usize, Shift)> {
        let mut kinds = HashSet::new();
        let mut best: Option<(Rank, usize, Shift)> = None;
        for index in 0..self.candidates.len() {
            let Some(candidate) = self.candidates.get(index).filter(|candidate| !candidate.moved) else { continue };
            if !kinds.insert(candidate.kind.clone()) || !self.is_in_excess(index) {
                continue;
            }
            let Some((rank, shift)) = self.best_of(index) else { continue };
            if best.as_ref().is_none_or(|(least, ..)| rank < *least) {
                best = Some((rank, index, shift));
            }
        }
        best.map(|(_, index, shift)| (index, shift))
    }

    fn is_in_excess(&self, index: usize) -> bool {
        let Some(candidate) = self.candidates.get(index) else { return false };
        let of_spot = |spot: &Spot| {
            let Some(load) = self.loads.get(spot.tenant) else { return false };
            spot.starts.iter().any(|start| load.excess(load.minute(spot.at(start, candidate.hunt.splay))) > 0)
        };
        candidate.spots.iter().any(of_spot)
    }

    /// The best move of a hunt, where one frees anything.
    fn best_of(&mut self, index: usize) -> Option<(Rank, Shift)> {
        let candidate = self.candidates.get(index)?;
        let here = Shift::Minutes(0);
        lift(&mut self.loads, candidate, here, false);
        let stays = weigh(&self.loads, candidate, here);
        let ranked = candidate.shifts.iter().map(|shift| (weigh(&self.loads, candidate, *shift), *shift));
        // What it frees is to be most: so the rank begins with what remains less what staying costs.
        let best = ranked
            .filter(|((excess, ..), _)| *excess < stays.0)
            .map(|((excess, full, by), shift)| ((u64::MAX - (stays.0 - excess), full, by), shift))
            .min_by_key(|(rank, _)| *rank);
        lift(&mut self.loads, candidate, here, true);
        let starts: usize = candidate.spots.iter().map(|spot| spot.starts.len()).sum();
        let looks = starts * (candidate.shifts.len() + 2);
        self.work += u64::try_from(looks).unwrap_or(u64::MAX);
        best
    }

    /// Makes a move.
    fn make(&mut self, index: usize, shift: Shift) -> Option<Suggestion> {
        let candidate = self.candidates.get_mut(index)?;
        candidate.moved = true;
        let change = match shift {
            Shift::Minutes(minutes) => Move::Schedule(later(&candidate.hunt.schedule, minutes)?),
            Shift::Splay(splay) => Move::Splay(splay),
        };
        lift(&mut self.loads, candidate, Shift::Minutes(0), false);
        lift(&mut self.loads, candidate, shift, true);
        Some(Suggestion::of(candidate.hunt, change))
    }
}

impl Spot {
    /// When a run starts under a splay.
    fn at(&self, start: &Start, splay: Duration) -> Duration {
        let most = splay.min(start.half).as_millis();
        let millis = (most * u128::from(self.share)) >> 32;
        start.tick + Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    fn moved(&self, start: &Start, hunt: &Hunt, shift: Shift) -> Duration {
        match shift {
            Shift::Minutes(minutes) => self.at(start, hunt.splay) + Duration::from_secs(u64::from(minutes) * 60),
            Shift::Splay(splay) => self.at(start, splay),
        }
    }
}

/// Each track's starts.
fn spots(agenda: &Agenda<'_>, tenant: usize, input: &PlanInput<'_>) -> Vec<Spot> {
    let share = |hunt: &Hunt| {
        let whole = Duration::from_millis(1 << 32);
        u64::try_from(schedule::splay(&hunt.id, &agenda.tenant.name, whole).as_millis()).unwrap_or(0)
    };
    let mut spots: Vec<Spot> =
        agenda.tracks.iter().map(|track| Spot { tenant, share: share(&track.hunt.hunt), starts: Vec::new() }).collect();
    for run in &agenda.runs {
        let (Some(spot), Some(track)) = (spots.get_mut(run.track), agenda.tracks.get(run.track)) else { continue };
        let busy = u64::try_from(track.call_time.as_millis()).unwrap_or(u64::MAX).saturating_mul(run.calls.into());
        let (tick, half) = (run.tick.since(input.from), run.deadline.since(run.tick) / 2);
        spot.starts.push(Start { tick, half, weight: Weight { calls: run.calls.into(), busy } });
    }
    spots
}

/// The ways in which a hunt can be moved: by minutes where its pattern has any, else by its splay.
fn shifts(hunt: &Hunt) -> Vec<Shift> {
    let schedule = &hunt.schedule;
    let minutes: Vec<Shift> =
        (1..60).filter(|minutes| later_text(schedule, *minutes).is_some()).map(Shift::Minutes).collect();
    if !minutes.is_empty() {
        return minutes;
    }
    let half = schedule::longest_pause(schedule) / 2;
    let longer = SPLAYS.into_iter().map(Duration::from_mins).filter(|splay| *splay > hunt.splay);
    longer.filter(|splay| *splay <= half).map(Shift::Splay).collect()
}

/// Takes a hunt's load away, or puts it down.
fn lift(loads: &mut [Load], candidate: &Candidate<'_>, shift: Shift, down: bool) {
    for spot in &candidate.spots {
        let Some(load) = loads.get_mut(spot.tenant) else { continue };
        for start in &spot.starts {
            let minute = load.minute(spot.moved(start, candidate.hunt, shift));
            if down { load.add(minute, start.weight) } else { load.remove(minute, start.weight) }
        }
    }
}

/// What a hunt, which is lifted, makes too much when it is put down there; how full the fullest of its minutes is
/// then; and by how much it is moved.
fn weigh(loads: &[Load], candidate: &Candidate<'_>, shift: Shift) -> Rank {
    let (mut excess, mut full) = (0, 0);
    for spot in &candidate.spots {
        let Some(load) = loads.get(spot.tenant) else { continue };
        for start in &spot.starts {
            let (more, then) = load.with(load.minute(spot.moved(start, candidate.hunt, shift)), start.weight);
            excess += more;
            full = full.max(then);
        }
    }
    let by = match shift {
        Shift::Minutes(minutes) => Duration::from_secs(u64::from(minutes) * 60),
        Shift::Splay(splay) => splay,
    };
    (excess, full, by)
}
