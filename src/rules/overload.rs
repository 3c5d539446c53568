//! More is due than the quota lets through: which runs are late, by how much, and when that is news.
//!
//! A run is late when it began after the next tick of its hunt, for it waited for the quota. It then serves both ticks:
//! nothing is lost, and what it finds is found late.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::config::{Failures, Quota};
use crate::model::hunt::Hunt;
use crate::model::id::HuntId;
use crate::model::overload::{Episode, LateHunt, LateRun, Overload};
use crate::model::quota::{Admission, CallLedger, WaitReason};
use crate::model::time::{Timestamp, format_duration};
use crate::rules::quota::{self, Allowance, Ask, Gauge, Limits, Usage};
use crate::rules::route;
use crate::rules::schedule::{self, Due};

/// After so long without a late run an overload is over.
const QUIET: Duration = Duration::from_hours(1);
/// The most hunts that a notice names.
const NAMED: usize = 20;

/// How late a run is that began at `began`, whose first tick is `first`, and that waited for the quota for `waited`.
/// `None` where it is in time, or something else than the quota held it up: a machine that slept, a clock that was set.
#[must_use]
pub fn late(hunt: &Hunt, first: Timestamp, began: Timestamp, waited: Duration) -> Option<LateRun> {
    let deadline = schedule::next(&hunt.schedule, hunt.timezone, first)?;
    let by = began.since(deadline).min(waited);
    let missed = match schedule::due(&hunt.schedule, hunt.timezone, first, began) {
        Due::Run { missed, .. } => u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1),
        Due::Nothing { .. } => return None,
    };
    (!by.is_zero()).then_some(LateRun { first, by, missed })
}

/// A tenant's overload after one more late run, which ended at `now`.
#[must_use]
pub fn goes_on(before: Option<Episode>, now: Timestamp) -> Episode {
    match before {
        Some(episode) if now.since(episode.last) < QUIET => {
            Episode { last: now, late: episode.late.saturating_add(1), since: episode.since.min(now), ..episode }
        }
        _ => Episode { since: now, last: now, late: 1, told: before.and_then(|episode| episode.told) },
    }
}

/// Whether it is news now: after as many late runs as a hunt may fail, and again while it lasts.
#[must_use]
pub fn is_news(episode: &Episode, failures: &Failures, now: Timestamp) -> bool {
    route::failure_due(episode.late, episode.told, failures, now)
}

/// Whether it may be news with one of the next late runs: whether it was told too lately.
#[must_use]
pub fn may_be_news(before: Option<Episode>, failures: &Failures, now: Timestamp) -> bool {
    let soon = Episode { late: u32::MAX, ..goes_on(before, now) };
    is_news(&soon, failures, now)
}

/// From when on late runs are told of: since it began, or since it was last told.
#[must_use]
pub fn told_from(episode: &Episode, now: Timestamp) -> Timestamp {
    episode.told.filter(|told| *told <= now).map_or(episode.since, |told| told.max(episode.since))
}

/// What is told: the hunts whose runs were late, and those that `waiting` names as late and without a run yet.
#[must_use]
pub fn overload(
    episode: &Episode,
    late: Vec<LateHunt>,
    waiting: &[(HuntId, Duration)],
    full: Vec<String>,
    now: Timestamp,
) -> Overload {
    let mut all: BTreeMap<String, LateHunt> = late.into_iter().map(|late| (late.hunt.clone(), late)).collect();
    for (hunt, by) in waiting {
        let fresh = LateHunt { hunt: hunt.to_string(), by: *by, runs: 0 };
        let known = all.entry(hunt.to_string()).or_insert(fresh);
        known.by = known.by.max(*by);
    }
    let mut hunts: Vec<LateHunt> = all.into_values().collect();
    // Stable: of equals the first by name.
    hunts.sort_by_key(|late| std::cmp::Reverse(late.by));
    let more = hunts.len().saturating_sub(NAMED);
    hunts.truncate(NAMED);
    Overload { hunts, more, full, lasts: now.since(episode.since) }
}

/// What of a tenant's quota is full, or nearly: a line each. A call that was just answered has freed its place among
/// those that are under way, and counts there.
#[must_use]
pub fn full(quota: &Quota, ledger: &CallLedger, now: Timestamp) -> Vec<String> {
    let limits = Limits::of(quota, ledger, now);
    let line = |usage: &Usage| {
        let (most, own) = (usage.limit?.most, u64::from(usage.gauge == Gauge::Concurrent));
        let is_full = usage.used.saturating_add(own).saturating_mul(10) >= most.saturating_mul(9);
        is_full.then(|| gauge_line(usage.gauge, (usage.used + own).min(most.max(usage.used)), most))
    };
    let mut lines: Vec<String> = quota::usage(ledger, &limits, now).iter().filter_map(line).collect();
    let allowed = Allowance::of(quota, &ledger.learnt, ledger.budget, now);
    if let Admission::Wait { why: why @ WaitReason::RunningTimeSpent, until } =
        quota::admit(ledger, &allowed, Ask::default(), now)
    {
        lines.push(format!("{why}, until {until}"));
    }
    if let Some(block) = quota::standing(ledger, now) {
        lines.push(format!("the tenant is blocked until {} ({}): {}", block.until, block.reason, block.said));
    }
    lines
}

fn gauge_line(gauge: Gauge, used: u64, most: u64) -> String {
    match gauge {
        Gauge::PerMinute => format!("calls a minute: {used} of {most}"),
        Gauge::PerHour => format!("calls an hour: {used} of {most}"),
        Gauge::Concurrent => format!("calls at a time: {used} of {most}"),
        Gauge::CpuPerCycle => {
            let span = |millis| format_duration(Duration::from_millis(millis));
            format!("CPU of the quarter hour: {} of {}", span(used), span(most))
        }
    }
}

#[cfg(test)]
#[path = "overload_tests.rs"]
mod tests;
