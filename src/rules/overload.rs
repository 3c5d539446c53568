//! More is due than the quota lets through: which runs are late, by how much, and when that is trouble.
//!
//! A run is late when it began after the next tick of its hunt, for it waited for the quota. It then serves both ticks:
//! nothing is lost, and what it finds is found late. Whether the trouble is news, `rules/trouble` says, as of any other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::config::Quota;
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName};
use crate::model::overload::{Episode, LateHunt, LateRun};
use crate::model::quota::{Admission, BlockReason, CallLedger, WaitReason};
use crate::model::time::{Timestamp, format_duration};
use crate::model::trouble::{Affected, Trouble, TroubleKind};
use crate::rules::quota::{self, Allowance, Ask, Gauge, Limits, Usage};
use crate::rules::schedule::{self, Due};

/// After so long without a late run an overload is over.
const QUIET: Duration = Duration::from_hours(1);
/// The most hunts of which it is said by how much they are late.
const NAMED: usize = 20;
const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);

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

/// A tenant's overload, where it goes on: none where the last late run is too long ago, or so far ahead that the clock
/// was set back since.
#[must_use]
pub fn lasting(episode: Option<&Episode>, now: Timestamp) -> Option<Episode> {
    let near = |last: Timestamp| now.since(last) < QUIET && last.since(now) < QUIET;
    episode.filter(|episode| near(episode.last)).copied()
}

/// A tenant's overload after one more late run, which ended at `now`.
#[must_use]
pub fn goes_on(before: Option<&Episode>, now: Timestamp) -> Episode {
    match lasting(before, now) {
        Some(Episode { since, late, .. }) => Episode { since: since.min(now), last: now, late: late.saturating_add(1) },
        None => Episode { since: now, last: now, late: 1 },
    }
}

/// From when on late runs are named: since it began, and no longer ago than a day, as what was mended before is no news.
#[must_use]
pub fn named_from(episode: &Episode, now: Timestamp) -> Timestamp {
    episode.since.max(now.minus(DAY)).min(now)
}

/// What is known of a tenant and its late runs.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The tenant.
    pub tenant: &'a TenantName,
    /// What may be spent on it.
    pub quota: &'a Quota,
    /// What was spent on it.
    pub ledger: &'a CallLedger,
    /// Its overload that goes on ([`lasting`]).
    pub episode: Option<Episode>,
    /// The hunts whose runs were late in it ([`named_from`]).
    pub late: Vec<LateHunt>,
    /// The hunts whose next tick has come while they wait for the quota, and how long ago.
    pub waiting: Vec<(HuntId, Duration)>,
}

/// The cause that is there where runs of a tenant are late: one a tenant. It is over after an hour without a late run.
/// Who waits still counts as a late run, as it will be one: where the quota lets nothing through, no run ends.
#[must_use]
pub fn starved(facts: Facts<'_>, now: Timestamp) -> Option<Trouble> {
    let Facts { tenant, quota, ledger, episode, late, mut waiting } = facts;
    // Who waits for a tenant that lets nobody in doesn't wait for its quota.
    if quota::standing(ledger, now).is_some_and(|block| block.reason == BlockReason::Access) {
        waiting.clear();
    }
    let runs = episode.map(|episode| episode.late).unwrap_or_default();
    let failures = runs.saturating_add(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
    let still = match waiting.len() {
        0 => String::new(),
        1 => ", and 1 that waits still".to_owned(),
        many => format!(", and {many} that wait still"),
    };
    let hunts = worst_first(late, waiting);
    if failures == 0 || hunts.is_empty() {
        return None;
    }
    let many = if hunts.len() == 1 { "1 hunt runs late".to_owned() } else { format!("{} hunts run late", hunts.len()) };
    let full = full(quota, ledger, now);
    let full = if full.is_empty() { "nothing, when this was looked at".to_owned() } else { full.join("; ") };
    let since = episode.map(|episode| format!("late runs since {}: {runs}{still}", episode.since.floor_to(SECOND)));
    let more = hunts.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more: `huntd list` names them"));
    let named = hunts.iter().take(NAMED).map(late_line);
    Some(Trouble {
        kind: TroubleKind::QuotaStarved,
        subject: tenant.to_string(),
        headline: format!("more is due on {tenant} than its quota lets through: {many}"),
        reasons: [format!("full of the quota: {full}")].into_iter().chain(since).chain(named).chain(more).collect(),
        hint: Some(format!(
            "`huntd plan` says what to move, `huntd quota --tenant {tenant}` what is used: give hunts that are due at one \
             moment a splay, run what can wait less often, leave out what isn't needed, or give huntd more of the quota. \
             Nothing is lost meanwhile: a late run covers the event time of all ticks that it waited through, and what it \
             finds is found late. Hunts of higher severity go first"
        )),
        hunts: hunts.iter().map(|late| Affected::on(&late.hunt, tenant)).collect(),
        owners: Vec::new(),
        failures,
    })
}

/// The hunts whose runs were late, and those that wait, each once: of equals the first by name.
fn worst_first(late: Vec<LateHunt>, waiting: Vec<(HuntId, Duration)>) -> Vec<LateHunt> {
    let waiting = waiting.into_iter().map(|(hunt, by)| LateHunt { hunt, by, runs: 0 });
    let mut all: BTreeMap<HuntId, LateHunt> = BTreeMap::new();
    for one in late.into_iter().chain(waiting) {
        let known = all.entry(one.hunt.clone()).or_insert_with(|| LateHunt { runs: 0, ..one.clone() });
        (known.by, known.runs) = (known.by.max(one.by), known.runs.saturating_add(one.runs));
    }
    let mut all: Vec<LateHunt> = all.into_values().collect();
    all.sort_by_key(|late| std::cmp::Reverse(late.by));
    all
}

fn late_line(late: &LateHunt) -> String {
    // In whole seconds; a part of one counts as one.
    let by = Duration::from_secs(late.by.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX));
    let by = format_duration(by);
    let how = match late.runs {
        0 => format!("waits still, {by} past its next tick"),
        1 => format!("1 run late, by {by}"),
        runs => format!("{runs} runs late, by {by} at worst"),
    };
    format!("{}: {how}", late.hunt)
}

/// What of a tenant's quota is full, or nearly: a line each.
fn full(quota: &Quota, ledger: &CallLedger, now: Timestamp) -> Vec<String> {
    let limits = Limits::of(quota, ledger, now);
    let line = |usage: &Usage| {
        let most = usage.limit?.most;
        let is_full = usage.used.saturating_mul(10) >= most.saturating_mul(9);
        is_full.then(|| gauge_line(usage.gauge, usage.used, most))
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
