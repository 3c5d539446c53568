//! The bell: tokio-cron-scheduler rings it once a second, and that is all it does.
//!
//! The library freezes a zone's offset when a job is made, forgets missed ticks, and is silent after
//! the wall clock was set back; so it decides nothing here. One job for all hunts also keeps its
//! polling cheap.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// A bell that rings every second on the wall clock.
pub struct Bell {
    scheduler: JobScheduler,
}

impl Bell {
    /// Starts to ring `bell`.
    pub async fn start(bell: Arc<Notify>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let job = Job::new_async("* * * * * *", move |_, _| {
            let bell = Arc::clone(&bell);
            Box::pin(async move { bell.notify_one() })
        })?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { scheduler })
    }

    /// Stops ringing.
    pub async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!(%error, "the bell did not stop");
        }
    }
}
