//! Canonical forms of single values: each is a tag, and contents whose length is told beforehand, so
//! that no two different values share a form and no value is the beginning of another.

/// Tags of canonical values. Changing one makes every hit new.
pub(super) mod tag {
    /// Nothing: null, `{}`. Only inside a dynamic: a column that is nothing is left out.
    pub(in super::super) const NOTHING: u8 = b'z';
    /// A bool inside a dynamic.
    pub(in super::super) const BOOL: u8 = b'b';
    /// A number.
    pub(in super::super) const NUMBER: u8 = b'n';
    /// A number whose exponent is beyond reason, by its text.
    pub(in super::super) const HUGE: u8 = b'N';
    /// A text.
    pub(in super::super) const STRING: u8 = b's';
    /// An instant.
    pub(in super::super) const INSTANT: u8 = b't';
    /// A length of time.
    pub(in super::super) const SPAN: u8 = b'd';
    /// An array, up to [`END`].
    pub(in super::super) const ARRAY: u8 = b'a';
    /// An object, up to [`END`].
    pub(in super::super) const OBJECT: u8 = b'o';
    /// The end of an array or object.
    pub(in super::super) const END: u8 = b'e';
    /// A container below the deepest level that is looked into, by its text.
    pub(in super::super) const DEEP: u8 = b'r';
}

