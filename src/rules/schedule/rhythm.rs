//! What can be said of a schedule as such, whatever the day: its longest pause, and what it meets on
//! the days on which clocks change.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use croner::Cron;

use crate::model::schedule::{Schedule, ScheduleKind};
use crate::model::time::Zone;

const DAY: u32 = 86_400;
/// The first of the years that are looked at: what is said of a schedule must not depend on the day
/// on which it is asked, and rules of zones change seldom.
const FIRST_YEAR: i32 = 2026;
/// How many years are looked at for clock changes: each weekday and many dates are among them.
const YEARS: u64 = 4;

/// The longest time between two ticks, by the civil clock.
#[must_use]
pub fn longest_pause(schedule: &Schedule) -> Duration {
    match schedule.kind() {
        ScheduleKind::Every(interval) => *interval,
        ScheduleKind::Cron(cron) => Duration::from_secs(pause(cron).into()),
    }
}

fn pause(cron: &Cron) -> u32 {
    let times = times(cron);
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return DAY };
    let inside = times.iter().zip(times.iter().skip(1)).map(|(one, next)| next - one).max().unwrap_or(0);
    inside.max(days_apart(cron).saturating_mul(DAY).saturating_sub(last - first))
}

/// The seconds of a day at which it ticks; of several in a minute only the first.
fn times(cron: &Cron) -> Vec<u32> {
    let second = cron.pattern.seconds.values().first().copied().unwrap_or_default();
    let minutes = cron.pattern.minutes.values();
    let hours = cron.pattern.hours.values().into_iter();
    hours
        .flat_map(|hour| minutes.iter().map(move |minute| (u32::from(hour) * 60 + u32::from(*minute)) * 60))
        .map(|time| time + u32::from(second))
        .collect()
}

/// The most days from one day with ticks to the next.
fn days_apart(cron: &Cron) -> u32 {
    let pattern = &cron.pattern;
    let every_month = pattern.months.values().len() == 12;
    if pattern.is_dom_wildcard() && pattern.is_dow_wildcard() && every_month {
        return 1;
    }
    let weekly = pattern.is_dom_wildcard() && every_month && !pattern.days_of_week.has_modifiers();
    let Some(first) = NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1) else { return 1 };
    let days = (0..if weekly { 15 } else { 2 * 366 }).zip(first.iter_days());
    let matching: Vec<u32> = days.filter(|(_, day)| matches(cron, *day)).map(|(number, _)| number).collect();
    matching.iter().zip(matching.iter().skip(1)).map(|(one, next)| next - one).max().unwrap_or(365)
}

fn matches(cron: &Cron, day: NaiveDate) -> bool {
    let pattern = &cron.pattern;
    let weekday = croner::Weekday::from_days_from_sunday(day.weekday().num_days_from_sunday());
    pattern.month_match(day.month()).unwrap_or(false)
        && pattern.day_match(day.year(), day.month(), day.day(), weekday).unwrap_or(false)
}

/// What a schedule meets when clocks change. Times are of the zone's civil clock, as `02:30`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockChange {
    /// A time at which it ticks doesn't come: it ticks when the clock goes on.
    LeftOut {
        /// The time that doesn't come.
        time: String,
        /// The time at which it ticks instead.
        instead: String,
    },
    /// A time at which it ticks comes twice, and it ticks both times.
    Twice {
        /// The time that comes twice.
        time: String,
    },
}

/// What a cron schedule meets on the days on which the clocks of `zone` change. A schedule that ticks
/// in each hour goes on ticking, so there is nothing to say of it.
#[must_use]
pub fn clock_changes(schedule: &Schedule, zone: Zone) -> Vec<ClockChange> {
    let ScheduleKind::Cron(cron) = schedule.kind() else { return Vec::new() };
    if cron.pattern.hours.values().len() == 24 || zone == Zone::UTC {
        return Vec::new();
    }
    let mut found = Vec::new();
    for change in changes(zone.0) {
        let said = found.iter().any(|one| matches!(one, ClockChange::LeftOut { .. }) == change.forward);
        if !said {
            found.extend(meets(cron, &change));
        }
    }
    found
}

/// A change of a zone's clock.
struct Change {
    /// Put forward, so that civil times are left out; else they come twice.
    forward: bool,
    /// The first civil time that is left out, or comes twice.
    from: NaiveDateTime,
    /// The first after.
    to: NaiveDateTime,
}

fn changes(zone: Tz) -> Vec<Change> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let Some(first) = Utc.with_ymd_and_hms(FIRST_YEAR, 1, 1, 0, 0, 0).single() else { return Vec::new() };
    let weeks = (0..YEARS * 53).filter_map(|week| first.checked_add_days(Days::new(week * 7)));
    let mut found = Vec::new();
    for low in weeks {
        let high = low + TimeDelta::days(7);
        if offset(low) != offset(high) {
            found.extend(change(zone, low, high));
        }
    }
    found
}

