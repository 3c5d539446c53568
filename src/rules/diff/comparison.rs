//! The comparison of one result.

use std::borrow::Borrow;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use roaring::RoaringBitmap;

use super::seen::Contents;
use crate::model::hit::{Fingerprint, HitDelta, HitKind, Ordinal, RawHash};
use crate::model::id::HitId;
use crate::model::known::{Deltas, KnownHit, KnownHits};
use crate::model::time::{Timestamp, Window};

/// What a result would have held: decides what it means that something isn't in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything that the hunt finds: what isn't in it is gone.
    Whole,
    /// Everything whose event time lies in the window: what lies outside may be there or not.
    Window(Window),
    /// Nothing for certain: the result is cut, or may be. It adds, and takes nothing away.
    Adds,
}

impl Scope {
    /// Whether the result would have held all contents of a hit with this event time.
    fn holds(self, event_time: Option<Timestamp>) -> bool {
        match self {
            Self::Whole => true,
            Self::Window(window) => event_time.is_some_and(|at| window.contains(at)),
            Self::Adds => false,
        }
    }
}

/// What a row is against what was known and what this result has brought already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// Its key was never seen; or the key is new in this result, and this is another content of it.
    New,
    /// Its key is known and this content isn't.
    Changed,
    /// Its key was gone.
    Returned,
    /// Key and content are known.
    Unchanged,
    /// This result has brought key and content before.
    Again,
}

impl Sighting {
    /// As what the row is stored; `None` where the same is stored already.
    #[must_use]
    pub const fn stored_as(self) -> Option<HitKind> {
        match self {
            Self::New => Some(HitKind::New),
            Self::Changed => Some(HitKind::Changed),
            Self::Returned => Some(HitKind::Returned),
            Self::Unchanged | Self::Again => None,
        }
    }
}

/// What was found of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// The place of the row's hit.
    pub ordinal: Ordinal,
    /// What the row is.
    pub sighting: Sighting,
}

/// A row that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its hit.
    pub hit: HitId,
    /// Its content.
    pub content: Fingerprint,
    /// When it happened.
    pub event_time: Option<Timestamp>,
    /// Its bytes, hashed.
    pub raw: RawHash,
}

/// What came out of a comparison. Counts are of hits, however many rows they have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How each hit moved: [`KnownHits::apply_all`] gives what is known next.
    pub deltas: Deltas,
    /// The hits that the result held.
    pub members: RoaringBitmap,
    /// How many hits are new.
    pub new: u64,
    /// How many have other contents.
    pub changed: u64,
    /// How many are gone.
    pub gone: u64,
    /// How many are back.
    pub returned: u64,
    /// How many hits are known from now on, gone ones among them.
    pub known_after: Ordinal,
}

/// What this result has brought of one known hit.
#[derive(Debug, Clone)]
struct Found {
    contents: Contents,
    /// The event time of all its rows; `None` where they differ or have none.
    event_time: Option<Timestamp>,
    /// The bytes of its row, while it has one.
    raw: RawHash,
}

impl Found {
    fn new(row: &Seen) -> Self {
        Self { contents: Contents::One(row.content), event_time: row.event_time, raw: row.raw }
    }

    /// Adds a row; false where its content was there.
    fn add(&mut self, row: &Seen) -> bool {
        let added = self.contents.insert(row.content);
        if self.event_time != row.event_time {
            (self.event_time, self.raw) = (None, RawHash::NONE);
        }
        if added {
            self.raw = RawHash::NONE;
        }
        added
    }
}

/// A result being compared with what is known. Holds what moved and the set of known hits met, not
/// the rows.
#[derive(Debug, Clone)]
pub struct Comparison<K> {
    known: K,
    /// Known hits met with nothing but what was known of them: the common case costs one bit.
    steady: RoaringBitmap,
    /// Of those, the ones whose row was written in other bytes.
    rewritten: Vec<(Ordinal, RawHash)>,
    /// Known hits met otherwise.
    found: HashMap<Ordinal, Found>,
    /// New ones, each with its first row.
    fresh: KnownHits,
    /// The rows of new ones that have several: who writes rows may put a hundred thousand under one key.
    several: HashMap<Ordinal, Contents>,
}

impl<K: Borrow<KnownHits>> Comparison<K> {
    /// Nothing met yet.
    pub fn new(known: K) -> Self {
        let fresh = KnownHits::from(known.borrow().next());
        let (found, several) = (HashMap::new(), HashMap::new());
        Self { known, steady: RoaringBitmap::new(), rewritten: Vec::new(), found, fresh, several }
    }

    /// Takes a row unread, by the hash of its bytes; `None` where that says nothing, and the row must be read.
    pub fn observe_raw(&mut self, raw: RawHash) -> Option<Observation> {
        let ordinal = self.known.borrow().find_raw(raw)?;
        if !self.found.is_empty() && self.found.contains_key(&ordinal) {
            return None;
        }
        Some(self.observe_steady(ordinal))
    }

    /// Takes a row.
    pub fn observe(&mut self, row: &Seen) -> Observation {
        let Some(known) = self.known.borrow().find(&row.hit).and_then(|ordinal| self.known.borrow().get(ordinal))
        else {
            return self.observe_new(row);
        };
        let ordinal = known.ordinal;
        let as_before = known.present && known.rows == [row.content] && known.event_time == row.event_time;
        if as_before && !self.found.contains_key(&ordinal) {
            let other_bytes = known.raw != row.raw;
            let seen = self.observe_steady(ordinal);
            if other_bytes && seen.sighting == Sighting::Unchanged {
                self.rewritten.push((ordinal, row.raw));
            }
            return seen;
        }
        let first_time = match self.found.entry(ordinal) {
            Entry::Occupied(mut found) => found.get_mut().add(row),
            Entry::Vacant(place) => {
                // It was met as it was known; that row counts with this one.
                let was_steady = self.steady.remove(ordinal);
                if let (true, [before]) = (was_steady, known.rows) {
                    let KnownHit { hit, event_time, raw, .. } = known;
                    place.insert(Found::new(&Seen { hit, content: *before, event_time, raw })).add(row)
                } else {
                    place.insert(Found::new(row));
                    true
                }
            }
        };
        let sighting = match first_time {
            false => Sighting::Again,
            true if !known.present => Sighting::Returned,
            true if known.rows.binary_search(&row.content).is_err() => Sighting::Changed,
            true => Sighting::Unchanged,
        };
        Observation { ordinal, sighting }
    }

