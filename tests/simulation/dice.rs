//! Chance that hangs on nothing but the seed and a name: what is drawn for one thing moves nothing else.

use std::time::Duration;

/// A source of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    /// The dice for the thing that `parts` name.
    pub(crate) fn of(seed: u64, parts: &[u64]) -> Self {
        Self(fastrand::Rng::with_seed(parts.iter().fold(mix(seed), |state, part| mix(state ^ mix(*part)))))
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// From `from` up to and without `to`.
    pub(crate) fn number(&mut self, from: u64, to: u64) -> u64 {
        self.0.u64(from..to)
    }

    /// A span between the two, to the millisecond; short ones are as likely as long ones by their digits.
    pub(crate) fn span(&mut self, from: Duration, to: Duration) -> Duration {
        let (low, high) = (from.as_secs_f64().max(0.001).ln(), to.as_secs_f64().max(0.001).ln());
        let seconds = (low + (high - low) * self.0.f64()).exp();
        Duration::from_millis(Duration::from_secs_f64(seconds).as_millis().try_into().unwrap())
    }

    /// One of several.
    pub(crate) fn of_these<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.0.usize(0..all.len())]
    }

    /// Puts them into another order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        self.0.shuffle(all);
    }
}

/// `SplitMix64`'s last steps: near numbers come out far apart.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
