//! One run of a hunt on a tenant at a time, within this process: a second one would be overtaken by the first,
//! and have spent its calls for nothing. Between processes the store decides.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::model::id::{HuntId, TenantName};

/// A hunt's turn on a tenant: held while a run is under way.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// Whose turn it is.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    by_track: Arc<Mutex<HashMap<(HuntId, TenantName), Turn>>>,
    queued: Arc<AtomicUsize>,
}

/// A run that waits for others to end: counted for as long as this lives.
pub(super) struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    pub(super) fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    /// Whether another run of `hunt` on `tenant` waits for the one that is under way.
    #[must_use]
    pub fn is_wanted(&self, hunt: &HuntId, tenant: &TenantName) -> bool {
        let by_track = self.by_track.lock().unwrap_or_else(PoisonError::into_inner);
        // The map has one; who holds the turn has another, and so has each that waits.
        by_track.get(&(hunt.clone(), tenant.clone())).is_some_and(|turn| Arc::strong_count(turn) > 2)
    }

    /// How many runs wait for their hunt's turn.
    pub(super) fn waiting(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Waits until no other run of `hunt` on `tenant` is under way; the turn ends with the guard.
    pub async fn take(&self, hunt: &HuntId, tenant: &TenantName) -> OwnedMutexGuard<()> {
        let turn = {
            let mut by_track = self.by_track.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(by_track.entry((hunt.clone(), tenant.clone())).or_default())
        };
        let _queued = Queued::new(&self.queued);
        turn.lock_owned().await
    }
}
