//! Sentinel's hunting queries and rules, said in huntd's own keys.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::dialect::is_known;
use super::read::OWN_KEYS;
use super::threshold::parse_trigger_operator;
use crate::model::hunt::{Dialect, Threshold, ThresholdOp};
use crate::model::place::{Level, Place};
use crate::rules::check::nearest::did_you_mean;
use crate::rules::check::notes::Notes;
use crate::rules::yaml::{self, Entry, Node, Problem, Value};

/// How often a near-real-time rule runs: Sentinel runs it each minute, which would spend a large
/// part of a tenant's calls.
pub(super) const NRT_SCHEDULE: &str = "every 5m";
/// What a near-real-time rule covers.
pub(super) const NRT_LOOKBACK: &str = "1h";

/// A foreign document in huntd's own keys.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// The values, at the places of what they come from.
    pub(super) entries: Vec<Entry>,
    /// What huntd doesn't read.
    pub(super) extra: BTreeMap<String, Json>,
}

impl Translated {
    /// Begins with the document's own keys of huntd; these win over all that is translated.
    pub(super) fn begin(document: &[Entry], own: impl Fn(&Entry) -> bool) -> (Self, Vec<&Entry>) {
        let (own, foreign): (Vec<_>, Vec<_>) = document.iter().partition(|entry| own(entry));
        let entries = own.into_iter().filter(|entry| !entry.value.is_null()).cloned().collect();
        (Self { entries, extra: BTreeMap::new() }, foreign)
    }

    /// Whether a value is there already.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Adds a value, unless one is there or it is nothing.
    pub(super) fn add(&mut self, key: &str, key_place: Place, value: Node) {
        if !self.has(key) && !value.is_null() {
            self.entries.push(Entry { key: key.to_owned(), key_place, value });
        }
    }

    /// Keeps what huntd doesn't read, and says so where the format isn't known to have it.
    pub(super) fn keep(&mut self, dialect: Dialect, entry: &Entry, notes: &mut Notes) {
        if !is_known(dialect, &entry.key) {
            let message = format!("`{}` isn't known to huntd: it is kept, and has no effect", entry.key.escape_debug());
            let mut problem = Problem::new(entry.key_place, message);
            problem.hint = did_you_mean(&entry.key, OWN_KEYS);
            notes.add(Level::Info, "H022", problem);
        }
        self.extra.insert(entry.key.clone(), entry.value.to_json());
    }
}

/// A value that has no effect, as it can't be read.
pub(super) fn unread(notes: &mut Notes, place: Place, message: impl Into<String>) {
    notes.warning("H023", Problem::new(place, message));
}

/// Says a document of Sentinel's in huntd's own keys.
pub(super) fn translate(document: &[Entry], notes: &mut Notes) -> Translated {
    let (mut out, foreign) = Translated::begin(document, |entry| OWN_KEYS.contains(&entry.key.as_str()));
    flatten_tags(&mut out, notes);
    for entry in &foreign {
        let (place, value) = (entry.key_place, &entry.value);
        match entry.key.to_ascii_lowercase().as_str() {
            "displayname" => out.add("name", place, value.clone()),
            "relevanttechniques" => out.add("techniques", place, value.clone()),
            "queryfrequency" => frequency(&mut out, place, value),
            "queryperiod" => out.add("lookback", place, value.clone()),
            "entitymappings" | "sentinelentitiesmappings" => entities(&mut out, place, value, notes),
            // Read together below.
            "triggeroperator" | "triggerthreshold" | "suppressionduration" | "suppressionenabled" => {}
            "kind" => out.keep(Dialect::Sentinel, entry, notes),
            key if OWN_KEYS.contains(&key) && !out.has(key) => out.add(key, place, value.clone()),
            _ => out.keep(Dialect::Sentinel, entry, notes),
        }
    }
    near_real_time(&mut out, &foreign);
    threshold(&mut out, &foreign, notes);
    suppress(&mut out, &foreign, notes);
    out
}

fn find<'a>(foreign: &[&'a Entry], key: &str) -> Option<&'a Entry> {
    foreign.iter().copied().find(|entry| entry.key.eq_ignore_ascii_case(key) && !entry.value.is_null())
}

/// `1h` to `every 1h`.
pub(super) fn frequency(out: &mut Translated, place: Place, value: &Node) {
    let every = match value.scalar() {
        Some(scalar) => Node::text(value.place, format!("every {}", scalar.text.trim())),
        None => value.clone(),
    };
    out.add("schedule", place, every);
}

