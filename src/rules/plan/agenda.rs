//! The coming runs of a tenant.

use std::collections::HashMap;
use std::time::Duration;

use super::input::{PlanError, PlanHunt, PlanInput, PlanTenant};
use crate::model::cost::Cost;
use crate::model::hunt::Hunt;
use crate::model::id::TenantName;
use crate::model::time::{Timestamp, Zone};
use crate::rules::schedule;

/// The most runs that a plan has over all tenants: 300 hunts of every minute over four days, and some hundred MiB.
pub const MOST_RUNS: usize = 2_000_000;
/// The most calls of one run that are laid out: a run asks in at most 128 parts.
const MOST_CALLS: f64 = 1000.0;
/// A call takes some time, however fast it was: one without length would never be under way.
const SHORTEST_CALL: Duration = Duration::from_millis(1);
/// After the end of time: the deadline of a run whose hunt never ticks again.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

/// A coming run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Whose it is: an index into the agenda's tracks.
    pub(super) track: usize,
    /// The tick that it serves.
    pub(super) tick: Timestamp,
    /// When it is to start: the tick and the splay.
    pub(super) start: Timestamp,
    /// The next tick of the same hunt: from then on it is merged into that one's run.
    pub(super) deadline: Timestamp,
    /// How many calls it makes, one after the other.
    pub(super) calls: u32,
}

/// A hunt on the tenant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Track<'a> {
    pub(super) hunt: &'a PlanHunt,
    pub(super) cost: Cost,
    /// How long one of its calls takes.
    pub(super) call_time: Duration,
    /// The longest time between two of its ticks.
    pub(super) pause: Duration,
}

/// All coming runs of a tenant.
#[derive(Debug, Clone)]
pub(super) struct Agenda<'a> {
    pub(super) tenant: &'a PlanTenant,
    pub(super) tracks: Vec<Track<'a>>,
    /// By start; of one moment, by track.
    pub(super) runs: Vec<Run>,
}

/// The ticks of each schedule, which many hunts share.
#[derive(Debug)]
pub(super) struct Ticks {
    from: Timestamp,
    to: Timestamp,
    known: HashMap<(String, Zone), Rhythm>,
}

/// The ticks of a schedule.
#[derive(Debug, Clone)]
pub(super) struct Rhythm {
    /// All of which a run may start in the plan, and one after it.
    ticks: Vec<Timestamp>,
    /// The longest time between two.
    pub(super) pause: Duration,
}

impl Ticks {
    pub(super) fn new(input: &PlanInput<'_>) -> Self {
        Self { from: input.from, to: input.to(), known: HashMap::new() }
    }

    pub(super) fn of(&mut self, hunt: &Hunt) -> Result<&Rhythm, PlanError> {
        let (from, to) = (self.from, self.to);
        match self.known.entry((hunt.schedule.as_str().to_owned(), hunt.timezone)) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => Ok(entry.insert(Rhythm::of(hunt, from, to)?)),
        }
    }
}

impl Rhythm {
    fn of(hunt: &Hunt, from: Timestamp, to: Timestamp) -> Result<Self, PlanError> {
        let pause = schedule::longest_pause(&hunt.schedule);
        // A splay is held to half a pause; and a second for schedules that tick on whole ones.
        let begin = from.minus(pause / 2).minus(Duration::from_secs(1));
        let mut ticks = Vec::new();
        let mut at = begin;
        while let Some(tick) = schedule::next(&hunt.schedule, hunt.timezone, at) {
            if ticks.len() > MOST_RUNS {
                return Err(PlanError::TooManyRuns);
            }
            ticks.push(tick);
            if tick >= to {
                break;
            }
            at = tick;
        }
        Ok(Self { ticks, pause })
    }

