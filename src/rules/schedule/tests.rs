use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::model::id::{HuntId, TenantName};
use crate::model::schedule::{Schedule, ScheduleKind};
use crate::model::time::{Timestamp, Zone};

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

/// The ticks in (after, to], by asking one after the other.
fn ticks(schedule: &Schedule, zone: Zone, after: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let first = next(schedule, zone, after);
    std::iter::successors(first, |tick| next(schedule, zone, *tick)).take_while(|tick| *tick <= to).collect()
}

/// A change of a zone's offset.
#[derive(Debug, Clone, Copy)]
struct Change {
    zone: Tz,
    at: DateTime<Utc>,
    before: i32,
    after: i32,
}

fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// Every change of every zone in thirty years; zones that change alike stand for one another.
static CHANGES: LazyLock<Vec<Change>> = LazyLock::new(|| {
    let start = Utc.with_ymd_and_hms(2010, 1, 1, 0, 0, 0).unwrap();
    let mut seen = BTreeMap::new();
    for zone in chrono_tz::TZ_VARIANTS {
        let mut before = offset(zone, start);
        for day in 1..=30 * 365 + 8 {
            let (mut low, mut high) = (start + TimeDelta::days(day - 1), start + TimeDelta::days(day));
            let after = offset(zone, high);
            if after != before {
                while high - low > TimeDelta::seconds(1) {
                    let middle = low + (high - low) / 2;
                    if offset(zone, middle) == before { low = middle } else { high = middle }
                }
                let at = DateTime::from_timestamp(high.timestamp(), 0).unwrap();
                seen.insert((at, before, after), Change { zone, at, before, after });
            }
            before = after;
        }
    }
    seen.into_values().collect()
});

/// The instants at which a job of `time` is due around `change`, from the words of the rule alone.
fn once_each_day(change: &Change, time: (u32, u32)) -> Vec<Timestamp> {
    let local = |at: DateTime<Utc>| at.with_timezone(&change.zone).naive_local();
    let days: BTreeSet<NaiveDate> = (-80..=80).map(|hours| local(change.at + TimeDelta::hours(hours)).date()).collect();
    let instants = days.into_iter().map(|day| {
        let civil = day.and_hms_opt(time.0, time.1, 0).unwrap();
        change.zone.from_local_datetime(&civil).earliest().map_or(change.at, |at| at.to_utc())
    });
    let near = |at: &DateTime<Utc>| (*at - change.at).abs() <= TimeDelta::hours(50);
    instants.filter(near).map(|at| Timestamp::from_chrono(&at)).collect::<BTreeSet<_>>().into_iter().collect()
}

fn around(change: &Change, hours: i64) -> (Timestamp, Timestamp) {
    let span = TimeDelta::hours(hours);
    (
        Timestamp::from_chrono(&(change.at - span)).minus(Duration::from_secs(1)),
        Timestamp::from_chrono(&(change.at + span)),
    )
}

#[test]
fn a_time_of_day_runs_once_each_civil_day_through_every_change_of_every_zone() {
    assert!(CHANGES.len() > 2000, "{}", CHANGES.len());
    for change in CHANGES.iter() {
        let edges = [change.before, change.after].map(|o| change.at.naive_utc() + TimeDelta::seconds(o.into()));
        let middle = edges[0] + (edges[1] - edges[0]) / 2;
        let minute = TimeDelta::minutes(1);
        let civils =
            [edges[0], edges[1], middle, edges[0] - minute, edges[1] - minute, edges[0].max(edges[1]) + minute];
        let (after, to) = around(change, 50);
        for civil in civils {
            let schedule = schedule(&format!("{} {} * * *", civil.minute(), civil.hour()));
            let found = ticks(&schedule, Zone(change.zone), after, to);
            let expected = once_each_day(change, (civil.hour(), civil.minute()));
            assert_eq!(found, expected, "{schedule} {change:?}");
        }
    }
}

#[test]
fn an_interval_keeps_its_distance_in_real_time_through_every_change_of_every_zone() {
    let quarter = schedule("*/15 * * * *");
    let mut odd = 0;
    for change in CHANGES.iter() {
        if (change.after - change.before) % 900 != 0 || change.before % 900 != 0 {
            odd += 1;
            continue;
        }
        let (after, to) = around(change, 3);
        let found = ticks(&quarter, Zone(change.zone), after, to);
        assert!(found.windows(2).all(|pair| pair[1].since(pair[0]) == Duration::from_mins(15)), "{change:?} {found:?}");
        assert!((24..=25).contains(&found.len()), "{change:?}");
    }
    assert!(odd < 10, "{odd} changes aren't whole quarters");
}

