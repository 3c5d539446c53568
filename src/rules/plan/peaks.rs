//! The busiest moments, if nothing ever waited.

use std::collections::BTreeMap;
use std::time::Duration;

use super::agenda::{Agenda, Call};
use crate::model::limits::CPU_CYCLE;
use crate::model::time::Timestamp;

/// The busiest moment of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// How many calls have a place in the window at that moment.
    pub calls: u32,
    /// The moment.
    pub at: Timestamp,
}

/// The busiest quarter hour of the service's CPU, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuPeak {
    /// When the cycle begins.
    pub at: Timestamp,
    /// The CPU time of the runs that start in it and whose CPU is known.
    pub cpu: Duration,
    /// How many runs start in it.
    pub runs: u32,
    /// Of how many of these the CPU is known.
    pub known: u32,
}

/// The moment at which most calls have a place, where each holds its own from its sending until `tail` after its
/// answer; the first of several.
pub(super) fn peak(calls: &[Call], tail: Duration) -> Option<Peak> {
    let mut ends: Vec<Timestamp> = calls.iter().map(|call| call.answered.plus(tail)).collect();
    ends.sort_unstable();
    let mut over = ends.iter().peekable();
    let (mut held, mut best): (u32, Option<Peak>) = (0, None);
    for call in calls {
        while over.next_if(|end| **end <= call.sent).is_some() {
            held = held.saturating_sub(1);
        }
        held = held.saturating_add(1);
        if best.is_none_or(|best| held > best.calls) {
            best = Some(Peak { calls: held, at: call.sent });
        }
    }
    best
}

/// The quarter hour in which most CPU is spent; none where no run's CPU is known.
pub(super) fn cpu(agenda: &Agenda<'_>) -> Option<CpuPeak> {
    let mut cycles: BTreeMap<Timestamp, CpuPeak> = BTreeMap::new();
    for run in &agenda.runs {
        let at = run.start.floor_to(CPU_CYCLE);
        let cycle = cycles.entry(at).or_insert(CpuPeak { at, cpu: Duration::ZERO, runs: 0, known: 0 });
        cycle.runs += 1;
        if let Some(cpu) = agenda.track(run).and_then(|track| track.cost.cpu) {
            cycle.cpu = cycle.cpu.saturating_add(cpu);
            cycle.known += 1;
        }
    }
    let known = cycles.into_values().filter(|cycle| cycle.known > 0);
    // The first of equals.
    known.reduce(|best, cycle| if cycle.cpu > best.cpu { cycle } else { best })
}
