//! Numbers: JSON's grammar, and the canonical form, which is the exact decimal value.

use super::scalar::{sized, tag};

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

/// Writes a bool column's value, which the API sends as 0 and 1.
pub(super) fn bit(value: bool, out: &mut Vec<u8>) {
    number(if value { b"1" } else { b"0" }, out);
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

/// What is before the zeros at the end.
pub(super) fn trim_end_zeros(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    text.get(..text.len() - zeros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn num(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        number(text.as_bytes(), &mut out);
        out
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
    }
}