/// What the reference says of a pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    EveryHour,
    TimesOfDay,
    Often,
}

const PATTERNS: [(&str, Kind); 12] = [
    ("*/15 * * * *", Kind::EveryHour),
    ("7,31 * * * *", Kind::EveryHour),
    ("0 * * * *", Kind::EveryHour),
    ("30 2 * * *", Kind::TimesOfDay),
    ("0 0 * * *", Kind::TimesOfDay),
    ("15 */2 * * *", Kind::TimesOfDay),
    ("0 1,3,23 * * SUN", Kind::TimesOfDay),
    ("30 0-12 * * *", Kind::TimesOfDay),
    ("*/10 0-4 * * *", Kind::Often),
    ("5,50 2 * * *", Kind::Often),
    ("*/20 22,23,0 * * MON-FRI", Kind::Often),
    ("59 23 L * *", Kind::TimesOfDay),
];

/// The ticks by looking at every minute: slow, and without any of the arithmetic under test.
fn minute_by_minute(text: &str, kind: Kind, change: &Change) -> BTreeSet<Timestamp> {
    let schedule = schedule(text);
    let ScheduleKind::Cron(cron) = schedule.kind() else { panic!("{text}") };
    let start = DateTime::from_timestamp(change.at.timestamp() / 60 * 60, 0).unwrap() - TimeDelta::hours(75);
    let minutes: Vec<(DateTime<Utc>, NaiveDateTime)> = (0..150 * 60)
        .map(|minute| start + TimeDelta::minutes(minute))
        .map(|at| (at, at.with_timezone(&change.zone).naive_local()))
        .collect();
    let days: BTreeSet<NaiveDate> = minutes.iter().map(|(_, civil)| civil.date()).collect();
    let mut by_civil: BTreeMap<NaiveDateTime, Vec<DateTime<Utc>>> = BTreeMap::new();
    for (at, civil) in &minutes {
        by_civil.entry(*civil).or_default().push(*at);
    }
    let mut found = BTreeSet::new();
    let (mut civil, last) = (*by_civil.keys().next().unwrap(), *by_civil.keys().last().unwrap());
    while civil <= last {
        if cron.is_time_matching(&civil.and_utc()).unwrap() {
            match (by_civil.get(&civil), kind) {
                (Some(instants), Kind::TimesOfDay) => found.extend(instants.first()),
                (Some(instants), _) => found.extend(instants),
                (None, Kind::EveryHour) => {}
                (None, _) if !days.contains(&civil.date()) => {}
                (None, _) => found.extend(minutes.iter().find(|(_, c)| *c > civil).map(|(at, _)| at)),
            }
        }
        civil += TimeDelta::minutes(1);
    }
    found.iter().map(Timestamp::from_chrono).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ticks_are_those_of_a_walk_minute_by_minute(which in any::<prop::sample::Index>(), n in 0..PATTERNS.len()) {
        let change = which.get(&CHANGES);
        prop_assume!(change.before % 60 == 0 && change.after % 60 == 0);
        let (text, kind) = PATTERNS[n];
        let (after, to) = around(change, 40);
        let found = ticks(&schedule(text), Zone(change.zone), after, to);
        let expected: Vec<_> =
            minute_by_minute(text, kind, change).into_iter().filter(|at| *at > after && *at <= to).collect();
        prop_assert_eq!(found, expected, "{} {:?}", text, change);
    }

    #[test]
    fn a_year_of_a_daily_job_has_each_day_once(n in 0..chrono_tz::TZ_VARIANTS.len(), year in 2010..2040, minute in 0_u32..1440) {
        let zone = chrono_tz::TZ_VARIANTS[n];
        let daily = schedule(&format!("{} {} * * *", minute % 60, minute / 60));
        let (from, to) = (at(&format!("{year}-01-01T00:00:00Z")), at(&format!("{}-01-01T00:00:00Z", year + 1)));
        let found = ticks(&daily, Zone(zone), from, to);
        let days: Vec<_> = found.iter().map(|tick| {
            let local = tick.chrono().with_timezone(&zone).naive_local();
            // Made up at the end of a gap over midnight, a run still serves the day before.
            let late = local.time().num_seconds_from_midnight() / 60 < minute;
            local.date().num_days_from_ce() - i32::from(late)
        }).collect();
        let skipped = days.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        let samoa = i64::from(year == 2011 && ["Pacific/Apia", "Pacific/Fakaofo"].contains(&zone.name()));
        prop_assert_eq!(skipped, usize::try_from(samoa).unwrap(), "{:?}", zone);
        prop_assert!((364..=366).contains(&found.len()));
    }

    #[test]
    fn looks_of_any_length_see_each_tick_once(
        which in any::<prop::sample::Index>(),
        n in 0..PATTERNS.len(),
        start in -40_i64 * 3600..0,
        looks in prop::collection::vec(1_u64..20_000, 1..40),
    ) {
        let change = which.get(&CHANGES);
        let (schedule, zone) = (schedule(PATTERNS[n].0), Zone(change.zone));
        let start = Timestamp::from_chrono(&(change.at + TimeDelta::seconds(start))).plus(Duration::from_millis(250));
        let (mut last, mut seen, mut missed_all) = (start, Vec::new(), 0);
        for seconds in looks {
            let now = last.plus(Duration::from_secs(seconds));
            let following = next(&schedule, zone, now);
            match due(&schedule, zone, last, now) {
                Due::Nothing { next } => prop_assert_eq!(next, following),
                Due::Run { tick, missed, next } => {
                    prop_assert!(last < tick && tick <= now && missed < MISSED_CAP);
                    prop_assert_eq!(next, following);
                    seen.push(tick);
                    missed_all += missed;
                }
            }
            last = now;
        }
        let all = ticks(&schedule, zone, start, last);
        prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(all.len() as u64, seen.len() as u64 + missed_all);
        prop_assert!(seen.iter().all(|tick| all.contains(tick)));
    }

    #[test]
    fn splay_stays_below_its_most(hunt in "[a-z]{1,12}", tenant in "[a-z]{1,12}", most in 0_u64..10_000_000) {
        let most = Duration::from_millis(most);
        let spread = splay(&HuntId::new(hunt).unwrap(), &TenantName::new(tenant).unwrap(), most);
        prop_assert!(spread < most || most.is_zero() && spread.is_zero());
    }
}

