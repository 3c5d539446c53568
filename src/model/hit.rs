//! Hits: what a row is called, and what a run says of it.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::id::HitId;
use super::row::Schema;
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

impl Fingerprint {
    /// Of a row in which nothing counts but what the key holds: the hit's id says all of it. No keyed hash is likelier
    /// to be this one than any other.
    pub const OF_KEY: Self = Self([0; 16]);
}

/// A keyed hash of a row's bytes as the API sent them, and of all that decides how they are read (the hunt's rule of
/// identity, the answer's schema): where it is known, the row needs no reading. The key is the database's secret, so
/// nobody who writes rows can prepare two that share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RawHash(pub [u8; 16]);

impl RawHash {
    /// Of no row.
    pub const NONE: Self = Self([0; 16]);

    /// Its first eight bytes: as good a hash for a table as any, as it is keyed.
    #[must_use]
    pub fn table_hash(self) -> u64 {
        self.0.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

/// The place of a hit among all hits of one hunt on one tenant, from 0, in the order in which
/// they were first seen.
pub type Ordinal = u32;

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
    /// The bytes of its only row, hashed; of none where it has several, or they aren't known.
    pub raw: RawHash,
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
}

/// Up to a thousand stored rows of one schema: their records, and their values, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowBlock {
    /// One a row, in order.
    pub records: Vec<RowRecord>,
    /// The columns that the rows have.
    pub schema: Arc<Schema>,
    /// The rows' values: see [`block`](crate::rules::block).
    pub body: Body,
    /// Which values may stand in the rows: see [`sieve`](crate::rules::sieve).
    pub sieve: Vec<u8>,
}

/// The compressed values of a block: a hundred thousand rows have some ten megabytes of them, which needn't stay in
/// memory until the run is committed.
#[derive(Debug, Clone)]
pub enum Body {
    /// In memory.
    Here(Vec<u8>),
    /// Put aside.
    Aside {
        /// Where.
        aside: Arc<dyn Aside>,
        /// Its place there.
        place: u64,
        /// How many bytes it has.
        length: usize,
    },
}

/// Keeps bytes out of memory for as long as a run lasts.
pub trait Aside: Send + Sync + fmt::Debug {
    /// Puts bytes aside and says where they are.
    fn put(&self, bytes: &[u8]) -> io::Result<u64>;

    /// Gets `length` bytes from `place` back.
    fn get(&self, place: u64, length: usize) -> io::Result<Vec<u8>>;
}

impl Body {
    /// The bytes, in memory.
    pub fn bytes(&self) -> io::Result<std::borrow::Cow<'_, [u8]>> {
        match self {
            Self::Here(bytes) => Ok(bytes.into()),
            Self::Aside { aside, place, length } => Ok(aside.get(*place, *length)?.into()),
        }
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.bytes(), other.bytes()), (Ok(one), Ok(two)) if one == two)
    }
}

impl Eq for Body {}

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
