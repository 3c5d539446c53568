//! Graph's custom detection rules, said in huntd's own keys.
//!
//! Shape: Microsoft Learn, `security-detectionrule` and `security-ruleschedule` (Graph beta, read
//! 2026-11-24). `schedule.period` is one of `0`, `1H`, `3H`, `12H`, `24H`; its successor is
//! `schedule.frequency` with `schedule.lookback`, both ISO 8601.

use std::time::Duration;

use super::read::OWN_KEYS;
use super::sentinel::{NRT_LOOKBACK, NRT_SCHEDULE, Translated, frequency, unread};
use crate::model::hunt::Dialect;
use crate::model::limits::DATA_AGE;
use crate::model::place::Place;
use crate::model::time::{format_duration, parse_duration};
use crate::rules::check::notes::Notes;
use crate::rules::yaml::{Entry, Node, Value};

/// Says a rule of Graph's in huntd's own keys.
pub(super) fn translate(document: &[Entry], notes: &mut Notes) -> Translated {
    let own = |entry: &Entry| OWN_KEYS.contains(&entry.key.as_str()) && !is_graph_schedule(entry);
    let (mut out, foreign) = Translated::begin(document, own);
    for entry in foreign {
        let (place, value) = (entry.key_place, &entry.value);
        match entry.key.as_str() {
            "displayName" => out.add("name", place, value.clone()),
            "isEnabled" => out.add("enabled", place, value.clone()),
            "schedule" => schedule(&mut out, place, value, notes),
            "queryCondition" => match value.get("queryText") {
                Some(query) => out.add("query", place, query.clone()),
                None => unread(notes, value.place, "`queryCondition` has no `queryText`"),
            },
            "detectionAction" => {
                if let Some(alert) = value.get("alertTemplate") {
                    alert_template(&mut out, alert);
                }
                out.keep(Dialect::CustomDetection, entry, notes);
            }
            _ => out.keep(Dialect::CustomDetection, entry, notes),
        }
    }
    out
}

fn is_graph_schedule(entry: &Entry) -> bool {
    entry.key == "schedule" && entry.value.entries().is_some()
}

fn schedule(out: &mut Translated, place: Place, value: &Node, notes: &mut Notes) {
    if let Some(every) = value.get("frequency").filter(|node| !node.is_null()) {
        frequency(out, place, every);
        if let Some(lookback) = value.get("lookback") {
            out.add("lookback", place, lookback.clone());
        }
        return;
    }
    let Some(period) = value.get("period").filter(|node| !node.is_null()) else {
        unread(notes, value.place, "`schedule` has no `period`, so the default schedule holds");
        return;
    };
    let text = period.scalar().map(|scalar| scalar.text.trim().to_owned()).unwrap_or_default();
    if text == "0" {
        out.add("schedule", place, Node::text(period.place, NRT_SCHEDULE));
        out.add("lookback", place, Node::text(period.place, NRT_LOOKBACK));
        return;
    }
    frequency(out, place, period);
    if let Ok(every) = parse_duration(&text) {
        out.add("lookback", place, Node::text(period.place, format_duration(lookback_of(every))));
    }
}

/// How far the service itself looks back (Microsoft Learn, custom-detection-rules, copy of 2025-08):
/// four times the frequency, and 30 days for a daily rule.
fn lookback_of(every: Duration) -> Duration {
    if every >= Duration::from_hours(24) { DATA_AGE } else { every.saturating_mul(4) }
}

fn alert_template(out: &mut Translated, alert: &Node) {
    for (theirs, ours) in
        [("title", "name"), ("description", "description"), ("severity", "severity"), ("mitreTechniques", "techniques")]
    {
        if let Some(value) = alert.get(theirs) {
            out.add(ours, value.place, value.clone());
        }
    }
    if let Some(category) = alert.get("category").filter(|node| node.scalar().is_some()) {
        out.add("tactics", category.place, Node::list(category.place, vec![category.clone()]));
    }
    let Some(Node { place, value: Value::List(assets) }) = alert.get("impactedAssets") else { return };
    let columns = assets.iter().filter_map(|asset| asset.get("identifier"));
    let columns: Vec<_> =
        columns.filter_map(|id| Some(Node::text(id.place, column_name(&id.scalar()?.text)))).collect();
    if !columns.is_empty() {
        out.add("entities", *place, Node::list(*place, columns));
    }
}

/// Graph names columns like members: `deviceId` is the column `DeviceId`.
fn column_name(identifier: &str) -> String {
    let mut letters = identifier.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
