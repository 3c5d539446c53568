//! Runs: what was asked, and what came of it.

use std::fmt;
use std::time::Duration;

use roaring::RoaringBitmap;

use super::coverage::CoverageNote;
use super::hit::{HitKind, Ordinal, RowBlock};
use super::id::{ChannelName, DeliveryId, HuntId, RunId, TenantName};
use super::known::Deltas;
use super::lateness::Lateness;
use super::notice_hunt::NoticeHunt;
use super::overload::LateRun;
use super::time::{Timestamp, Window};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// A complete result.
    Ok,
    /// No result; `error` says why. Nothing is taken from it.
    Failed,
    /// A result that may not be whole: it adds hits and takes none away.
    Partial,
}

impl RunStatus {
    /// All.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Partial];

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The name, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Partial => "partial",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a run was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its schedule.
    Schedule,
    /// Event time that was missed.
    CatchUp,
    /// A person: `huntd run`.
    Manual,
}

impl Trigger {
    /// All.
    pub const ALL: [Self; 3] = [Self::Schedule, Self::CatchUp, Self::Manual];

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.as_str() == text)
    }

    /// The name, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::CatchUp => "catch_up",
            Self::Manual => "manual",
        }
    }
}

/// A run, as `runs --json` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub run: RunId,
    /// The hunt.
    pub hunt: HuntId,
    /// The tenant.
    pub tenant: TenantName,
    /// The tick of the schedule that it serves; the start for a manual run.
    pub due: Timestamp,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The event time that it covers, where huntd gave the window.
    pub window: Option<Window>,
    /// The moment that the run stands at: the window's end.
    pub as_of: Timestamp,
    /// How it ended.
    pub status: RunStatus,
    /// Rows that the API returned.
    pub rows: u64,
    /// Hits said to be new.
    pub new: u64,
    /// Hits said to be changed.
    pub changed: u64,
    /// Hits said to be gone.
    pub gone: u64,
    /// Hits said to be back.
    pub returned: u64,
    /// Calls made for it.
    pub calls: u32,
    /// Time spent waiting for the API.
    pub api: Duration,
    /// CPU that the service says its calls spent; only the older API says it, and of a call that failed
    /// nobody does.
    pub cpu: Option<Duration>,
    /// That it began after its hunt's next tick, as it waited for the quota.
    pub late: Option<LateRun>,
    /// What failed, why, and how to mend it.
    pub error: Option<String>,
    /// The definition that it ran, by its hash.
    pub hunt_version: String,
    /// The commit of the hunts folder, where known.
    pub commit: Option<String>,
    /// Why it was made.
    pub trigger: Trigger,
    /// The query as it was sent.
    pub query: String,
}

/// A delivery to be made of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedDelivery {
    /// Its id, derived from run and channel.
    pub delivery: DeliveryId,
    /// The channel.
    pub channel: ChannelName,
    /// What is told, in order. A hit is told with its last stored row.
    pub hits: Vec<(Ordinal, HitKind)>,
}

/// All that one run leaves behind: it is committed in one transaction or not at all.
#[derive(Debug, Clone)]
pub struct RunCommit {
    /// The run.
    pub run: Run,
    /// The definition that it ran, printed as YAML, for `hunt_version`.
    pub definition: String,
    /// What a notice shows of that definition.
    pub notice: NoticeHunt,
    /// The runs of this hunt on this tenant that the comparison knew of. Where the store has more,
    /// another process was faster: nothing is written, and the run is made again.
    pub generation: u64,
    /// How each hit moved.
    pub deltas: Deltas,
    /// The rows to store.
    pub blocks: Vec<RowBlock>,
    /// The hits that the result held, known and new.
    pub members: RoaringBitmap,
    /// The first instant of event time not covered by complete results; `None` leaves it.
    pub watermark: Option<Timestamp>,
    /// What it says of event time, in order.
    pub coverage: Vec<CoverageNote>,
    /// How late the rows of its new hits arrived, and of which table they are: where the result says both times,
    /// and the query reads one table.
    pub lateness: Option<(String, Lateness)>,
    /// What is to be told.
    pub deliveries: Vec<PlannedDelivery>,
    /// Hits that a threshold holds back until it is met; replaces the stored set.
    pub held: RoaringBitmap,
    /// Suppressed groups that begin with this run: the group's hash and until when.
    pub suppressions: Vec<([u8; 16], Timestamp)>,
    /// The class of its failure (`FailureClass::as_str`); none where it didn't fail.
    pub failing_as: Option<String>,
}
