//! How large a simulation is.

use std::time::Duration;

use huntd::model::time::Timestamp;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// How large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) days: u32,
    pub(crate) hunts: usize,
    pub(crate) mix: Mix,
}

/// How often the hunts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// As on a real site, most daily and some each quarter of an hour: for a night.
    Busy,
    /// A fifth of the runs, with the same troubles: for a minute.
    Calm,
}

/// Sixty days of two hundred hunts.
pub(crate) const fn full(mix: Mix) -> Scale {
    Scale { days: 60, hunts: 200, mix }
}

/// Sixty days of fewer hunts, for each run of the tests.
pub(crate) const SHORT: Scale = Scale { days: 60, hunts: 60, mix: Mix::Calm };

/// Enough to meet each kind of trouble, for tests of the simulation itself.
pub(crate) const SMALL: Scale = Scale { days: 20, hunts: 20, mix: Mix::Busy };

/// The last days, in which nothing more goes wrong: longer than the rarest hunt's rhythm.
const QUIET: u32 = 9;

impl Scale {
    /// Monday, 2026-01-05T00:00:00Z.
    #[expect(clippy::unused_self, reason = "read beside the others")]
    pub(crate) const fn start(self) -> Timestamp {
        Timestamp::from_seconds(1_767_571_200)
    }

    /// From here on nothing more goes wrong.
    pub(crate) fn quiet(self) -> Timestamp {
        self.start().plus(DAY * self.days.saturating_sub(QUIET))
    }

    pub(crate) fn end(self) -> Timestamp {
        self.start().plus(DAY * self.days)
    }
}
