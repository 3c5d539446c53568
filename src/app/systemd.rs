//! What systemd is told of a daemon's life (`sd_notify(3)`); without systemd nothing is told.

use std::time::Duration;

use sd_notify::NotifyState;

/// That it hunts.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// That hunts and config are loaded again: systemd waits for [`ready`].
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd was not told"),
    }
}

/// That its start may take so long from now, which may be longer than systemd waits.
pub fn starting(span: Duration) {
    notify(&[NotifyState::ExtendTimeoutUsec(u32::try_from(span.as_micros()).unwrap_or(u32::MAX))]);
}

/// That it stops.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Tells systemd.
pub fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
