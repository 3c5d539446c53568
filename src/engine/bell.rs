//! The bell: rings once a second, and on each minute of the wall clock, and that is all it does.
//!
//! tokio-cron-scheduler freezes a zone's offset when a job is made, forgets missed ticks, and is silent after the wall
//! clock was set back; so it decides nothing here: it rings the minutes. Its job each second took most of the CPU of a
//! daemon at rest, so the seconds between are told by a timer of the runtime, which no change of the clock holds up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::ports::clock::{Clock, SystemClock};

const SECOND: Duration = Duration::from_secs(1);

/// A bell that rings every second.
pub struct Bell {
    scheduler: JobScheduler,
    seconds: JoinHandle<()>,
}

impl Bell {
    /// Starts to ring `bell`.
    pub async fn start(bell: Arc<Notify>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let minutes = Arc::clone(&bell);
        let job = Job::new_async("0 * * * * *", move |_, _| {
            let bell = Arc::clone(&minutes);
            Box::pin(async move { bell.notify_one() })
        })?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, seconds: tokio::spawn(seconds(bell)) })
    }

    /// Stops ringing.
    pub async fn stop(mut self) {
        self.seconds.abort();
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!(%error, "the bell did not stop");
        }
    }
}

/// Rings just after each second of the wall clock as it goes now: a tick is served as soon as it is due.
async fn seconds(bell: Arc<Notify>) {
    let into = SystemClock::default().now().nanos().rem_euclid(1_000_000_000).unsigned_abs();
    let first = SECOND.saturating_sub(Duration::from_nanos(into)) + Duration::from_millis(1);
    tokio::time::sleep(first).await;
    let mut ticks = tokio::time::interval(SECOND);
    // What begins just after a second stays there.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        bell.notify_one();
    }
}
