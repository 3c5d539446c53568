//! Which blocks of stored rows may hold a text: what makes "have we ever seen this?" quick.
//!
//! Each block has a sieve, a Bloom filter over all texts in its rows, some ten bytes a row. It never says no of a text
//! that is there, and says yes of one in a thousand that aren't; a block that may hold the text is unpacked and looked
//! into. It is a split block filter (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom Filters", 2007; the
//! form is Parquet's): a text sets eight bits in one lane of 32 bytes, so that a question reads one lane of each sieve.

mod hash;
mod texts;

use hashbrown::HashTable;

use self::hash::{hash, quick};
use self::texts::{Texts, fold, has_texts, plain};
use crate::model::row::{ColumnType, Schema};

/// Bytes of a lane.
pub const LANE: usize = 32;
/// Texts for each lane, at most: sixteen bits a text.
const TEXTS_A_LANE: usize = 16;

/// A text that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    folded: Vec<u8>,
    hash: u64,
}

impl Probe {
    /// Of a text as a person writes it; `None` where nothing is left of it without white space.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let folded = fold(&mut text.as_bytes().to_vec()).to_vec();
        let hash = hash(&folded);
        (!folded.is_empty()).then_some(Self { folded, hash })
    }

    /// Whether a block with this sieve may hold the text.
    #[must_use]
    pub fn may_be_in(&self, sieve: &[u8]) -> bool {
        let start = self.lane(sieve.len() / LANE) * LANE;
        sieve.get(start..start + LANE).is_some_and(|lane| self.may_be_in_lane(lane))
    }

    /// The one of so many lanes in which the text is, if it is in any.
    #[must_use]
    pub fn lane(&self, lanes: usize) -> usize {
        lane(self.hash, lanes)
    }

    /// Whether a block whose sieve has this lane in that place may hold the text.
    #[must_use]
    pub fn may_be_in_lane(&self, lane: &[u8]) -> bool {
        bits(self.hash).into_iter().all(|bit| lane.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1))
    }

    /// Which of so many rows hold the text, by their places; `value` gives the value of a row in a column.
    #[must_use]
    pub fn rows<'a>(
        &self,
        schema: &Schema,
        rows: usize,
        value: impl Fn(usize, usize) -> Option<&'a str>,
    ) -> Vec<usize> {
        let mut texts = Texts::default();
        let mut found = vec![false; rows];
        for (column, of) in schema.columns.iter().enumerate().filter(|(_, of)| has_texts(&of.kind)) {
            for (row, found) in found.iter_mut().enumerate().filter(|(_, found)| !**found) {
                let value = value(row, column).unwrap_or_default();
                // Folding keeps a text's length within these bounds, but for a few letters: a value that is shorter
                // can't hold it.
                if value.len() * 3 >= self.folded.len() {
                    *found = texts.any(&of.kind, value.as_bytes(), &mut |text| text == self.folded);
                }
            }
        }
        found.iter().enumerate().filter(|(_, found)| **found).map(|(row, _)| row).collect()
    }
}

/// Makes sieves; holds memory that is used again from block to block.
#[derive(Debug, Default)]
pub struct Sifter {
    texts: Texts,
    keys: HashTable<u64>,
}

impl Sifter {
    /// Takes a value of a column of `kind`: JSON.
    pub fn add(&mut self, kind: &ColumnType, value: &[u8]) {
        let Self { texts, keys } = self;
        let mut keep = |key: u64| {
            keys.entry(key, |known| *known == key, |known| *known).or_insert(key);
        };
        if let Some(key) = plain(kind, value).and_then(quick) {
            keep(key);
        } else if has_texts(kind) {
            texts.any(kind, value, &mut |text| {
                keep(hash(text));
                false
            });
        }
    }

