//! Cuts an answer's body, which comes in pieces of any size, into rows: their exact bytes.
//!
//! A state machine over depth and keys, so that no text inside a row can pass for a member of the
//! answer. Promises: memory is bounded (one row, or one small member, at a time); [`Splitter::finish`]
//! is `Ok` only when the body was one complete JSON object, with nothing but white space behind it,
//! that held a schema and a list of objects. What stands inside a row is checked for brackets and
//! strings alone: whoever reads a row is its JSON parser.
//!
//! ```text
//! {"schema":[…],"results":[{row},{row}],"Stats":{…},"@odata.context":"…"}
//!   key     held  one level    exact bytes        held      checked, dropped
//! ```

mod member;
mod scan;

use std::time::Duration;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

use self::member::{Member, cpu, schema};
use self::scan::{Scan, is_blank};
use crate::model::row::{RowChunk, Schema};

/// Rows in one chunk.
const CHUNK_ROWS: usize = 256;
/// Bytes in one chunk; a chunk holds at least one row, however long.
const CHUNK_BYTES: usize = 256 * 1024;
/// The longest row: the service's own limit on a whole result is 50 MB of field bytes.
const ROW_CAP: usize = 64 * 1024 * 1024;
/// The longest schema, statistics, error or key.
const MEMBER_CAP: usize = 4 * 1024 * 1024;

/// Why a body is no whole answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The body ends inside the object.
    #[error("it ends after {at} bytes, inside the object")]
    Cut {
        /// How many bytes came.
        at: u64,
    },
    /// A byte that can't stand there.
    #[error("byte {at} isn't {wanted}")]
    Unexpected {
        /// The byte's place, from 0.
        at: u64,
        /// What could stand there.
        wanted: &'static str,
    },
    /// A member that is no JSON, or isn't of its form.
    #[error("the member before byte {at} is no {what}")]
    BadMember {
        /// The first byte behind it.
        at: u64,
        /// What it should be.
        what: &'static str,
    },
    /// More bytes than are held at once.
    #[error("a {what} is longer than {mebibytes} MiB")]
    TooLong {
        /// `row` or `member`.
        what: &'static str,
        /// The limit.
        mebibytes: usize,
    },
    /// A member twice: nobody can say which of the two counts.
    #[error("it has `{0}` twice")]
    Twice(&'static str),
    /// A member that every answer has.
    #[error("it has no `{0}`")]
    Lacks(&'static str),
}

/// What comes next. The three `In…` states run a [`Scan`]; the others wait for one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    FirstKey,
    Key,
    InKey,
    Colon,
    Value,
    InValue,
    FirstRow,
    Row,
    InRow,
    AfterRow,
    AfterValue,
    Done,
}

impl State {
    const fn wanted(self) -> &'static str {
        match self {
            Self::Start => "the `{` of a JSON object",
            Self::FirstKey | Self::Key | Self::InKey => "the `\"` of a key",
            Self::Colon => "the `:` behind a key",
            Self::Value | Self::InValue => "a value",
            Self::FirstRow | Self::Row | Self::InRow => "the `{` of a row",
            Self::AfterRow => "`,` or `]`",
            Self::AfterValue => "`,` or `}`",
            Self::Done => "the end of the body",
        }
    }
}

/// Cuts one body.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    scan: Scan,
    /// The bytes so far of a row, a key or a member that a piece's end cut in two.
    held: Vec<u8>,
    /// Whether a member that nobody asked for outgrew the cap: it is followed, and no longer held.
    dropped: bool,
    member: Member,
    seen: [bool; 4],
    at: u64,
    rows: u64,
    schema: Option<Schema>,
    cpu: Option<Duration>,
    error: Option<Value>,
}

/// What a whole body held beside rows and schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// How many rows there were.
    pub rows: u64,
    /// CPU spent, where `Stats` says so.
    pub cpu: Option<Duration>,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            state: State::Start,
            scan: Scan::default(),
            held: Vec::new(),
            dropped: false,
            member: Member::Other,
            seen: [false; 4],
            at: 0,
            rows: 0,
            schema: None,
            cpu: None,
            error: None,
        }
    }
}

impl Splitter {
    /// Takes bytes of `piece`, and adds the rows that end in them to `rows`; says how many it took.
    /// It takes them all unless `rows` is [`is_full`] first: then empty it and come again.
    pub fn feed(&mut self, piece: &Bytes, rows: &mut RowChunk) -> Result<usize, Malformed> {
        let mut rest = piece.as_ref();
        while !rest.is_empty() && !is_full(rows) {
            let took = match self.state {
                State::InRow => self.in_row(piece, rest, rows)?,
                State::InKey => self.in_key(rest)?,
                State::InValue => self.in_value(rest)?,
                _ => self.between(rest)?,
            };
            self.at += took as u64;
            rest = rest.get(took..).unwrap_or_default();
        }
        Ok(piece.len() - rest.len())
    }

    /// The schema, once, as soon as it has come.
    pub fn take_schema(&mut self) -> Option<Schema> {
        self.schema.take()
    }

    /// The `error` member, as soon as it has come: an answer that has one is none.
    #[must_use]
    pub fn error(&self) -> Option<&Value> {
        self.error.as_ref()
    }

    /// Says that the body is over.
    pub fn finish(&self) -> Result<Whole, Malformed> {
        if self.state != State::Done {
            return Err(Malformed::Cut { at: self.at });
        }
        for member in [Member::Schema, Member::Results] {
            if !self.seen.get(member as usize).is_some_and(|seen| *seen) {
                return Err(Malformed::Lacks(member.name()));
            }
        }
        Ok(Whole { rows: self.rows, cpu: self.cpu })
    }

