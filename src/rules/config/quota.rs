//! What may be spent on a tenant.

use super::section::{Context, Section};
use crate::model::config::{Named, Quota};
use crate::rules::yaml::{self, Node, Problem};

/// The quota of a tenant whose config names none.
pub(super) const UNNAMED: Quota = Quota { named: Named { per_minute: false, per_hour: false }, ..Quota::DEFAULT };

const KEYS: [&str; 8] = [
    "calls_per_minute",
    "calls_per_hour",
    "concurrent",
    "row_limit",
    "reserve",
    "running_per_hour",
    "running_per_day",
    "cpu_per_cycle",
];

pub(super) fn quota(context: &mut Context, node: &Node, what: &str) -> Option<Quota> {
    let section = Section::open(context, node, what, &KEYS)?;
    let small = |context: &mut Context, node: &Node, what: &str| {
        let count = context.keep(yaml::count(node, what))?;
        let too_large = Problem::new(node.place, format!("`{what}` is too large"));
        context.keep(u32::try_from(count).map_err(|_| too_large))
    };
    let span = |context: &mut Context, node: &Node, what: &str| {
        let span = context.keep(yaml::duration(node, what))?;
        let nothing = || Problem::new(node.place, format!("`{what}` must be more than nothing"));
        context.keep(if span.is_zero() { Err(nothing()) } else { Ok(span) })
    };
    let row_limit = section.read(context, "row_limit", |context, node, what| context.keep(yaml::count(node, what)));
    let per_minute = section.read(context, "calls_per_minute", small);
    let per_hour = section.read(context, "calls_per_hour", small);
    Some(Quota {
        calls_per_minute: per_minute.unwrap_or(UNNAMED.calls_per_minute),
        calls_per_hour: per_hour.unwrap_or(UNNAMED.calls_per_hour),
        concurrent: section.read(context, "concurrent", small).unwrap_or(UNNAMED.concurrent),
        row_limit: row_limit.unwrap_or(UNNAMED.row_limit),
        reserve: section.read(context, "reserve", reserve).unwrap_or(UNNAMED.reserve),
        running_per_hour: section.read(context, "running_per_hour", span),
        running_per_day: section.read(context, "running_per_day", span),
        cpu_per_cycle: section.read(context, "cpu_per_cycle", span),
        named: Named { per_minute: per_minute.is_some(), per_hour: per_hour.is_some() },
    })
}

/// A share such as `20%`, up to 90.
fn reserve(context: &mut Context, node: &Node, what: &str) -> Option<u32> {
    let text = context.text(node, what)?;
    let share = text.strip_suffix('%').and_then(|number| number.trim().parse().ok()).filter(|share| *share <= 90);
    let wrong = || Problem::new(node.place, format!("`{what}` is not `{}`", text.escape_debug()));
    context.keep(share.ok_or_else(|| wrong().hint("a share from `0%` to `90%`, such as `20%`")))
}