fn near_real_time(out: &mut Translated, foreign: &[&Entry]) {
    let Some(kind) = find(foreign, "kind") else { return };
    let place = kind.value.place;
    if kind.value.scalar().is_some_and(|scalar| scalar.text.trim().eq_ignore_ascii_case("nrt")) && !out.has("schedule")
    {
        out.add("schedule", place, Node::text(place, NRT_SCHEDULE));
        out.add("lookback", place, Node::text(place, NRT_LOOKBACK));
    }
}

fn threshold(out: &mut Translated, foreign: &[&Entry], notes: &mut Notes) {
    let (op, count) = (find(foreign, "triggerOperator"), find(foreign, "triggerThreshold"));
    let Some(first) = op.or(count) else { return };
    if out.has("threshold") {
        return;
    }
    let word = op.map_or(Some("gt"), |entry| entry.value.scalar().map(|scalar| scalar.text.as_str()));
    let number = count.map_or(Some("0"), |entry| entry.value.scalar().map(|scalar| scalar.text.as_str()));
    let read_op = word.and_then(parse_trigger_operator);
    let read_count = number.and_then(|text| text.trim().parse::<u64>().ok());
    match (read_op, read_count) {
        // More than none is what a hunt without a threshold does.
        (Some(ThresholdOp::MoreThan), Some(0)) => {}
        (Some(op), Some(count)) => {
            let text = Threshold { op, count }.to_string();
            out.add("threshold", first.key_place, Node::text(first.value.place, text));
        }
        (read_op, _) => {
            let wrong = if read_op.is_none() { op } else { count }.unwrap_or(first);
            unread(notes, wrong.value.place, format!("`{}` can't be read, so no threshold holds", wrong.key));
            for entry in [op, count].into_iter().flatten() {
                out.extra.insert(entry.key.clone(), entry.value.to_json());
            }
        }
    }
}

fn suppress(out: &mut Translated, foreign: &[&Entry], notes: &mut Notes) {
    let (length, enabled) = (find(foreign, "suppressionDuration"), find(foreign, "suppressionEnabled"));
    let on = match enabled.map(|entry| yaml::boolean(&entry.value, &entry.key)) {
        None => false,
        Some(Ok(on)) => on,
        Some(Err(problem)) => {
            unread(notes, problem.place, problem.message);
            false
        }
    };
    match length {
        Some(length) if on => {
            let place = length.value.place;
            let value = Entry { key: "for".to_owned(), key_place: place, value: length.value.clone() };
            out.add("suppress", length.key_place, Node { place, value: Value::Map(vec![value]) });
        }
        _ => {
            for entry in [length, enabled].into_iter().flatten() {
                out.extra.insert(entry.key.clone(), entry.value.to_json());
            }
        }
    }
}

/// The columns that entities are mapped from, in the order of the file.
fn entities(out: &mut Translated, place: Place, value: &Node, notes: &mut Notes) {
    let Value::List(mappings) = &value.value else {
        if !value.is_null() {
            unread(notes, value.place, "`entityMappings` must be a list, so no columns come first in a notice");
        }
        return;
    };
    let mut columns: Vec<Node> = Vec::new();
    for mapping in mappings {
        let fields = match mapping.get("fieldMappings").map(|node| &node.value) {
            Some(Value::List(fields)) => fields.as_slice(),
            _ => std::slice::from_ref(mapping),
        };
        for field in fields {
            let Some(column) = field.get("columnName").filter(|node| node.scalar().is_some()) else { continue };
            if !columns.iter().any(|known| known.scalar() == column.scalar()) {
                columns.push(column.clone());
            }
        }
    }
    if !columns.is_empty() {
        out.add("entities", place, Node::list(value.place, columns));
    }
}

/// Public tags may be maps (`- Schema: x`): each pair becomes the tag `Schema=x`.
fn flatten_tags(out: &mut Translated, notes: &mut Notes) {
    let Some(tags) = out.entries.iter_mut().find(|entry| entry.key == "tags") else { return };
    let items = match &tags.value.value {
        Value::List(items) => items.clone(),
        Value::Map(_) => vec![tags.value.clone()],
        Value::Scalar(_) => return,
    };
    let mut words = Vec::new();
    for item in items {
        let Value::Map(pairs) = &item.value else {
            words.push(item);
            continue;
        };
        unread(notes, item.place, "a tag is a map: each of its pairs is read as a tag `key=value`");
        for pair in pairs {
            let value = pair.value.scalar().map_or_else(|| pair.value.to_json().to_string(), |s| s.text.clone());
            words.push(Node::text(pair.value.place, format!("{}={value}", pair.key)));
        }
    }
    tags.value = Node::list(tags.value.place, words);
}
