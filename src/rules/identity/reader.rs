//! Reads rows: their ids, fingerprints and texts.

use std::collections::HashMap;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::canonical::{Canon, Cell};
use super::flat::{self, Member};
use super::json::{self, Span};
use super::members::Members;
use super::raw::{KeyedHash, RawHasher};
use super::rule::{Columns, IdentityError, IdentityRule};
use super::scalar;
use super::text;
use super::time::Instant;
use crate::model::hit::{Fingerprint, RawHash};
use crate::model::id::{HitId, HuntId, TenantName};
use crate::model::row::{ColumnType, Schema};
use crate::model::time::Timestamp;

/// Why a row can't be read. Each means that the body is broken: nothing of it may be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// It isn't JSON.
    #[error("it is no JSON: {0}")]
    NotJson(String),
    /// It is JSON and no object.
    #[error("it is no JSON object")]
    NotAnObject,
    /// A column stands there twice: one of the two values would be lost.
    #[error("it has the column `{0}` twice")]
    DoubleColumn(String),
    /// A key fits several columns, and none exactly.
    #[error("its key `{0}` fits several columns, and none exactly")]
    Ambiguous(String),
    /// The answer's schema names no column, and there is a row.
    #[error("the answer's schema names no column")]
    NoColumns,
}

/// What the comparison needs of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFacts {
    /// The hit that the row is.
    pub hit: HitId,
    /// Its contents, as far as they count.
    pub fingerprint: Fingerprint,
    /// When the event happened, where a column says so.
    pub event_time: Option<Timestamp>,
    /// Its group of suppression, where the hunt suppresses by columns.
    pub group: Option<[u8; 16]>,
    /// How long after the event the row arrived, zero where it says before; where it says both times.
    pub lateness: Option<Duration>,
}

/// A row that was read.
#[derive(Debug)]
pub struct ReadRow<'a> {
    /// What the comparison needs.
    pub facts: RowFacts,
    raw: &'a [u8],
    reader: &'a mut RowReader,
}

impl ReadRow<'_> {
    /// Adds the row's values to `out`, each to the place of its column in the schema: null for what the row lacks;
    /// as the API sent them, without the annotations of Graph's transport and without white space between tokens, so
    /// that no line feed is inside.
    pub fn write_values(&mut self, out: &mut [Vec<u8>]) {
        for (column, out) in self.reader.columns.iter().zip(out) {
            match column.value {
                Found::No => out.extend_from_slice(b"null"),
                Found::Exact(member) | Found::Folded(member) => {
                    text::write_value(member.value.of(self.raw), &mut self.reader.members, out);
                }
            }
        }
    }
}

/// Where the value of a column stands in the row at hand.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// The row lacks it.
    No,
    /// Under a key that differs from the column's name in case.
    Folded(Member),
    /// Under the column's own name.
    Exact(Member),
}

#[derive(Debug)]
struct ColumnReader {
    name: String,
    /// A key with its bytes means it: they have no backslash.
    plain: bool,
    kind: ColumnType,
    /// Its arrays have no order.
    set: bool,
    /// What goes into hashes before the value: the canonical name and its length.
    prefix: Vec<u8>,
    value: Found,
    /// The place of prefix and canonical value among `forms`; empty where the value is nothing.
    form: Span,
}

/// What a key without regard to case means.
#[derive(Debug, Clone, Copy)]
enum Folded {
    One(usize),
    Several,
}

/// Reads the rows of one result. Holds memory that is used again from row to row.
#[derive(Debug)]
pub struct RowReader {
    columns: Vec<ColumnReader>,
    exact: HashMap<Vec<u8>, usize>,
    folded: HashMap<Vec<u8>, Folded>,
    key: Vec<usize>,
    counting: Vec<usize>,
    /// Those that count and aren't in the key.
    rest: Vec<usize>,
    group: Option<Vec<usize>>,
    /// Every column that goes into some hash.
    hashed: Vec<usize>,
    time: Option<usize>,
    /// Event time and arrival, where both are asked for.
    arrival: Option<(usize, usize)>,
    /// Hashes begun with what is the same for all rows.
    hit_hash: Sha256,
    /// Keyed, as nobody need compute a fingerprint or a group again elsewhere.
    fingerprint_hash: KeyedHash,
    /// Of rows as they are sent: begun with the secret, and all that decides how they are read.
    raw_hash: RawHasher,
    group_hash: KeyedHash,
    /// The members of the row at hand.
    found: Vec<Member>,
    forms: Vec<u8>,
    decoded: Vec<u8>,
    canon: Canon,
    members: Members,
}

/// Columns that hold the time of an event, best first.
const TIME_COLUMNS: [&str; 3] = ["Timestamp", "TimeGenerated", "ActivityTimestamp"];