    /// One byte between keys, values and rows; zero where the next state reads that byte itself.
    fn between(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let byte = rest.first().copied().unwrap_or_default();
        if is_blank(byte) {
            return Ok(1);
        }
        let (next, took) = match (self.state, byte) {
            (State::Start, b'{') => (State::FirstKey, 1),
            (State::FirstKey | State::Key, b'"') => (State::InKey, 0),
            (State::FirstKey | State::AfterValue, b'}') => (State::Done, 1),
            (State::Colon, b':') => (State::Value, 1),
            (State::Value, _) => return self.value_begins(byte),
            (State::FirstRow | State::Row, b'{') => (State::InRow, 0),
            (State::FirstRow | State::AfterRow, b']') => (State::AfterValue, 1),
            (State::AfterRow, b',') => (State::Row, 1),
            (State::AfterValue, b',') => (State::Key, 1),
            _ => return Err(self.unexpected()),
        };
        if took == 0 {
            self.scan = Scan::default();
        }
        self.state = next;
        Ok(took)
    }

    fn value_begins(&mut self, byte: u8) -> Result<usize, Malformed> {
        if self.member == Member::Results {
            // Also `null` is refused: an answer without rows has an empty list.
            if byte != b'[' {
                return Err(Malformed::Unexpected { at: self.at, wanted: "the `[` of the rows" });
            }
            self.state = State::FirstRow;
            return Ok(1);
        }
        self.state = State::InValue;
        self.scan = Scan::default();
        self.dropped = false;
        Ok(0)
    }

    fn in_row(&mut self, piece: &Bytes, rest: &[u8], rows: &mut RowChunk) -> Result<usize, Malformed> {
        let end = self.run(rest)?;
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if self.held.len() + part.len() > ROW_CAP {
            return Err(Malformed::TooLong { what: "row", mebibytes: ROW_CAP >> 20 });
        }
        match end {
            // A row in one piece isn't copied.
            Some(_) if self.held.is_empty() => rows.add(piece.slice_ref(part)),
            _ => self.held.extend_from_slice(part),
        }
        if end.is_some() {
            if !self.held.is_empty() {
                rows.push(&self.held);
                self.let_go();
            }
            self.rows += 1;
            self.state = State::AfterRow;
        }
        Ok(part.len())
    }

    fn in_key(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let end = self.run(rest)?;
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.hold(part)?;
        if end.is_some() {
            let key: String = serde_json::from_slice(&self.held).map_err(|_| self.bad(part, "key"))?;
            self.let_go();
            self.member = Member::of(&key);
            if let Some(seen) = self.seen.get_mut(self.member as usize) {
                if *seen {
                    return Err(Malformed::Twice(self.member.name()));
                }
                *seen = true;
            }
            self.state = State::Colon;
        }
        Ok(part.len())
    }

    fn in_value(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let end = self.run(rest)?;
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if self.member == Member::Other && self.held.len() + part.len() > MEMBER_CAP {
            self.dropped = true;
            self.let_go();
        }
        if !self.dropped {
            self.hold(part)?;
        }
        if end.is_some() {
            self.value_ends(part)?;
            self.let_go();
            self.state = State::AfterValue;
        }
        Ok(part.len())
    }

    fn value_ends(&mut self, part: &[u8]) -> Result<(), Malformed> {
        let value = || serde_json::from_slice::<Value>(&self.held);
        match self.member {
            Member::Schema => {
                let schema = value().ok().as_ref().and_then(schema).ok_or_else(|| self.bad(part, "schema"))?;
                self.schema = Some(schema);
            }
            Member::Stats => {
                self.cpu = cpu(&value().map_err(|_| self.bad(part, "JSON"))?);
            }
            Member::Error => {
                // Some services write `"error": null` beside a good answer.
                self.error = Some(value().map_err(|_| self.bad(part, "JSON"))?).filter(|error| !error.is_null());
            }
            Member::Results | Member::Other => {
                if !self.dropped && serde_json::from_slice::<IgnoredAny>(&self.held).is_err() {
                    return Err(self.bad(part, "JSON"));
                }
            }
        }
        Ok(())
    }

    fn run(&mut self, rest: &[u8]) -> Result<Option<usize>, Malformed> {
        self.scan.run(rest).map_err(|at| Malformed::Unexpected {
            at: self.at + at as u64,
            wanted: "a value or the bracket that closes it",
        })
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), Malformed> {
        if self.held.len() + part.len() > MEMBER_CAP {
            return Err(Malformed::TooLong { what: "member", mebibytes: MEMBER_CAP >> 20 });
        }
        self.held.extend_from_slice(part);
        Ok(())
    }

    /// Empties `held`; gives a big buffer back, so that one long row doesn't cost its length for good.
    fn let_go(&mut self) {
        self.held.clear();
        self.held.shrink_to(CHUNK_BYTES);
    }

    fn unexpected(&self) -> Malformed {
        Malformed::Unexpected { at: self.at, wanted: self.state.wanted() }
    }

    fn bad(&self, part: &[u8], what: &'static str) -> Malformed {
        Malformed::BadMember { at: self.at + part.len() as u64, what }
    }
}

/// Whether a chunk is to be handed on before more is added.
#[must_use]
pub fn is_full(rows: &RowChunk) -> bool {
    rows.len() >= CHUNK_ROWS || rows.byte_len() >= CHUNK_BYTES
}

#[cfg(test)]
mod tests;
