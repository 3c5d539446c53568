//! A plan for a terminal, a pipe or a mail.

use std::fmt::Write as _;
use std::time::Duration;

use super::compare::Change;
use super::layout::{Minute, TenantPlan};
use super::said::{costs, count, facts, length, moment, peak, size, things, verdict};
use super::suggest::Suggested;
use crate::model::time::{Timestamp, format_duration};
use crate::rules::render::terminal::terminal_safe;
use crate::rules::render::visible::short;

/// How a plan is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The width in characters; lines with bars keep to it, down to 40.
    pub width: usize,
    /// Whether ANSI colours are wanted.
    pub colour: bool,
}

/// The most lines of late hunts, collisions and changes; the rest is counted.
const MOST: usize = 12;

/// All that there is to say. `before` are the plans of the state that is compared with, where there is one.
#[must_use]
pub fn text(plans: &[TenantPlan], suggested: &Suggested, page: Page) -> String {
    let mut out = String::new();
    for plan in plans {
        tenant(&mut out, plan, page);
        out.push('\n');
    }
    suggestions(&mut out, plans, suggested, page);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// What became of the hunts, and what that means for the quota.
#[must_use]
pub fn changes(changes: &[Change], before: &[TenantPlan], after: &[TenantPlan]) -> String {
    let mut out = String::new();
    for change in changes {
        let kinds: Vec<&str> = change.kinds.iter().map(|kind| kind.as_str()).collect();
        let details = change.details.iter().map(|detail| terminal_safe(detail)).collect::<Vec<_>>().join("; ");
        let details = if details.is_empty() { details } else { format!(" ({details})") };
        line(&mut out, &format!("  {:<12} {}{details}", kinds.join(", "), terminal_safe(change.hunt.as_str())));
    }
    if changes.is_empty() {
        line(&mut out, "  no hunt was changed in what it runs");
    }
    for after in after {
        let Some(before) = before.iter().find(|before| before.tenant == after.tenant) else { continue };
        line(&mut out, &format!("{}:", after.tenant));
        for (name, was, is) in shifts(before, after) {
            line(&mut out, &format!("  {name:<18} {was} -> {is}"));
        }
    }
    out
}

/// What a plan's figures were and are.
pub(super) fn shifts(before: &TenantPlan, after: &TenantPlan) -> Vec<(&'static str, String, String)> {
    let calls = |peak: Option<super::peaks::Peak>| peak.map_or(0, |peak| size(peak.calls));
    let figures = |plan: &TenantPlan| {
        [
            ("hunts", count(plan.hunts)),
            ("calls", count(plan.calls)),
            ("busiest minute", format!("{} of {}", count(calls(plan.minute)), plan.quota.calls_per_minute)),
            ("busiest hour", format!("{} of {}", count(calls(plan.hour)), plan.quota.calls_per_hour)),
            ("waiting", length(plan.backlogged())),
            ("fits", if plan.fits { "yes" } else { "no" }.to_owned()),
        ]
    };
    figures(before).into_iter().zip(figures(after)).map(|((name, was), (_, is))| (name, was, is)).collect()
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn paint(page: Page, code: &str, text: &str) -> String {
    if page.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn tenant(out: &mut String, plan: &TenantPlan, page: Page) {
    let (hunts, runs, calls) = (things(plan.hunts, "hunt"), things(plan.runs, "run"), things(plan.calls, "call"));
    let name = paint(page, "1", plan.tenant.as_str());
    let span = format_duration(plan.to.since(plan.from));
    line(out, &format!("{name}: {hunts}, {runs}, {calls} in {span} from {}", moment(plan.from)));
    let code = if !plan.fits {
        "31"
    } else if plan.backlogs.is_empty() {
        "32"
    } else {
        "33"
    };
    line(out, &format!("  {}", paint(page, code, verdict(plan))));
    line(out, &format!("  {}", costs(plan)));
    for (name, fact) in facts(plan) {
        line(out, &format!("  {name:<18} {fact}"));
    }
    timeline(out, plan, page);
    late(out, plan, page);
    if plan.minute.is_some_and(|peak| peak.calls > plan.quota.calls_per_minute) {
        collisions(out, plan, page);
    }
}

fn late(out: &mut String, plan: &TenantPlan, page: Page) {
    if plan.late.is_empty() {
        return;
    }
    line(out, "\n  Late, the worst first:");
    for late in plan.late.iter().take(MOST) {
        let name = short(late.hunt.as_str(), page.width.max(40).saturating_sub(36));
        let mut said = format!("by {} at worst", length(late.worst));
        if late.merged > 0 {
            write!(said, ", {} overtaken", things(size(late.merged), "run")).unwrap_or_default();
        }
        line(out, &format!("    {name} ({}): {said}", late.severity));
    }
    more(out, plan.late.len());
}

fn collisions(out: &mut String, plan: &TenantPlan, page: Page) {
    let Some(peak) = plan.minute else { return };
    line(out, &format!("\n  In the busiest minute, at {}:", moment(peak.at)));
    for hunt in plan.collisions.iter().take(MOST) {
        let name = short(hunt.hunt.as_str(), page.width.max(40).saturating_sub(36));
        let schedule = terminal_safe(&hunt.schedule);
        line(out, &format!("    {name} ({}, {schedule}): {}", hunt.severity, things(size(hunt.calls), "call")));
    }
    more(out, plan.collisions.len());
}

fn more(out: &mut String, all: usize) {
    if all > MOST {
        line(out, &format!("    and {} more: see --json", count(all - MOST)));
    }
}

/// The rows of a timeline, in minutes: the first that gives no more than [`ROWS`] of them.
const ROW_LENGTHS: [usize; 7] = [60, 120, 240, 360, 720, 1440, 2880];
const ROWS: usize = 32;
/// Columns that a row may have: whole minutes of each of its lengths.
const COLUMNS: [usize; 4] = [60, 30, 20, 12];
/// What stands before the bars, and behind them.
const ASIDE: usize = 26;

/// A row of bars for each hour: a column's height is what is due in its fullest minute, as a share of the limit.
fn timeline(out: &mut String, plan: &TenantPlan, page: Page) {
    let minutes = &plan.minutes;
    let row = ROW_LENGTHS.into_iter().find(|row| minutes.len().div_ceil(*row) <= ROWS).unwrap_or(5760);
    let room = page.width.max(40).saturating_sub(ASIDE);
    let columns = COLUMNS.into_iter().find(|columns| *columns <= room).unwrap_or(12);
    let per_column = row / columns;
    let limit = plan.quota.calls_per_minute;
    let each = if per_column == 1 { "a minute".to_owned() } else { format!("the fullest of {per_column} minutes") };
    line(out, &format!("\n  Calls due, {each} a column, against {limit}; ! is more than that:"));
    for (number, minutes) in minutes.chunks(row).enumerate() {
        let offset = Duration::from_secs(60 * u64::try_from(number * row).unwrap_or(0));
        let bars: String = minutes.chunks(per_column).map(|column| bar(column, limit, page)).collect();
        let due: usize = minutes.iter().map(|minute| size(minute.due)).sum();
        let waiting = minutes.iter().map(|minute| minute.waiting).max().unwrap_or(0);
        let waits = if waiting > 0 { format!(", {waiting} wait") } else { String::new() };
        let blank = " ".repeat(columns.saturating_sub(minutes.len().div_ceil(per_column)));
        line(out, &format!("  {} |{bars}{blank}| {}{waits}", clock(plan.from.plus(offset)), count(due)));
    }
}

/// `24 09:00`: day of the month and time, in the zone of this machine.
fn clock(at: Timestamp) -> String {
    at.local().get(8..16).unwrap_or_default().to_owned()
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

fn bar(minutes: &[Minute], limit: u32, page: Page) -> String {
    let due = minutes.iter().map(|minute| minute.due).max().unwrap_or(0);
    if due > limit {
        return paint(page, "31", "!");
    }
    let step = (size(due) * BARS.len()).div_ceil(size(limit).max(1));
    let bar = step.checked_sub(1).and_then(|step| BARS.get(step)).copied().unwrap_or('·');
    bar.to_string()
}

fn suggestions(out: &mut String, plans: &[TenantPlan], suggested: &Suggested, page: Page) {
    if suggested.suggestions.is_empty() {
        let calm = plans.iter().all(|plan| plan.fits && plan.backlogs.is_empty());
        let said = if calm {
            "Nothing needs to be moved."
        } else {
            "No other minute and no splay would help: fewer runs, or more quota, would."
        };
        line(out, said);
        return;
    }
    let many = things(suggested.suggestions.len(), "hunt");
    line(out, &format!("Moving {many}, at the same frequency, would make it better (--patch prints the edits):"));
    for suggestion in suggested.suggestions.iter().take(MOST) {
        let name = short(suggestion.hunt.as_str(), page.width.max(40).saturating_sub(44).max(24));
        let (key, now, then) = (suggestion.change.key(), terminal_safe(&suggestion.now), suggestion.change.value());
        line(out, &format!("    {name}: {key} {now} -> {then}"));
    }
    more(out, suggested.suggestions.len());
    for (before, after) in plans.iter().zip(&suggested.after) {
        let limit = before.quota.calls_per_minute;
        let (was, is) = (peak(before.minute, limit), peak(after.minute, limit));
        line(out, &format!("  {}: busiest minute {was}, then {is};", after.tenant));
        let (was, is) = (length(before.backlogged()), length(after.backlogged()));
        line(out, &format!("    waiting {was} in all, then {is}; {}", verdict(after)));
    }
}
