//! Runs and hits, line by line and whole, on a terminal.

use std::fmt::Write as _;

use super::cells::Cells;
use super::counted::counted;
use super::terminal::terminal_safe;
use super::visible::short;
use crate::model::hit::Hit;
use crate::model::run::{Run, RunStatus};

/// A run in one line: when, what, and what it found.
#[must_use]
pub fn run_line(run: &Run) -> String {
    let (hunt, tenant) = (terminal_safe(run.hunt.as_str()), &run.tenant);
    let head = format!("{}  {hunt} on {tenant}: {}", run.run, run.status);
    if run.status == RunStatus::Failed {
        return format!("{head}, {}", terminal_safe(run.error.as_deref().unwrap_or("")));
    }
    let counts = format!("{}, {} new", counted(run.rows, "row"), run.new);
    let others = [(run.changed, "changed"), (run.gone, "gone"), (run.returned, "back")];
    let others = others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}"));
    let error = run.error.as_deref().map(|error| format!("; {}", terminal_safe(error))).unwrap_or_default();
    format!("{head}, {counts}{}{error}", others.collect::<String>())
}

/// A run with all its facts, a line each.
#[must_use]
pub fn run_whole(run: &Run) -> String {
    let mut out = String::new();
    let window = run.window.map_or("none".to_owned(), |window| format!("{} to {}", window.from, window.to));
    let facts = [
        ("run", run.run.to_string()),
        ("hunt", terminal_safe(run.hunt.as_str())),
        ("tenant", run.tenant.to_string()),
        ("status", run.status.to_string()),
        ("trigger", run.trigger.as_str().to_owned()),
        ("due", run.due.local()),
        ("started", run.started.local()),
        ("finished", run.finished.local()),
        ("event time", window),
        ("rows", run.rows.to_string()),
        ("hits", format!("{} new, {} changed, {} gone, {} returned", run.new, run.changed, run.gone, run.returned)),
        ("calls", format!("{} in {} ms{}", run.calls, run.api.as_millis(), cpu_of(run))),
        ("hunt version", run.hunt_version.clone()),
    ];
    for (name, value) in facts {
        // Writing to a String can't fail.
        writeln!(out, "{name:<14}{value}").unwrap_or_default();
    }
    if let Some(error) = &run.error {
        writeln!(out, "{:<14}{}", "error", terminal_safe(error)).unwrap_or_default();
    }
    out.push_str("\nquery:\n");
    for line in run.query.lines() {
        writeln!(out, "  {}", terminal_safe(line)).unwrap_or_default();
    }
    out
}

fn cpu_of(run: &Run) -> String {
    run.cpu.map(|cpu| format!(", {} ms of CPU", cpu.as_millis())).unwrap_or_default()
}

/// A hit in one line: kind, the begin of its id, hunt, and its first cells.
#[must_use]
pub fn hit_line(hit: &Hit) -> String {
    let id: String = hit.hit.to_string().chars().take(12).collect();
    let row = Cells::of(&hit.row);
    let cells = row.entities_first(&[]);
    let cells = cells.iter().map(|cell| (cell, cell.text())).filter(|(_, text)| !text.is_empty()).take(6);
    let cells: Vec<String> =
        cells.map(|(cell, text)| format!("{}={}", terminal_safe(cell.name()), short(&text, 60))).collect();
    let (hunt, tenant) = (terminal_safe(&hit.hunt), terminal_safe(&hit.tenant));
    format!("{}  {:<8} {id}  {hunt} on {tenant}  {}", hit.first_seen.local(), hit.kind.as_str(), cells.join("  "))
}
