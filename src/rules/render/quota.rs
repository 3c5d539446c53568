//! How a tenant's quota stands, on a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use super::counted::counted;
use super::terminal::Layout;
use super::visible::{short, visible};
use crate::model::cost::Spending;
use crate::model::id::TenantName;
use crate::model::quota::{Block, BlockReason};
use crate::model::time::{Timestamp, format_duration};
use crate::rules::quota::{Dearest, Gauge, Limit, Share, Usage};

/// What is shown of a tenant.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The tenant.
    pub tenant: &'a TenantName,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// How each gauge stands.
    pub usage: &'a [Usage],
    /// The block that holds, if one does.
    pub block: Option<&'a Block>,
    /// The dearest hunts.
    pub dearest: &'a Dearest,
    /// From when on these count.
    pub since: Timestamp,
    /// Writes an instant for a person.
    pub time: fn(Timestamp) -> String,
}

/// Cells of a bar.
const BAR: u64 = 10;
/// A terminal that is narrower has no room for bars, nor for how many runs a hunt made.
const ROOMY: usize = 60;
/// The longest name of a hunt that is shown whole.
const NAME: usize = 60;

/// A headline, a line a gauge, and the dearest hunts, `layout.most` of them; ends with a line feed.
#[must_use]
pub fn standing(of: &Standing<'_>, layout: &Layout) -> String {
    let mut lines = head(of, layout);
    lines.extend(of.usage.iter().flat_map(|usage| gauge(usage, of.time, layout)));
    lines.push(String::new());
    lines.extend(hunts(of, layout));
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn paint(layout: &Layout, code: &str, text: &str) -> String {
    if layout.colour && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn head(of: &Standing<'_>, layout: &Layout) -> Vec<String> {
    let name = paint(layout, "1", &visible(of.tenant.as_str()));
    let off = if of.enabled { "" } else { " (switched off)" };
    let Some(block) = of.block else { return vec![format!("{name}{off}")] };
    let blocked = paint(layout, "31", &format!("blocked until {}", (of.time)(block.until)));
    let mut lines = vec![format!("{name}{off}: {blocked}"), format!("  {}", meaning(block.reason))];
    if !block.said.trim().is_empty() {
        lines.extend(wrapped(&format!("it was told: {}", visible(block.said.trim())), layout.width, 2));
    }
    lines
}

/// What a reason means for a person.
const fn meaning(reason: BlockReason) -> &'static str {
    match reason {
        BlockReason::CallsPerMinute => "the API says that a minute's calls are spent",
        BlockReason::CallsPerHour => "the API says that an hour's calls are spent",
        BlockReason::Cpu => "the API says that the CPU of this quarter hour is spent",
        BlockReason::Gateway => "the API's gateway asks for a pause",
        BlockReason::Access => "a person must act: huntd is not let in",
    }
}

/// The text in lines of `width` at most, each after `indent` blanks; a word that is longer stays whole.
fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    let room = width.saturating_sub(indent).max(20);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| " ".repeat(indent) + &line).collect()
}

/// A gauge: its numbers and its bar, and a note beside them, or below where there is no room.
fn gauge(usage: &Usage, time: fn(Timestamp) -> String, layout: &Layout) -> Vec<String> {
    let amount = |number: u64| match usage.gauge {
        Gauge::CpuPerCycle => brief(Duration::from_millis(number)),
        _ => number.to_string(),
    };
    let most = usage.limit.map_or(String::new(), |limit| format!("of {}", amount(limit.most)));
    let left = usage.left().map_or(String::new(), |left| format!("{} left", amount(left)));
    let (filled, empty) = if layout.width < ROOMY { (String::new(), String::new()) } else { bar(usage) };
    let length = (filled.chars().count(), empty.chars().count());
    let plain = format!("  {:<16}{:>7} {most:<8} ", label(usage.gauge), amount(usage.used));
    let bars = paint(layout, heat(usage), &filled) + &paint(layout, "2", &empty);
    let gap = " ".repeat(usize::from(length.0 + length.1 > 0));
    let line = format!("{plain}{bars}{gap}{left:>10}");
    let width = plain.chars().count() + length.0 + length.1 + gap.len() + left.chars().count().max(10);
    let note = note(usage, time);
    match note.is_empty() {
        true => vec![line],
        false if width + 2 + note.chars().count() <= layout.width => vec![format!("{line}  {note}")],
        false => [vec![line], wrapped(&note, layout.width, 4)].concat(),
    }
}

const fn label(gauge: Gauge) -> &'static str {
    match gauge {
        Gauge::PerMinute => "calls a minute",
        Gauge::PerHour => "calls an hour",
        Gauge::Concurrent => "calls at a time",
        Gauge::CpuPerCycle => "CPU this cycle",
    }
}

