//! What systemd is told: that the daemon is alive, and what it does.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::eye::Eye;
use crate::app::systemd;
use crate::rules::health::Health;

/// How often the line of `systemctl status` is looked at, where there is no watchdog.
const LOOK: Duration = Duration::from_secs(30);

/// Whether systemd started this process, and wants to be told.
pub(super) fn is_there() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// Feeds the watchdog twice in its time while the daemon is alive, and tells what it does when that has changed, until
/// it is dropped.
pub(super) async fn tell(eye: Arc<Eye>) {
    let watchdog = sd_notify::watchdog_enabled();
    let (period, mut told) = (watchdog.map_or(LOOK, |limit| limit / 2), String::new());
    loop {
        let status = eye.status();
        let mut messages = Vec::new();
        if watchdog.is_some() && eye.health() == Health::Alive {
            messages.push(NotifyState::Watchdog);
        }
        if status != told {
            messages.push(NotifyState::Status(&status));
        }
        // Nothing to say is no message.
        if !messages.is_empty() {
            systemd::notify(&messages);
        }
        told = status;
        tokio::time::sleep(period).await;
    }
}
