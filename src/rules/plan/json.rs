//! A plan as JSON objects, one a line. docs/plan.md lists their keys.

use serde_json::{Value, json};

use super::compare::Change;
use super::layout::{Backlog, Minute, TenantPlan};
use super::peaks::Peak;
use super::suggest::Suggestion;
use super::text::shifts;
use crate::model::time::Timestamp;

/// A quarter hour, in minutes.
const QUARTER: usize = 15;

fn peak(peak: Option<Peak>, limit: u32) -> Value {
    json!({
        "calls": peak.map_or(0, |peak| peak.calls),
        "limit": limit,
        "at": peak.map(|peak| peak.at),
    })
}

fn backlog(backlog: &Backlog) -> Value {
    json!({
        "from": backlog.from,
        "to": backlog.to,
        "seconds": backlog.length().as_secs(),
        "runs": backlog.most,
        "why": backlog.why.as_str(),
    })
}

/// A tenant's plan: `"kind":"tenant"`.
#[must_use]
pub fn tenant_json(plan: &TenantPlan) -> Value {
    let late = plan.late.iter().map(|late| {
        json!({
            "hunt": late.hunt.as_str(),
            "severity": late.severity,
            "late": late.late,
            "merged": late.merged,
            "worst_seconds": late.worst.as_secs(),
            "since": late.since,
        })
    });
    let collisions = plan.collisions.iter().map(|one| {
        json!({
            "hunt": one.hunt.as_str(),
            "severity": one.severity,
            "schedule": one.schedule,
            "calls": one.calls,
        })
    });
    let cpu = plan
        .cpu
        .map(|cpu| json!({ "at": cpu.at, "seconds": cpu.cpu.as_secs_f64(), "runs": cpu.runs, "known": cpu.known }));
    json!({
        "kind": "tenant",
        "tenant": plan.tenant.as_str(),
        "from": plan.from,
        "to": plan.to,
        "fits": plan.fits,
        "hunts": plan.hunts,
        "guessed": plan.guessed,
        "runs": plan.runs,
        "calls": plan.calls,
        "minute": peak(plan.minute, plan.quota.calls_per_minute),
        "hour": peak(plan.hour, plan.quota.calls_per_hour),
        "concurrent": peak(plan.at_once, plan.quota.concurrent),
        "cpu": cpu,
        "overfull_minutes": plan.overfull,
        "backlog_seconds": plan.backlogged().as_secs(),
        "backlogs": plan.backlogs.iter().map(backlog).collect::<Vec<_>>(),
        "late": late.collect::<Vec<_>>(),
        "collisions": collisions.collect::<Vec<_>>(),
        "catch_up": {
            "downtime_seconds": plan.catch_up.downtime.as_secs(),
            "hunts": plan.catch_up.hunts,
            "calls": plan.catch_up.calls,
            "seconds": plan.catch_up.takes.map(|takes| takes.as_secs()),
        },
        "load": load(plan),
    })
}

/// The load by quarter hours.
fn load(plan: &TenantPlan) -> Vec<Value> {
    let quarter = |(number, minutes): (usize, &[Minute])| {
        let offset = std::time::Duration::from_secs(u64::try_from(number * QUARTER * 60).unwrap_or(0));
        let at: Timestamp = plan.from.plus(offset);
        let sum = |of: fn(&Minute) -> u32| minutes.iter().map(of).sum::<u32>();
        let most = |of: fn(&Minute) -> u32| minutes.iter().map(of).max().unwrap_or(0);
        json!({
            "at": at,
            "due": sum(|minute| minute.due),
            "sent": sum(|minute| minute.sent),
            "fullest": most(|minute| minute.due),
            "waiting": most(|minute| minute.waiting),
        })
    };
    plan.minutes.chunks(QUARTER).enumerate().map(quarter).collect()
}

/// A suggestion: `"kind":"suggestion"`. `file` is where the hunt stands.
#[must_use]
pub fn suggestion_json(suggestion: &Suggestion, file: &str) -> Value {
    json!({
        "kind": "suggestion",
        "hunt": suggestion.hunt.as_str(),
        "file": file,
        "key": suggestion.change.key(),
        "now": suggestion.now,
        "then": suggestion.change.value(),
    })
}

/// A change of a hunt: `"kind":"change"`.
#[must_use]
pub fn change_json(change: &Change) -> Value {
    json!({
        "kind": "change",
        "hunt": change.hunt.as_str(),
        "changes": change.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "details": change.details,
    })
}

/// A tenant's figures before and after: `"kind"` says of what.
#[must_use]
pub fn comparison_json(kind: &str, before: &TenantPlan, after: &TenantPlan) -> Value {
    let figures = |plan: &TenantPlan| {
        json!({
            "fits": plan.fits,
            "hunts": plan.hunts,
            "calls": plan.calls,
            "minute": peak(plan.minute, plan.quota.calls_per_minute),
            "hour": peak(plan.hour, plan.quota.calls_per_hour),
            "backlog_seconds": plan.backlogged().as_secs(),
        })
    };
    let changed = shifts(before, after).into_iter().any(|(_, was, is)| was != is);
    json!({
        "kind": kind,
        "tenant": after.tenant.as_str(),
        "before": figures(before),
        "after": figures(after),
        "changed": changed,
    })
}
