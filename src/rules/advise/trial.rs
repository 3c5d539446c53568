//! One key, tried on a sample.

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::sample::Sample;

/// What a key came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trial {
    /// Keys that were new: what would be told of new hits alone.
    pub told: u64,
    /// Rows that came into a result which held another row of the same key.
    pub doubles: u64,
    /// Rows in which every column of the key holds nothing.
    pub empty: u64,
    /// Rows that came in the place of another of the same key, from one result to the next.
    pub replaced: u64,
    /// Rows whose key was there before, but not in the result before: the same thing back, or another one that the
    /// key takes for it.
    pub apart: u64,
    /// Of the rows that were replaced, in how many each column was another.
    pub changed: Vec<u64>,
}

impl Trial {
    /// Whether each row had a key of its own in every result, and rows with a known key mostly came in the place of the
    /// one before, so that it may be the same thing.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.doubles == 0 && self.empty == 0 && self.apart <= self.replaced
    }
}

/// Tries a key, given by the places of its columns. Takes time in proportion to the rows that came and went.
#[must_use]
pub fn trial(sample: &Sample, key: &[usize]) -> Trial {
    let width = sample.columns().len();
    let every: Vec<usize> = (0..width).collect();
    let mut done = Trial { changed: vec![0; width], ..Trial::default() };
    let (mut last, mut there): (HashMap<u64, u32>, HashMap<u64, u32>) = (HashMap::new(), HashMap::new());
    let none = RoaringBitmap::new();
    let mut before = &none;
    for result in sample.results() {
        let hash = |row| sample.hash(row, key).ok_or_else(|| sample.hash(row, &every).unwrap_or(0));
        for row in before - result {
            let hash = hash(row).unwrap_or_else(|whole| whole);
            if let Some(count) = there.get_mut(&hash) {
                *count = count.saturating_sub(1);
            }
        }
        for row in result - before {
            let hash = hash(row).unwrap_or_else(|whole| {
                done.empty += 1;
                whole
            });
            let count = there.entry(hash).or_default();
            *count += 1;
            done.doubles += u64::from(*count > 1);
            match last.insert(hash, row) {
                None => done.told += 1,
                Some(old) if old == row || result.contains(old) => {}
                Some(old) if before.contains(old) => {
                    done.replaced += 1;
                    for (column, count) in done.changed.iter_mut().enumerate() {
                        *count += u64::from(sample.cell(old, column) != sample.cell(row, column));
                    }
                }
                Some(_) => done.apart += 1,
            }
        }
        before = result;
    }
    done
}
