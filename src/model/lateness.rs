//! Lateness: how long after they happened events arrived, as counts in fixed buckets.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Rows below which nothing is said: one straggler among them would be all that is told of a table.
const FEWEST: u64 = 100;

/// How late the rows of a table arrived: how many within each bound and not within the one before, and how many
/// beyond the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    counts: [u64; Self::BUCKETS],
}

impl Lateness {
    /// The upper bounds of the buckets; the last bucket has none. Such as people write for `late`.
    pub const BOUNDS: [Duration; 10] = [
        Duration::from_secs(MINUTE),
        Duration::from_secs(5 * MINUTE),
        Duration::from_secs(15 * MINUTE),
        Duration::from_secs(30 * MINUTE),
        Duration::from_secs(HOUR),
        Duration::from_secs(2 * HOUR),
        Duration::from_secs(4 * HOUR),
        Duration::from_secs(8 * HOUR),
        Duration::from_secs(12 * HOUR),
        Duration::from_secs(24 * HOUR),
    ];
    /// How many buckets there are.
    pub const BUCKETS: usize = Self::BOUNDS.len() + 1;

    /// Out of counts, bucket by bucket.
    #[must_use]
    pub const fn from_counts(counts: [u64; Self::BUCKETS]) -> Self {
        Self { counts }
    }

    /// The counts, bucket by bucket.
    #[must_use]
    pub const fn counts(&self) -> &[u64; Self::BUCKETS] {
        &self.counts
    }

    /// Counts a row that arrived so late; exactly at a bound is within it.
    pub fn note(&mut self, late: Duration) {
        let bucket = Self::BOUNDS.partition_point(|bound| *bound < late);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
    }

    /// Counts what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
    }

    /// Whether it has counted nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// The bound within which at least 999 of 1000 rows arrived: what overlap would have been enough. `None` where
    /// they lie beyond the last bound, or where fewer than a hundred rows were counted.
    #[must_use]
    pub fn enough(&self) -> Option<Duration> {
        let total = self.total();
        if total < u128::from(FEWEST) {
            return None;
        }
        let mut within = 0_u128;
        self.counts.iter().zip(Self::BOUNDS).find_map(|(count, bound)| {
            within += u128::from(*count);
            (within * 1000 >= total * 999).then_some(bound)
        })
    }

    /// Whether there are rows enough to say so, and more than one of 1000 arrived beyond the last bound.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.total() >= u128::from(FEWEST) && self.enough().is_none()
    }

    fn total(&self) -> u128 {
        self.counts.iter().map(|count| u128::from(*count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(rows: &[(u64, u64)]) -> Lateness {
        let mut lateness = Lateness::default();
        for (minutes, count) in rows {
            (0..*count).for_each(|_| lateness.note(Duration::from_mins(*minutes)));
        }
        lateness
    }

    #[test]
    fn a_row_counts_in_the_first_bucket_whose_bound_it_keeps() {
        let second = Duration::from_secs(1);
        for (bucket, bound) in Lateness::BOUNDS.into_iter().enumerate() {
            for (late, bucket) in [(bound, bucket), (bound + second, bucket + 1)] {
                let mut lateness = Lateness::default();
                lateness.note(late);
                let found: Vec<usize> = (0..Lateness::BUCKETS).filter(|at| lateness.counts()[*at] == 1).collect();
                assert_eq!(found, [bucket], "{late:?}");
            }
        }
        let mut none = Lateness::default();
        assert!(none.is_empty());
        none.note(Duration::ZERO);
        assert_eq!((none.counts()[0], none.is_empty()), (1, false));
    }

    #[test]
    fn one_of_a_thousand_may_be_later() {
        let minutes = |minutes| Some(Duration::from_mins(minutes));
        for (rows, enough, beyond) in [
            (&[(0, 99)][..], None, false),
            (&[(0, 100)], minutes(1), false),
            (&[(0, 99), (50, 1)], minutes(60), false),
            (&[(0, 999), (50, 1)], minutes(1), false),
            (&[(0, 998), (50, 2)], minutes(60), false),
            (&[(20, 1000), (90, 1000)], minutes(120), false),
            (&[(0, 999), (60 * 48, 1)], minutes(1), false),
            (&[(0, 998), (60 * 48, 2)], None, true),
            (&[(60 * 48, 99)], None, false),
            (&[], None, false),
        ] {
            let lateness = of(rows);
            assert_eq!((lateness.enough(), lateness.is_beyond()), (enough, beyond), "{rows:?}");
        }
    }

    #[test]
    fn counts_too_great_for_their_type_stay_at_its_end() {
        let mut lateness = Lateness::from_counts([u64::MAX; Lateness::BUCKETS]);
        lateness.add(&lateness.clone());
        lateness.note(Duration::ZERO);
        assert_eq!(lateness, Lateness::from_counts([u64::MAX; Lateness::BUCKETS]));
        assert!(lateness.is_beyond());
    }

    proptest! {
        #[test]
        fn enough_is_the_least_bound_that_999_of_1000_keep(
            mut seconds in proptest::collection::vec(prop_oneof![0..120_u64, 0..100_000_u64], 0..400),
            parts in 0..400_usize,
        ) {
            let noted = |seconds: &[u64]| {
                let mut lateness = Lateness::default();
                for late in seconds {
                    lateness.note(Duration::from_secs(*late));
                }
                lateness
            };
            let whole = noted(&seconds);
            let (one, two) = seconds.split_at(parts.min(seconds.len()));
            let mut sum = noted(one);
            sum.add(&noted(two));
            prop_assert_eq!(sum, whole);
            prop_assert_eq!(sum.is_empty(), seconds.is_empty());

            seconds.sort_unstable();
            let total = seconds.len();
            // Of 400 rows none may be missing.
            let last = seconds.last().map(|last| Duration::from_secs(*last)).filter(|_| total >= 100);
            let enough = last.and_then(|last| Lateness::BOUNDS.into_iter().find(|bound| *bound >= last));
            prop_assert_eq!((whole.enough(), whole.is_beyond()), (enough, last.is_some() && enough.is_none()));
        }
    }
}
