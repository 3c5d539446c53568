//! All that is known of the hits of one hunt on one tenant: the state that a result is compared with.
//!
//! A hundred thousand hits take some six megabytes: a state is laid out in columns by ordinal, and two tables of
//! ordinals find it, by the hit's id and by the hash of its row's bytes. Each is made when it is first asked.

use std::hash::BuildHasher;
use std::sync::OnceLock;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use roaring::RoaringBitmap;

use super::hit::{Fingerprint, HitDelta, HitKind, Ordinal, RawHash};
use super::id::HitId;
use super::time::Timestamp;

/// What is known of a hit after the last run that moved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownHit<'a> {
    /// Its id.
    pub hit: HitId,
    /// Its place.
    pub ordinal: Ordinal,
    /// The rows that bore its key in the last result that held it: sorted, distinct, nearly always one. A key that
    /// isn't unique has several.
    pub rows: &'a [Fingerprint],
    /// The event time of its rows, where the result has a time column and all of them share one: only then can it
    /// be said whether a window of event time would hold the hit.
    pub event_time: Option<Timestamp>,
    /// The bytes of its only row, hashed.
    pub raw: RawHash,
    /// Whether it is there, as far as is known: false after `gone`.
    pub present: bool,
}

/// Hits by ordinal, from a first one on.
#[derive(Debug, Clone, Default)]
pub struct KnownHits {
    first: Ordinal,
    ids: Vec<HitId>,
    times: Vec<Option<NonMin>>,
    raws: Vec<RawHash>,
    /// Shorter than the others, or empty, where all from there on are [`Fingerprint::OF_KEY`].
    contents: Vec<Fingerprint>,
    /// The rows of hits that don't have exactly one.
    several: HashMap<Ordinal, Vec<Fingerprint>>,
    present: RoaringBitmap,
    gone: RoaringBitmap,
    by_id: OnceLock<HashTable<u32>>,
    by_raw: OnceLock<HashTable<u32>>,
    hasher: DefaultHashBuilder,
}

/// An instant in eight bytes, with room for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NonMin(std::num::NonZeroI64);

impl NonMin {
    /// None for the first nanosecond that can be told, in 1677: no event has it.
    fn of(time: Timestamp) -> Option<Self> {
        std::num::NonZeroI64::new(time.nanos() ^ i64::MIN).map(Self)
    }

    fn time(self) -> Timestamp {
        Timestamp::from_nanos(self.0.get() ^ i64::MIN)
    }
}

impl KnownHits {
    /// None yet, from the ordinal `first` on.
    #[must_use]
    pub fn from(first: Ordinal) -> Self {
        Self { first, ..Self::default() }
    }

    /// The ordinal that the next new hit takes.
    #[must_use]
    pub fn next(&self) -> Ordinal {
        self.first.saturating_add(u32::try_from(self.ids.len()).unwrap_or(u32::MAX))
    }

    /// Gives no new hit a place before `next`: what lies between was known once, and is forgotten.
    pub fn reach(&mut self, next: Ordinal) {
        if let Some(length) = next.checked_sub(self.first).filter(|length| *length as usize > self.ids.len()) {
            self.make_room(length as usize);
        }
    }

    fn make_room(&mut self, length: usize) {
        self.ids.resize(length, HitId([0; 20]));
        self.times.resize(length, None);
        self.raws.resize(length, RawHash::NONE);
    }

    /// The hits that are there, as far as is known.
    #[must_use]
    pub const fn present(&self) -> &RoaringBitmap {
        &self.present
    }