impl RowReader {
    /// A reader of the rows of `hunt` on `tenant` with the columns of `schema`. `secret` is the
    /// database's: fingerprints and groups are keyed with it, ids are not.
    pub fn new(
        tenant: &TenantName,
        hunt: &HuntId,
        rule: &IdentityRule,
        schema: &Schema,
        secret: &[u8; 32],
    ) -> Result<Self, IdentityError> {
        let Columns { key, counting, group, names, sets, arrival } = Columns::resolve(rule, schema)?;
        // In the order in which they are hashed, so that the forms of all that counts lie in one piece.
        let mut hashed = counting.clone();
        hashed.extend(group.iter().flatten().filter(|at| !counting.contains(at)));
        let place = [tenant.as_str().as_bytes(), hunt.as_str().as_bytes()];
        let keyed = [secret.as_slice(), place[0], place[1]];
        Ok(Self {
            columns: schema
                .columns
                .iter()
                .zip(&names)
                .enumerate()
                .map(|(at, (column, name))| ColumnReader::new(column, name, sets.contains(&at)))
                .collect(),
            exact: schema
                .columns
                .iter()
                .enumerate()
                .map(|(at, column)| (column.name.clone().into_bytes(), at))
                .collect(),
            folded: folded(schema),
            rest: counting.iter().copied().filter(|at| !key.contains(at)).collect(),
            key,
            counting,
            group,
            hashed,
            time: time_column(schema),
            arrival,
            hit_hash: begun("huntd hit v1", &place),
            fingerprint_hash: KeyedHash::new("huntd fingerprint v2", &keyed),
            group_hash: KeyedHash::new("huntd suppress group v2", &keyed),
            raw_hash: RawHasher::new(secret, &place, rule, schema),
            found: Vec::new(),
            forms: Vec::new(),
            decoded: Vec::new(),
            canon: Canon::default(),
            members: Members::default(),
        })
    }

    /// The names of the columns, in the order of the schema.
    #[cfg(test)]
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The hash of a row's bytes, unread. Where a row with the same was read before, under the same rule and schema,
    /// this one is the same in all that counts; a row that can't be read has a hash that no other row has.
    #[must_use]
    pub fn raw(&self, row: &[u8]) -> RawHash {
        self.raw_hash.of(row)
    }

    /// Reads one row as the API sent it. Keys that the schema doesn't name (Graph's annotations) are
    /// passed over; a column that the row lacks is null.
    pub fn read<'a>(&'a mut self, raw: &'a [u8]) -> Result<ReadRow<'a>, RowError> {
        let raw = json::trim(raw);
        let text = std::str::from_utf8(raw).map_err(|error| RowError::NotJson(error.to_string()))?;
        if raw.first() != Some(&b'{') {
            json::validate(text).map_err(|error| RowError::NotJson(error.to_string()))?;
            return Err(RowError::NotAnObject);
        }
        self.place_values(text)?;
        if self.columns.is_empty() {
            return Err(RowError::NoColumns);
        }
        self.write_forms(raw);
        let facts = self.facts(raw);
        Ok(ReadRow { facts, raw, reader: self })
    }

    /// Finds the place of each column's value, and that all of the row is valid JSON.
    fn place_values(&mut self, row: &str) -> Result<(), RowError> {
        for column in &mut self.columns {
            column.value = Found::No;
        }
        let mut next = 0;
        let mut found = std::mem::take(&mut self.found);
        if flat::members(row, &mut found) {
            found.iter().try_for_each(|member| self.place(row.as_bytes(), *member, &mut next))?;
            self.found = found;
            return Ok(());
        }
        let is_plain = false;
        json::each_member(row, |name, value| self.place(row.as_bytes(), Member { name, value, is_plain }, &mut next))
            .map_err(|error| RowError::NotJson(error.to_string()))?
    }

    /// Notes the place of one value; `next` is the column that is expected, and then the one behind it.
    fn place(&mut self, row: &[u8], member: Member, next: &mut usize) -> Result<(), RowError> {
        let key = member.name.of(row);
        // Rows mostly have their columns in the schema's order.
        let is_next = |column: &ColumnReader| column.plain && column.name.as_bytes() == key;
        let expected = self.columns.get(*next).is_some_and(is_next);
        let Some((at, exact)) = (if expected { Some((*next, true)) } else { self.column_of(key)? }) else {
            return Ok(());
        };
        *next = at + 1;
        let Some(column) = self.columns.get_mut(at) else { return Ok(()) };
        column.value = match (column.value, exact) {
            (Found::No | Found::Folded(_), true) => Found::Exact(member),
            (Found::No, false) => Found::Folded(member),
            // A key of another spelling beside the column's own is no column of this result.
            (Found::Exact(own), false) => Found::Exact(own),
            (Found::Exact(_), true) | (Found::Folded(_), false) => {
                return Err(RowError::DoubleColumn(shown(column.name.as_bytes())));
            }
        };
        Ok(())
    }

    /// The column of a key, and whether it is spelt exactly so; `None` for a key of no column.
    fn column_of(&mut self, raw: &[u8]) -> Result<Option<(usize, bool)>, RowError> {
        self.decoded.clear();
        json::decode(raw, &mut self.decoded);
        // An escape may spell a plain name, and control characters are always escaped: so the
        // decoded key decides.
        if let Some(at) = self.exact.get(&self.decoded) {
            return Ok(Some((*at, true)));
        }
        self.decoded.make_ascii_lowercase();
        match self.folded.get(&self.decoded) {
            Some(Folded::One(at)) => Ok(Some((*at, false))),
            Some(Folded::Several) => Err(RowError::Ambiguous(shown(raw))),
            None => Ok(None),
        }
    }