    /// The sieve of all that was taken since the last one. Empty where there were no texts.
    pub fn sieve(&mut self) -> Vec<u8> {
        let mut sieve = vec![0; lanes(self.keys.len()) * LANE];
        let count = sieve.len() / LANE;
        for key in self.keys.drain() {
            let start = lane(key, count) * LANE;
            for bit in bits(key) {
                if let Some(byte) = sieve.get_mut(start + bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            }
        }
        sieve
    }
}

/// How many lanes `texts` texts have: in steps of a quarter at most, so that sieves of few lengths lie together.
fn lanes(texts: usize) -> usize {
    let least = texts.div_ceil(TEXTS_A_LANE);
    let step = (least.next_power_of_two() / 8).max(1);
    least.div_ceil(step) * step
}

/// The lane of a text. By its upper half, as its bits are chosen by the lower one.
fn lane(hash: u64, lanes: usize) -> usize {
    usize::try_from(((hash >> 32) * lanes as u64) >> 32).unwrap_or(0)
}

/// Its bits in the lane, one in each word of 32: odd factors as in Parquet's form.
fn bits(hash: u64) -> [usize; 8] {
    const FACTORS: [u32; 8] =
        [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];
    let low = u32::try_from(hash & 0xffff_ffff).unwrap_or(0);
    let mut word = 0;
    FACTORS.map(|factor| {
        let bit = (low.wrapping_mul(factor) >> 27) as usize + word;
        word += 32;
        bit
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::Column;

    fn schema() -> Schema {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns = vec![
            column("Name", ColumnType::String),
            column("Port", ColumnType::Long),
            column("More", ColumnType::Dynamic),
        ];
        Schema { columns }
    }

    fn sieve(rows: &[(&str, &str)]) -> Vec<u8> {
        let mut sifter = Sifter::default();
        for (name, more) in rows {
            for (column, value) in schema().columns.iter().zip([*name, "4444", *more]) {
                sifter.add(&column.kind, value.as_bytes());
            }
        }
        sifter.sieve()
    }

    #[test]
    fn a_sieve_never_says_no_of_what_is_there_and_seldom_yes_of_what_isnt() {
        let rows: Vec<(String, String)> = (0..1000)
            .map(|n| (format!("\"Host{n}.example\""), format!("{{\"ip\":\"10.0.{}.{}\"}}", n / 250, n % 250)))
            .collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let sieve = sieve(&rows);
        for n in 0..1000 {
            for text in [format!(" host{n}.EXAMPLE"), format!("10.0.{}.{}", n / 250, n % 250)] {
                assert!(Probe::new(&text).unwrap().may_be_in(&sieve), "{text}");
            }
        }
        let wrong = (0..20_000).filter(|n| Probe::new(&format!("absent{n}")).unwrap().may_be_in(&sieve)).count();
        assert!(wrong < 100, "{wrong} of 20000");
        assert!(sieve.len() <= 2000 * 20 / 8, "{}", sieve.len());
        assert!(!Probe::new("ip").unwrap().may_be_in(&sieve) && !Probe::new("4444").unwrap().may_be_in(&sieve));
    }

    #[test]
    fn nothing_has_no_sieve_and_no_probe() {
        assert_eq!(sieve(&[("null", "{}"), ("\"\"", "null")]), Vec::<u8>::new());
        assert!(!Probe::new("x").unwrap().may_be_in(&[]));
        assert_eq!((Probe::new(""), Probe::new(" \n")), (None, None));
    }

    #[test]
    fn rows_are_looked_into_as_they_were_sifted() {
        let rows = [
            ("\"evil.exe\"", "null"),
            ("\"not evil.exe\"", r#"{"evil.exe":1}"#),
            ("null", r#"{"a":["x","EVIL.exe"]}"#),
            ("\" Evil.EXE\"", r#""{\"a\":\"evil.exe\"}""#),
        ];
        let probe = Probe::new("Evil.EXE").unwrap();
        assert!(probe.may_be_in(&sieve(&rows)));
        let value = |row: usize, column: usize| Some([rows[row].0, "4444", rows[row].1][column]);
        assert_eq!(probe.rows(&schema(), rows.len(), value), [0, 2, 3]);
    }

    #[test]
    fn lanes_come_in_few_lengths() {
        let lengths: std::collections::BTreeSet<usize> = (1..20_000).map(lanes).collect();
        assert!(lengths.len() < 60, "{}", lengths.len());
        for texts in 1..20_000_usize {
            let least = texts.div_ceil(TEXTS_A_LANE);
            assert!((least..=least + least / 4 + 1).contains(&lanes(texts)), "{texts}");
        }
        assert_eq!(lanes(0), 0);
    }
}
