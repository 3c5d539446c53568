//! A cron pattern in a zone, as a set of instants.
//!
//! The pattern is matched on the civil calendar alone, where no hour is missing or doubled; which
//! instants a matching civil time has is decided here. The cron library would do both, and differs
//! in two cases: it leaves out a missing time of `*/15 2 * * *` or `0 2,14 * * *` for the day, and
//! it runs `0 2,14 * * *` in both passes of a doubled hour.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use croner::Cron;

/// The last year looked at: a [`crate::model::time::Timestamp`] ends in 2262.
const LAST_YEAR: i32 = 2261;

/// A pattern in a zone.
pub(super) struct ZonedCron<'a> {
    cron: &'a Cron,
    zone: Tz,
    /// A missing time is made up at the end of the gap: for every pattern but those that tick in
    /// every hour of the day, which go on ticking anyway.
    makes_up: bool,
    /// A doubled time ticks in both passes: for patterns that tick in every hour, or more than once
    /// in an hour.
    repeats: bool,
}

impl<'a> ZonedCron<'a> {
    pub(super) fn new(cron: &'a Cron, zone: Tz) -> Self {
        let pattern = &cron.pattern;
        let every_hour = pattern.hours.values().len() == 24;
        let often = pattern.minutes.values().len() > 1 || pattern.seconds.values().len() > 1;
        Self { cron, zone, makes_up: !every_hour, repeats: every_hour || often }
    }

    /// The first tick after `after`, a whole second; `None` when there is none, ever.
    pub(super) fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone).naive_local();
        let ahead = self.first(local, false, after);
        let again = self.second_pass(local, after).and_then(|edge| self.first(edge, true, after));
        ahead.into_iter().chain(again).min()
    }

    /// The first instant after `after` of a civil time from `from` on.
    fn first(&self, from: NaiveDateTime, inclusive: bool, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (mut civil, mut inclusive) = (from, inclusive);
        loop {
            civil = self.matching(civil, inclusive)?;
            inclusive = false;
            let instants = self.zone.from_local_datetime(&civil).map(|at| at.to_utc());
            if let Some(gap) = instants.earliest().is_none().then(|| Gap::around(civil, self.zone)).flatten() {
                if self.makes_up && gap.leaves_some_of(civil.date()) && gap.end > after {
                    return Some(gap.end);
                }
                (civil, inclusive) = (gap.skip(civil), true);
                continue;
            }
            let later = instants.latest().filter(|_| self.repeats);
            if let Some(at) = instants.earliest().into_iter().chain(later).find(|at| *at > after) {
                return Some(at);
            }
        }
    }

    /// The next civil time that the pattern matches.
    fn matching(&self, civil: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        let found = self.cron.find_next_occurrence(&civil.and_utc(), inclusive).ok()?;
        (found.year() <= LAST_YEAR).then(|| found.naive_utc())
    }

    /// Where the second pass begins, in civil time, when `after` lies in the first pass of a doubled
    /// stretch and the pattern ticks in both: civil times up to `local` are still to come again.
    fn second_pass(&self, local: NaiveDateTime, after: DateTime<Utc>) -> Option<NaiveDateTime> {
        let both = self.zone.from_local_datetime(&local);
        let (first, second) = (both.earliest()?.to_utc(), both.latest()?.to_utc());
        (self.repeats && second > after).then(|| self.change_between(first, second))
    }

    /// The civil time at which the clock stood just after it was put back, between `low` and `high`.
    fn change_between(&self, mut low: DateTime<Utc>, mut high: DateTime<Utc>) -> NaiveDateTime {
        let offset = |at: DateTime<Utc>| self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let before = offset(low);
        while high - low > TimeDelta::seconds(1) {
            let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
            if offset(middle) == before { low = middle } else { high = middle }
        }
        high.with_timezone(&self.zone).naive_local()
    }
}

/// Civil time that a zone leaves out.
struct Gap {
    /// The first civil time left out.
    from: NaiveDateTime,
    /// The first civil time that there is again.
    to: NaiveDateTime,
    /// The instant at which both happen.
    end: DateTime<Utc>,
}

impl Gap {
    fn around(civil: NaiveDateTime, zone: Tz) -> Option<Self> {
        let info = GapInfo::new(&civil, &zone)?;
        let end = info.end?;
        Some(Self { from: info.begin?.0, to: end.naive_local(), end: end.to_utc() })
    }

    /// Whether `day` exists at all: Samoa had no 30 December 2011.
    fn leaves_some_of(&self, day: NaiveDate) -> bool {
        let midnight = day.and_time(NaiveTime::MIN);
        self.from > midnight || next_midnight(day).is_none_or(|next| self.to < next)
    }

    /// Where to go on after `civil`, which lies in the gap: the next day, or the end of the gap.
    fn skip(&self, civil: NaiveDateTime) -> NaiveDateTime {
        next_midnight(civil.date()).map_or(self.to, |next| next.min(self.to))
    }
}

fn next_midnight(day: NaiveDate) -> Option<NaiveDateTime> {
    Some(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN))
}
