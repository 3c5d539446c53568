//! Runs that begin late, and tenants on which more is due than the quota lets through.

use std::time::Duration;

use super::id::HuntId;
use super::time::Timestamp;

/// A run that waited for the quota until its hunt's next tick had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateRun {
    /// The first tick that it serves.
    pub first: Timestamp,
    /// How long after the next tick it began, as far as it waited for the quota; never zero.
    pub by: Duration,
    /// How many ticks it serves besides the first; one at least.
    pub missed: u32,
}

/// How many of a number of scheduled runs were late: what a metric shows, of a hunt, a tenant, or all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Punctuality {
    /// Scheduled runs that made a call.
    pub runs: u64,
    /// Those of them that were late.
    pub late: u64,
    /// By how much the worst was.
    pub worst: Duration,
}

impl Punctuality {
    /// One run more.
    #[must_use]
    pub fn with(self, late: Option<&LateRun>) -> Self {
        let by = late.map(|late| late.by);
        self.and(Self { runs: 1, late: u64::from(by.is_some()), worst: by.unwrap_or_default() })
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            runs: self.runs.saturating_add(other.runs),
            late: self.late.saturating_add(other.late),
            worst: self.worst.max(other.worst),
        }
    }
}

/// How far a tenant's overload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// When its first late run ended.
    pub since: Timestamp,
    /// When the last one did.
    pub last: Timestamp,
    /// How many they are.
    pub late: u32,
}

/// A hunt that runs late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateHunt {
    /// The hunt.
    pub hunt: HuntId,
    /// By how much, at worst.
    pub by: Duration,
    /// How many of its runs were late; none where its first one waits still.
    pub runs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_and_the_worst_is_kept() {
        let late = |seconds| LateRun { first: Timestamp::EPOCH, by: Duration::from_secs(seconds), missed: 1 };
        let all = Punctuality::default().with(None).with(Some(&late(9))).with(Some(&late(5))).with(None);
        assert_eq!(all, Punctuality { runs: 4, late: 2, worst: Duration::from_secs(9) });
        assert_eq!(all.and(Punctuality::default()), all);
    }
}
