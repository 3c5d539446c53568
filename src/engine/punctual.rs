//! Runs that are late: on which tenants more is due than fits, and what the log says of it each hour.

use std::time::Duration;

use super::gate::Gates;
use super::tenant::Tenants;
use crate::model::id::{HuntId, TenantName};
use crate::model::time::format_duration;
use crate::model::trouble::Trouble;
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::overload::{self, Facts};

/// Between two lines of the log.
const HOUR: Duration = Duration::from_hours(1);

/// The tenants on which more is due than their quota lets through, a cause each. `runs` says whether a hunt still runs on
/// a tenant: what runs no longer is no trouble.
pub async fn starved(
    store: &Store,
    (gates, clock): (&Gates, &SharedClock),
    tenants: &Tenants,
    runs: impl Fn(&HuntId, &TenantName) -> bool,
) -> Result<Vec<Trouble>, StoreError> {
    let (now, episodes, mut queues) = (clock.now(), store.episodes().await?, gates.late(clock));
    let mut all = Vec::new();
    for (name, tenant) in tenants {
        let episode = overload::lasting(episodes.get(name), now);
        let mut waiting = queues.remove(name).unwrap_or_default();
        waiting.retain(|(hunt, _)| runs(hunt, name));
        // On most tenants all fits, and nothing more is read.
        if episode.is_none() && waiting.is_empty() {
            continue;
        }
        let mut late = match &episode {
            Some(episode) => store.late_hunts(name, overload::named_from(episode, now)).await?,
            None => Vec::new(),
        };
        late.retain(|late| runs(&late.hunt, name));
        let ledger = &store.ledger(name, now).await?;
        all.extend(overload::starved(
            Facts { tenant: name, quota: &tenant.quota, ledger, episode, late, waiting },
            now,
        ));
    }
    Ok(all)
}

/// Says each hour which tenants' runs were late.
#[derive(Debug)]
pub(super) struct Hourly {
    /// When it last did, by the steady clock.
    last: Duration,
}

impl Hourly {
    pub(super) const fn begin(steady: Duration) -> Self {
        Self { last: steady }
    }

    pub(super) fn look(&mut self, gates: &Gates, steady: Duration) {
        if steady.saturating_sub(self.last) < HOUR {
            return;
        }
        self.last = steady;
        for (tenant, lately) in gates.punctuality_anew().into_iter().filter(|(_, lately)| lately.late > 0) {
            let worst = format_duration(lately.worst);
            tracing::warn!(%tenant, late = lately.late, runs = lately.runs, worst, "runs of the last hour were late");
        }
    }
}