/// The filled and the empty part of a bar; full only where nothing is left. None without a limit.
fn bar(usage: &Usage) -> (String, String) {
    let Some(limit) = usage.limit else { return (String::new(), String::new()) };
    let filled = match usage.left() {
        Some(0) | None => BAR,
        Some(_) => usage.used.saturating_mul(BAR).div_ceil(limit.most.max(1)).min(BAR - 1),
    };
    let cells = |many: u64, cell: char| (0..many).map(|_| cell).collect::<String>();
    (cells(filled, '█'), cells(BAR - filled, '░'))
}

/// Red where nothing is left, yellow where a fifth or less is, green else.
fn heat(usage: &Usage) -> &'static str {
    match (usage.left(), usage.limit) {
        (Some(0), _) => "31",
        (Some(left), Some(limit)) if left.saturating_mul(5) <= limit.most => "33",
        _ => "32",
    }
}

fn note(usage: &Usage, time: fn(Timestamp) -> String) -> String {
    let mut notes = Vec::new();
    match (usage.gauge, usage.free_at, usage.limit) {
        (Gauge::CpuPerCycle, Some(turn), _) => notes.push(format!("the quarter hour turns at {}", time(turn))),
        (Gauge::Concurrent, _, _) if usage.left() == Some(0) => {
            notes.push("the next place is free when one ends".to_owned());
        }
        (_, Some(at), _) => notes.push(format!("the next place is free at {}", time(at))),
        (_, None, _) => {}
    }
    match usage.limit {
        None => notes.push("no limit is known".to_owned()),
        Some(Limit { learnt, reserve, .. }) => {
            notes.extend(learnt.map(|at| format!("as the API said at {}", time(at))));
            notes.extend((reserve > 0).then(|| format!("{reserve} % are left to others")));
        }
    }
    notes.join("; ")
}

fn hunts(of: &Standing<'_>, layout: &Layout) -> Vec<String> {
    let Dearest { total, hunts } = of.dearest;
    let since = (of.time)(of.since);
    if hunts.is_empty() {
        return vec![format!("  no calls since {since}")];
    }
    let cpu = total.cpu.map(|cpu| format!(", {} of CPU", brief(cpu))).unwrap_or_default();
    let sum = format!(
        "since {since}: {} of {}, {} of waiting for the API{cpu}",
        counted(total.calls, "call"),
        counted(total.runs, "run"),
        brief(total.api)
    );
    let mut lines = wrapped(&sum, layout.width, 2);
    let shown: Vec<&Share> = hunts.iter().take(layout.most).collect();
    if shown.is_empty() {
        return lines;
    }
    let titles = ["HUNT", "RUNS", "CALLS", "", "API", "", "CPU", ""].map(str::to_owned);
    let mut rows: Vec<Vec<String>> = vec![titles.to_vec()];
    rows.extend(shown.iter().map(|share| cells(share)));
    for row in &mut rows {
        row.truncate(if total.cpu.is_some() { 8 } else { 6 });
        if layout.width < ROOMY {
            row.remove(1);
        }
    }
    lines.extend(columns(&rows, layout));
    let rest = hunts.get(layout.most..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = rest.iter().fold(Spending::default(), |sum, share| sum.and(share.spent));
        lines.push(format!("  + {} more, with {}", rest.len(), counted(sum.calls, "call")));
    }
    lines
}

fn cells(share: &Share) -> Vec<String> {
    let spent = &share.spent;
    vec![
        share.hunt.to_string(),
        spent.runs.to_string(),
        spent.calls.to_string(),
        percent(share.calls),
        brief(spent.api),
        percent(share.api),
        spent.cpu.map_or_else(|| "-".to_owned(), brief),
        share.cpu.map_or_else(String::new, percent),
    ]
}

/// Lines of columns, the first to the left and all others to the right. The first gives way where there is no room.
fn columns(rows: &[Vec<String>], layout: &Layout) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| visible(cell).chars().count()).max().unwrap_or(0)
    };
    let all = rows.first().map_or(0, Vec::len);
    let others: usize = (1..all).map(|column| width(column) + 2).sum();
    let first = width(0).min(NAME).min(layout.width.saturating_sub(others + 2).max(8));
    let line = |row: &[String]| {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let (cell, room) = (short(cell, if column == 0 { first } else { NAME }), width(column) + 2);
            // Writing to a String can't fail.
            if column == 0 {
                write!(line, "  {cell:<first$}").unwrap_or_default();
            } else {
                write!(line, "{cell:>room$}").unwrap_or_default();
            }
        }
        line
    };
    rows.iter().map(|row| line(row)).collect()
}

/// A duration as exact as a glance is.
fn brief(span: Duration) -> String {
    let whole = |unit: u64| format_duration(Duration::from_secs(span.as_secs() / unit * unit));
    match span.as_secs() {
        0 => format!("{}ms", span.as_millis()),
        1..60 => format!("{}.{}s", span.as_secs(), span.subsec_millis() / 100),
        60..3600 => whole(1),
        _ => whole(60),
    }
}

fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.005 { "<1%".to_owned() } else { format!("{:.0}%", share * 100.0) }
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
