//! Numbers by their exact value: a long of 19 digits and a decimal of 40 are compared to the last
//! digit, which floats would round away.

use std::cmp::Ordering;

/// How two numbers in JSON's grammar compare; `None` where either text is none. Numbers with an
/// exponent of more than 18 digits count as texts.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    Some(Decimal::parse(left)?.order(&Decimal::parse(right)?))
}

/// Whether the text is a number in JSON's grammar.
pub(super) fn is_number(text: &str) -> bool {
    Decimal::parse(text).is_some()
}

/// A number as its text gives it.
struct Decimal<'a> {
    negative: bool,
    /// The digits before and after the point, without zeros before the first that counts.
    digits: (&'a [u8], &'a [u8]),
    /// The power of ten just above the first digit that counts.
    size: i64,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, power(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (digits(whole)?, digits(fraction)?),
            None => (digits(mantissa)?, &[][..]),
        };
        if whole.len() > 1 && whole.first() == Some(&b'0') {
            return None;
        }
        let whole = without_zeros(whole);
        let kept = if whole.is_empty() { without_zeros(fraction) } else { fraction };
        let above = i64::try_from(whole.len()).ok()?;
        let below = i64::try_from(fraction.len() - kept.len()).ok()?;
        Some(Self { negative, digits: (whole, kept), size: exponent + above - below })
    }

    fn is_zero(&self) -> bool {
        // A whole part that is left begins with a digit that counts, and so does a fraction alone.
        self.digits.0.is_empty() && self.digits.1.is_empty()
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => {
                if other.negative {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (false, true) => {
                if self.negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (false, false) => match (self.negative, other.negative) {
                (false, true) => Ordering::Greater,
                (true, false) => Ordering::Less,
                (false, false) => self.magnitude(other),
                (true, true) => self.magnitude(other).reverse(),
            },
        }
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let longest = self.length().max(other.length());
        self.size.cmp(&other.size).then_with(|| self.padded(longest).cmp(other.padded(longest)))
    }

    fn length(&self) -> usize {
        self.digits.0.len() + self.digits.1.len()
    }

    fn padded(&self, length: usize) -> impl Iterator<Item = u8> {
        self.digits.0.iter().chain(self.digits.1).copied().chain(std::iter::repeat(b'0')).take(length)
    }
}

/// The text's bytes, where it is digits and not empty.
fn digits(text: &str) -> Option<&[u8]> {
    let bytes = text.as_bytes();
    (!bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)).then_some(bytes)
}

fn power(text: &str) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = without_zeros(digits(unsigned)?);
    if digits.len() > 18 {
        return None;
    }
    let size = digits.iter().fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(if negative { -size } else { size })
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_stand_in_their_order() {
        let rising = [
            &["-1e999999999999999999"][..],
            &["-10", "-1e1"],
            &["-9.99", "-999e-2"],
            &["-0.001"],
            &["0", "-0", "0.0", "0e5", "-0.000e-7"],
            &["1e-999999999999999999"],
            &["0.09", "9e-2"],
            &["0.1", "1e-1", "0.10", "0.01e1"],
            &["0.101"],
            &["1", "1.0", "10e-1"],
            &["9", "9.000"],
            &["10", "1e1", "1E+1"],
            &["9007199254740992"],
            &["9007199254740993", "9007199254740993.0"],
            &["18446744073709551615"],
            &["18446744073709551615.00000000000000000000000001"],
            &["18446744073709551616"],
        ];
        for (left_at, left) in rising.iter().enumerate() {
            for (right_at, right) in rising.iter().enumerate() {
                for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
                    assert_eq!(compare(a, b), Some(left_at.cmp(&right_at)), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn texts_are_no_numbers() {
        for text in [
            "",
            "-",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "NaN",
            "0x1",
            " 1",
            "--1",
            "1e+-5",
            "1e9999999999999999999",
            "1e5e5",
            "1.2.3",
            "١",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn longs_compare_as_longs(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(compare(&a.to_string(), &b.to_string()), Some(a.cmp(&b)));
        }

        #[test]
        fn small_decimals_compare_as_scaled_longs(a in -9999_i32..9999, b in -9999_i32..9999, shift in -12_i32..12) {
            let (left, right) = (format!("{a}e{shift}"), format!("{b}.0e{shift}"));
            prop_assert_eq!(compare(&left, &right), Some(a.cmp(&b)));
        }

        #[test]
        fn any_text_ends(a in "[-+.eE0-9x]{0,12}", b in "[-+.eE0-9]{0,12}") {
            prop_assert_eq!(compare(&a, &b).map(Ordering::reverse), compare(&b, &a));
        }
    }
}
