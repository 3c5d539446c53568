//! What is counted since the process began.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::hit::HitKind;
use crate::model::id::{ChannelName, HuntId, TenantName};
use crate::model::run::{Run, RunStatus, Trigger};
use crate::model::time::Timestamp;

/// How an attempt to deliver ends.
const OUTCOMES: [&str; 3] = ["sent", "later", "failed"];

/// What is counted of a hunt on a tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrackCounts {
    /// Runs that ended `ok`, `failed`, `partial`.
    runs: [u64; 3],
    /// Hits: new, changed, gone, returned.
    hits: [u64; 4],
    /// How long after its tick the last scheduled run began.
    pub lateness: Option<Duration>,
}

impl TrackCounts {
    /// Runs by status, also those that there were none of: what rises from nothing to one is no increase to Prometheus.
    pub fn runs(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        RunStatus::ALL.map(RunStatus::as_str).into_iter().zip(self.runs)
    }

    /// Hits by kind, also those that there were none of.
    pub fn hits(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        HitKind::ALL.map(HitKind::as_str).into_iter().zip(self.hits)
    }
}

/// What is counted since the process began: a restart begins anew, as Prometheus expects of a counter.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// By hunt and tenant.
    pub tracks: BTreeMap<(HuntId, TenantName), TrackCounts>,
    /// Calls to the API, by tenant and outcome.
    pub calls: BTreeMap<(TenantName, &'static str), u64>,
    /// Calls that the API refused as too many.
    pub throttled: BTreeMap<TenantName, u64>,
    /// Attempts to deliver, by channel and outcome.
    pub deliveries: BTreeMap<(ChannelName, &'static str), u64>,
    /// When a run was last committed.
    pub last_commit: Option<Timestamp>,
}

impl Counts {
    /// A run was committed.
    pub fn ran(&mut self, run: &Run) {
        self.last_commit = Some(run.finished);
        let track = self.tracks.entry((run.hunt.clone(), run.tenant.clone())).or_default();
        let statuses = RunStatus::ALL.into_iter().zip(&mut track.runs);
        statuses.filter(|(status, _)| *status == run.status).for_each(|(_, count)| *count += 1);
        let of = |kind| match kind {
            HitKind::New => run.new,
            HitKind::Changed => run.changed,
            HitKind::Gone => run.gone,
            HitKind::Returned => run.returned,
        };
        HitKind::ALL.into_iter().zip(&mut track.hits).for_each(|(kind, count)| *count += of(kind));
        if run.trigger == Trigger::Schedule {
            track.lateness = Some(run.started.since(run.due));
        }
    }

    /// A call to the API has ended.
    pub fn called(&mut self, tenant: &TenantName, failure: Option<&ApiFailure>) {
        let outcome = failure.map_or("ok", |failure| failure.class.as_str());
        *self.calls.entry((tenant.clone(), outcome)).or_default() += 1;
        if failure.is_some_and(is_throttled) {
            *self.throttled.entry(tenant.clone()).or_default() += 1;
        }
    }

    /// There is a channel: what it did stands at nothing until it does something.
    pub fn expect(&mut self, channel: &ChannelName) {
        for outcome in OUTCOMES {
            self.deliveries.entry((channel.clone(), outcome)).or_default();
        }
    }

    /// An attempt to deliver has ended.
    pub fn delivered(&mut self, channel: &ChannelName, outcome: &'static str) {
        *self.deliveries.entry((channel.clone(), outcome)).or_default() += 1;
    }
}

fn is_throttled(failure: &ApiFailure) -> bool {
    failure.status == Some(429) || matches!(failure.class, FailureClass::ThrottledCalls(_) | FailureClass::ThrottledCpu)
}
