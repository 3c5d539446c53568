//! A whole, valid hunt, with every default filled in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::hit::HitKind;
use super::id::{ChannelName, HuntId, TenantName};
use super::schedule::Schedule;
use super::time::Zone;

pub use super::severity::Severity;

/// What becomes of event time missed while huntd was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// It is caught up.
    #[default]
    Auto,
    /// It is caught up, and of a hunt that is new so much of the past too.
    Past(Duration),
    /// It is left out.
    Skip,
}

impl CatchUp {
    /// Whether missed event time is caught up.
    #[must_use]
    pub const fn catches_up(self) -> bool {
        matches!(self, Self::Auto | Self::Past(_))
    }
}

/// What the first complete run of a hunt on a tenant tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstRun {
    /// Every hit is told.
    #[default]
    Notify,
    /// The hits are stored as known, and none is told.
    Baseline,
}

/// How a threshold compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdOp {
    /// `>=`.
    AtLeast,
    /// `>`.
    MoreThan,
    /// `<=`.
    AtMost,
    /// `<`.
    FewerThan,
    /// `==`.
    Exactly,
    /// `!=`.
    Not,
}

impl ThresholdOp {
    /// The operator, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::MoreThan => ">",
            Self::AtMost => "<=",
            Self::FewerThan => "<",
            Self::Exactly => "==",
            Self::Not => "!=",
        }
    }
}

/// Notify only when so many rows came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// How the count is compared.
    pub op: ThresholdOp,
    /// With what.
    pub count: u64,
}

impl Threshold {
    /// Whether a result of `rows` rows passes.
    #[must_use]
    pub const fn passes(self, rows: u64) -> bool {
        match self.op {
            ThresholdOp::AtLeast => rows >= self.count,
            ThresholdOp::MoreThan => rows > self.count,
            ThresholdOp::AtMost => rows <= self.count,
            ThresholdOp::FewerThan => rows < self.count,
            ThresholdOp::Exactly => rows == self.count,
            ThresholdOp::Not => rows != self.count,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.op.as_str(), self.count)
    }
}

/// Stored, but not told again for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppress {
    /// For how long after it was told.
    pub length: Duration,
    /// The columns whose values make a row the same for this; none means the hunt as a whole.
    pub by: Vec<String>,
}

/// Which format the hunt's file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// huntd's own keys.
    #[default]
    Huntd,
    /// A Microsoft Sentinel hunting query or analytics rule.
    Sentinel,
    /// A Microsoft Graph custom detection rule.
    CustomDetection,
}

impl Dialect {
    /// The name, as `list` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Huntd => "huntd",
            Self::Sentinel => "sentinel",
            Self::CustomDetection => "custom-detection",
        }
    }
}

/// Where a hunt was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The file, as it was given.
    pub file: PathBuf,
    /// The line where its document begins, from 1.
    pub line: u32,
    /// The commit that it comes from, where the file is in git as it is.
    pub commit: Option<Arc<str>>,
}

/// A hunt.
#[derive(Debug, Clone, PartialEq)]
pub struct Hunt {
    /// Unique among all hunts.
    pub id: HuntId,
    /// For people; the id where none is given.
    pub name: String,
    /// What it finds and what to do then.
    pub description: String,
    /// How much a hit matters.
    pub severity: Severity,
    /// MITRE ATT&CK tactics.
    pub tactics: Vec<String>,
    /// MITRE ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// Free words, for routes.
    pub tags: Vec<String>,
    /// Told when this hunt keeps failing.
    pub owner: Option<String>,
    /// The KQL, as it stands in the file.
    pub query: String,
    /// When it runs.
    pub schedule: Schedule,
    /// The zone of a cron schedule.
    pub timezone: Zone,
    /// How much event time a run covers.
    pub lookback: Duration,
    /// Events may arrive this late and are still found.
    pub late: Duration,
    /// What becomes of missed event time.
    pub catch_up: CatchUp,
    /// The columns that make a row the same hit; `None` means every column.
    pub key: Option<Vec<String>>,
    /// Columns that don't count for identity or change.
    pub ignore: Vec<String>,
    /// The kinds that are told; never empty.
    pub report: Vec<HitKind>,
    /// Tell only when so many rows came back.
    pub threshold: Option<Threshold>,
    /// Don't tell again for a while.
    pub suppress: Option<Suppress>,
    /// What the first run tells.
    pub first_run: FirstRun,
    /// The tenants it runs on; `None` means all.
    pub tenants: Option<Vec<TenantName>>,
    /// The channels told; `None` means the routes decide.
    pub notify: Option<Vec<ChannelName>>,
    /// The most by which its start is spread.
    pub splay: Duration,
    /// How long one call may take.
    pub timeout: Duration,
    /// Whether it runs at all.
    pub enabled: bool,
    /// Findings of `check` that are meant so, with the reason.
    pub allow: BTreeMap<String, String>,
    /// Columns that come first in a notice, best first (Sentinel's `entityMappings`).
    pub entities: Vec<String>,
    /// The hunt's own unit tests, kept as they stand.
    pub tests: Vec<serde_json::Value>,
    /// Keys of a foreign format that huntd doesn't read: kept and shown.
    pub extra: BTreeMap<String, serde_json::Value>,
    /// The file's format.
    pub dialect: Dialect,
    /// Where it was read.
    pub source: Source,
}

impl Hunt {
    /// Whether the hunt runs on `tenant`.
    #[must_use]
    pub fn runs_on(&self, tenant: &TenantName) -> bool {
        self.tenants.as_ref().is_none_or(|names| names.contains(tenant))
    }
}
