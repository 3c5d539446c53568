//! A plan as a page of its own: the load against the limits as a picture. No script, nothing from elsewhere.
//!
//! Hunts' names, schedules and file names come from a repository that others write: all text is escaped here, once.

use std::fmt::Write as _;

use super::layout::{Minute, TenantPlan};
use super::said::{costs, count, facts, length, size, things, verdict};
use super::suggest::Suggested;
use crate::model::time::format_duration;
use crate::rules::render::visible::visible;

/// The look: follows the reader's light or dark, and the width of the window.
const STYLE: &str = include_str!("plan.css");

/// The most columns of a picture: more would be thinner than a dot of a small screen.
const COLUMNS: usize = 480;
/// Its height.
const HEIGHT: usize = 200;

/// The page.
#[must_use]
pub fn html(plans: &[TenantPlan], suggested: &Suggested) -> String {
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>huntd plan</title>\n<style>\n",
    );
    out.push_str(STYLE);
    out.push_str("</style>\n</head>\n<body>\n<h1>huntd plan</h1>\n");
    for plan in plans {
        tenant(&mut out, plan);
    }
    suggestions(&mut out, plans, suggested);
    out.push_str("</body>\n</html>\n");
    out
}

/// Text that stays text: hidden characters are spelt out, and what acts in HTML is escaped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Writing to a String can't fail.
macro_rules! put {
    ($out:expr, $($rest:tt)*) => { write!($out, $($rest)*).unwrap_or_default() };
}

