//! The comparison of one result.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use roaring::RoaringBitmap;

use super::seen::Contents;
use crate::model::hit::{Fingerprint, HitDelta, HitKind, KnownHit, KnownHits, Ordinal};
use crate::model::id::HitId;
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

/// What came out of a comparison. Counts are of hits, however many rows they have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How each hit moved, by ordinal: [`KnownHits::apply`] on each gives what is known next.
    pub deltas: Vec<HitDelta>,
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

/// What this result has brought of one hit.
#[derive(Debug, Clone)]
struct Found {
    ordinal: Ordinal,
    contents: Contents,
    /// The event time of all its rows; `None` where they differ or have none.
    event_time: Option<Timestamp>,
}

impl Found {
    /// Adds a row; false where its content was there.
    fn add(&mut self, content: Fingerprint, event_time: Option<Timestamp>) -> bool {
        if self.event_time != event_time {
            self.event_time = None;
        }
        self.contents.insert(content)
    }
}

/// A result being compared with what is known. Holds what moved and the set of known hits met, not
/// the rows.
#[derive(Debug, Clone)]
pub struct Comparison<K> {
    known: K,
    /// Known hits met with nothing but what was known of them: the common case costs one bit.
    steady: RoaringBitmap,
    /// Known hits met otherwise, and new ones.
    found: HashMap<HitId, Found>,
    next: Ordinal,
}

impl<K: Borrow<KnownHits>> Comparison<K> {
    /// Nothing met yet.
    pub fn new(known: K) -> Self {
        let next = known.borrow().next;
        Self { known, steady: RoaringBitmap::new(), found: HashMap::new(), next }
    }

    /// Takes a row.
    pub fn observe(&mut self, hit: HitId, content: Fingerprint, event_time: Option<Timestamp>) -> Observation {
        let Some(known) = self.known.borrow().by_id.get(&hit) else {
            return observe_new(&mut self.found, &mut self.next, hit, content, event_time);
        };
        let ordinal = known.ordinal;
        let as_before = known.present && known.rows == [content] && known.event_time == event_time;
        if as_before && !self.found.contains_key(&hit) {
            let first = self.steady.insert(ordinal);
            return Observation { ordinal, sighting: if first { Sighting::Unchanged } else { Sighting::Again } };
        }
        let first_time = match self.found.entry(hit) {
            Entry::Occupied(mut found) => found.get_mut().add(content, event_time),
            Entry::Vacant(place) => {
                let mut found = Found { ordinal, contents: Contents::One(content), event_time };
                // It was met as it was known; that row counts with this one.
                let was_steady = self.steady.remove(ordinal);
                if let (true, [before]) = (was_steady, known.rows.as_slice()) {
                    found = Found { ordinal, contents: Contents::One(*before), event_time: known.event_time };
                    place.insert(found).add(content, event_time)
                } else {
                    place.insert(found);
                    true
                }
            }
        };
        let sighting = match first_time {
            false => Sighting::Again,
            true if !known.present => Sighting::Returned,
            true if known.rows.binary_search(&content).is_err() => Sighting::Changed,
            true => Sighting::Unchanged,
        };
        Observation { ordinal, sighting }
    }

    /// Ends the comparison of a result that was `scope`.
    #[must_use]
    pub fn finish(self, scope: Scope) -> Outcome {
        let mut outcome = Outcome { members: self.steady, known_after: self.next, ..Outcome::default() };
        let known = self.known.borrow();
        for (hit, found) in &self.found {
            outcome.members.insert(found.ordinal);
            let delta = match known.by_id.get(hit) {
                None => Some(delta_of(*hit, found, Some(HitKind::New))),
                Some(before) if !before.present => Some(delta_of(*hit, found, Some(HitKind::Returned))),
                Some(before) => moved(*hit, before, found, scope),
            };
            outcome.deltas.extend(delta);
        }
        for (hit, before) in &known.by_id {
            if before.present && !outcome.members.contains(before.ordinal) && scope.holds(before.event_time) {
                outcome.deltas.push(gone(*hit, before));
            }
        }
        outcome.deltas.sort_unstable_by_key(|delta| delta.ordinal);
        outcome.count();
        outcome
    }
}

impl Outcome {
    fn count(&mut self) {
        for kind in self.deltas.iter().filter_map(|delta| delta.kind) {
            match kind {
                HitKind::New => self.new += 1,
                HitKind::Changed => self.changed += 1,
                HitKind::Gone => self.gone += 1,
                HitKind::Returned => self.returned += 1,
            }
        }
    }
}

fn observe_new(
    found: &mut HashMap<HitId, Found>,
    next: &mut Ordinal,
    hit: HitId,
    content: Fingerprint,
    event_time: Option<Timestamp>,
) -> Observation {
    match found.entry(hit) {
        Entry::Occupied(mut found) => {
            let found = found.get_mut();
            let sighting = if found.add(content, event_time) { Sighting::New } else { Sighting::Again };
            Observation { ordinal: found.ordinal, sighting }
        }
        Entry::Vacant(place) => {
            let ordinal = *next;
            *next = next.saturating_add(1);
            place.insert(Found { ordinal, contents: Contents::One(content), event_time });
            Observation { ordinal, sighting: Sighting::New }
        }
    }
}

fn delta_of(hit: HitId, found: &Found, kind: Option<HitKind>) -> HitDelta {
    HitDelta { hit, ordinal: found.ordinal, kind, rows: found.contents.sorted(), event_time: found.event_time }
}

fn gone(hit: HitId, before: &KnownHit) -> HitDelta {
    let (rows, event_time) = (before.rows.clone(), before.event_time);
    HitDelta { hit, ordinal: before.ordinal, kind: Some(HitKind::Gone), rows, event_time }
}

/// How a hit that was there moved, if it did.
fn moved(hit: HitId, before: &KnownHit, found: &Found, scope: Scope) -> Option<HitDelta> {
    let mut delta = delta_of(hit, found, None);
    let added = delta.rows.iter().any(|content| before.rows.binary_search(content).is_err());
    let lost = before.rows.iter().any(|content| delta.rows.binary_search(content).is_err());
    if added || (lost && scope.holds(before.event_time)) {
        delta.kind = Some(HitKind::Changed);
    }
    if scope == Scope::Adds && lost {
        delta.rows.extend_from_slice(&before.rows);
        delta.rows.sort_unstable();
        delta.rows.dedup();
        delta.event_time = delta.event_time.filter(|_| delta.event_time == before.event_time);
    }
    (delta.rows != before.rows || delta.event_time != before.event_time).then_some(delta)
}
