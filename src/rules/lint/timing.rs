//! L001 to L004 and L006: what event time a hunt really covers.

use std::time::Duration;

use super::query::string;
use super::{At, Note, Subject};
use crate::model::hunt::CatchUp;
use crate::model::place::Level;
use crate::model::time::format_duration;
use crate::rules::kql::facts::Reach;
use crate::rules::kql::tree::{Expr, ExprKind};
use crate::rules::kql::walk::{Node, nodes};
use crate::rules::schedule::longest_pause;
use crate::rules::window::QueryKind;

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let pause = longest_pause(&subject.hunt.schedule);
    match subject.facts.reach {
        Reach::Open => {
            window(subject, pause, notes);
            unbounded(subject, notes);
        }
        Reach::Back(own) => {
            own_time(subject, own, pause, notes);
        }
        // Some part of it is bounded by fixed moments, or by nothing.
        Reach::Partly(_) | Reach::Absolute | Reach::Timeless => {}
    }
    idle_lookback(subject, notes);
}

/// L006: the hunt says a lookback, and its query is given none. Where the query looks back as far by
/// itself the two agree, and where it looks back less L004 tells.
fn idle_lookback(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let Some(kind) = subject.kind.filter(|_| !subject.is_foreign()) else { return };
    let agrees = matches!(subject.facts.reach, Reach::Back(own) if own <= subject.hunt.lookback);
    let why = match kind {
        QueryKind::Windowed => return,
        QueryKind::OwnTime if agrees => return,
        QueryKind::OwnTime => "the query has a time of its own",
        QueryKind::Fixed => "the query asks for fixed times, whenever it runs",
        QueryKind::Snapshot => "the tables of the query have no time",
    };
    let message = format!("the lookback has no effect: {why}");
    let hint = match kind {
        QueryKind::Snapshot => "take the lookback out",
        _ => "take the lookback out; or the query's times, and huntd gives each run its window",
    };
    let mut note = Note::new("L006", At::key(&["lookback"]), message).hint(hint);
    if kind == QueryKind::Snapshot {
        // Nobody takes it for cover there.
        note.level = Level::Info;
    }
    notes.push(note);
}

/// The lookback bounds the query: huntd makes each window.
fn window(subject: &Subject<'_>, pause: Duration, notes: &mut Vec<Note>) {
    let hunt = subject.hunt;
    let lookback = format_duration(hunt.lookback);
    let often = format_duration(pause);
    if hunt.lookback + hunt.late < pause {
        let loses = hunt.catch_up == CatchUp::Skip;
        let ending = if loses {
            "what lies between two runs is never looked at"
        } else {
            "huntd widens each run to close the gap, so the lookback says what isn't so"
        };
        let message = format!("runs come up to {often} apart, and each covers {lookback}: {ending}");
        notes.push(
            Note::new("L001", At::key(&["lookback", "schedule"]), message).hint(format!("write `lookback: {often}`")),
        );
    } else if hunt.late.is_zero() && hunt.lookback <= pause {
        let message = format!("each run covers {lookback}, and runs come {often} apart, so none covers late events");
        notes.push(
            Note::new("L002", At::key(&["late", "lookback", "schedule"]), message)
                .hint("write `late: 30m`, or a longer lookback"),
        );
    }
}

/// The query bounds itself: the lookback has no part in it.
fn own_time(subject: &Subject<'_>, own: Duration, pause: Duration, notes: &mut Vec<Note>) {
    let hunt = subject.hunt;
    let at = || filter(subject, own);
    let (back, often) = (format_duration(own), format_duration(pause));
    if own < pause {
        let message = format!(
            "the query looks back {back}, and runs come up to {often} apart: what lies between is never looked at"
        );
        notes.push(
            Note::new("L001", at(), message)
                .hint(format!("take the filter out and write `lookback: {often}`, or look back further than {often}")),
        );
    } else if own == pause {
        let message = format!("the query looks back {back}, just as far as runs are apart: late events can't be found");
        notes.push(
            Note::new("L002", at(), message)
                .hint(format!("take the filter out and write `lookback: {back}`; `late` then makes an overlap")),
        );
    }
    let given = subject.places.values.contains_key("lookback");
    if given && own < hunt.lookback {
        let lookback = format_duration(hunt.lookback);
        let message = format!("the query looks back only {back}, and wins over the lookback of {lookback}");
        let mut note =
            Note::new("L004", at(), message).hint(format!("take the filter out, or write `lookback: {back}`"));
        if subject.is_foreign() {
            note.level = Level::Info;
        }
        notes.push(note);
    }
}

/// Where the query says how far it looks back: at its `ago()` of that length, else where it reads.
fn filter(subject: &Subject<'_>, own: Duration) -> At {
    let call = nodes(&subject.analysis.query).find_map(|node| match node {
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Call { name, args } if name.text == "ago" => {
                args.first().filter(|arg| literal_span(&arg.expr) == Some(own)).map(|_| expr.span)
            }
            _ => None,
        },
        _ => None,
    });
    let leaf = || subject.facts.leaves.first().map(|leaf| leaf.span);
    call.or_else(leaf).map_or_else(|| At::key(&["query"]), At::Query)
}

/// A time span as a plain literal: `1d`, `30m`.
fn literal_span(expr: &Expr<'_>) -> Option<Duration> {
    let ExprKind::Literal(literal) = &expr.kind else { return None };
    let text = string(expr).unwrap_or_else(|| literal.text.to_owned());
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let seconds = match unit {
        "d" | "day" | "days" => 86_400,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "m" | "min" | "minute" | "minutes" => 60,
        "s" | "sec" | "second" | "seconds" => 1,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

/// L003: neither the query nor the API bounds the time.
fn unbounded(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let Some(leaf) = subject.facts.leaves.iter().find(|leaf| leaf.time.is_some() && leaf.back.is_none()) else {
        return;
    };
    let time = leaf.time.unwrap_or("Timestamp");
    if let Some(tenant) = subject.world.older.iter().find(|tenant| subject.hunt.runs_on(tenant)) {
        let message =
            format!("nothing bounds the time: the API of tenant `{tenant}` takes no time span beside the query");
        notes.push(Note::new("L003", At::Query(leaf.span), message).hint(format!(
            "write `| where {time} > ago({})` after `{}`, or ask the tenant with `api: graph`",
            format_duration(subject.hunt.lookback + subject.hunt.late),
            leaf.table,
        )));
    }
}
