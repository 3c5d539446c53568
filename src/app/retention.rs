//! Retention in the daemon: once an hour, in small steps with pauses, so that hunting goes on meanwhile.

use std::time::Duration;

use tokio::sync::watch;

use crate::model::config::Retention;
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;
use crate::ports::store::{Pruning, Step, Store};

/// When retention is served.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The wait before the first time: what was missed while huntd was down is hunted for first.
    pub first: Duration,
    /// The wait between two times.
    pub every: Duration,
    /// The wait after each step that wrote: longer than the step, so that runs find the database free.
    pub pause: Duration,
}

/// The daemon's.
pub const HOURLY: Pace =
    Pace { first: Duration::from_mins(10), every: Duration::from_hours(1), pause: Duration::from_millis(250) };

/// A clock that leapt forward is doubted for so long: it may yet be set back, and what is gone is gone.
const DOUBTED: Duration = Duration::from_hours(24);

/// Serves retention until it is stopped. A failure is logged, and tried again the next time.
pub async fn keep(
    store: Store,
    clock: SharedClock,
    retention: Retention,
    pace: Pace,
    mut stopped: watch::Receiver<bool>,
) {
    let mut wait = pace.first;
    while waits(&clock, wait, &mut stopped).await {
        wait = pace.every;
        match serve(&store, &clock, retention, pace.pause, &mut stopped).await {
            Ok(Some(pruning)) => told(&pruning),
            Ok(None) => return,
            Err(error) => {
                let hint = error.hint().unwrap_or("");
                tracing::warn!(%error, hint, "retention waits for its next time");
            }
        }
    }
}

/// Serves retention once; none where it was stopped meanwhile.
async fn serve(
    store: &Store,
    clock: &SharedClock,
    retention: Retention,
    pause: Duration,
    stopped: &mut watch::Receiver<bool>,
) -> Result<Option<Pruning>, StoreError> {
    let mut pruning = Pruning::new(moment(store, clock.now()).await?, retention.rows, retention.runs);
    loop {
        let wait = match store.prune_step(&mut pruning).await? {
            Step::Done => return Ok(Some(pruning)),
            Step::Wrote => pause,
            Step::Looked => Duration::ZERO,
        };
        if !waits(clock, wait, stopped).await {
            return Ok(None);
        }
    }
}

/// The moment that retention stands at: a leap that is still doubted doesn't count.
pub async fn moment(store: &Store, now: Timestamp) -> Result<Timestamp, StoreError> {
    let doubted = store.leap().await?.filter(|leap| now.since(leap.before.plus(leap.by)) < DOUBTED);
    Ok(doubted.map_or(now, |leap| now.minus(leap.by)))
}

/// Waits; false where it is stopped first.
async fn waits(clock: &SharedClock, span: Duration, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        // One that nobody can stop any more is stopped.
        _ = stopped.wait_for(|stopped| *stopped) => false,
        () = clock.pass(span) => true,
    }
}

fn told(pruning: &Pruning) {
    let (pruned, space) = (pruning.pruned, pruning.space);
    if pruned.blocks + pruned.runs + pruned.versions + space.freed == 0 {
        tracing::debug!("nothing is past its retention");
        return;
    }
    let (blocks, runs, freed) = (pruned.blocks, pruned.runs, space.freed);
    tracing::info!(blocks, runs, freed, "what was past its retention is gone");
}
