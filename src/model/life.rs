//! A hit's whole life: all that is kept of it.

use serde_json::value::RawValue;

use super::delivery::Delivery;
use super::hit::HitKind;
use super::id::HitId;
use super::severity::Severity;
use super::time::Timestamp;

/// All that is kept of a hit.
#[derive(Debug, Clone)]
pub struct Life {
    /// The stable id.
    pub hit: HitId,
    /// The hunt.
    pub hunt: String,
    /// The tenant.
    pub tenant: String,
    /// The hunt's severity, as of the last step whose run is kept; else as of the hunt's last run.
    pub severity: Severity,
    /// When its key was first seen; stays known when all runs of then are past their retention.
    pub first_seen: Option<Timestamp>,
    /// When it was last in a result; none where no result that is kept held it.
    pub last_seen: Option<Timestamp>,
    /// Whether it is there, as far as is known.
    pub present: bool,
    /// Whether the hunt's threshold holds it back: it is told once a run meets the threshold.
    pub held: bool,
    /// How many of the kept runs' results held it.
    pub runs: u64,
    /// How many results are kept since it was first seen.
    pub of_runs: u64,
    /// The last run whose result held it.
    pub last_run: Option<String>,
    /// Whether some of its steps or rows are past their retention.
    pub expired: bool,
    /// What was said of it, oldest first.
    pub steps: Vec<LifeStep>,
    /// The deliveries that told it, oldest first.
    pub deliveries: Vec<ToldBy>,
}

/// What one run said of a hit.
#[derive(Debug, Clone)]
pub struct LifeStep {
    /// What was said.
    pub kind: HitKind,
    /// The run; none where it is past its retention.
    pub run: Option<String>,
    /// When the run began.
    pub at: Timestamp,
    /// The hit's rows by then, several where several bore its key; the last one that it had where it is gone. None where
    /// they are past their retention.
    pub rows: Vec<Box<RawValue>>,
}

/// A delivery that tells a hit.
#[derive(Debug, Clone)]
pub struct ToldBy {
    /// The delivery.
    pub delivery: Delivery,
    /// Its run: not the step's where a threshold held the hit back.
    pub run: String,
    /// What it tells the hit as.
    pub kind: HitKind,
}