fn tenant(out: &mut String, plan: &TenantPlan) {
    let (hunts, runs, calls) = (things(plan.hunts, "hunt"), things(plan.runs, "run"), things(plan.calls, "call"));
    let span = format_duration(plan.to.since(plan.from));
    let mark = if !plan.fits {
        "bad"
    } else if plan.backlogs.is_empty() {
        "good"
    } else {
        "fair"
    };
    put!(out, "<section>\n<h2>{}</h2>\n", escape(plan.tenant.as_str()));
    put!(out, "<p class=\"{mark}\">{}</p>\n", escape(verdict(plan)));
    put!(
        out,
        "<p>{hunts}, {runs}, {calls} in {span} from {}; {}.</p>\n",
        escape(&plan.from.local()),
        escape(&costs(plan))
    );
    let due: Vec<u32> = plan.minutes.iter().map(|minute| minute.due).collect();
    let sent: Vec<u32> = plan.minutes.iter().map(|minute| minute.sent).collect();
    chart(out, plan, "Calls a minute", plan.quota.calls_per_minute, (&due, &sent));
    chart(out, plan, "Calls of the last hour", plan.quota.calls_per_hour, (&rolling(&due), &rolling(&sent)));
    out.push_str("<dl>\n");
    for (name, fact) in facts(plan) {
        put!(out, "<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(&fact));
    }
    out.push_str("</dl>\n");
    late(out, plan);
    collisions(out, plan);
    out.push_str("</section>\n");
}

/// The sums of the last sixty minutes.
fn rolling(minutes: &[u32]) -> Vec<u32> {
    let mut sum = 0_u32;
    let mut gone = minutes.iter();
    let mut sums = Vec::with_capacity(minutes.len());
    for (index, minute) in minutes.iter().enumerate() {
        sum = sum.saturating_add(*minute);
        if index >= 60 {
            sum = sum.saturating_sub(gone.next().copied().unwrap_or(0));
        }
        sums.push(sum);
    }
    sums
}

/// A picture: what is due as an area, what goes out as a line, the limit as a dashed one. Its words stand beside it in
/// HTML, as those in a picture would shrink with it.
fn chart(out: &mut String, plan: &TenantPlan, title: &str, limit: u32, (due, sent): (&[u32], &[u32])) {
    let per_column = due.len().div_ceil(COLUMNS).max(1);
    let columns = |values: &[u32]| -> Vec<u32> {
        values.chunks(per_column).map(|column| column.iter().copied().max().unwrap_or(0)).collect()
    };
    let (due, sent) = (columns(due), columns(sent));
    let most = due.iter().chain(&sent).copied().max().unwrap_or(0);
    let top = most.max(limit).max(1);
    let top = top.saturating_add(top.div_ceil(12));
    let y = |value: u32| HEIGHT - size(value) * HEIGHT / size(top);
    let width = due.len().max(1);
    let over = due.iter().filter(|value| **value > limit).count();
    let said = format!(
        "{title}: at most {} due, where {} are allowed; {} above that",
        count(size(most)),
        count(size(limit)),
        things(over, "column")
    );
    let each = if per_column == 1 { String::new() } else { format!(", a column is the most of {per_column} minutes") };
    put!(out, "<figure>\n<figcaption>{title} <span>limit {}{each}</span></figcaption>\n", count(size(limit)));
    put!(out, "<div class=\"plot\"><div class=\"scale\"><span>{}</span><span>0</span></div>\n", count(size(top)));
    put!(
        out,
        "<svg viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\n",
        escape(&said)
    );
    put!(out, "<path class=\"due\" d=\"{}\"/>\n", area(&due, y));
    put!(out, "<path class=\"over\" d=\"{}\"/>\n", above(&due, limit, y));
    put!(out, "<path class=\"sent\" d=\"{}\"/>\n", line(&sent, y));
    put!(out, "<path class=\"limit\" d=\"M0 {0}H{width}\"/>\n</svg></div>\n", y(limit));
    out.push_str("<div class=\"times\">");
    for quarter in 0..=4_u32 {
        let at = plan.from.plus(plan.to.since(plan.from) * quarter / 4).local();
        put!(out, "<span>{}</span>", escape(at.get(5..16).unwrap_or_default()));
    }
    out.push_str("</div>\n<p class=\"key\"><i class=\"due\"></i>due <i class=\"over\"></i>due, above the limit ");
    out.push_str("<i class=\"sent\"></i>goes out <i class=\"limit\"></i>limit</p>\n</figure>\n");
}

fn area(values: &[u32], y: impl Fn(u32) -> usize) -> String {
    let mut path = format!("M0 {HEIGHT}");
    for (x, value) in values.iter().enumerate() {
        put!(path, "V{}H{}", y(*value), x + 1);
    }
    put!(path, "V{HEIGHT}Z");
    path
}

/// Only what lies above the limit.
fn above(values: &[u32], limit: u32, y: impl Fn(u32) -> usize) -> String {
    let mut path = String::new();
    for (x, value) in values.iter().enumerate().filter(|(_, value)| **value > limit) {
        put!(path, "M{x} {}V{}h1V{}Z", y(limit), y(*value), y(limit));
    }
    path
}

fn line(values: &[u32], y: impl Fn(u32) -> usize) -> String {
    let mut path = format!("M0 {}", y(values.first().copied().unwrap_or(0)));
    for (x, value) in values.iter().enumerate() {
        put!(path, "V{}H{}", y(*value), x + 1);
    }
    path
}

/// The most rows of a table; the rest is counted.
const MOST: usize = 50;

fn table(out: &mut String, title: &str, head: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let all = rows.len();
    put!(out, "<h3>{}</h3>\n<div class=\"wide\"><table>\n<tr>", escape(title));
    for name in head {
        put!(out, "<th>{}</th>", escape(name));
    }
    out.push_str("</tr>\n");
    for row in rows.into_iter().take(MOST) {
        out.push_str("<tr>");
        for cell in row {
            put!(out, "<td>{}</td>", escape(&cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
    if all > MOST {
        put!(out, "<p>and {} more</p>\n", count(all - MOST));
    }
}

fn late(out: &mut String, plan: &TenantPlan) {
    let row = |late: &super::layout::LateHunt| {
        let (hunt, severity) = (late.hunt.to_string(), late.severity.to_string());
        vec![hunt, severity, length(late.worst), count(size(late.late)), count(size(late.merged))]
    };
    let rows = plan.late.iter().map(row).collect();
    table(out, "Hunts that run late", &["hunt", "severity", "at worst", "runs", "overtaken"], rows);
}

fn collisions(out: &mut String, plan: &TenantPlan) {
    let row = |one: &super::layout::Collision| {
        vec![one.hunt.to_string(), one.severity.to_string(), one.schedule.clone(), count(size(one.calls))]
    };
    let rows = plan.collisions.iter().map(row).collect();
    table(out, "Hunts in the busiest minute", &["hunt", "severity", "schedule", "calls"], rows);
}

fn suggestions(out: &mut String, plans: &[TenantPlan], suggested: &Suggested) {
    if suggested.suggestions.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Suggestions</h2>\n");
    let rows = suggested
        .suggestions
        .iter()
        .map(|one| vec![one.hunt.to_string(), one.change.key().to_owned(), one.now.clone(), one.change.value()]);
    table(out, "At the same frequency", &["hunt", "key", "now", "then"], rows.collect());
    for (before, after) in plans.iter().zip(&suggested.after) {
        put!(out, "<h3>{} after that</h3>\n<p>{}</p>\n", escape(after.tenant.as_str()), escape(verdict(after)));
        let of = |of: fn(&Minute) -> u32| after.minutes.iter().map(of).collect::<Vec<u32>>();
        let (due, sent) = (of(|minute| minute.due), of(|minute| minute.sent));
        chart(out, before, "Calls a minute", after.quota.calls_per_minute, (&due, &sent));
    }
    out.push_str("</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<a href='x'>&\"\u{202e}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\u{202e}");
    }

    #[test]
    fn an_hour_rolls() {
        let minutes = vec![1; 62];
        assert_eq!(rolling(&minutes).get(58..), Some(&[59, 60, 60, 60][..]));
    }
}