/// The change between two instants with other offsets.
fn change(zone: Tz, mut low: DateTime<Utc>, mut high: DateTime<Utc>) -> Option<Change> {
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let offset = |at: DateTime<Utc>| local(at) - at.naive_utc();
    let before = offset(low);
    while high - low > TimeDelta::seconds(1) {
        let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
        if offset(middle) == before { low = middle } else { high = middle }
    }
    let (old, new) = (high.naive_utc() + before, local(high));
    if new > old {
        // The library knows the gap as such; asking it keeps the two in agreement.
        let gap = GapInfo::new(&old, &zone)?;
        return Some(Change { forward: true, from: gap.begin?.0, to: gap.end?.naive_local() });
    }
    Some(Change { forward: false, from: new, to: old })
}

fn meets(cron: &Cron, change: &Change) -> Option<ClockChange> {
    let clock = |time: NaiveDateTime| time.format("%H:%M").to_string();
    let midnight = change.from.date().and_time(chrono::NaiveTime::MIN);
    let mut ticks = times(cron).into_iter().map(|second| midnight + TimeDelta::seconds(second.into()));
    let tick = ticks.find(|tick| (change.from..change.to).contains(tick) && matches(cron, tick.date()))?;
    if change.forward {
        return Some(ClockChange::LeftOut { time: clock(tick), instead: clock(change.to) });
    }
    // As in `cron.rs`: what ticks once in an hour ticks once.
    let often = cron.pattern.minutes.values().len() > 1 || cron.pattern.seconds.values().len() > 1;
    often.then(|| ClockChange::Twice { time: clock(tick) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::rules::schedule::next;

    fn schedule(text: &str) -> Schedule {
        Schedule::parse(text).unwrap()
    }

    #[test]
    fn the_longest_pause_is_that_over_nights_and_weekends() {
        for (text, minutes) in [
            ("every 90m", 90),
            ("*/30 * * * *", 30),
            ("@hourly", 60),
            ("@daily", 24 * 60),
            ("0 6,18 * * *", 12 * 60),
            ("0 8-17 * * *", 15 * 60),
            ("*/5 8-17 * * MON-FRI", (24 * 3 - 10) * 60 + 5),
            ("0 8 * * MON-FRI", 3 * 24 * 60),
            ("0 8 * * MON", 7 * 24 * 60),
            ("0 0 1 * *", 31 * 24 * 60),
            ("0 0 1 1 *", 365 * 24 * 60),
            ("*/10 * * * * *", 1),
        ] {
            assert_eq!(longest_pause(&schedule(text)), Duration::from_mins(minutes), "{text}");
        }
    }

    /// Against the ticks themselves, over a quarter in a zone without changes.
    #[test]
    fn no_pause_is_longer() {
        for text in ["7 */5 * * *", "15 3,4,22 * * TUE,SAT", "*/20 1-3 2,28 * *", "30 23 L * *"] {
            let (schedule, mut longest) = (schedule(text), Duration::ZERO);
            let mut at = next(&schedule, Zone::UTC, Timestamp::parse("2026-01-01T00:00:00Z").unwrap()).unwrap();
            for _ in 0..700 {
                let following = next(&schedule, Zone::UTC, at).unwrap();
                longest = longest.max(following.since(at));
                at = following;
            }
            assert_eq!(longest_pause(&schedule), longest, "{text}");
        }
    }

    #[test]
    fn clock_changes_are_met() {
        let said = |text: &str, zone: &str| {
            let found = clock_changes(&schedule(text), Zone::parse(zone).unwrap());
            let text = found.into_iter().map(|change| match change {
                ClockChange::LeftOut { time, instead } => format!("{time}->{instead}"),
                ClockChange::Twice { time } => format!("2x{time}"),
            });
            text.collect::<Vec<_>>().join(" ")
        };
        for (text, zone, expected) in [
            ("30 2 * * *", "Europe/Berlin", "02:30->03:00"),
            ("*/20 2 * * *", "Europe/Berlin", "02:00->03:00 2x02:00"),
            ("30 4 * * *", "Europe/Berlin", ""),
            ("30 2 * * MON-FRI", "Europe/Berlin", ""),
            ("30 3 * * *", "Europe/Riga", "03:30->04:00"),
            ("30 2 * * *", "UTC", ""),
            ("30 2 * * *", "Asia/Tokyo", ""),
            ("*/30 * * * *", "Europe/Berlin", ""),
            ("every 30m", "Europe/Berlin", ""),
            ("30 2 * * SUN", "America/New_York", "02:30->03:00"),
        ] {
            assert_eq!(said(text, zone), expected, "{text} {zone}");
        }
    }
}