    /// Hits met so far.
    #[must_use]
    pub fn met(&self) -> u64 {
        self.steady.len() + self.found.len() as u64 + self.fresh.present().len()
    }

    fn observe_steady(&mut self, ordinal: Ordinal) -> Observation {
        let first = self.steady.insert(ordinal);
        Observation { ordinal, sighting: if first { Sighting::Unchanged } else { Sighting::Again } }
    }

    fn observe_new(&mut self, row: &Seen) -> Observation {
        let Some(ordinal) = self.fresh.find(&row.hit) else {
            let ordinal = self.fresh.add(row.hit, row.content, row.event_time, row.raw);
            return Observation { ordinal, sighting: Sighting::New };
        };
        self.fresh.blend_time(ordinal, row.event_time);
        let only = self.fresh.get(ordinal).and_then(|hit| hit.rows.first().copied()).unwrap_or(row.content);
        let first_time = match self.several.entry(ordinal) {
            Entry::Occupied(mut several) => several.get_mut().insert(row.content),
            Entry::Vacant(_) if only == row.content => false,
            Entry::Vacant(place) => place.insert(Contents::One(only)).insert(row.content),
        };
        Observation { ordinal, sighting: if first_time { Sighting::New } else { Sighting::Again } }
    }

    /// Ends the comparison of a result that was `scope`. With `keep_bytes`, it is noted where a row that is the same was
    /// written in other bytes, so that the next result is known by those.
    #[must_use]
    pub fn finish(mut self, scope: Scope, keep_bytes: bool) -> Outcome {
        let mut fresh = std::mem::take(&mut self.fresh);
        for (ordinal, contents) in &self.several {
            fresh.set_several(*ordinal, contents.sorted());
        }
        let known = self.known.borrow();
        let mut outcome = Outcome {
            new: fresh.present().len(),
            known_after: fresh.next(),
            members: &self.steady | fresh.present(),
            ..Outcome::default()
        };
        for (ordinal, found) in &self.found {
            outcome.members.insert(*ordinal);
            let Some(before) = known.get(*ordinal) else { continue };
            outcome.deltas.moved.extend(if before.present {
                moved(&before, found, scope)
            } else {
                Some(delta_of(&before, found, Some(HitKind::Returned)))
            });
        }
        for before in (known.present() - &outcome.members).iter().filter_map(|ordinal| known.get(ordinal)) {
            if scope.holds(before.event_time) {
                outcome.deltas.moved.push(unmoved(&before, Some(HitKind::Gone), RawHash::NONE));
            }
        }
        if keep_bytes {
            // One that was met otherwise later in the result is no longer steady.
            let steady = self.rewritten.iter().filter(|(ordinal, _)| self.steady.contains(*ordinal));
            outcome
                .deltas
                .moved
                .extend(steady.filter_map(|(ordinal, raw)| Some(unmoved(&known.get(*ordinal)?, None, *raw))));
        }
        outcome.deltas.moved.sort_unstable_by_key(|delta| delta.ordinal);
        outcome.count();
        outcome.deltas.fresh = fresh;
        outcome
    }
}

impl Outcome {
    fn count(&mut self) {
        for kind in self.deltas.moved.iter().filter_map(|delta| delta.kind) {
            match kind {
                HitKind::New => self.new += 1,
                HitKind::Changed => self.changed += 1,
                HitKind::Gone => self.gone += 1,
                HitKind::Returned => self.returned += 1,
            }
        }
    }
}

fn delta_of(before: &KnownHit<'_>, found: &Found, kind: Option<HitKind>) -> HitDelta {
    let (rows, event_time, raw) = (found.contents.sorted(), found.event_time, found.raw);
    HitDelta { hit: before.hit, ordinal: before.ordinal, kind, rows, event_time, raw }
}

/// The state as it was, and what is said of it.
fn unmoved(before: &KnownHit<'_>, kind: Option<HitKind>, raw: RawHash) -> HitDelta {
    let (rows, event_time) = (before.rows.to_vec(), before.event_time);
    HitDelta { hit: before.hit, ordinal: before.ordinal, kind, rows, event_time, raw }
}

/// How a hit that was there moved, if it did.
fn moved(before: &KnownHit<'_>, found: &Found, scope: Scope) -> Option<HitDelta> {
    let mut delta = delta_of(before, found, None);
    let added = delta.rows.iter().any(|content| before.rows.binary_search(content).is_err());
    let lost = before.rows.iter().any(|content| delta.rows.binary_search(content).is_err());
    if added || (lost && scope.holds(before.event_time)) {
        delta.kind = Some(HitKind::Changed);
    }
    if scope == Scope::Adds && lost {
        delta.rows.extend_from_slice(before.rows);
        delta.rows.sort_unstable();
        delta.rows.dedup();
        delta.event_time = delta.event_time.filter(|_| delta.event_time == before.event_time);
        delta.raw = RawHash::NONE;
    }
    (delta.rows != before.rows || delta.event_time != before.event_time).then_some(delta)
}
