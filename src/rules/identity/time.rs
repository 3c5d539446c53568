//! Instants and lengths of time: the texts that mean them, and the canonical form, which is the exact
//! value.

use super::number::trim_end_zeros;
use super::scalar::{sized, tag};

/// An instant as its text gives it, of any precision, in the years 0000 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant<'a> {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    seconds: i64,
    /// The digits of the fraction of a second, without zeros at the end.
    fraction: &'a [u8],
}

impl<'a> Instant<'a> {
    /// Reads `2024-02-28`, `2024-02-28T04:45Z`, `2024-02-28T04:45:11.5+02:00`; a blank may stand for
    /// the `T`, and a time without offset is UTC, as all of the API's are. `None` for anything else,
    /// and for days and hours that don't exist.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut rest = text;
        let year = take_digits(&mut rest, 4)?;
        let month = take_byte(&mut rest, b"-").and_then(|()| take_digits(&mut rest, 2))?;
        let day = take_byte(&mut rest, b"-").and_then(|()| take_digits(&mut rest, 2))?;
        let days = days_since_1970(year, month, day)?;
        if rest.is_empty() {
            return Some(Self { seconds: days * 86_400, fraction: b"" });
        }
        take_byte(&mut rest, b"Tt ")?;
        let hour = take_digits(&mut rest, 2).filter(|hour| *hour < 24)?;
        let minute =
            take_byte(&mut rest, b":").and_then(|()| take_digits(&mut rest, 2)).filter(|minute| *minute < 60)?;
        let (mut second, mut fraction): (i64, &[u8]) = (0, b"");
        if take_byte(&mut rest, b":").is_some() {
            second = take_digits(&mut rest, 2).filter(|second| *second < 60)?;
            if take_byte(&mut rest, b".").is_some() {
                fraction = take_fraction(&mut rest)?;
            }
        }
        let offset = take_offset(&mut rest)?;
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
        rest.is_empty().then_some(Self { seconds, fraction })
    }

    /// Writes the instant.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        sized(tag::INSTANT, out, |out| {
            out.extend_from_slice(&self.seconds.to_le_bytes());
            out.extend_from_slice(self.fraction);
        });
    }

    /// Nanoseconds since 1970, cut to whole ones; `None` out of the range of 64 bits.
    pub(super) fn nanos(self) -> Option<i64> {
        let digits = self.fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        let nanos = digits.fold(0_i64, |sum, digit| sum * 10 + i64::from(digit.wrapping_sub(b'0')));
        self.seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
    }
}

fn take_byte(rest: &mut &[u8], allowed: &[u8]) -> Option<()> {
    let (first, after) = rest.split_first()?;
    allowed.contains(first).then(|| *rest = after)
}

fn take_digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (digits, after) = rest.split_at_checked(count)?;
    let all = digits.iter().all(u8::is_ascii_digit);
    all.then(|| {
        *rest = after;
        digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
    })
}

/// Digits, at least one; given without zeros at the end.
fn take_fraction<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at_checked(count).filter(|_| count > 0)?;
    *rest = after;
    Some(trim_end_zeros(digits))
}

