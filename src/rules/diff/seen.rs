//! The contents seen of one hit in one result.

use std::collections::BTreeSet;

use crate::model::hit::Fingerprint;

/// A set of contents that is nearly always one. A tree beyond that: who writes rows may put a hundred
/// thousand contents under one key, and comparing them must stay cheap.
#[derive(Debug, Clone)]
pub(super) enum Contents {
    One(Fingerprint),
    Many(BTreeSet<Fingerprint>),
}

impl Contents {
    /// Adds one; false where it was there.
    pub(super) fn insert(&mut self, content: Fingerprint) -> bool {
        match self {
            Self::One(only) if *only == content => false,
            Self::One(only) => {
                *self = Self::Many(BTreeSet::from([*only, content]));
                true
            }
            Self::Many(set) => set.insert(content),
        }
    }

    /// All, sorted.
    pub(super) fn sorted(&self) -> Vec<Fingerprint> {
        match self {
            Self::One(only) => vec![*only],
            Self::Many(set) => set.iter().copied().collect(),
        }
    }
}
