//! The heartbeat: sent as long as the daemon is alive.

use std::sync::Arc;
use std::time::Duration;

use super::eye::Eye;
use crate::adapters::heartbeat::Heart;
use crate::rules::health::Health;

/// The wait before the first: a daemon that ends in its first seconds, over and over, shall not seem alive.
const FIRST: Duration = Duration::from_secs(5);

/// Sends it until it is dropped.
pub(super) async fn beat(eye: Arc<Eye>, heart: Heart, every: Duration) {
    let (clock, host, mut wait, mut failing) = (Arc::clone(&eye.watched.clock), heart.host(), every.min(FIRST), false);
    loop {
        clock.pass(wait).await;
        wait = every;
        let pulse = eye.watched.vitals.pulse();
        if !pulse.has_looked || pulse.stopping || eye.health() != Health::Alive {
            continue;
        }
        match heart.beat().await {
            Ok(()) if failing => {
                failing = false;
                tracing::info!(host, "the heartbeat is heard again");
            }
            Ok(()) => {}
            // Each minute the same line would tell nothing more.
            Err(error) if failing => tracing::debug!(host, error, "the heartbeat was not heard"),
            Err(error) => {
                failing = true;
                let hint = "see `heartbeat.url` in the config, and whether this machine reaches it; hunting goes on";
                tracing::warn!(host, error, hint, "the heartbeat was not heard");
            }
        }
    }
}