    /// The hit at a place.
    #[must_use]
    pub fn get(&self, ordinal: Ordinal) -> Option<KnownHit<'_>> {
        let at = self.slot(ordinal)?;
        let present = self.present.contains(ordinal);
        if !present && !self.gone.contains(ordinal) {
            return None;
        }
        Some(KnownHit {
            hit: *self.ids.get(at)?,
            ordinal,
            rows: self.rows(ordinal, at),
            event_time: self.times.get(at).copied().flatten().map(NonMin::time),
            raw: self.raws.get(at).copied().unwrap_or_default(),
            present,
        })
    }

    /// All of them, by ordinal.
    pub fn iter(&self) -> impl Iterator<Item = KnownHit<'_>> {
        (self.first..self.next()).filter_map(|ordinal| self.get(ordinal))
    }

    /// The place of the hit with this id.
    #[must_use]
    pub fn find(&self, hit: &HitId) -> Option<Ordinal> {
        if self.ids.is_empty() {
            return None;
        }
        let table = self.by_id.get_or_init(|| self.table_of_ids());
        let found = table.find(self.hasher.hash_one(hit.0), |at| self.ids.get(*at as usize) == Some(hit));
        found.map(|at| self.first + at)
    }

    /// The place of the hit whose only row had exactly these bytes when it was last there, and which is there still.
    #[must_use]
    pub fn find_raw(&self, raw: RawHash) -> Option<Ordinal> {
        if self.ids.is_empty() {
            return None;
        }
        let table = self.by_raw.get_or_init(|| self.table_of_raws());
        table.find(raw.table_hash(), |at| self.raws.get(*at as usize) == Some(&raw)).map(|at| self.first + at)
    }

    /// Takes one step of the history, in the order in which they were made.
    pub fn apply(&mut self, delta: &HitDelta) {
        self.set(&delta.step().state);
    }

    /// Takes all steps of a run.
    pub fn apply_all(&mut self, deltas: &Deltas) {
        for step in deltas.iter() {
            self.set(&step.state);
        }
    }

    /// Sets the whole state of a hit. What lies before the first place isn't kept.
    pub fn set(&mut self, hit: &KnownHit<'_>) {
        let Some(at) = hit.ordinal.checked_sub(self.first).map(|at| at as usize) else { return };
        let is_next = at == self.ids.len();
        if at >= self.ids.len() {
            self.make_room(at + 1);
        }
        if let (Some(id), Some(time), Some(raw)) = (self.ids.get_mut(at), self.times.get_mut(at), self.raws.get_mut(at))
        {
            (*id, *time, *raw) = (hit.hit, hit.event_time.and_then(NonMin::of), hit.raw);
        }
        self.set_rows(hit.ordinal, at, hit.rows);
        if hit.present {
            self.present.insert(hit.ordinal);
            self.gone.remove(hit.ordinal);
        } else {
            self.gone.insert(hit.ordinal);
            self.present.remove(hit.ordinal);
        }
        // A new id at the end joins the table; anything else makes the tables anew when they are asked next.
        if self.by_raw.get().is_some() {
            self.by_raw.take();
        }
        let Self { ids, hasher, by_id, .. } = self;
        match by_id.get_mut() {
            Some(table) if is_next => {
                let hash = |at: &u32| hasher.hash_one(ids.get(*at as usize).map(|id| id.0).unwrap_or_default());
                table.insert_unique(hasher.hash_one(hit.hit.0), u32::try_from(at).unwrap_or(u32::MAX), hash);
            }
            Some(_) => drop(by_id.take()),
            None => {}
        }
    }

    /// Adds a hit that nobody knew at the next place, with one row.
    pub fn add(&mut self, hit: HitId, row: Fingerprint, event_time: Option<Timestamp>, raw: RawHash) -> Ordinal {
        let ordinal = self.next();
        self.set(&KnownHit { hit, ordinal, rows: &[row], event_time, raw, present: true });
        ordinal
    }

    /// Sets the rows of a hit that has several: sorted, distinct.
    pub fn set_several(&mut self, ordinal: Ordinal, rows: Vec<Fingerprint>) {
        if let Some(raw) = self.slot(ordinal).and_then(|at| self.raws.get_mut(at)) {
            *raw = RawHash::NONE;
            self.by_raw.take();
            self.several.insert(ordinal, rows);
        }
    }

    /// Takes the event time of a further row of a hit: the hit has one only where all its rows share it.
    pub fn blend_time(&mut self, ordinal: Ordinal, event_time: Option<Timestamp>) {
        let Some(at) = self.slot(ordinal) else { return };
        if let (Some(time), Some(raw)) = (self.times.get_mut(at), self.raws.get_mut(at))
            && *time != event_time.and_then(NonMin::of)
        {
            // The bytes of a row that has a time say more than is known of the hit from now on.
            (*time, *raw) = (None, RawHash::NONE);
            self.by_raw.take();
        }
    }

    fn slot(&self, ordinal: Ordinal) -> Option<usize> {
        ordinal.checked_sub(self.first).map(|at| at as usize).filter(|at| *at < self.ids.len())
    }

    fn rows(&self, ordinal: Ordinal, at: usize) -> &[Fingerprint] {
        static OF_KEY: [Fingerprint; 1] = [Fingerprint::OF_KEY];
        match self.several.get(&ordinal) {
            Some(several) => several,
            None => self.contents.get(at).map_or(&OF_KEY, std::slice::from_ref),
        }
    }

    fn set_rows(&mut self, ordinal: Ordinal, at: usize, rows: &[Fingerprint]) {
        let [row] = rows else {
            self.several.insert(ordinal, rows.to_vec());
            return;
        };
        self.several.remove(&ordinal);
        if at >= self.contents.len() && *row != Fingerprint::OF_KEY {
            self.contents.resize(at + 1, Fingerprint::OF_KEY);
        }
        if let Some(content) = self.contents.get_mut(at) {
            *content = *row;
        }
    }

    fn table_of_ids(&self) -> HashTable<u32> {
        let hash = |at: &u32| self.hasher.hash_one(self.ids.get(*at as usize).map(|id| id.0).unwrap_or_default());
        let mut table = HashTable::with_capacity(self.ids.len());
        for ordinal in &self.present | &self.gone {
            let at = ordinal.saturating_sub(self.first);
            table.insert_unique(hash(&at), at, hash);
        }
        table
    }

    fn table_of_raws(&self) -> HashTable<u32> {
        let raw = |at: &u32| self.raws.get(*at as usize).copied().unwrap_or_default();
        let mut table = HashTable::with_capacity(self.ids.len());
        for ordinal in &self.present {
            let at = ordinal.saturating_sub(self.first);
            let of = raw(&at);
            if of != RawHash::NONE && !self.several.contains_key(&ordinal) {
                table.insert_unique(of.table_hash(), at, |at| raw(at).table_hash());
            }
        }
        table
    }
}

