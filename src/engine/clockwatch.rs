//! A wall clock that was set, or a machine that slept: what is stored is carried along, and what was covered under a
//! clock that was ahead is taken back.

use std::time::Duration;

use crate::model::time::Timestamp;
use crate::ports::store::error::StoreError;
use crate::ports::store::{RunFilter, Store};
use crate::rules::quota;
use crate::rules::schedule::{self, ClockMove, Leap, Look};

/// Watches the wall clock.
#[derive(Debug)]
pub(super) struct Clockwatch {
    /// The wall clock when this process began.
    started: Timestamp,
    /// Up to where all is carried along.
    carried: Look,
    /// The last jump forward.
    leap: Option<Leap>,
    /// How late events may arrive, of all hunts.
    latest: Duration,
}

impl Clockwatch {
    /// Begins. Where the clock was set back since the last run, that is made up for.
    pub(super) async fn begin(store: &Store, look: Look, latest: Duration) -> Result<Self, StoreError> {
        let leap = store.leap().await?;
        let mut this = Self { started: look.wall, carried: look, leap, latest };
        let last = store.runs(&RunFilter { limit: Some(1), ..RunFilter::default() }).await?;
        let seen = last.first().map(|run| run.finished);
        if let Some(since) = seen.and_then(|seen| schedule::wrong_when_started(this.leap, seen, look.wall)) {
            tracing::warn!(%since, "the wall clock was set back since the last run: what was covered since then is asked for again");
            this.take_back(store, since).await?;
        }
        Ok(this)
    }

    /// Events may arrive so late from now on, of all hunts. Never less than before: of what was covered meanwhile, the
    /// longest holds.
    pub(super) fn expect_late(&mut self, latest: Duration) {
        self.latest = self.latest.max(latest);
    }

    /// Carries all along, when the clock was set. What fails is made up for by the next look.
    pub(super) async fn carry(&mut self, store: &Store, look: Look) {
        let moved = schedule::moved(self.carried, look);
        if moved != ClockMove::Steady {
            tracing::warn!(?moved, "the wall clock was set, or the machine slept: the hunts go on from its new time");
            if let Err(error) = self.follow(store, moved, look.wall).await {
                tracing::error!(%error, "what is stored could not be carried along with the clock");
                return;
            }
        }
        self.carried = look;
    }

    async fn follow(&mut self, store: &Store, moved: ClockMove, now: Timestamp) -> Result<(), StoreError> {
        match moved {
            ClockMove::Steady => {}
            ClockMove::JumpedForward { by } => {
                let leap = Leap { before: now.minus(by), by };
                store.note_leap(&leap).await?;
                self.leap = Some(leap);
            }
            ClockMove::SetBack { by } => {
                let since = schedule::wrong_since(self.leap, self.started, by, now);
                self.take_back(store, since).await?;
            }
        }
        // Last, as it must not be done twice: the next look does all of it again after an error.
        store.move_ledgers(now, |ledger| quota::carry(ledger, moved, now)).await
    }

    async fn take_back(&mut self, store: &Store, since: Timestamp) -> Result<(), StoreError> {
        store.uncover(since.minus(self.latest)).await?;
        self.leap = None;
        Ok(())
    }
}
