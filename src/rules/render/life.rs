//! A hit's life: for a person, and as one line of JSON.

use serde::Serialize;
use serde_json::value::RawValue;

use super::cells::Cells;
use super::json::one_line;
use super::terminal::{mark, terminal_safe};
use crate::model::delivery::DeliveryState;
use crate::model::hit::HitKind;
use crate::model::life::{Life, LifeStep, ToldBy};
use crate::model::time::Timestamp;

/// The columns of a time, in this machine's zone: `2026-11-24 18:13:00 +02:00`.
const TIME: usize = 26;

/// A hit with each of its steps and deliveries, for a person; `colour`: with ANSI colours.
#[must_use]
pub fn whole(life: &Life, colour: bool) -> String {
    let seen = |at: Option<Timestamp>| at.map_or("not known any more".to_owned(), Timestamp::local);
    let mut out = String::new();
    let facts = [
        ("hit", life.hit.to_string()),
        ("hunt", terminal_safe(&life.hunt)),
        ("tenant", terminal_safe(&life.tenant)),
        ("severity", life.severity.to_string()),
        ("first seen", seen(life.first_seen)),
        ("last seen", seen(life.last_seen)),
        ("results", results(life)),
        ("there now", if life.present { "yes, as far as is known" } else { "no: it is gone" }.to_owned()),
    ];
    for (name, value) in facts {
        line(&mut out, &format!("{name:<14}{value}"));
    }
    line(&mut out, "\nwhat was said:");
    let mut before: &[Box<RawValue>] = &[];
    for step in &life.steps {
        put_step(&mut out, step, before, colour);
        if !step.rows.is_empty() {
            before = &step.rows;
        }
    }
    if life.expired {
        line(&mut out, "  (rows or steps of it are past their retention)");
    }
    line(&mut out, "\nwho was told:");
    put_deliveries(&mut out, life, colour);
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn results(life: &Life) -> String {
    match &life.last_run {
        Some(run) => format!(
            "in {} of the {} that are kept since it was first seen, the last of them {}",
            life.runs,
            life.of_runs,
            terminal_safe(run)
        ),
        None => format!("in none of the {} that are kept", life.of_runs),
    }
}

fn put_step(out: &mut String, step: &LifeStep, before: &[Box<RawValue>], colour: bool) {
    let (sign, code) = mark(step.kind);
    let kind = paint(colour, code, &format!("{sign} {:<8}", step.kind.as_str()));
    let run = step.run.as_deref().map_or("a run past its retention".to_owned(), terminal_safe);
    line(out, &format!("  {:<TIME$}  {kind}  {run}", step.at.local()));
    if step.rows.is_empty() {
        line(out, "      its row is past its retention");
    } else if same(&step.rows, before) || step.kind == HitKind::Gone && same(&step.rows, last_of(before)) {
        line(out, "      its row as before");
    } else {
        for (at, row) in step.rows.iter().enumerate() {
            if at > 0 {
                line(out, "      and, of the same key:");
            }
            for cell in Cells::of(row).entities_first(&[]) {
                line(out, &format!("      {}: {}", terminal_safe(cell.name()), terminal_safe(&cell.text())));
            }
        }
    }
}

fn last_of(rows: &[Box<RawValue>]) -> &[Box<RawValue>] {
    rows.last().map(std::slice::from_ref).unwrap_or_default()
}

fn same(one: &[Box<RawValue>], other: &[Box<RawValue>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.get() == other.get())
}

fn put_deliveries(out: &mut String, life: &Life, colour: bool) {
    if life.deliveries.is_empty() {
        let nobody = match (life.held, life.expired) {
            (true, _) => "nobody yet: the hunt's threshold holds it back",
            (_, true) => "nobody, by the deliveries that are kept",
            _ => "nobody: there was no route, or it was kept back (report, first_run, suppress, --no-notify)",
        };
        line(out, &format!("  {nobody}"));
    }
    let width = life.deliveries.iter().map(|told| told.delivery.channel.as_str().chars().count()).max().unwrap_or(0);
    for told in &life.deliveries {
        put_delivery(out, told, width, colour);
    }
}

fn put_delivery(out: &mut String, told: &ToldBy, width: usize, colour: bool) {
    let delivery = &told.delivery;
    let (code, at) = match delivery.state {
        DeliveryState::Sent => ("32", delivery.sent.unwrap_or(delivery.created)),
        DeliveryState::Pending => ("33", delivery.created),
        DeliveryState::Failed => ("31", delivery.created),
    };
    let (sign, of_kind) = mark(told.kind);
    let kind = paint(colour, of_kind, &format!("{sign} {:<8}", told.kind.as_str()));
    let state = paint(colour, code, &format!("{:<7}", delivery.state.as_str()));
    let attempts = match delivery.attempts {
        1 => "1 attempt".to_owned(),
        many => format!("{many} attempts"),
    };
    let channel = terminal_safe(delivery.channel.as_str());
    let id = terminal_safe(delivery.delivery.as_str());
    line(out, &format!("  {:<TIME$}  {kind}  {channel:<width$}  {state}  {attempts:<11}  {id}", at.local()));
    if let Some(error) = &delivery.error {
        line(out, &format!("      {}", terminal_safe(error)));
    }
}

#[derive(Serialize)]
struct Shape<'a> {
    hit: String,
    hunt: &'a str,
    tenant: &'a str,
    kind: Option<HitKind>,
    run: Option<&'a str>,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    severity: &'a str,
    row: Option<&'a RawValue>,
    present: bool,
    held: bool,
    runs: u64,
    of_runs: u64,
    last_run: Option<&'a str>,
    expired: bool,
    steps: Vec<StepShape<'a>>,
    deliveries: Vec<ToldShape<'a>>,
}

