//! UTC instants, windows of event time, durations and zones.
//!
//! The one file of the model that names a time library, so that another can take its place.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, TimeZone, Timelike, Utc};

/// An instant, in nanoseconds since 1970-01-01T00:00:00Z. Reaches from 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From nanoseconds since 1970.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since 1970; held at the ends of the range.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, such as `2026-11-24T16:13:00.1234567Z`; `None` for anything else and for
    /// instants out of range.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        parsed.timestamp_nanos_opt().map(Self)
    }

    /// Reads a mail's or an HTTP header's date, such as `Tue, 24 Nov 2026 16:13:00 GMT`.
    #[must_use]
    pub fn parse_rfc2822(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc2822(text).ok()?;
        parsed.timestamp_nanos_opt().map(Self)
    }

    /// The instant plus `span`, held at the end of the range.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// The instant less `span`, held at the end of the range.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    /// How long after `earlier` this is; zero when it isn't after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let span = i128::from(self.0) - i128::from(earlier.0);
        u64::try_from(span).map_or(Duration::ZERO, Duration::from_nanos)
    }

    /// The instant cut to whole `unit`s since 1970.
    #[must_use]
    pub fn floor_to(self, unit: Duration) -> Self {
        let unit = nanos(unit).max(1);
        Self(self.0.div_euclid(unit).saturating_mul(unit))
    }

    /// `20261124T161300Z`: sorts as text, and fits in file names and ids.
    #[must_use]
    pub fn compact(self) -> String {
        self.chrono().format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// As the time library's type, for `rules/schedule` and for formatting.
    #[must_use]
    pub fn chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }

    /// From the time library's type; held at the ends of the range.
    #[must_use]
    pub fn from_chrono<Z: TimeZone>(time: &DateTime<Z>) -> Self {
        let fallback = if time.year() < 1970 { i64::MIN } else { i64::MAX };
        Self(time.timestamp_nanos_opt().unwrap_or(fallback))
    }

    /// `2026-11-24 18:13:00 +02:00`: for a person, in `zone`.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> String {
        self.chrono().with_timezone(&zone.0).format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// `2026-11-24 18:13:00 +02:00`: for a person, in the zone of this machine.
    #[must_use]
    pub fn local(self) -> String {
        self.chrono().with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// `Tue, 24 Nov 2026 16:13:00 +0000`, for a mail's Date header (RFC 5322).
    #[must_use]
    pub fn rfc2822(self) -> String {
        self.chrono().to_rfc2822()
    }

    /// The second of its minute, 0 to 59.
    #[must_use]
    pub fn second(self) -> u32 {
        self.chrono().second()
    }
}

/// RFC 3339 in UTC; a fraction only where there is one.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no RFC 3339 time"))
    }
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// Event time from `from` (inclusive) to `to` (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first instant covered.
    pub from: Timestamp,
    /// The first instant no longer covered.
    pub to: Timestamp,
}

impl Window {
    /// Whether `at` lies in the window.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// How long the window is.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// The API's `from/to` form of `Timespan` (Microsoft Learn, `security: runHuntingQuery`).
    #[must_use]
    pub fn timespan(&self) -> String {
        format!("{}/{}", self.from, self.to)
    }
}

/// A time zone of the IANA database, such as `Europe/Riga`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(pub chrono_tz::Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// The zone of that name; names are compared without case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let exact = chrono_tz::Tz::from_str(name).ok();
        let any_case = || chrono_tz::TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(name));
        exact.or_else(any_case).map(Self)
    }

    /// Every zone's name, for the nearest one to a misspelt name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Why a text isn't a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing stands there.
    #[error("a duration is missing")]
    Empty,
    /// The text is in neither of the two forms.
    #[error("`{0}` is no duration")]
    Form(String),
    /// Months and years have no fixed length.
    #[error("`{0}` counts in months or years, whose length varies: say it in days")]
    Calendar(String),
    /// More than a hundred years.
    #[error("`{0}` is too long")]
    TooLong(String),
}

