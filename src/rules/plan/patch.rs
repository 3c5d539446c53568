//! Suggestions as edits of the hunts' files: one value, or one line, and nothing else.
//!
//! Every edit is read again before it is said: the file must hold what it held, with the one value changed.

use std::collections::BTreeMap;

use super::diff::{Replacement, edited};
use super::suggest::Suggestion;
use crate::model::hunt::{Hunt, Source};
use crate::model::id::HuntId;
use crate::model::place::Place;
use crate::rules::definition::HuntFile;
use crate::rules::yaml::{self, Document, Entry, Style, Value};

/// A file with its edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched<'a> {
    /// The file.
    pub file: &'a HuntFile,
    /// Its text.
    pub text: &'a str,
    /// Its edits, in order.
    pub edits: Vec<Replacement>,
}

/// The files with their edits, by path, and the hunts for which none could be made.
#[must_use]
pub fn patch<'a>(
    files: &'a [HuntFile],
    hunts: &BTreeMap<&HuntId, &Hunt>,
    suggestions: &[Suggestion],
) -> (Vec<Patched<'a>>, Vec<HuntId>) {
    let mut patched: BTreeMap<&std::path::Path, Patched<'a>> = BTreeMap::new();
    let mut left = Vec::new();
    for suggestion in suggestions {
        let source = hunts.get(&suggestion.hunt).map(|hunt| &hunt.source);
        let found = source.and_then(|source| {
            let file = files.iter().find(|file| file.shown == source.file)?;
            let text = std::str::from_utf8(&file.bytes).ok()?;
            Some((file, text, edit(text, source, suggestion)?))
        });
        let Some((file, text, edit)) = found else {
            left.push(suggestion.hunt.clone());
            continue;
        };
        let entry = patched.entry(&file.shown).or_insert(Patched { file, text, edits: Vec::new() });
        entry.edits.push(edit);
    }
    let mut patched: Vec<Patched<'a>> = patched.into_values().collect();
    for file in &mut patched {
        file.edits.sort_by_key(|edit| edit.line);
    }
    (patched, left)
}

/// The edit of one hunt, which reads back as it is meant.
fn edit(text: &str, source: &Source, suggestion: &Suggestion) -> Option<Replacement> {
    let documents = yaml::parse(text.as_bytes());
    let at = documents.iter().position(|document| first_line(document) == Some(source.line))?;
    let entries = documents.get(at)?.root.as_ref()?.entries()?;
    let lines = Lines(text.split_inclusive('\n').collect());
    let (key, value) = (suggestion.change.key(), suggestion.change.value());
    let tries = match entries.iter().find(|entry| entry.key == key) {
        Some(entry) => vec![lines.replaced(entry, &value)],
        None => vec![
            lines.added_after(anchor(entries), key, &value),
            lines.added_before(entries.first(), key, &value),
            lines.added_inside(entries.first(), key, &value),
        ],
    };
    tries.into_iter().flatten().find(|edit| reads_back(text, edit, &documents, at, (key, &value)))
}

fn first_line(document: &Document) -> Option<u32> {
    Some(document.root.as_ref()?.entries()?.first()?.key_place.line)
}

/// Whether the edited text holds the documents that it held, with one value changed.
fn reads_back(text: &str, edit: &Replacement, before: &[Document], at: usize, set: (&str, &str)) -> bool {
    let after = yaml::parse(edited(text, std::slice::from_ref(edit)).as_bytes());
    let same = |(index, (before, after)): (usize, (&Document, &Document))| {
        if !after.problems.is_empty() {
            return false;
        }
        if index != at {
            return values(before, None) == values(after, None);
        }
        let (key, value) = set;
        values(before, Some(key)) == values(after, Some(key)) && value_of(after, key).as_deref() == Some(value)
    };
    before.len() == after.len() && before.iter().zip(&after).enumerate().all(same)
}

/// All that a document says, but for one key.
fn values(document: &Document, but: Option<&str>) -> Vec<(String, serde_json::Value)> {
    let entries = document.root.as_ref().and_then(|root| root.entries()).unwrap_or_default();
    let kept = entries.iter().filter(|entry| Some(entry.key.as_str()) != but);
    kept.map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
}

fn value_of(document: &Document, key: &str) -> Option<String> {
    let node = document.root.as_ref()?.get(key)?;
    node.scalar().map(|scalar| scalar.text.clone())
}

