//! What the quota's ledger holds, and what is decided from it.

use std::fmt;
use std::time::Duration;

use super::failure::ThrottleWindow;
use super::time::Timestamp;

/// A call, as the ledger holds it: entered before it goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerCall {
    /// When it was entered, just before it was sent.
    pub sent: Timestamp,
    /// When the first byte of its answer had come, or it was known to be over; `None` while it is under way.
    /// The service may count the call at any moment between the two.
    pub answered: Option<Timestamp>,
    /// How long it ran, until the end of its answer; `None` while it is under way, and where its process died.
    pub ran: Option<Duration>,
    /// CPU that the service says it spent; only the older API says it.
    pub cpu: Option<Duration>,
}

impl LedgerCall {
    /// What it cost the tenant: its CPU, and where that isn't said, how long it ran.
    #[must_use]
    pub fn work(&self) -> Duration {
        self.cpu.or(self.ran).unwrap_or_default()
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallEnd {
    /// When the first byte of its answer had come, or it was known to be over.
    pub answered: Timestamp,
    /// How long it ran, until the end of its answer.
    pub ran: Duration,
    /// CPU that the service says it spent.
    pub cpu: Option<Duration>,
}

/// A number of calls that an answer told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LearntLimit {
    /// In which window.
    pub window: ThrottleWindow,
    /// How many.
    pub calls: u32,
    /// When it was told.
    pub at: Timestamp,
}

/// CPU in a quarter hour of the clock, at which the service blocked the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuBudget {
    /// What of it huntd may spend.
    pub most: Duration,
    /// When it was learnt.
    pub at: Timestamp,
}

/// Why a tenant may not be called for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockReason {
    /// A 429 for calls in a minute.
    CallsPerMinute,
    /// A 429 for calls in an hour.
    CallsPerHour,
    /// A 429 for CPU.
    Cpu,
    /// A 429 of the gateway.
    Gateway,
    /// No right, no licence, or no sign-in: a person must act, and every call would fail.
    Access,
}

impl BlockReason {
    /// All.
    pub const ALL: [Self; 5] = [Self::CallsPerMinute, Self::CallsPerHour, Self::Cpu, Self::Gateway, Self::Access];

    /// Reads a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// A stable word, for the database, logs and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallsPerMinute => "calls_per_minute",
            Self::CallsPerHour => "calls_per_hour",
            Self::Cpu => "cpu",
            Self::Gateway => "gateway",
            Self::Access => "access",
        }
    }
}

impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A tenant that may not be called until a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The first moment at which a call may go out again.
    pub until: Timestamp,
    /// Why.
    pub reason: BlockReason,
    /// What the API said.
    pub said: String,
}

/// What is known of a tenant's calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallLedger {
    /// Calls that were sent, or are under way, in the last hour and a little more; by `sent`.
    pub calls: Vec<LedgerCall>,
    /// A block, which may be over.
    pub block: Option<Block>,
    /// Numbers of calls that answers told; one a window.
    pub learnt: Vec<LearntLimit>,
    /// The CPU budget that a block taught.
    pub budget: Option<CpuBudget>,
}

/// Whether a call may go out now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Go,
    /// It must wait.
    Wait {
        /// The first moment at which it is worth asking again.
        until: Timestamp,
        /// For the log and for `list`.
        why: WaitReason,
    },
}

/// Why a call must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitReason {
    /// The rolling minute is full.
    MinuteFull,
    /// The rolling hour is full.
    HourFull,
    /// As many calls are under way as may be.
    ConcurrentFull,
    /// The calls of a window go out evenly once half of them are spent.
    Paced,
    /// Calls ran for as long as they may in a window.
    RunningTimeSpent,
    /// The quarter hour's CPU is spent, or kept for hunts of a higher severity.
    CpuSpent,
    /// The tenant was blocked for CPU, and one call shows whether it still is.
    Probed,
    /// The tenant is blocked.
    Blocked(BlockReason),
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinuteFull => f.write_str("the minute's calls are spent"),
            Self::HourFull => f.write_str("the hour's calls are spent"),
            Self::ConcurrentFull => f.write_str("as many calls are under way as may be"),
            Self::Paced => f.write_str("the window's calls are spread"),
            Self::RunningTimeSpent => f.write_str("the running time is spent"),
            Self::CpuSpent => f.write_str("the quarter hour's CPU is spent, or kept for higher severities"),
            Self::Probed => f.write_str("one call shows whether the tenant is still blocked"),
            Self::Blocked(reason) => write!(f, "the tenant is blocked ({reason})"),
        }
    }
}
