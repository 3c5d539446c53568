//! Lengths of time that a query writes out.

use std::time::Duration;

use super::super::tree::{Binary, Expr, ExprKind};
use super::super::types::Type;
use super::reach::{DEEP, inner};

/// The length of time that an expression gives. `meant` says what a name stands for.
pub(super) fn length<'t, 'a: 't>(
    expr: &'t Expr<'a>,
    meant: &dyn Fn(&str) -> Option<&'t Expr<'a>>,
    deep: u32,
) -> Option<Duration> {
    if deep > DEEP {
        return None;
    }
    let length = |expr: &'t Expr<'a>| length(expr, meant, deep + 1);
    match &expr.kind {
        ExprKind::Paren(inner) => length(inner),
        ExprKind::Name(name) => length(meant(name.text)?),
        ExprKind::Literal(literal) if literal.ty == Type::Timespan => timespan(literal.text),
        ExprKind::Call { name, args } => match (name.text, args.as_slice()) {
            ("totimespan", [of]) => length(&of.expr),
            _ => None,
        },
        ExprKind::Binary { op: Binary::Multiply, left, right, .. } => match (number(left), number(right)) {
            (Some(times), _) => length(right)?.checked_mul(times),
            (_, Some(times)) => length(left)?.checked_mul(times),
            _ => None,
        },
        ExprKind::Binary { op: Binary::Add, left, right, .. } => length(left)?.checked_add(length(right)?),
        _ => None,
    }
}

fn number(expr: &Expr<'_>) -> Option<u32> {
    match &expr.kind {
        ExprKind::Literal(literal) if literal.ty.is_integer() => literal.text.parse().ok(),
        ExprKind::Paren(inner) => number(inner),
        _ => None,
    }
}

/// A literal timespan: `1d`, `2.5h`, `timespan(1.02:03:04)`, `time(1d)`.
pub(super) fn timespan(text: &str) -> Option<Duration> {
    let text = if text.contains('(') { inner(text)? } else { text };
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at_checked(digits)?;
    if unit.starts_with(':') || (unit.is_empty() && text.contains('.')) {
        return clock(text);
    }
    let seconds = match unit.trim() {
        "d" | "day" | "days" | "" => 86_400.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => 1e-3,
        "microsecond" | "microseconds" | "micro" | "micros" | "microsec" => 1e-6,
        "tick" | "ticks" => 1e-7,
        _ => return None,
    };
    Duration::try_from_secs_f64(amount.parse::<f64>().ok()? * seconds).ok()
}

/// `1.02:03:04` and `02:03`.
fn clock(text: &str) -> Option<Duration> {
    let (days, rest) = match text.split_once('.') {
        Some((days, rest)) if rest.contains(':') => (days.parse::<u64>().ok()?, rest),
        _ => (0, text),
    };
    let mut parts = rest.split(':');
    let hours: u64 = parts.next()?.parse().ok()?;
    let minutes: u64 = parts.next().unwrap_or("0").parse().ok()?;
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let whole = Duration::from_secs(
        days.checked_mul(86_400)?.checked_add(hours.checked_mul(3_600)?)?.checked_add(minutes.checked_mul(60)?)?,
    );
    whole.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}
