//! What text and page say alike: one place for the words.

use std::time::Duration;

use super::layout::{LateHunt, TenantPlan};
use super::peaks::Peak;
use super::places::Full;
use crate::model::time::{Timestamp, format_duration};

/// A length to the second; at least one where there is any.
pub(super) fn length(length: Duration) -> String {
    if length.is_zero() {
        return "0s".to_owned();
    }
    format_duration(Duration::from_secs(length.as_secs().max(1)))
}

/// A count with its thousands apart.
pub(super) fn count(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things: `1 call`, `2 calls`.
pub(super) fn things(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{} {thing}s", count(number)) }
}

pub(super) fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// `11-24 09:00:00 +00:00`: a moment of a plan, in the zone of this machine.
pub(super) fn moment(at: Timestamp) -> String {
    let local = at.local();
    local.get(5..).unwrap_or(&local).to_owned()
}

/// A peak against its limit.
pub(super) fn peak(peak: Option<Peak>, limit: u32) -> String {
    above(peak, limit, ": more than fits")
}

/// A peak against its limit, and what to say where it is above it.
fn above(peak: Option<Peak>, limit: u32, over: &str) -> String {
    let Some(peak) = peak else { return format!("none of {}", count(size(limit))) };
    let over = if peak.calls > limit { over } else { "" };
    format!("{} of {} at {}{over}", count(size(peak.calls)), count(size(limit)), moment(peak.at))
}

pub(super) const fn full(full: Full) -> &'static str {
    match full {
        Full::AtOnce => "calls at a time",
        Full::Minute => "the minute's calls",
        Full::Hour => "the hour's calls",
    }
}

/// The facts of a tenant, each with its name.
pub(super) fn facts(plan: &TenantPlan) -> Vec<(&'static str, String)> {
    let quota = &plan.quota;
    let mut facts = vec![
        ("busiest minute", peak(plan.minute, quota.calls_per_minute)),
        ("busiest hour", peak(plan.hour, quota.calls_per_hour)),
        ("calls at a time", above(plan.at_once, quota.concurrent, ": some go out a little later")),
    ];
    if let Some(cpu) = plan.cpu {
        let known = if cpu.known == cpu.runs { String::new() } else { format!(", of {} of them known", cpu.known) };
        let (spent, runs) = (length(cpu.cpu), things(size(cpu.runs), "run"));
        facts.push(("busiest CPU cycle", format!("{spent} by {runs}{known}, from {}", moment(cpu.at))));
    }
    facts.push(("backlog", backlog(plan)));
    facts.push(("runs late", late(plan)));
    facts.push(("catching up", catching_up(plan)));
    facts
}

fn backlog(plan: &TenantPlan) -> String {
    let Some(longest) = plan.longest_backlog() else { return "none".to_owned() };
    let overfull = match plan.overfull {
        0 => String::new(),
        minutes => format!("more is due than fits in {}; ", things(minutes, "minute")),
    };
    format!(
        "{overfull}{} in all, in {}; the longest takes {} from {}, with up to {} waiting for {}",
        length(plan.backlogged()),
        things(plan.backlogs.len(), "stretch").replace("stretchs", "stretches"),
        length(longest.length()),
        moment(longest.from),
        things(size(longest.most), "run"),
        full(longest.why),
    )
}

fn late(plan: &TenantPlan) -> String {
    let Some(worst) = plan.late.iter().map(|late| late.worst).max() else { return "none".to_owned() };
    let sum = |of: fn(&LateHunt) -> u32| plan.late.iter().map(|late| size(of(late))).sum::<usize>();
    let (late, merged) = (sum(|late| late.late), sum(|late| late.merged));
    let missed = match merged {
        0 => String::new(),
        merged => format!("; {} that the next tick overtakes", things(merged, "run")),
    };
    let of = things(plan.hunts, "hunt");
    format!("{} of {} of {of}, by {} at worst{missed}", things(late, "run"), count(plan.late.len()), length(worst))
}

fn catching_up(plan: &TenantPlan) -> String {
    let catch_up = plan.catch_up;
    let after = format!("after {} of downtime", format_duration(catch_up.downtime));
    if catch_up.calls == 0 {
        return format!("{after} nothing: live runs take all of it along");
    }
    let calls = usize::try_from(catch_up.calls).unwrap_or(usize::MAX);
    let work = format!("{} for {}", things(calls, "call"), things(size(catch_up.hunts), "hunt"));
    match catch_up.takes {
        Some(takes) => format!("{after} {work}, over in {}", length(takes)),
        None => format!("{after} {work}, not over within {}", format_duration(plan.to.since(plan.from))),
    }
}

/// Whether it fits, in a sentence.
pub(super) fn verdict(plan: &TenantPlan) -> &'static str {
    match (plan.fits, plan.backlogs.is_empty()) {
        (false, _) => "it can't fit: runs are overtaken by the next tick of their hunt",
        (true, false) => "it fits, and some of it waits",
        (true, true) => "it fits, and nothing waits for the quota",
    }
}

/// What the costs stand on.
pub(super) fn costs(plan: &TenantPlan) -> String {
    match (plan.guessed, plan.hunts) {
        (0, _) => "costs as measured".to_owned(),
        (guessed, hunts) if guessed == hunts => "costs are guesses: one call of two seconds a run".to_owned(),
        (guessed, hunts) => {
            format!("the costs of {guessed} of {hunts} hunts are guesses: one call of two seconds a run")
        }
    }
}
