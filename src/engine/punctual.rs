//! Runs that are late: what is told with them, and what the log says of them each hour.

use std::time::Duration;

use super::gate::Gates;
use super::order::Order;
use crate::model::config::Failures;
use crate::model::overload::{Overload, Shortage};
use crate::model::run::Run;
use crate::model::time::format_duration;
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::overload;

/// Between two lines of the log.
const HOUR: Duration = Duration::from_hours(1);

/// What is told with a late run, if that is news.
pub(super) async fn shortage(
    store: &Store,
    (gates, clock): (&Gates, &SharedClock),
    failures: &Failures,
    order: &Order,
    run: &Run,
) -> Result<Option<Shortage>, StoreError> {
    if run.late.is_none() || !order.notify {
        return Ok(None);
    }
    let (tenant, now) = (&order.tenant, run.finished);
    let before = store.episode(&tenant.name).await?;
    let (mut waiting, mut full) = (Vec::new(), Vec::new());
    // At overload most runs are late, and few of them are news.
    if overload::may_be_news(before, failures, now) {
        waiting = gates.of(&tenant.name).late(clock);
        full = overload::full(&tenant.quota, &store.ledger(&tenant.name, now).await?, now);
    }
    Ok(Some(Shortage { failures: failures.clone(), waiting, full }))
}

/// Says what was told.
pub(super) fn log_told(run: &Run, told: &Overload) {
    let (tenant, hunts, full) = (&run.tenant, told.count(), told.full.join("; "));
    let worst = told.hunts.first().map(|worst| format!("{} by {}", worst.hunt, format_duration(worst.by)));
    tracing::warn!(%tenant, hunts, worst, full, "hunts run late, as more is due than the quota lets through: see `huntd plan`");
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
