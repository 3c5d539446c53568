//! The hash of a row as it was sent: what known rows are told by, without being read.
//!
//! It decides that a row is known, and so it is as strong as an identity has to be: `HighwayHash` with 128 bits under a key
//! that is the database's secret (Alakuijala, Cox, Wassenberg: "Fast keyed hash/pseudo-random function using SIMD multiply
//! and permute", 2017). Who writes rows never sees a hash, and can't compute one.

use highway::{HighwayHash, HighwayHasher, Key};
use sha2::Digest;

use super::reader::begun;
use super::rule::IdentityRule;
use crate::model::hit::RawHash;
use crate::model::row::Schema;

/// What decides how a row is read, in this version: changing it has every row read once again.
const DOMAIN: &str = "huntd raw row v1";

/// A fast hash that nobody outside can compute, of 128 bits.
#[derive(Debug, Clone)]
pub(super) struct KeyedHash {
    key: Key,
}

impl KeyedHash {
    /// Keyed with a domain and length-prefixed parts: the database's secret is one of them.
    pub(super) fn new(domain: &str, parts: &[&[u8]]) -> Self {
        let key: [u8; 32] = begun(domain, parts).finalize().into();
        let words = key.as_chunks::<8>().0;
        let word = |at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word));
        Self { key: Key([word(0), word(1), word(2), word(3)]) }
    }

    /// Of the pieces that `each` hands out: how they are cut doesn't matter.
    pub(super) fn of_pieces(&self, each: impl FnOnce(&mut dyn FnMut(&[u8]))) -> [u8; 16] {
        let mut hasher = HighwayHasher::new(self.key);
        each(&mut |piece| hasher.append(piece));
        Self::bytes(hasher.finalize128())
    }

    fn of(&self, bytes: &[u8]) -> [u8; 16] {
        Self::bytes(HighwayHasher::new(self.key).hash128(bytes))
    }

    fn bytes([low, high]: [u64; 2]) -> [u8; 16] {
        (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
    }
}

/// Hashes rows of one hunt, tenant, rule and schema.
#[derive(Debug, Clone)]
pub(super) struct RawHasher(KeyedHash);

impl RawHasher {
    pub(super) fn new(secret: &[u8; 32], place: &[&[u8]], rule: &IdentityRule, schema: &Schema) -> Self {
        // Debug forms of plain data, each told from the next by its length: they need not be read again.
        let (rule, schema) = (format!("{rule:?}"), format!("{schema:?}"));
        let parts = [&[secret.as_slice()], place, &[rule.as_bytes(), schema.as_bytes()]].concat();
        Self(KeyedHash::new(DOMAIN, &parts))
    }

    pub(super) fn of(&self, row: &[u8]) -> RawHash {
        RawHash(self.0.of(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::{Column, ColumnType};

    #[test]
    fn whatever_decides_how_a_row_is_read_decides_its_hash() {
        let schema = |kind| Schema { columns: vec![Column { name: "a".to_owned(), kind }] };
        let plain = IdentityRule::default();
        let keyed = IdentityRule { key: Some(vec!["a".to_owned()]), ..IdentityRule::default() };
        let hash = |secret: u8, place: &[&[u8]], rule: &IdentityRule, kind| {
            RawHasher::new(&[secret; 32], place, rule, &schema(kind)).of(b"{}")
        };
        let all = [
            hash(1, &[b"t", b"h"], &plain, ColumnType::String),
            hash(2, &[b"t", b"h"], &plain, ColumnType::String),
            hash(1, &[b"th", b""], &plain, ColumnType::String),
            hash(1, &[b"t", b"h"], &keyed, ColumnType::String),
            hash(1, &[b"t", b"h"], &plain, ColumnType::Long),
            RawHasher::new(&[1; 32], &[b"t", b"h"], &plain, &schema(ColumnType::String)).of(b"{ }"),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(hash(1, &[b"t", b"h"], &plain, ColumnType::String), all[0]);
    }
}