/// How hits moved in a run: its steps, by ordinal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deltas {
    /// Hits that were known.
    pub moved: Vec<HitDelta>,
    /// Hits that are new: they lie behind all that were known.
    pub fresh: KnownHits,
}

/// One step: what is said of a hit, and its state from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is said; `None` where the state moves and there is nothing to say.
    pub kind: Option<HitKind>,
    /// The state; after `gone`, the rows are the last ones that it had.
    pub state: KnownHit<'a>,
}

impl Deltas {
    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.moved.len() + usize::try_from(self.fresh.present().len()).unwrap_or(usize::MAX)
    }

    /// Whether nothing moved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The steps, by ordinal.
    pub fn iter(&self) -> impl Iterator<Item = Step<'_>> {
        let fresh = self.fresh.iter().map(|state| Step { kind: Some(HitKind::New), state });
        self.moved.iter().map(HitDelta::step).chain(fresh)
    }

    /// The steps, each on its own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<HitDelta> {
        self.iter().map(HitDelta::from).collect()
    }
}

impl From<Vec<HitDelta>> for Deltas {
    fn from(moved: Vec<HitDelta>) -> Self {
        Self { moved, fresh: KnownHits::default() }
    }
}

impl From<Step<'_>> for HitDelta {
    fn from(Step { kind, state }: Step<'_>) -> Self {
        let KnownHit { hit, ordinal, rows, event_time, raw, .. } = state;
        Self { hit, ordinal, kind, rows: rows.to_vec(), event_time, raw }
    }
}

impl HitDelta {
    /// The same, borrowed.
    #[must_use]
    pub fn step(&self) -> Step<'_> {
        let Self { hit, ordinal, kind, ref rows, event_time, raw } = *self;
        let present = kind != Some(HitKind::Gone);
        Step { kind, state: KnownHit { hit, ordinal, rows, event_time, raw, present } }
    }
}

impl PartialEq for KnownHits {
    fn eq(&self, other: &Self) -> bool {
        self.first == other.first && self.next() == other.next() && self.iter().eq(other.iter())
    }
}