    /// Writes the canonical forms of all columns that go into some hash.
    fn write_forms(&mut self, raw: &[u8]) {
        self.forms.clear();
        for at in &self.hashed {
            let Some(column) = self.columns.get_mut(*at) else { continue };
            let start = self.forms.len();
            if let Found::Exact(member) | Found::Folded(member) = column.value {
                self.forms.extend_from_slice(&column.prefix);
                let value = Cell { text: member.value.of(raw), is_plain: member.is_plain };
                if !self.canon.column(&column.kind, column.set, value, &mut self.forms) {
                    self.forms.truncate(start);
                }
            }
            column.form = Span { start, end: self.forms.len() };
        }
    }

    fn facts(&mut self, raw: &[u8]) -> RowFacts {
        let is_empty = |at: &usize| self.columns.get(*at).is_none_or(|column| column.form.start == column.form.end);
        // A key that is nothing names nothing: all rows without one would be a single hit, whose later
        // rows are at most changes. Such a row is known by all that counts.
        let key = if self.key.iter().all(is_empty) { &self.counting } else { &self.key };
        let mut hit_hash = self.hit_hash.clone();
        self.pieces(key, &mut |piece| hit_hash.update(piece));
        let key: [u8; 32] = hit_hash.finalize().into();
        // Where nothing counts but what the key holds, the hit's id says all of it: no second pass.
        let fingerprint = if self.rest.iter().all(is_empty) {
            Fingerprint::OF_KEY
        } else {
            Fingerprint(self.fingerprint_hash.of_pieces(|take| self.pieces(&self.counting, take)))
        };
        let group = self.group.as_ref().map(|columns| self.group_hash.of_pieces(|take| self.pieces(columns, take)));
        RowFacts {
            hit: HitId(first(&key)),
            fingerprint,
            event_time: self.time.and_then(|at| self.time_in(at, raw)),
            group,
            lateness: self
                .arrival
                .and_then(|(event, arrived)| Some(self.time_in(arrived, raw)?.since(self.time_in(event, raw)?))),
        }
    }

    /// Hands out the forms of some columns, those that lie together in one piece.
    fn pieces(&self, columns: &[usize], take: &mut dyn FnMut(&[u8])) {
        let mut piece = Span { start: 0, end: 0 };
        for column in columns.iter().filter_map(|at| self.columns.get(*at)) {
            if column.form.start == piece.end {
                piece.end = column.form.end;
            } else {
                take(piece.of(&self.forms));
                piece = column.form;
            }
        }
        take(piece.of(&self.forms));
    }

    /// The time that stands in a column of the row at hand.
    fn time_in(&mut self, column: usize, raw: &[u8]) -> Option<Timestamp> {
        let (Found::Exact(member) | Found::Folded(member)) = self.columns.get(column)?.value else { return None };
        let inside = member.value.of(raw).strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        self.decoded.clear();
        json::decode(inside, &mut self.decoded);
        Instant::parse(&self.decoded).and_then(Instant::nanos).map(Timestamp::from_nanos)
    }
}

impl ColumnReader {
    fn new(column: &crate::model::row::Column, canonical: &str, set: bool) -> Self {
        let mut prefix = Vec::new();
        scalar::write_length(canonical.len(), &mut prefix);
        prefix.extend_from_slice(canonical.as_bytes());
        Self {
            name: column.name.clone(),
            plain: !column.name.contains('\\'),
            kind: column.kind.clone(),
            set,
            prefix,
            value: Found::No,
            form: Span { start: 0, end: 0 },
        }
    }
}

fn folded(schema: &Schema) -> HashMap<Vec<u8>, Folded> {
    let mut folded = HashMap::new();
    for (at, column) in schema.columns.iter().enumerate() {
        let entry = folded.entry(column.name.to_ascii_lowercase().into_bytes());
        entry.and_modify(|meant| *meant = Folded::Several).or_insert(Folded::One(at));
    }
    folded
}

fn time_column(schema: &Schema) -> Option<usize> {
    let is_time = |at: &usize| schema.columns.get(*at).is_some_and(|column| column.kind == ColumnType::DateTime);
    let named = |name: &str| schema.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    TIME_COLUMNS.iter().find_map(|name| named(name).filter(is_time))
}

/// A hash that has taken a domain and length-prefixed parts, as [`crate::model::id::digest`] does.
pub(super) fn begun(domain: &str, parts: &[&[u8]]) -> Sha256 {
    let mut hash = Sha256::new();
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash
}

/// The first bytes of a hash.
fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(hash) {
        *to = *from;
    }
    out
}

/// A key for a message: escaped, and cut to a length that a line can bear.
fn shown(key: &[u8]) -> String {
    let text = String::from_utf8_lossy(key);
    let cut: String = text.chars().take(80).collect();
    let more = if cut.len() < text.len() { "..." } else { "" };
    format!("{}{more}", cut.escape_debug())
}