#[derive(Serialize)]
struct StepShape<'a> {
    kind: HitKind,
    run: Option<&'a str>,
    at: Timestamp,
    rows: &'a [Box<RawValue>],
}

#[derive(Serialize)]
struct ToldShape<'a> {
    delivery: &'a str,
    run: &'a str,
    channel: &'a str,
    kind: HitKind,
    state: DeliveryState,
    attempts: u32,
    error: Option<&'a str>,
    created: Timestamp,
    sent: Option<Timestamp>,
}

/// A hit's life as one line without its line end. It begins as a line of `hits --json` of its last step, so that what
/// reads those reads this.
#[must_use]
pub fn json(life: &Life) -> String {
    let last = life.steps.last();
    let steps = life.steps.iter();
    let steps =
        steps.map(|step| StepShape { kind: step.kind, run: step.run.as_deref(), at: step.at, rows: &step.rows });
    let told = life.deliveries.iter().map(|told| ToldShape {
        delivery: told.delivery.delivery.as_str(),
        run: &told.run,
        channel: told.delivery.channel.as_str(),
        kind: told.kind,
        state: told.delivery.state,
        attempts: told.delivery.attempts,
        error: told.delivery.error.as_deref(),
        created: told.delivery.created,
        sent: told.delivery.sent,
    });
    let shape = Shape {
        hit: life.hit.to_string(),
        hunt: &life.hunt,
        tenant: &life.tenant,
        kind: last.map(|step| step.kind),
        run: last.and_then(|step| step.run.as_deref()),
        first_seen: life.first_seen,
        last_seen: life.last_seen,
        severity: life.severity.as_str(),
        row: last.and_then(|step| step.rows.last()).map(AsRef::as_ref),
        present: life.present,
        held: life.held,
        runs: life.runs,
        of_runs: life.of_runs,
        last_run: life.last_run.as_deref(),
        expired: life.expired,
        steps: steps.collect(),
        deliveries: told.collect(),
    };
    // Of texts, numbers and rows that are JSON: it can't fail.
    one_line(&serde_json::to_string(&shape).unwrap_or_default())
}
