//! From two sides of a hit to what changed.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::model::hit::Ordinal;
use crate::model::id::HitId;
use crate::rules::render::cells::Cells;

/// What became of a hit between the two results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the later result holds it.
    New,
    /// Both hold it, with other values.
    Changed,
    /// Only the earlier result holds it.
    Gone,
}

impl ChangeKind {
    /// The word, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// A hit in one result, with its rows as far as they are still stored: none where they are past their retention, and
/// several where several rows bore one key.
#[derive(Debug, Default)]
pub struct Side {
    rows: BTreeMap<Ordinal, Vec<Box<RawValue>>>,
    ids: BTreeMap<Ordinal, HitId>,
}

impl Side {
    /// Rows by ordinal, as the store gives them.
    #[must_use]
    pub fn new(rows: Vec<(Ordinal, HitId, Box<RawValue>)>) -> Self {
        let mut side = Self::default();
        for (ordinal, hit, row) in rows {
            side.ids.insert(ordinal, hit);
            side.rows.entry(ordinal).or_default().push(row);
        }
        side
    }

    fn take(&mut self, ordinal: Ordinal) -> Vec<Box<RawValue>> {
        self.rows.remove(&ordinal).unwrap_or_default()
    }
}

/// What became of one row of a hit.
#[derive(Debug, Clone)]
pub struct Change {
    /// The hit; none where its rows are past their retention, and nobody named it.
    pub hit: Option<HitId>,
    /// What became of it.
    pub kind: ChangeKind,
    /// The row in the earlier result.
    pub before: Option<Box<RawValue>>,
    /// The row in the later result.
    pub row: Option<Box<RawValue>>,
    /// The columns whose values differ, in the order of the later row.
    pub changed: Vec<String>,
    /// Whether a row that should be here is past its retention.
    pub expired: bool,
}

/// What became of the hits in `ordinals`, which the earlier result holds where `held.0` says so and the later one
/// where `held.1` does. By ordinal: in the order in which hits were first seen.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "closures that are made for the call")]
pub fn changes(
    ordinals: impl Iterator<Item = Ordinal>,
    held: (impl Fn(Ordinal) -> bool, impl Fn(Ordinal) -> bool),
    (mut before, mut after): (Side, Side),
) -> Vec<Change> {
    let mut all = Vec::new();
    for ordinal in ordinals {
        let hit = after.ids.get(&ordinal).or_else(|| before.ids.get(&ordinal)).copied();
        let (old, new) = (before.take(ordinal), after.take(ordinal));
        match (held.0(ordinal), held.1(ordinal)) {
            (false, true) => one_sided(hit, ChangeKind::New, new, &mut all),
            (true, false) => one_sided(hit, ChangeKind::Gone, old, &mut all),
            (true, true) => both(hit, old, new, &mut all),
            (false, false) => {}
        }
    }
    all
}

/// A hit that one result alone holds: a change for each of its rows.
fn one_sided(hit: Option<HitId>, kind: ChangeKind, rows: Vec<Box<RawValue>>, all: &mut Vec<Change>) {
    let expired = rows.is_empty();
    let rows = rows.into_iter().map(Some).chain(expired.then_some(None));
    all.extend(rows.map(|row| {
        let (before, row) = if kind == ChangeKind::Gone { (row, None) } else { (None, row) };
        Change { hit, kind, before, row, changed: Vec::new(), expired }
    }));
}

/// A hit that both results hold. Rows that are the same on both sides say nothing; what is left of the two is laid
/// side by side in order.
fn both(hit: Option<HitId>, mut old: Vec<Box<RawValue>>, mut new: Vec<Box<RawValue>>, all: &mut Vec<Change>) {
    let expired = old.is_empty() || new.is_empty();
    if old.is_empty() && new.is_empty() {
        all.push(Change { hit, kind: ChangeKind::Changed, before: None, row: None, changed: Vec::new(), expired });
        return;
    }
    new.retain(|row| match old.iter().position(|other| differing(other, row).is_empty()) {
        Some(at) => {
            old.remove(at);
            false
        }
        None => true,
    });
    let (mut old, mut new) = (old.into_iter(), new.into_iter());
    loop {
        let (before, row) = (old.next(), new.next());
        if before.is_none() && row.is_none() {
            return;
        }
        let changed = match (&before, &row) {
            (Some(before), Some(row)) => differing(before, row),
            _ => Vec::new(),
        };
        all.push(Change { hit, kind: ChangeKind::Changed, before, row, changed, expired });
    }
}

/// The columns in which two rows differ. What is nothing (null, an empty text, an empty bag) is the same as a column
/// that isn't there.
fn differing(before: &RawValue, row: &RawValue) -> Vec<String> {
    let (before, row) = (Cells::of(before), Cells::of(row));
    let mut old: BTreeMap<&str, String> = BTreeMap::new();
    for cell in before.iter() {
        old.insert(cell.name(), value(&cell.text()));
    }
    let mut changed: Vec<String> = Vec::new();
    for cell in row.iter() {
        if old.remove(cell.name()).unwrap_or_default() != value(&cell.text()) {
            changed.push(cell.name().to_owned());
        }
    }
    // In the order of the earlier row.
    changed.extend(
        before
            .iter()
            .filter(|cell| old.get(cell.name()).is_some_and(|value| !value.is_empty()))
            .map(|cell| cell.name().to_owned()),
    );
    changed
}

fn value(text: &str) -> String {
    if text == "{}" { String::new() } else { text.to_owned() }
}