impl Eq for KnownHits {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(number: u8) -> HitId {
        HitId([number; 20])
    }

    fn delta(number: u8, kind: HitKind, rows: &[u8], raw: u8) -> HitDelta {
        HitDelta {
            hit: hit(number),
            ordinal: Ordinal::from(number),
            kind: Some(kind),
            rows: rows.iter().map(|row| Fingerprint([*row; 16])).collect(),
            event_time: None,
            raw: RawHash([raw; 16]),
        }
    }

    #[test]
    fn a_hit_is_found_by_its_id_and_its_bytes_while_it_is_there() {
        let mut known = KnownHits::default();
        known.apply(&delta(0, HitKind::New, &[0], 7));
        known.apply(&delta(2, HitKind::New, &[5], 8));
        assert_eq!((known.next(), known.get(1), known.find(&hit(1))), (3, None, None));
        assert_eq!((known.find(&hit(2)), known.find_raw(RawHash([8; 16]))), (Some(2), Some(2)));
        assert_eq!((known.find_raw(RawHash::NONE), known.find_raw(RawHash([9; 16]))), (None, None));
        // Another content with other bytes: the old bytes say nothing any more.
        known.apply(&delta(2, HitKind::Changed, &[6], 9));
        assert_eq!((known.find_raw(RawHash([8; 16])), known.find_raw(RawHash([9; 16]))), (None, Some(2)));
        known.apply(&delta(2, HitKind::Gone, &[6], 9));
        assert_eq!((known.find(&hit(2)), known.find_raw(RawHash([9; 16]))), (Some(2), None));
        assert_eq!(known.get(2).map(|hit| (hit.present, hit.rows.to_vec())), Some((false, vec![Fingerprint([6; 16])])));
        assert_eq!(known.present().iter().collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn several_rows_have_no_bytes_and_a_time_only_where_they_share_it() {
        let mut known = KnownHits::from(10);
        let time = Timestamp::from_seconds(5);
        assert_eq!(known.add(hit(1), Fingerprint([3; 16]), Some(time), RawHash([1; 16])), 10);
        assert_eq!(known.add(hit(2), Fingerprint::OF_KEY, Some(time), RawHash([2; 16])), 11);
        assert_eq!((known.find(&hit(2)), known.find(&hit(3))), (Some(11), None));
        let rows = [Fingerprint([1; 16]), Fingerprint([3; 16])];
        known.set(&KnownHit { rows: &rows, ..known.clone().get(10).unwrap() });
        let state = known.get(10).unwrap();
        assert_eq!((state.rows, state.event_time), (rows.as_slice(), Some(time)));
        assert_eq!((known.find_raw(RawHash([1; 16])), known.find_raw(RawHash([2; 16]))), (None, Some(11)));
        known.blend_time(10, Some(time));
        assert_eq!(known.get(10).unwrap().event_time, Some(time));
        known.blend_time(10, None);
        assert_eq!(known.get(10).unwrap().event_time, None);
        assert_eq!(known.add(hit(3), Fingerprint([3; 16]), None, RawHash::NONE), 12);
        assert_eq!((known.find(&hit(3)), known.next()), (Some(12), 13));
        assert_eq!(known.iter().map(|hit| hit.ordinal).collect::<Vec<_>>(), [10, 11, 12]);
    }

    #[test]
    fn steps_lead_from_one_state_to_the_next() {
        let mut fresh = KnownHits::from(1);
        fresh.add(hit(1), Fingerprint::OF_KEY, Some(Timestamp::EPOCH), RawHash([4; 16]));
        let deltas = Deltas { moved: vec![delta(0, HitKind::Gone, &[1], 0)], fresh };
        let mut known = KnownHits::default();
        known.apply(&delta(0, HitKind::New, &[1], 1));
        let mut by_one = known.clone();
        known.apply_all(&deltas);
        deltas.to_vec().iter().for_each(|delta| by_one.apply(delta));
        assert_eq!(known, by_one);
        assert_eq!((deltas.len(), known.present().len(), known.next()), (2, 1, 2));
    }
}
