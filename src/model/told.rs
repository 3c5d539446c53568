//! The hits of a notice: counted, the first few at hand, and all of them to be read again, a few at a time.
//!
//! A result has up to a hundred thousand rows, which are a few hundred megabytes of memory. No channel needs them at
//! once: it shows a few, counts the rest, and writes them one after the other into an attachment or a file.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::hit::{Hit, HitKind};

/// How many hits one read of a list in memory gives.
const CHUNK: usize = 1_000;

/// Where all hits of a notice can be read, as often as is wanted: each time the same hits in the same order.
pub trait ToldHits: Send + Sync + fmt::Debug {
    /// The hits from place `from` on, counted from 0: as many as are good to hold at a time, at least one unless there
    /// is none. May wait for a disk.
    ///
    /// # Errors
    /// What the disk says, where the hits aren't in memory.
    fn read(&self, from: usize) -> io::Result<Vec<Hit>>;
}

impl ToldHits for Vec<Hit> {
    fn read(&self, from: usize) -> io::Result<Vec<Hit>> {
        Ok(self.iter().skip(from).take(CHUNK).cloned().collect())
    }
}

/// All hits that a notice tells, in the order in which they are to be told. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Told {
    first: Arc<[Hit]>,
    /// As [`HitKind::ALL`] has them.
    counts: [usize; 4],
    all: Arc<dyn ToldHits>,
}

impl Told {
    /// How many hits are at hand without a read: as many as a mail shows or names beside its attachment.
    pub const FIRST: usize = 50;

    /// The hits that `all` holds, of which `kinds` has each one's kind. May wait for a disk.
    ///
    /// # Errors
    /// What `all` says when its first hits are read.
    pub fn new(all: Arc<dyn ToldHits>, kinds: impl Iterator<Item = HitKind>) -> io::Result<Self> {
        let mut told = Self { first: Arc::default(), counts: count(kinds), all };
        told.first = told.iter().take(Self::FIRST).collect::<io::Result<_>>()?;
        Ok(told)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many are of `kind`.
    #[must_use]
    pub fn count(&self, kind: HitKind) -> usize {
        HitKind::ALL.iter().zip(self.counts).filter(|(of, _)| **of == kind).map(|(_, count)| count).sum()
    }

    /// The first [`Self::FIRST`] of them.
    #[must_use]
    pub fn first(&self) -> &[Hit] {
        &self.first
    }

    /// All of them, of which a few are in memory at a time. May wait for a disk; after an error nothing more comes.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { told: self, next: 0, chunk: Vec::new().into_iter() }
    }
}

impl From<Vec<Hit>> for Told {
    fn from(hits: Vec<Hit>) -> Self {
        let first = hits.iter().take(Self::FIRST).cloned().collect();
        Self { first, counts: count(hits.iter().map(|hit| hit.kind)), all: Arc::new(hits) }
    }
}

impl<'a> IntoIterator for &'a Told {
    type Item = io::Result<Hit>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

fn count(kinds: impl Iterator<Item = HitKind>) -> [usize; 4] {
    let mut counts = [0; 4];
    for kind in kinds {
        for (of, count) in HitKind::ALL.iter().zip(&mut counts) {
            *count += usize::from(*of == kind);
        }
    }
    counts
}

/// The hits of a [`Told`], one after the other.
#[derive(Debug)]
pub struct Iter<'a> {
    told: &'a Told,
    /// The place after the last hit that was read.
    next: usize,
    chunk: std::vec::IntoIter<Hit>,
}

impl Iterator for Iter<'_> {
    type Item = io::Result<Hit>;

    fn next(&mut self) -> Option<io::Result<Hit>> {
        let all = self.told.len();
        if self.chunk.len() == 0 && self.next < all {
            match self.told.all.read(self.next) {
                Ok(hits) if !hits.is_empty() => {
                    self.next += hits.len();
                    self.chunk = hits.into_iter();
                }
                bad => {
                    self.next = all;
                    let error = bad.err().unwrap_or_else(|| io::Error::other("fewer hits are there than were counted"));
                    return Some(Err(error));
                }
            }
        }
        self.chunk.next().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::HitId;
    use crate::model::severity::Severity;
    use crate::model::time::Timestamp;

    fn hits(many: usize) -> Vec<Hit> {
        let hit = |number: usize| Hit {
            hit: HitId([number.to_le_bytes()[0]; 20]),
            hunt: "h".to_owned(),
            tenant: "t".to_owned(),
            kind: if number % 3 == 2 { HitKind::Gone } else { HitKind::New },
            run: "r".to_owned(),
            first_seen: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
            severity: Severity::Low,
            row: serde_json::value::to_raw_value(&number).unwrap(),
        };
        (0..many).map(hit).collect()
    }

    fn rows(told: &Told) -> Vec<usize> {
        told.iter().map(|hit| hit.unwrap().row.get().parse().unwrap()).collect()
    }

    #[test]
    fn all_come_in_order_as_often_as_asked() {
        for many in [0, 1, 50, 51, 1_000, 1_001, 2_500] {
            let told = Told::from(hits(many));
            assert_eq!(rows(&told), (0..many).collect::<Vec<_>>());
            assert_eq!(rows(&told), rows(&told.clone()));
            assert_eq!((told.len(), told.is_empty(), told.first().len()), (many, many == 0, many.min(50)));
            assert_eq!(told.count(HitKind::Gone), many / 3);
            let kinds = told.iter().map(|hit| hit.unwrap().kind);
            let again = Told::new(Arc::new(hits(many)), kinds).unwrap();
            assert_eq!((rows(&again), again.len(), again.first().len()), (rows(&told), many, many.min(50)));
        }
    }

    #[derive(Debug)]
    struct Short(usize);

    impl ToldHits for Short {
        fn read(&self, from: usize) -> io::Result<Vec<Hit>> {
            Ok(hits(self.0).split_off(from.min(self.0)))
        }
    }

    #[test]
    fn a_list_that_ends_early_is_an_error_once() {
        let told = Told::new(Arc::new(Short(60)), std::iter::repeat_n(HitKind::New, 61)).unwrap();
        let mut rest = told.iter().skip(60);
        assert!(rest.next().unwrap().is_err());
        assert!(rest.next().is_none());
        assert!(Told::new(Arc::new(Short(3)), std::iter::repeat_n(HitKind::New, 4)).is_err());
    }
}
