//! The plan of a tenant: peaks, waits, who runs late, whether it fits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::agenda::{Agenda, Call, MOST_RUNS, Ticks};
use super::catch_up::{Behind, CatchingUp, catching_up};
use super::input::{PlanError, PlanInput};
use super::peaks::{CpuPeak, Peak, cpu, peak};
use super::places::{Full, HOUR, MINUTE};
use super::queue::{Jam, LATE, Played, Waits, play};
use crate::model::config::Quota;
use crate::model::hunt::Severity;
use crate::model::id::{HuntId, TenantName};
use crate::model::time::Timestamp;

/// A minute of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Minute {
    /// Calls that come due in it.
    pub due: u32,
    /// Calls that go out in it.
    pub sent: u32,
    /// The most runs that wait in it at a time.
    pub waiting: u32,
}

/// A stretch in which more is due than fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Since when runs wait.
    pub from: Timestamp,
    /// When none waits any more.
    pub to: Timestamp,
    /// The most runs that wait at a time.
    pub most: u32,
    /// What they wait for.
    pub why: Full,
}

/// A hunt that runs late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateHunt {
    /// Whose runs.
    pub hunt: HuntId,
    /// How much it matters.
    pub severity: Severity,
    /// How many runs start more than a minute late.
    pub late: u32,
    /// How many runs are merged into the next one, as its tick came first.
    pub merged: u32,
    /// How late at worst.
    pub worst: Duration,
    /// The start that this was late for.
    pub since: Option<Timestamp>,
}

/// A hunt that has calls in the busiest minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The hunt.
    pub hunt: HuntId,
    /// How much it matters.
    pub severity: Severity,
    /// Its schedule, as it was written.
    pub schedule: String,
    /// How many calls.
    pub calls: u32,
}

/// What is to come for a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantPlan {
    /// The tenant.
    pub tenant: TenantName,
    /// What may be spent.
    pub quota: Quota,
    /// The first moment of the plan.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// How many hunts run on it.
    pub hunts: usize,
    /// Of how many of these the cost is a guess.
    pub guessed: usize,
    /// How many runs start.
    pub runs: usize,
    /// How many calls they make.
    pub calls: usize,
    /// The most places of the rolling minute that would be taken, if nothing waited.
    pub minute: Option<Peak>,
    /// The most places of the rolling hour.
    pub hour: Option<Peak>,
    /// The most calls at a time.
    pub at_once: Option<Peak>,
    /// The busiest quarter hour of CPU.
    pub cpu: Option<CpuPeak>,
    /// How many minutes of the clock have more calls due than a minute may have.
    pub overfull: usize,
    /// Stretches in which runs wait for a place of the minute or the hour, or wait for over a minute.
    pub backlogs: Vec<Backlog>,
    /// Hunts that run late, the worst first.
    pub late: Vec<LateHunt>,
    /// Hunts that meet in the busiest minute, by calls.
    pub collisions: Vec<Collision>,
    /// What catching up takes after a downtime.
    pub catch_up: CatchingUp,
    /// The load, by minutes from [`Self::from`].
    pub minutes: Vec<Minute>,
    /// Whether every run starts before the next tick of its hunt.
    pub fits: bool,
}

impl TenantPlan {
    /// The longest backlog; the first of several.
    #[must_use]
    pub fn longest_backlog(&self) -> Option<&Backlog> {
        self.backlogs.iter().reduce(|longest, one| if one.length() > longest.length() { one } else { longest })
    }

    /// How long runs wait in all backlogs.
    #[must_use]
    pub fn backlogged(&self) -> Duration {
        self.backlogs.iter().map(Backlog::length).sum()
    }
}

