//! The one that looks at the daemon, for all who ask.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Watched;
use crate::rules::health::{self, Health};

/// Looks at the daemon.
pub(super) struct Eye {
    pub(super) watched: Watched,
    /// Whether it was said that it is stalled.
    told: AtomicBool,
}

impl Eye {
    pub(super) const fn new(watched: Watched) -> Self {
        Self { watched, told: AtomicBool::new(false) }
    }

    /// Whether the daemon is alive. The log says it once when it isn't, and once when it is again, whoever asked.
    pub(super) fn health(&self) -> Health {
        let health = health::judge(&self.watched.vitals.pulse(), self.watched.clock.steady());
        let is_stalled = health != Health::Alive;
        if self.told.swap(is_stalled, Ordering::Relaxed) != is_stalled {
            if is_stalled {
                tracing::error!(%health, "the daemon hunts no more: no heartbeat is sent, and systemd's watchdog isn't fed");
            } else {
                tracing::info!("the daemon goes on");
            }
        }
        health
    }

    /// What the daemon does, in a line for `systemctl status`.
    pub(super) fn status(&self) -> String {
        let health = self.health();
        if health != Health::Alive {
            return health.to_string();
        }
        let (mut hunts, mut tenants) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        let agenda = self.watched.agenda.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = None;
        for (hunt, tenant, due) in agenda.due() {
            hunts.insert(&hunt.id);
            tenants.insert(&tenant.name);
            next = due.into_iter().chain(next).min();
        }
        let waiting = self.watched.gates.depths().values().sum();
        health::status(hunts.len(), tenants.len(), next.map(crate::model::time::Timestamp::local), waiting)
    }
}