/// Keys after which a line of timing stands well, best first: Sentinel's among them.
const ANCHORS: [&str; 12] = [
    "schedule",
    "queryFrequency",
    "timezone",
    "lookback",
    "queryPeriod",
    "late",
    "catch_up",
    "severity",
    "description",
    "name",
    "id",
    "enabled",
];

/// The entry after whose line another may stand: one whose value ends in the line in which its key begins.
fn anchor(entries: &[Entry]) -> Option<&Entry> {
    let in_line = |entry: &&Entry| {
        let Place { line, end_line, .. } = entry.value.place;
        matches!(&entry.value.value, Value::Scalar(scalar) if matches!(scalar.style, Style::Plain | Style::Quoted))
            && entry.key_place.line == line
            && line == end_line
    };
    ANCHORS.into_iter().find_map(|key| entries.iter().filter(in_line).find(|entry| entry.key == key))
}

/// The lines of a file.
struct Lines<'a>(Vec<&'a str>);

impl Lines<'_> {
    fn get(&self, number: u32) -> Option<(usize, &str)> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some((index, self.0.get(index)?))
    }

    /// The value of an entry replaced, in the quotation marks that it had.
    fn replaced(&self, entry: &Entry, value: &str) -> Option<Replacement> {
        let Place { line, column, end_line, end_column } = entry.value.place;
        if line != end_line {
            return None;
        }
        let (index, text) = self.get(line)?;
        let (from, to) = (byte(text, column)?, byte(text, end_column)?);
        let old = text.get(from..to)?;
        let plain = value.starts_with(|c: char| c.is_ascii_alphanumeric());
        let written = match old.chars().next() {
            Some('\'') => format!("'{value}'"),
            Some('"') => yaml::quoted(value),
            _ if plain => value.to_owned(),
            _ => yaml::quoted(value),
        };
        let line = format!("{}{written}{}", text.get(..from)?, text.get(to..)?);
        Some(Replacement { line: index, count: 1, lines: vec![line] })
    }

    /// A line of its own after that of `entry`.
    fn added_after(&self, entry: Option<&Entry>, key: &str, value: &str) -> Option<Replacement> {
        let (index, text) = self.get(entry?.key_place.line)?;
        let indent = indent(text, entry?.key_place.column)?;
        let new = format!("{indent}{}", pair(key, value));
        let end = if text.ends_with("\r\n") { "\r\n" } else { "\n" };
        if text.ends_with('\n') {
            return Some(Replacement { line: index + 1, count: 0, lines: vec![new + end] });
        }
        // The file's last line, which has no end: it gets one, and the new last line has none.
        Some(Replacement { line: index, count: 1, lines: vec![format!("{text}{end}"), new] })
    }

    /// A line of its own before that of `entry`.
    fn added_before(&self, entry: Option<&Entry>, key: &str, value: &str) -> Option<Replacement> {
        let (index, text) = self.get(entry?.key_place.line)?;
        let indent = indent(text, entry?.key_place.column)?;
        let end = if text.ends_with("\r\n") { "\r\n" } else { "\n" };
        Some(Replacement { line: index, count: 0, lines: vec![format!("{indent}{}{end}", pair(key, value))] })
    }

    /// In the braces of a map on one line, or of JSON.
    fn added_inside(&self, entry: Option<&Entry>, key: &str, value: &str) -> Option<Replacement> {
        let place = entry?.key_place;
        let (index, text) = self.get(place.line)?;
        let at = byte(text, place.column)?;
        let (head, tail) = (text.get(..at)?, text.get(at..)?);
        let pair = if tail.starts_with('"') { format!("\"{key}\": {}", yaml::quoted(value)) } else { pair(key, value) };
        Some(Replacement { line: index, count: 1, lines: vec![format!("{head}{pair}, {tail}")] })
    }
}

fn pair(key: &str, value: &str) -> String {
    let value = if key == "splay" { value.to_owned() } else { yaml::quoted(value) };
    format!("{key}: {value}")
}

/// Where the character of a column, from 1, begins in a line.
fn byte(text: &str, column: u32) -> Option<usize> {
    let nth = usize::try_from(column).ok()?.checked_sub(1)?;
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(nth)
}

/// The blanks before a column, where nothing else stands there.
fn indent(text: &str, column: u32) -> Option<&str> {
    let head = text.get(..byte(text, column)?)?;
    head.trim_matches(' ').is_empty().then_some(head)
}
