//! The places of a tenant's quota, counted as [`crate::rules::quota`] counts them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::model::config::Quota;
use crate::model::time::Timestamp;
use crate::rules::quota::{HOUR_MARGIN, MINUTE_MARGIN};

/// How long a call holds its place in the minute after its answer.
pub(super) const MINUTE: Duration = Duration::from_mins(1).saturating_add(MINUTE_MARGIN);
/// How long it holds its place in the hour.
pub(super) const HOUR: Duration = Duration::from_hours(1).saturating_add(HOUR_MARGIN);

/// Which part of a quota is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Full {
    /// As many calls are under way as may be.
    AtOnce,
    /// The rolling minute.
    Minute,
    /// The rolling hour.
    Hour,
}

impl Full {
    /// A stable word, for JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "concurrent",
            Self::Minute => "calls_per_minute",
            Self::Hour => "calls_per_hour",
        }
    }
}

/// A window: the moments at which its places are free again.
#[derive(Debug, Default)]
struct Rolling(BinaryHeap<Reverse<Timestamp>>);

impl Rolling {
    fn tidy(&mut self, now: Timestamp) {
        while self.0.peek().is_some_and(|end| end.0 <= now) {
            self.0.pop();
        }
    }

    fn is_full(&self, limit: u32) -> bool {
        self.0.len() >= usize::try_from(limit).unwrap_or(usize::MAX)
    }

    fn first(&self) -> Option<Timestamp> {
        self.0.peek().map(|end| end.0)
    }
}

/// The places that are taken.
#[derive(Debug, Default)]
pub(super) struct Places {
    at_once: Rolling,
    minute: Rolling,
    hour: Rolling,
}

impl Places {
    /// Frees what is over by `now`.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        self.at_once.tidy(now);
        self.minute.tidy(now);
        self.hour.tidy(now);
    }

    /// What is full under `quota`: the window that is longest.
    pub(super) fn full(&self, quota: &Quota) -> Option<Full> {
        let windows = [
            (Full::Hour, &self.hour, quota.calls_per_hour),
            (Full::Minute, &self.minute, quota.calls_per_minute),
            (Full::AtOnce, &self.at_once, quota.concurrent),
        ];
        windows.into_iter().find(|(_, window, limit)| window.is_full(*limit)).map(|(full, ..)| full)
    }

    /// The first moment at which all that is full under `quota` may have a place.
    pub(super) fn free(&self, quota: &Quota) -> Option<Timestamp> {
        let windows = [
            (&self.hour, quota.calls_per_hour),
            (&self.minute, quota.calls_per_minute),
            (&self.at_once, quota.concurrent),
        ];
        windows
            .into_iter()
            .filter(|(window, limit)| window.is_full(*limit))
            .filter_map(|(window, _)| window.first())
            .max()
    }

    /// The first moment at which any place is free again.
    pub(super) fn first(&self) -> Option<Timestamp> {
        [&self.at_once, &self.minute, &self.hour].into_iter().filter_map(Rolling::first).min()
    }

    /// A call goes out whose answer will have come at `answered`.
    pub(super) fn take(&mut self, answered: Timestamp) {
        self.at_once.0.push(Reverse(answered));
        self.minute.0.push(Reverse(answered.plus(MINUTE)));
        self.hour.0.push(Reverse(answered.plus(HOUR)));
    }
}