/// The examples of docs/schedules.md.
#[test]
fn the_nights_of_the_reference() {
    let cases: [(&str, &str, &str, &str, &[&str]); 11] = [
        // Riga: 2026-03-29 03:00 -> 04:00, 2026-10-25 04:00 -> 03:00.
        ("30 3 * * *", "Europe/Riga", "2026-03-28T22:00:00Z", "2026-03-29T22:00:00Z", &["2026-03-29T01:00:00Z"]),
        ("30 3 * * *", "Europe/Riga", "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z", &["2026-10-25T00:30:00Z"]),
        ("0 12 * * *", "Europe/Riga", "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z", &["2026-10-25T10:00:00Z"]),
        (
            "*/30 * * * *",
            "Europe/Riga",
            "2026-10-25T00:00:00Z",
            "2026-10-25T02:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"],
        ),
        (
            "*/30 3 * * *",
            "Europe/Riga",
            "2026-10-24T22:00:00Z",
            "2026-10-25T22:00:00Z",
            &["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"],
        ),
        ("*/30 3 * * *", "Europe/Riga", "2026-03-28T22:00:00Z", "2026-03-29T22:00:00Z", &["2026-03-29T01:00:00Z"]),
        // Lord Howe: half an hour, 2026-10-04 02:00 -> 02:30.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            "2026-10-04T12:00:00Z",
            &["2026-10-03T15:30:00Z"],
        ),
        // Samoa: no 30 December 2011.
        (
            "0 9 * * *",
            "Pacific/Apia",
            "2011-12-29T00:00:00Z",
            "2011-12-31T00:00:00Z",
            &["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z"],
        ),
        // Troll: two hours, 2026-03-29 01:00 -> 03:00.
        ("30 1,2 * * *", "Antarctica/Troll", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", &["2026-03-29T01:00:00Z"]),
        // Nuuk: the gap ends at midnight, 2026-03-28 23:00 -> 00:00.
        (
            "30 23 * * *",
            "America/Nuuk",
            "2026-03-28T12:00:00Z",
            "2026-03-30T06:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "every 45m",
            "Europe/Riga",
            "2026-03-29T00:00:00Z",
            "2026-03-29T01:40:00Z",
            &["2026-03-29T00:45:00Z", "2026-03-29T01:30:00Z"],
        ),
    ];
    for (text, name, after, to, expected) in cases {
        let found: Vec<_> =
            ticks(&schedule(text), zone(name), at(after), at(to)).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text} {name} {after}");
    }
}

