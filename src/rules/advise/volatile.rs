//! Columns that are another in each result, for rows that are otherwise the same.

use super::sample::Sample;

/// How many pairs of rows are held against each other: enough for a result of a thousand rows that all changed.
const MOST_PAIRS: u64 = 2_000_000;

/// A column that changes though the rest of the row stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volatile {
    /// Its place.
    pub column: usize,
    /// In how many rows it was another.
    pub changed: u64,
    /// Of how many that took the place of one like it.
    pub of: u64,
}

/// The columns that were another in at least half of the rows that took the place of one which mostly has the same
/// values. `skip` are columns that don't count.
pub(super) fn volatile(sample: &Sample, skip: &[usize]) -> Vec<Volatile> {
    let counting: Vec<usize> = (0..sample.columns().len()).filter(|at| !skip.contains(at)).collect();
    let mut changed = vec![0_u64; sample.columns().len()];
    let (mut of, mut pairs) = (0_u64, 0_u64);
    for (before, after) in sample.results().iter().zip(sample.results().iter().skip(1)) {
        let (mut gone, come) = (before - after, after - before);
        for row in come {
            pairs += gone.len();
            if pairs > MOST_PAIRS {
                break;
            }
            let Some((like, differ)) = nearest(sample, row, gone.iter(), &counting) else { continue };
            // Most of what both hold must be the same.
            if differ.is_empty() || differ.len() * 2 > counting.len() {
                continue;
            }
            gone.remove(like);
            of += 1;
            for column in differ {
                if let Some(count) = changed.get_mut(column) {
                    *count += 1;
                }
            }
        }
    }
    let all = changed.into_iter().enumerate().map(|(column, changed)| Volatile { column, changed, of });
    all.filter(|volatile| volatile.of >= 3 && volatile.changed * 2 >= volatile.of).collect()
}

/// The row that differs in the fewest columns, and in which.
fn nearest(
    sample: &Sample,
    row: u32,
    others: impl Iterator<Item = u32>,
    counting: &[usize],
) -> Option<(u32, Vec<usize>)> {
    let differ = |other: u32| -> Vec<usize> {
        counting.iter().copied().filter(|at| sample.cell(row, *at) != sample.cell(other, *at)).collect()
    };
    others.map(|other| (other, differ(other))).min_by_key(|(_, differ)| differ.len())
}
