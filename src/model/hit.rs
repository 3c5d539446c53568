//! Hits: what a row is called, and what a run says of it.

use std::collections::HashMap;
use std::fmt;

use super::id::HitId;
use super::time::Timestamp;

/// What a run says of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HitKind {
    /// Its key was never seen in this hunt on this tenant.
    New,
    /// Its key is known and a counting column has another value.
    Changed,
    /// A complete result that would have held it doesn't.
    Gone,
    /// It was gone and is back.
    Returned,
}

impl HitKind {
    /// All, in the order of the reference.
    pub const ALL: [Self; 4] = [Self::New, Self::Changed, Self::Gone, Self::Returned];

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The name, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Returned => "returned",
        }
    }
}

impl fmt::Display for HitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A keyed hash of a row's counting columns (key and the rest, without `ignore`): two rows are
/// equal exactly when theirs are. The key is the database's secret, so nobody who writes rows can
/// prepare two that share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

/// The place of a hit among all hits of one hunt on one tenant, from 0, in the order in which
/// they were first seen.
pub type Ordinal = u32;

/// What is known of a hit after the last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHit {
    /// Its place.
    pub ordinal: Ordinal,
    /// The rows that bore its key in the last result that held it: sorted, distinct, nearly always
    /// one. A key that isn't unique has several.
    pub rows: Vec<Fingerprint>,
    /// The event time of its rows, where the result has a time column and all of them share one:
    /// only then can it be said whether a window of event time would hold the hit.
    pub event_time: Option<Timestamp>,
    /// Whether it is there, as far as is known: false after `gone`.
    pub present: bool,
}

/// All that is known of one hunt on one tenant: the state that a result is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownHits {
    /// By id.
    pub by_id: HashMap<HitId, KnownHit>,
    /// The ordinal that the next new hit takes.
    pub next: Ordinal,
}

impl KnownHits {
    /// Takes one step of the history: what [`HitDelta`] says, in the order in which they were made.
    pub fn apply(&mut self, delta: &HitDelta) {
        self.next = self.next.max(delta.ordinal.saturating_add(1));
        let known = KnownHit {
            ordinal: delta.ordinal,
            rows: delta.rows.clone(),
            event_time: delta.event_time,
            present: delta.kind != Some(HitKind::Gone),
        };
        self.by_id.insert(delta.hit, known);
    }
}

/// A step of a hit's history: its whole state after a run that moved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitDelta {
    /// The hit's id.
    pub hit: HitId,
    /// Its place.
    pub ordinal: Ordinal,
    /// What is said of it; `None` where the state moves and there is nothing to say.
    pub kind: Option<HitKind>,
    /// Its rows from now on; after `gone`, the last ones that it had.
    pub rows: Vec<Fingerprint>,
    /// The event time that all its rows share.
    pub event_time: Option<Timestamp>,
}

/// A hit that a run has something to say of, before it is decided whether anybody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The hit's place.
    pub ordinal: Ordinal,
    /// What the run says of it.
    pub kind: HitKind,
    /// The hash of its row's values in the hunt's `suppress.by` columns; `None` where the hunt
    /// suppresses nothing, or suppresses itself as a whole.
    pub group: Option<[u8; 16]>,
}

/// What a stored row record is: which hit, and what was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRecord {
    /// The hit's place.
    pub ordinal: Ordinal,
    /// What was said.
    pub kind: HitKind,
    /// The hit's id.
    pub hit: HitId,
}

/// Up to a thousand stored rows: their records, and their JSON texts, one a line, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowBlock {
    /// One a row, in order.
    pub records: Vec<RowRecord>,
    /// zstd of the rows' JSON objects, each ended by a line feed (JSON text has none inside).
    pub body: Vec<u8>,
}

/// A hit as it is told and listed.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The stable id.
    pub hit: HitId,
    /// The hunt.
    pub hunt: String,
    /// The tenant.
    pub tenant: String,
    /// What is said of it.
    pub kind: HitKind,
    /// The run that said it.
    pub run: String,
    /// When its key was first seen.
    pub first_seen: Timestamp,
    /// When it was last in a result.
    pub last_seen: Timestamp,
    /// The hunt's severity.
    pub severity: super::severity::Severity,
    /// The row, a JSON object: every column of the answer's schema, in its order, values unchanged,
    /// transport annotations dropped.
    pub row: Box<serde_json::value::RawValue>,
}