#[test]
fn the_patterns_of_the_reference() {
    for (text, expected) in [
        ("15 */5 * * * *", "2026-11-24T16:15:15Z"),
        ("@yearly", "2027-01-01T00:00:00Z"),
        ("@monthly", "2026-12-01T00:00:00Z"),
        ("@weekly", "2026-11-29T00:00:00Z"),
        ("0 6 L * *", "2026-11-30T06:00:00Z"),
        ("0 6 * * MON#2", "2026-12-14T06:00:00Z"),
        ("0 6 * * 7", "2026-11-29T06:00:00Z"),
        // Either the day of the month or the day of the week.
        ("0 6 28 * MON", "2026-11-28T06:00:00Z"),
        ("0 6 1 * MON", "2026-11-30T06:00:00Z"),
        ("every 45m", "2026-11-24T16:30:00Z"),
        ("every 1d", "2026-11-25T00:00:00Z"),
    ] {
        assert_eq!(next(&schedule(text), Zone::UTC, at("2026-11-24T16:13:00Z")), Some(at(expected)), "{text}");
    }
}

#[test]
fn a_long_absence_is_one_run() {
    let (last, now) = (at("2025-11-24T00:00:00Z"), at("2026-11-24T16:13:00.5Z"));
    let second = Duration::from_secs(1);
    for (text, tick, missed) in [
        ("* * * * * *", "2026-11-24T16:13:00Z", MISSED_CAP),
        ("every 1s", "2026-11-24T16:13:00Z", MISSED_CAP),
        ("0 6 1 1 *", "2026-01-01T06:00:00Z", 0),
        ("0 6 1 * *", "2026-11-01T06:00:00Z", 11),
        ("30 16 * * *", "2026-11-23T16:30:00Z", MISSED_CAP),
    ] {
        let schedule = schedule(text);
        let next = next(&schedule, Zone::UTC, at(tick));
        assert_eq!(due(&schedule, Zone::UTC, last, now), Due::Run { tick: at(tick), missed, next }, "{text}");
        assert!(next.unwrap() > now, "{text}");
    }
    assert_eq!(
        due(&schedule("* * * * * *"), Zone::UTC, now, now.plus(second)),
        Due::Run { tick: at("2026-11-24T16:13:01Z"), missed: 0, next: Some(at("2026-11-24T16:13:02Z")) }
    );
}

#[test]
fn a_look_from_the_future_makes_nothing_due_and_knows_what_comes() {
    let (now, ahead) = (at("2026-11-24T16:13:00Z"), at("2026-11-25T00:00:00Z"));
    let next = Some(at("2026-11-24T16:15:00Z"));
    assert_eq!(due(&schedule("*/5 * * * *"), Zone::UTC, ahead, now), Due::Nothing { next });
    assert_eq!(due(&schedule("every 5m"), Zone::UTC, now, now), Due::Nothing { next });
}

#[test]
fn a_tick_is_due_at_its_very_moment_and_not_again() {
    let (hourly, tick) = (schedule("@hourly"), at("2026-11-24T16:00:00Z"));
    let just_before = tick.minus(Duration::from_nanos(1));
    assert_eq!(
        due(&hourly, Zone::UTC, just_before.minus(Duration::from_mins(1)), just_before),
        Due::Nothing { next: Some(tick) }
    );
    assert!(matches!(due(&hourly, Zone::UTC, just_before, tick), Due::Run { missed: 0, .. }));
    assert!(matches!(due(&hourly, Zone::UTC, tick, tick.plus(Duration::from_mins(59))), Due::Nothing { .. }));
}

/// The search has an end: without one it would go on for ever.
#[test]
fn a_date_that_never_comes_is_known() {
    for text in ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * * 31 2 *"] {
        for zone in ["UTC", "Europe/Riga", "Pacific/Apia"] {
            assert_eq!(next(&schedule(text), self::zone(zone), at("2026-11-24T16:13:00Z")), None, "{text}");
        }
    }
    assert_eq!(next(&schedule("0 0 29 2 *"), Zone::UTC, at("2096-03-01T00:00:00Z")), Some(at("2104-02-29T00:00:00Z")));
}

#[test]
fn splay_is_the_same_each_time_and_spreads() {
    let tenant = TenantName::new("contoso").unwrap();
    let minute = Duration::from_mins(1);
    let spreads: Vec<_> =
        (0..600).map(|n| splay(&HuntId::new(format!("hunt-{n}")).unwrap(), &tenant, minute).as_secs()).collect();
    for sixth in 0..6 {
        let inside = spreads.iter().filter(|s| **s / 10 == sixth).count();
        assert!((60..=140).contains(&inside), "{inside} of 600 in one sixth");
    }
    let hunt = HuntId::new("encoded-powershell").unwrap();
    assert_eq!(splay(&hunt, &tenant, minute), splay(&hunt, &tenant, minute));
    assert_ne!(splay(&hunt, &tenant, minute), splay(&hunt, &TenantName::new("fabrikam").unwrap(), minute));
}
