//! The load of each minute of the clock, as a share of what fits into it.

use std::time::Duration;

use crate::model::config::Quota;

/// The whole of a minute, in thousandths.
const WHOLE: u64 = 1000;

/// What starts in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weight {
    pub(super) calls: u64,
    /// Milliseconds for which calls are under way.
    pub(super) busy: u64,
}

/// What fits into a minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    calls: u64,
    busy: u64,
}

impl Capacity {
    /// Of a quota, filled to so many percent.
    pub(super) fn of(quota: &Quota, percent: u64) -> Self {
        let share = |whole: u64| (whole * percent / 100).max(1);
        Self { calls: share(quota.calls_per_minute.into()), busy: share(u64::from(quota.concurrent) * 60_000) }
    }

    /// How full a minute is, in thousandths.
    fn load(self, weight: Weight) -> u64 {
        (weight.calls * WHOLE / self.calls).max(weight.busy * WHOLE / self.busy)
    }

    fn excess(self, weight: Weight) -> u64 {
        self.load(weight).saturating_sub(WHOLE)
    }
}

/// The minutes of a tenant.
#[derive(Debug)]
pub(super) struct Load {
    minutes: Vec<Weight>,
    capacity: Capacity,
}

impl Load {
    pub(super) fn new(minutes: usize, capacity: Capacity) -> Self {
        Self { minutes: vec![Weight::default(); minutes.max(1)], capacity }
    }

    /// The minute of a moment of the plan. What lies beyond its end counts as its beginning, so that nothing is gained
    /// by moving it out of sight.
    pub(super) fn minute(&self, at: Duration) -> usize {
        let minutes = self.minutes.len();
        usize::try_from(at.as_secs() / 60).unwrap_or(0) % minutes
    }

    pub(super) fn add(&mut self, minute: usize, weight: Weight) {
        if let Some(held) = self.minutes.get_mut(minute) {
            held.calls += weight.calls;
            held.busy += weight.busy;
        }
    }

    pub(super) fn remove(&mut self, minute: usize, weight: Weight) {
        if let Some(held) = self.minutes.get_mut(minute) {
            held.calls = held.calls.saturating_sub(weight.calls);
            held.busy = held.busy.saturating_sub(weight.busy);
        }
    }

    /// By how much the excess of a minute grows with `weight`, and how full it is then.
    pub(super) fn with(&self, minute: usize, weight: Weight) -> (u64, u64) {
        let held = self.minutes.get(minute).copied().unwrap_or_default();
        let both = Weight { calls: held.calls + weight.calls, busy: held.busy + weight.busy };
        (self.capacity.excess(both) - self.capacity.excess(held), self.capacity.load(both))
    }

    /// How much is too much in a minute.
    pub(super) fn excess(&self, minute: usize) -> u64 {
        self.minutes.get(minute).map_or(0, |held| self.capacity.excess(*held))
    }

    /// How much is too much in all.
    pub(super) fn total(&self) -> u64 {
        self.minutes.iter().map(|held| self.capacity.excess(*held)).sum()
    }
}
