//! Instants: the texts that mean them, by their value.

use std::time::Duration;

use crate::model::time::Timestamp;
use crate::rules::identity::days_since_1970;

/// An instant in the years 0000 to 9999, as the API writes `0001-01-01` and `9999-12-31` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    seconds: i64,
    /// The fraction of a second in units of 10^-18; what is finer is cut off.
    fraction: u64,
}

impl Instant {
    /// Reads `2026-02-28`, `2026-02-28T04:45Z`, `2026-02-28 04:45:11.5+02:00`; a time without offset
    /// is UTC. `None` for anything else, and for days and hours that don't exist.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let days = days_of(date)?;
        if rest.is_empty() {
            return Some(Self { seconds: days * 86_400, fraction: 0 });
        }
        let time = rest.strip_prefix(['T', 't', ' '])?;
        let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
            Some(at) => (time.get(..at)?, offset_of(time.get(at..)?)?),
            None => (time, 0),
        };
        let (clock, fraction) = match clock.split_once('.') {
            Some((clock, fraction)) if clock.len() == 8 => (clock, fraction_of(fraction)?),
            Some(_) => return None,
            None => (clock, 0),
        };
        let seconds = match clock.len() {
            5 => clock_of(clock)?,
            8 => clock_of(clock.get(..5)?)? + pair(clock.get(5..)?.strip_prefix(':')?, 59)?,
            _ => return None,
        };
        Some(Self { seconds: days * 86_400 + seconds - offset, fraction })
    }

    /// The instant `length` before `now`.
    pub(super) fn ago(now: Timestamp, length: Duration) -> Self {
        let nanos = now.minus(length).nanos();
        let fraction = u64::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0) * 1_000_000_000;
        Self { seconds: nanos.div_euclid(1_000_000_000), fraction }
    }
}

/// Two digits, up to `most`.
fn pair(text: &str, most: i64) -> Option<i64> {
    number(text, 2).filter(|number| *number <= most)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// `hh:mm`, in seconds.
fn clock_of(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    Some(pair(hours, 23)? * 3600 + pair(minutes, 59)? * 60)
}

/// `Z`, `+02:00`, `-05:30`, in seconds.
fn offset_of(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('+') { 1 } else { -1 };
    Some(sign * clock_of(text.strip_prefix(['+', '-'])?)?)
}

fn fraction_of(text: &str) -> Option<u64> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let digits = text.bytes().chain(std::iter::repeat(b'0')).take(18);
    fits.then(|| digits.fold(0, |sum, digit| sum * 10 + u64::from(digit.wrapping_sub(b'0'))))
}

/// Days from 1970-01-01 to `yyyy-mm-dd` in the Gregorian calendar.
fn days_of(text: &str) -> Option<i64> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    days_since_1970(number(year, 4)?, pair(month, 12)?, pair(day, 31)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_stand_in_their_order() {
        let rising = [
            &["0001-01-01T00:00:00Z", "0001-01-01"][..],
            &["1969-12-31T23:59:59.25Z"],
            &["2024-02-28", "2024-02-28T00:00Z", "2024-02-28 00:00:00.0000000"],
            &["2024-02-28T04:45:11Z", "2024-02-28T06:45:11.000+02:00", "2024-02-27t23:15:11-05:30"],
            &["2024-02-28T04:45:11.0000001Z"],
            &["2024-02-28T04:45:11.1Z", "2024-02-28T04:45:11.10z"],
            &["2024-02-29"],
            &["9999-12-31T23:59:59.9999999Z"],
        ];
        for (left_at, left) in rising.iter().enumerate() {
            for (right_at, right) in rising.iter().enumerate() {
                for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
                    let order = Instant::parse(a).unwrap().cmp(&Instant::parse(b).unwrap());
                    assert_eq!(order, left_at.cmp(&right_at), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "2024",
            "2024-02-30",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "2024-02-28T",
            "2024-02-28T24:00:00Z",
            "2024-02-28T04:45:60Z",
            "2024-02-28T04:45:11.Z",
            "2024-02-28T04:45.5Z",
            "2024-02-28T04:45:11ZZ",
            "2024-02-28T04",
            "2024-02-28Z",
            "+024-02-28",
            "2024-02-28T+4:45:11Z",
            "2024-02-28T04:45:11+2:00",
            "２０２４-02-28",
            "2024-02-2é",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn instants_agree_with_the_clock(nanos in any::<i64>()) {
            let time = Timestamp::from_nanos(nanos);
            prop_assert_eq!(Instant::parse(&time.to_string()), Some(Instant::ago(time, Duration::ZERO)));
        }

        #[test]
        fn any_text_ends(text in "[-0-9TZ:.+ é]{0,30}") {
            prop_assert!(Instant::parse(&text).is_none_or(|found| found.fraction < 1_000_000_000_000_000_000));
        }
    }
}
