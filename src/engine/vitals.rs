//! What the engine tells of itself to who watches it: its signs of life, and what it counts.
//!
//! Promises: to tell costs a lock that nobody holds for longer than a copy, and wakes nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::failure::ApiFailure;
use crate::model::id::{ChannelName, TenantName};
use crate::model::run::Run;
use crate::rules::health::Pulse;
use crate::rules::metrics::{Counts, HuntCounts};

/// Signs of life and counts. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Vitals {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    pulse: Mutex<Pulse>,
    counts: Mutex<Counts>,
    hunts: Mutex<HuntCounts>,
}

impl Vitals {
    /// Begins at `steady`: from then on signs of life are expected.
    pub fn begin(&self, steady: Duration) {
        *self.pulse_now() = Pulse { scheduler: steady, outbox: steady, ..Pulse::default() };
    }

    /// What the engine last did.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        *self.pulse_now()
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        lock(&self.inner.counts).clone()
    }

    /// How many hunts were loaded.
    #[must_use]
    pub fn hunts(&self) -> HuntCounts {
        *lock(&self.inner.hunts)
    }

    /// Hunts were loaded.
    pub fn loaded(&self, hunts: HuntCounts) {
        *lock(&self.inner.hunts) = hunts;
    }

    /// The daemon is being stopped.
    pub fn stopping(&self) {
        self.pulse_now().stopping = true;
    }

    /// The scheduler has ended a look.
    pub(super) fn looked(&self, steady: Duration) {
        let mut pulse = self.pulse_now();
        (pulse.scheduler, pulse.has_looked) = (steady, true);
    }

    /// The outbox was looked into.
    pub(super) fn emptied(&self, steady: Duration) {
        self.pulse_now().outbox = steady;
    }

    /// A run was committed.
    pub(super) fn ran(&self, run: &Run) {
        lock(&self.inner.counts).ran(run);
    }

    /// A call to the API has ended.
    pub(super) fn called(&self, tenant: &TenantName, failure: Option<&ApiFailure>) {
        lock(&self.inner.counts).called(tenant, failure);
    }

    /// An attempt to deliver has ended.
    pub(super) fn delivered(&self, channel: &ChannelName, outcome: &'static str) {
        lock(&self.inner.counts).delivered(channel, outcome);
    }

    fn pulse_now(&self) -> MutexGuard<'_, Pulse> {
        lock(&self.inner.pulse)
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