/// Writes `tag`, the length of what `fill` writes, and that.
pub(super) fn sized(tag: u8, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let at = out.len();
    out.extend_from_slice(&[0; 8]);
    fill(out);
    let length = (out.len() - at - 8) as u64;
    if let Some(place) = out.get_mut(at..at + 8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Writes a text by its bytes.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    sized(tag::STRING, out, |out| out.extend_from_slice(text));
}

/// Writes a bool column's value, which the API sends as 0 and 1.
pub(super) fn bit(value: bool, out: &mut Vec<u8>) {
    number(if value { b"1" } else { b"0" }, out);
}

/// Whether `text` is a number in JSON's grammar.
pub(super) fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let (mantissa, exponent) = split_exponent(text.strip_prefix(b"-").unwrap_or(text));
    let (whole, fraction) = split_at_byte(mantissa, b'.');
    let exponent = exponent.map(|text| text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text));
    digits(whole)
        && (whole.len() == 1 || whole.first() != Some(&b'0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Writes a number, given in JSON's grammar, by its exact decimal value: `1`, `1.0` and `1e0` are
/// one, and no digit is rounded away. A negative zero is zero.
pub(super) fn number(text: &[u8], out: &mut Vec<u8>) {
    let (negative, unsigned) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = split_exponent(unsigned);
    let (whole, fraction) = split_at_byte(mantissa, b'.');
    let fraction = fraction.unwrap_or_default();
    // The value is `whole` and `fraction` in a row, times ten to the `exponent` less the fraction.
    let whole = trim_start_zeros(whole);
    let lead = if whole.is_empty() { trim_start_zeros(fraction) } else { fraction };
    let tail = trim_end_zeros(lead);
    let (head, tail) = if tail.is_empty() { (trim_end_zeros(whole), tail) } else { (whole, tail) };
    if head.is_empty() && tail.is_empty() {
        sized(tag::NUMBER, out, |_| ());
        return;
    }
    let dropped = if tail.is_empty() { whole.len() - head.len() } else { 0 };
    let point = if tail.is_empty() { 0 } else { tail.len() + (fraction.len() - lead.len()) };
    let shift = i64::try_from(dropped).ok().zip(i64::try_from(point).ok()).map(|(dropped, point)| dropped - point);
    let exponent =
        exponent.map_or(Some(0), parse_exponent).zip(shift).and_then(|(given, shift)| given.checked_add(shift));
    match exponent {
        Some(exponent) => sized(tag::NUMBER, out, |out| {
            out.push(u8::from(negative));
            out.extend_from_slice(&exponent.to_le_bytes());
            out.extend_from_slice(head);
            out.extend_from_slice(tail);
        }),
        None => sized(tag::HUGE, out, |out| out.extend(text.iter().map(u8::to_ascii_lowercase))),
    }
}

fn split_exponent(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(byte, text) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

/// `None` where it has more than 18 digits: such a number is no measurement of anything.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix(b"+").unwrap_or(text)),
    };
    let digits = trim_start_zeros(digits);
    if digits.len() > 18 {
        return None;
    }
    let size = digits.iter().fold(0_i64, |sum, digit| sum * 10 + i64::from(digit.wrapping_sub(b'0')));
    Some(if negative { -size } else { size })
}

fn trim_start_zeros(text: &[u8]) -> &[u8] {
    let zeros = text.iter().take_while(|byte| **byte == b'0').count();
    text.get(zeros..).unwrap_or_default()
}

fn trim_end_zeros(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    text.get(..text.len() - zeros).unwrap_or_default()
}

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
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
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

/// Writes a GUID as text, in small letters with hyphens, whichever of .NET's forms it has; false
/// where `text` is none.
pub(super) fn guid(text: &[u8], out: &mut Vec<u8>) -> bool {
    let bare = match text {
        [b'{', inside @ .., b'}'] | [b'(', inside @ .., b')'] => inside,
        _ => text,
    };
    let hyphens = [8, 13, 18, 23];
    let hyphenated = bare.len() == 36 && hyphens.iter().all(|at| bare.get(*at) == Some(&b'-'));
    if !hyphenated && bare.len() != 32 {
        return false;
    }
    let is_digit = |(at, byte): (usize, &u8)| byte.is_ascii_hexdigit() || (hyphenated && hyphens.contains(&at));
    if !bare.iter().enumerate().all(is_digit) {
        return false;
    }
    sized(tag::STRING, out, |out| {
        let digits = bare.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_lowercase);
        for (count, digit) in digits.enumerate() {
            if matches!(count, 8 | 12 | 16 | 20) {
                out.push(b'-');
            }
            out.push(digit);
        }
    });
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    fn num(text: &str) -> Vec<u8> {
        of(|out| number(text.as_bytes(), out))
    }

    #[test]
    fn numbers_are_equal_by_value() {
        let same = [
            &["1", "1.0", "1e0", "10e-1", "0.1E+1", "1.000", "100e-2", "0.01e2"][..],
            &["0", "-0", "0.0", "0e999999999999999999999", "-0.000"],
            &["120", "1.2e2", "12e1", "120.0", "0.12e3"],
            &["-0.5", "-5e-1", "-0.50"],
            &["9007199254740993", "9007199254740993.0"],
            &["1e999999999", "10e999999998", "0.1e1000000000"],
        ];
        for (at, class) in same.iter().enumerate() {
            for text in *class {
                assert_eq!(num(text), num(class[0]), "{text}");
                for other in same.iter().enumerate().filter(|(other, _)| *other != at) {
                    assert_ne!(num(text), num(other.1[0]), "{text}");
                }
            }
        }
        assert_ne!(num("9007199254740993"), num("9007199254740992"));
        assert_ne!(num("1e99999999999999999999"), num("1e99999999999999999998"));
        assert_ne!(num("0.3"), num("0.30000000000000004"));
        assert_ne!(num("1e-1"), num("1e1"));
        assert_ne!(num("101"), num("11"));
        assert_ne!(num("0.101"), num("0.11"));
        assert_ne!(num("10.1"), num("1.1"));
    }

    #[test]
    fn number_grammar_is_that_of_json() {
        for text in ["0", "-1", "1.5", "1e5", "1E-5", "0.0", "1e+05"] {
            assert!(is_number(text.as_bytes()), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
        for text in ["", "-", "01", "1.", ".5", "1e", "+1", "NaN", "0x1", "1 ", "--1", "1e+-5", "-01"] {
            assert!(!is_number(text.as_bytes()), "{text}");
        }
    }

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
        let form = |text: &str| of(|out| Instant::parse(text.as_bytes()).unwrap().write(out));
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

    #[test]
    fn guids_are_equal_in_any_dress() {
        let form = |text: &str| {
            let mut out = Vec::new();
            guid(text.as_bytes(), &mut out).then_some(out)
        };
        let plain = form("00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(plain, Some(of(|out| string(b"00112233-4455-6677-8899-aabbccddeeff", out))));
        for text in ["{00112233-4455-6677-8899-AABBCCDDEEFF}", "00112233445566778899aabbccddeeff"] {
            assert_eq!(form(text), plain, "{text}");
        }
        for text in [
            "",
            "00112233-4455-6677-8899-aabbccddeef",
            "0011223-34455-6677-8899-aabbccddeeff",
            "g0112233445566778899aabbccddeeff",
        ] {
            assert_eq!(form(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_shifted_point_changes_nothing(digits in "[1-9][0-9]{0,20}", zeros in 0_usize..5, shift in -30_i32..30) {
            let padded = format!("{digits}.{}e{shift}", "0".repeat(zeros + 1));
            let moved = format!("0.{digits}e{}", i64::try_from(digits.len()).unwrap() + i64::from(shift));
            prop_assert!(is_number(padded.as_bytes()) && is_number(moved.as_bytes()));
            prop_assert_eq!(num(&padded), num(&moved));
        }

        #[test]
        fn different_longs_differ(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(num(&a.to_string()) == num(&b.to_string()), a == b);
        }

        #[test]
        fn instants_agree_with_chrono(nanos in any::<i64>()) {
            let text = crate::model::time::Timestamp::from_nanos(nanos).to_string();
            prop_assert_eq!(Instant::parse(text.as_bytes()).and_then(Instant::nanos), Some(nanos));
        }
    }
}
