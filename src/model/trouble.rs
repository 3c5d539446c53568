//! What is wrong with huntd's own work: one cause, however many hunts it stops.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{ChannelName, DeliveryId, HuntId, TenantName};
use super::time::Timestamp;

/// What kind of trouble it is. The names are an interface: JSON, logs and metrics have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// Calls to a tenant fail, of whatever hunt.
    TenantFails,
    /// Runs of a hunt fail, on one tenant or several.
    HuntFails,
    /// A hunt no longer loads: its last good version runs on.
    HuntBroken,
    /// Hunts or config can't be loaded again.
    ReloadFails,
    /// The repository of the hunts can't be seen, or what it holds isn't taken.
    GitFails,
    /// Runs that are due don't begin, or don't end.
    RunsOverdue,
    /// More is due on a tenant than its quota lets through: hunts run late.
    QuotaStarved,
    /// A hunt finds no row where it always found some.
    RowsMissing,
    /// The answer to a hunt's query has other columns than before, and the hunt is the same.
    ColumnsChanged,
    /// Hunts that have never found anything.
    NeverFired,
    /// Deliveries of a channel fail.
    DeliveriesFail,
    /// The database's disk fills.
    DiskFills,
    /// The database nears the size that the config allows it.
    DatabaseFills,
    /// This machine's clock isn't that of the API.
    ClockWrong,
    /// A secret expires soon.
    SecretExpires,
    /// A server's certificate expires soon.
    CertificateExpires,
}

impl TroubleKind {
    /// All.
    pub const ALL: [Self; 16] = [
        Self::TenantFails,
        Self::HuntFails,
        Self::HuntBroken,
        Self::ReloadFails,
        Self::GitFails,
        Self::RunsOverdue,
        Self::QuotaStarved,
        Self::RowsMissing,
        Self::ColumnsChanged,
        Self::NeverFired,
        Self::DeliveriesFail,
        Self::DiskFills,
        Self::DatabaseFills,
        Self::ClockWrong,
        Self::SecretExpires,
        Self::CertificateExpires,
    ];

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantFails => "tenant_fails",
            Self::HuntFails => "hunt_fails",
            Self::HuntBroken => "hunt_broken",
            Self::ReloadFails => "reload_fails",
            Self::GitFails => "git_fails",
            Self::RunsOverdue => "runs_overdue",
            Self::QuotaStarved => "quota_starved",
            Self::RowsMissing => "rows_missing",
            Self::ColumnsChanged => "columns_changed",
            Self::NeverFired => "never_fired",
            Self::DeliveriesFail => "deliveries_fail",
            Self::DiskFills => "disk_fills",
            Self::DatabaseFills => "database_fills",
            Self::ClockWrong => "clock_wrong",
            Self::SecretExpires => "secret_expires",
            Self::CertificateExpires => "certificate_expires",
        }
    }

    /// Whether its end is news: of an event there is none.
    #[must_use]
    pub const fn recovers(self) -> bool {
        !matches!(self, Self::ColumnsChanged | Self::NeverFired)
    }

    /// Whether its hunts don't hunt for it: those that run late do.
    #[must_use]
    pub const fn stops(self) -> bool {
        !matches!(self, Self::QuotaStarved)
    }
}

impl fmt::Display for TroubleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A hunt, on a tenant where it is about one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Affected {
    /// The hunt.
    pub hunt: String,
    /// The tenant.
    pub tenant: Option<String>,
}

impl Affected {
    /// A hunt on a tenant.
    #[must_use]
    pub fn on(hunt: &HuntId, tenant: &TenantName) -> Self {
        Self { hunt: hunt.to_string(), tenant: Some(tenant.to_string()) }
    }

    /// A hunt wherever it runs.
    #[must_use]
    pub fn everywhere(hunt: &HuntId) -> Self {
        Self { hunt: hunt.to_string(), tenant: None }
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => write!(f, "{} on {tenant}", self.hunt),
            None => f.write_str(&self.hunt),
        }
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What kind it is.
    pub kind: TroubleKind,
    /// Of what: with the kind, it tells this cause from all others, and stays the same as long as it lasts.
    pub subject: String,
    /// What is wrong, in a few words.
    pub headline: String,
    /// Why, as far as is known: a line each.
    pub reasons: Vec<String>,
    /// How to mend it.
    pub hint: Option<String>,
    /// The hunts that it stops or holds up, by name.
    pub hunts: Vec<Affected>,
    /// The mail addresses of those hunts' owners, where it is the hunts' own.
    pub owners: Vec<String>,
    /// Failures in a row, or late runs, where it is about that; else 0.
    pub failures: u32,
}

impl Trouble {
    /// Tells it from all others.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind, self.subject)
    }
}

/// A cause that is there, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTrouble {
    /// As it was last seen.
    pub trouble: Trouble,
    /// When it was first seen.
    pub since: Timestamp,
    /// When people were last told; none where they weren't.
    pub told: Option<Timestamp>,
}

/// What is told of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// That it is there.
    Begins,
    /// That it is still there.
    GoesOn,
    /// That it is over.
    Ends,
}

impl News {
    /// The name, as it goes into the delivery's id.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::GoesOn => "goes_on",
            Self::Ends => "ends",
        }
    }
}

/// All that a channel needs to tell of a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The cause.
    pub trouble: Trouble,
    /// What is told of it.
    pub news: News,
    /// When it was first seen.
    pub since: Timestamp,
    /// As of when.
    pub at: Timestamp,
    /// The owner who is told in place of the channel's own recipients.
    pub owner: Option<String>,
}

impl Warning {
    /// The delivery's id: the same news on the same channel has the same one.
    #[must_use]
    pub fn delivery(&self, channel: &ChannelName) -> DeliveryId {
        let (key, at) = (self.trouble.key(), self.at.nanos().to_string());
        let owner = self.owner.as_deref().unwrap_or("");
        let parts = [key.as_str(), self.news.as_str(), &at, channel.as_str(), owner];
        DeliveryId::of_warning(&parts)
    }
}

/// A hunt that fails on a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The hunt.
    pub hunt: HuntId,
    /// The tenant.
    pub tenant: TenantName,
    /// Failures in a row.
    pub row: u32,
    /// The class of the last one (`FailureClass::as_str`).
    pub class: String,
    /// What the last one says.
    pub error: String,
}

/// A run that should have begun, or ended, long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The hunt.
    pub hunt: HuntId,
    /// The tenant.
    pub tenant: TenantName,
    /// When it was due, or began.
    pub since: Timestamp,
    /// Whether it is under way.
    pub runs: bool,
}

/// Deliveries of a channel that were tried and aren't sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The channel.
    pub channel: ChannelName,
    /// How many are to be tried again.
    pub waiting: u64,
    /// How many were given up lately.
    pub failed: u64,
    /// When the oldest of them was made.
    pub oldest: Timestamp,
    /// What one of them met.
    pub error: Option<String>,
}