    /// Tick, start and deadline of each run that starts in the plan.
    fn runs(&self, hunt: &Hunt, tenant: &TenantName, ticks: &Ticks) -> Vec<(Timestamp, Timestamp, Timestamp)> {
        let mut held = (Duration::ZERO, Duration::ZERO);
        let mut runs = Vec::new();
        for (index, tick) in self.ticks.iter().enumerate() {
            let following = self.ticks.get(index + 1).copied();
            if following.is_none() && *tick >= ticks.to {
                break;
            }
            let most = schedule::held_before(*tick, following, hunt.splay);
            if held.0 != most {
                held = (most, schedule::splay(&hunt.id, tenant, most));
            }
            let start = tick.plus(held.1);
            if ticks.from <= start && start < ticks.to {
                runs.push((*tick, start, following.unwrap_or(NEVER)));
            }
        }
        runs
    }
}

impl<'a> Agenda<'a> {
    /// All runs that start in the plan. `room`: how many more there may be.
    pub(super) fn of(
        input: &PlanInput<'a>,
        tenant: &'a PlanTenant,
        ticks: &mut Ticks,
        room: &mut usize,
    ) -> Result<Self, PlanError> {
        let mut agenda = Self { tenant, tracks: Vec::new(), runs: Vec::new() };
        for hunt in input.hunts.iter().filter(|hunt| hunt.runs_on(&tenant.name)) {
            let rhythm = ticks.of(&hunt.hunt)?.clone();
            let known = input.costs.get(&(hunt.hunt.id.clone(), tenant.name.clone()));
            let cost = known.copied().unwrap_or(Cost::GUESS);
            let calls = if cost.calls.is_finite() { cost.calls.clamp(1.0, MOST_CALLS) } else { 1.0 };
            let call_time = cost.api.div_f64(calls).max(SHORTEST_CALL);
            let track = agenda.tracks.len();
            agenda.tracks.push(Track { hunt, cost, call_time, pause: rhythm.pause });
            let runs = rhythm.runs(&hunt.hunt, &tenant.name, ticks);
            *room = room.checked_sub(runs.len()).ok_or(PlanError::TooManyRuns)?;
            let runs = runs.into_iter().zip(whole(calls));
            agenda.runs.extend(runs.map(|((tick, start, deadline), calls)| Run {
                track,
                tick,
                start,
                deadline,
                calls,
            }));
        }
        agenda.runs.sort_by_key(|run| (run.start, run.track));
        Ok(agenda)
    }

    /// The track of a run.
    pub(super) fn track(&self, run: &Run) -> Option<&Track<'a>> {
        self.tracks.get(run.track)
    }

    /// What goes out if nothing ever waits: when each call is sent and answered, with its run; by moment.
    pub(super) fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        for (index, run) in self.runs.iter().enumerate() {
            let length = self.track(run).map_or(SHORTEST_CALL, |track| track.call_time);
            for number in 0..run.calls {
                let sent = run.start.plus(length.saturating_mul(number));
                calls.push(Call { sent, answered: sent.plus(length), run: index });
            }
        }
        calls.sort_by_key(|call| (call.sent, call.run));
        calls
    }
}

/// A call, sent and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) sent: Timestamp,
    pub(super) answered: Timestamp,
    /// An index into the agenda's runs.
    pub(super) run: usize,
}

/// Whole numbers that add up to a multiple of an average, to the nearest.
fn whole(average: f64) -> impl Iterator<Item = u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 1 and MOST_CALLS")]
    let thousandths = (average * 1000.0).round() as u64;
    let up_to = move |runs: u64| (runs * thousandths + 500) / 1000;
    (0..).map(move |run| u32::try_from(up_to(run + 1) - up_to(run)).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_becomes_whole_calls() {
        let of = |average| whole(average).take(5).collect::<Vec<_>>();
        assert_eq!(of(1.0), [1, 1, 1, 1, 1]);
        assert_eq!(of(1.4), [1, 2, 1, 2, 1]);
        assert_eq!(of(2.5), [3, 2, 3, 2, 3]);
    }
}