impl Backlog {
    /// How long it lasts.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

/// Lays out what is to come for each tenant.
pub fn plan(input: &PlanInput<'_>) -> Result<Vec<TenantPlan>, PlanError> {
    let (mut ticks, mut room) = (Ticks::new(input), MOST_RUNS);
    input
        .tenants
        .iter()
        .map(|tenant| Ok(tenant_plan(input, &Agenda::of(input, tenant, &mut ticks, &mut room)?)))
        .collect()
}

fn tenant_plan(input: &PlanInput<'_>, agenda: &Agenda<'_>) -> TenantPlan {
    let (from, to, quota) = (input.from, input.to(), agenda.tenant.quota);
    let calls = agenda.calls();
    let played = play(agenda, Behind::default());
    let minute = peak(&calls, MINUTE);
    let minutes = minutes(input, &calls, &played);
    let overfull = minutes.iter().filter(|minute| minute.due > quota.calls_per_minute).count();
    TenantPlan {
        tenant: agenda.tenant.name.clone(),
        quota,
        from,
        to,
        hunts: agenda.tracks.len(),
        guessed: agenda.tracks.iter().filter(|track| track.cost.is_guess()).count(),
        runs: agenda.runs.len(),
        calls: calls.len(),
        minute,
        hour: peak(&calls, HOUR),
        at_once: peak(&calls, Duration::ZERO),
        cpu: cpu(agenda),
        overfull,
        backlogs: backlogs(&played.jams),
        late: late(agenda, &played.waits),
        collisions: minute.map(|peak| collisions(agenda, &calls, peak)).unwrap_or_default(),
        catch_up: catching_up(agenda, from, to, input.downtime),
        minutes,
        fits: played.waits.iter().all(|waits| waits.merged == 0),
    }
}

const A_MINUTE: Duration = Duration::from_mins(1);

/// The load by minutes. What goes out or waits after the plan's end isn't in it.
fn minutes(input: &PlanInput<'_>, calls: &[Call], played: &Played) -> Vec<Minute> {
    let index = |at: Timestamp| usize::try_from(at.since(input.from).as_nanos() / A_MINUTE.as_nanos()).unwrap_or(0);
    let count = usize::try_from(input.length.as_nanos().div_ceil(A_MINUTE.as_nanos())).unwrap_or(0);
    let mut minutes = vec![Minute::default(); count];
    for call in calls {
        if let Some(minute) = minutes.get_mut(index(call.sent)) {
            minute.due += 1;
        }
    }
    for call in &played.calls {
        if let Some(minute) = minutes.get_mut(index(call.sent)) {
            minute.sent += 1;
        }
    }
    for jam in &played.jams {
        let touched = index(jam.to).saturating_sub(index(jam.from)) + 1;
        for minute in minutes.iter_mut().skip(index(jam.from)).take(touched) {
            minute.waiting = minute.waiting.max(jam.most);
        }
    }
    minutes
}

fn backlogs(jams: &[Jam]) -> Vec<Backlog> {
    let counts = |jam: &&Jam| jam.why != Full::AtOnce || jam.to.since(jam.from) > LATE;
    jams.iter().filter(counts).map(|jam| Backlog { from: jam.from, to: jam.to, most: jam.most, why: jam.why }).collect()
}

fn late(agenda: &Agenda<'_>, waits: &[Waits]) -> Vec<LateHunt> {
    let tracks = agenda.tracks.iter().zip(waits).filter(|(_, waits)| waits.late + waits.merged > 0);
    let mut late: Vec<LateHunt> = tracks
        .map(|(track, waits)| LateHunt {
            hunt: track.hunt.hunt.id.clone(),
            severity: track.hunt.hunt.severity,
            late: waits.late,
            merged: waits.merged,
            worst: waits.worst.map(|(worst, _)| worst).unwrap_or_default(),
            since: waits.worst.map(|(_, since)| since),
        })
        .collect();
    late.sort_by(|a, b| {
        (b.merged > 0, b.worst, b.severity).cmp(&(a.merged > 0, a.worst, a.severity)).then_with(|| a.hunt.cmp(&b.hunt))
    });
    late
}

fn collisions(agenda: &Agenda<'_>, calls: &[Call], peak: Peak) -> Vec<Collision> {
    let held = calls.iter().filter(|call| call.sent <= peak.at && call.answered.plus(MINUTE) > peak.at);
    let mut by_track: BTreeMap<usize, u32> = BTreeMap::new();
    for run in held.filter_map(|call| agenda.runs.get(call.run)) {
        *by_track.entry(run.track).or_default() += 1;
    }
    let collision = |(track, calls): (usize, u32)| {
        let hunt = &agenda.tracks.get(track)?.hunt.hunt;
        let schedule = hunt.schedule.as_str().to_owned();
        Some(Collision { hunt: hunt.id.clone(), severity: hunt.severity, schedule, calls })
    };
    let mut collisions: Vec<Collision> = by_track.into_iter().filter_map(collision).collect();
    collisions.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.hunt.cmp(&b.hunt)));
    collisions
}