/// The longest duration that is taken anywhere: a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked against LONGEST, and never negative"
)]
/// Reads `90s`, `5m`, `1h10m`, `7d`, `2w`, `250ms`, `0`, or ISO 8601 (`PT1H`, `P7D`, `P2W`, `PT0.5S`).
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(DurationError::Empty);
    }
    if trimmed == "0" {
        return Ok(Duration::ZERO);
    }
    let form = || DurationError::Form(text.to_owned());
    let iso = trimmed.strip_prefix(['P', 'p']);
    let (mut rest, mut in_time) = (iso.unwrap_or(trimmed), iso.is_none());
    let (mut total, mut parts) = (0_f64, 0);
    while !rest.is_empty() {
        if iso.is_some()
            && !in_time
            && let Some(after) = rest.strip_prefix(['T', 't'])
        {
            (rest, in_time) = (after, true);
            if rest.is_empty() {
                return Err(form());
            }
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(form)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, after) = match iso {
            Some(_) => tail.split_at(tail.chars().next().map_or(0, char::len_utf8)),
            None => tail.split_at(letters),
        };
        let seconds = if iso.is_some() { iso_unit(unit, in_time, text)? } else { short_unit(unit).ok_or_else(form)? };
        total += number.parse::<f64>().map_err(|_| form())? * seconds;
        (rest, parts) = (after, parts + 1);
    }
    if parts == 0 {
        return Err(form());
    }
    // Whole milliseconds, as a sum of fractions of seconds is off by a little.
    Duration::try_from_secs_f64(total)
        .ok()
        .filter(|span| *span <= LONGEST)
        .map(|_| Duration::from_millis((total * 1000.0).round() as u64))
        .ok_or_else(|| DurationError::TooLong(text.to_owned()))
}

fn short_unit(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "ms" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

fn iso_unit(unit: &str, in_time: bool, text: &str) -> Result<f64, DurationError> {
    match (unit.to_ascii_uppercase().as_str(), in_time) {
        ("Y" | "M", false) => Err(DurationError::Calendar(text.to_owned())),
        ("W", false) => Ok(604_800.0),
        ("D", false) => Ok(86_400.0),
        ("H", true) => Ok(3600.0),
        ("M", true) => Ok(60.0),
        ("S", true) => Ok(1.0),
        _ => Err(DurationError::Form(text.to_owned())),
    }
}

/// Writes a duration in the short form that [`parse_duration`] reads back exactly (to the
/// millisecond): `1h10m`, `90s` as `1m30s`, `1d`, `0`.
#[must_use]
pub fn format_duration(span: Duration) -> String {
    let millis = span.as_millis();
    if millis == 0 {
        return "0".to_owned();
    }
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let (mut rest, mut text) = (millis, String::new());
    for (size, unit) in units {
        if rest >= size {
            text.push_str(&(rest / size).to_string());
            text.push_str(unit);
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_of_both_forms() {
        let cases = [
            ("90s", 90),
            ("5m", 300),
            ("1h10m", 4200),
            ("7d", 604_800),
            ("2w", 1_209_600),
            ("PT1H", 3600),
            ("P1DT2H", 93_600),
            ("P14D", 1_209_600),
            ("PT5M", 300),
            ("0", 0),
            ("24H", 86_400),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "1", "1y", "P", "PT", "P1M", "P1H", "PT1D", "-1h", "1h -2m", "1e3s", "1..2s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn instants_print_as_rfc3339() {
        let at = Timestamp::parse("2026-11-24T16:13:00.1234567Z").unwrap();
        assert_eq!(at.to_string(), "2026-11-24T16:13:00.123456700Z");
        assert_eq!(at.floor_to(Duration::from_mins(1)).to_string(), "2026-11-24T16:13:00Z");
        assert_eq!(at.compact(), "20261124T161300Z");
        assert_eq!(Timestamp::parse("2026-11-24T18:13:00+02:00").unwrap().to_string(), "2026-11-24T16:13:00Z");
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59Z"), None);
        let whole = at.floor_to(Duration::from_secs(1));
        assert_eq!(Timestamp::parse_rfc2822("Tue, 24 Nov 2026 16:13:00 GMT"), Some(whole));
        assert_eq!(Timestamp::parse_rfc2822(&whole.rfc2822()), Some(whole));
    }

    proptest! {
        #[test]
        fn durations_survive_printing(millis in 0_u64..400_000_000_000) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(span)), Ok(span));
        }
    }
}