/// `Z`, `+02:00` or nothing, in seconds.
fn take_offset(rest: &mut &[u8]) -> Option<i64> {
    if rest.is_empty() || take_byte(rest, b"Zz").is_some() {
        return Some(0);
    }
    let sign = if take_byte(rest, b"+").is_some() { 1 } else { take_byte(rest, b"-").map(|()| -1)? };
    let hours = take_digits(rest, 2).filter(|hours| *hours < 24)?;
    let minutes = take_byte(rest, b":").and_then(|()| take_digits(rest, 2)).filter(|minutes| *minutes < 60)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 in the Gregorian calendar, by counting years from March, so that the leap
/// day is the last of its year.
pub(in crate::rules) fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let years = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719468 days lie between 0000-03-01 and 1970-01-01.
    Some(years + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

/// Writes a length of time, in .NET's form (`[-][d.]hh:mm:ss[.fffffff]`) or ISO 8601's (`-P1DT2H`),
/// by its value; false where `text` is neither.
pub(super) fn span(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (negative, unsigned) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let Some((seconds, fraction)) = dotnet_span(unsigned).or_else(|| iso_span(unsigned)) else {
        return false;
    };
    let zero = seconds == 0 && fraction.is_empty();
    sized(tag::SPAN, out, |out| {
        out.push(u8::from(negative && !zero));
        out.extend_from_slice(&seconds.to_le_bytes());
        out.extend_from_slice(fraction);
    });
    true
}

fn dotnet_span(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut rest = text;
    let (first, days) = (take_count(&mut rest)?, take_byte(&mut rest, b".").is_some());
    let hours = if days { take_digits(&mut rest, 2)? } else { i64::try_from(first).ok()? };
    let minutes =
        take_byte(&mut rest, b":").and_then(|()| take_digits(&mut rest, 2)).filter(|minutes| *minutes < 60)?;
    let seconds =
        take_byte(&mut rest, b":").and_then(|()| take_digits(&mut rest, 2)).filter(|seconds| *seconds < 60)?;
    let fraction = if take_byte(&mut rest, b".").is_some() { take_fraction(&mut rest)? } else { b"" };
    let of_day = u64::try_from(hours * 3600 + minutes * 60 + seconds).ok().filter(|seconds| *seconds < 86_400)?;
    let whole = if days { first.checked_mul(86_400)?.checked_add(of_day)? } else { of_day };
    rest.is_empty().then_some((whole, fraction))
}

fn iso_span(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut rest = text.strip_prefix(b"P")?;
    let mut total = 0_u64;
    let mut fraction: &[u8] = b"";
    // Each unit once, from the longest to the shortest.
    let mut units: &[(u8, u64)] = &[(b'D', 86_400), (b'T', 0), (b'H', 3600), (b'M', 60), (b'S', 1)];
    let mut in_time = false;
    let mut parts = 0;
    while !rest.is_empty() {
        if take_byte(&mut rest, b"T").is_some() {
            let at = units.iter().position(|(unit, _)| *unit == b'T')?;
            (units, in_time) = (units.get(at + 1..)?, true);
            if rest.is_empty() {
                return None;
            }
            continue;
        }
        let count = take_count(&mut rest)?;
        if take_byte(&mut rest, b".").is_some() {
            fraction = take_fraction(&mut rest)?;
        }
        let (letter, after) = rest.split_first()?;
        let at = units.iter().position(|(unit, _)| unit == letter)?;
        let (unit, size) = *units.get(at)?;
        if (unit == b'D') == in_time || (unit != b'S' && !fraction.is_empty()) {
            return None;
        }
        total = total.checked_add(count.checked_mul(size)?)?;
        (rest, units, parts) = (after, units.get(at + 1..)?, parts + 1);
    }
    (parts > 0).then_some((total, fraction))
}

/// A whole number of 1 to 15 digits.
fn take_count(rest: &mut &[u8]) -> Option<u64> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || count > 15 {
        return None;
    }
    take_digits(rest, count).and_then(|number| u64::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_equal_by_value() {
        let same = [
            &[
                "2024-02-28T04:45:11Z",
                "2024-02-28T04:45:11.0000000Z",
                "2024-02-28 04:45:11",
                "2024-02-28T06:45:11.000+02:00",
                "2024-02-27t23:15:11-05:30",
            ][..],
            &["2024-02-28", "2024-02-28T00:00:00.0000000Z", "2024-02-28T00:00Z"],
            &["1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.250Z"],
            &["0001-01-01T00:00:00Z"],
            &["9999-12-31T23:59:59.9999999Z"],
        ];
        let form = |text: &str| {
            let mut out = Vec::new();
            Instant::parse(text.as_bytes()).unwrap().write(&mut out);
            out
        };
        for (at, class) in same.iter().enumerate() {
            for text in *class {
                assert_eq!(form(text), form(class[0]), "{text}");
                assert!(same.iter().enumerate().all(|(other, of)| other == at || form(of[0]) != form(text)), "{text}");
            }
        }
        for text in [
            "",
            "2024",
            "2024-02-30",
            "2023-02-29",
            "2024-13-01",
            "2024-02-28T",
            "2024-02-28T24:00:00Z",
            "2024-02-28T04:45:60Z",
            "2024-02-28T04:45:11.Z",
            "2024-02-28T04:45:11ZZ",
            "2024-02-28T04",
            "2024-02-28Z",
            "+024-02-28",
        ] {
            assert_eq!(Instant::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn spans_are_equal_by_value() {
        let form = |text: &str| {
            let mut out = Vec::new();
            span(text.as_bytes(), &mut out).then_some(out)
        };
        let same = [
            &["1.02:03:04.5000000", "P1DT2H3M4.5S", "1.02:03:04.5"][..],
            &["00:00:00", "PT0S", "-00:00:00", "P0D"],
            &["-00:00:01", "-PT1S"],
            &["24855.03:14:07", "P24855DT3H14M7S"],
        ];
        for class in same {
            for text in class {
                assert!(form(text).is_some(), "{text}");
                assert_eq!(form(text), form(class[0]), "{text}");
            }
        }
        assert_ne!(form("00:00:01"), form("-00:00:01"));
        assert_ne!(form("00:00:10"), form("00:10:00"));
        for text in [
            "",
            "P",
            "PT",
            "1:2:3",
            "00:60:00",
            "25:00:00",
            "P1H",
            "PT1D",
            "PT1M1H",
            "PT1.5M",
            "99999999999999999999.00:00:00",
            "1",
            "PT1S1S",
        ] {
            assert_eq!(form(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn instants_agree_with_chrono(nanos in any::<i64>()) {
            let text = crate::model::time::Timestamp::from_nanos(nanos).to_string();
            prop_assert_eq!(Instant::parse(text.as_bytes()).and_then(Instant::nanos), Some(nanos));
        }
    }
}
