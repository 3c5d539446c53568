//! Spans of time as the service writes them.

use std::time::Duration;

/// Reads `[days.]hours:minutes:seconds[.fraction]`, such as `00:00:19.0625000`.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut parts = text.trim().split(':');
    let (first, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let total = number(days)?
        .checked_mul(24)?
        .checked_add(number(hours)?)?
        .checked_mul(3600)?
        .checked_add(number(minutes)?.checked_mul(60)?)?
        .checked_add(number(whole)?)?;
    Some(Duration::from_secs(total).saturating_add(fraction_of(fraction)?))
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn fraction_of(digits: &str) -> Option<Duration> {
    if digits.is_empty() {
        return Some(Duration::ZERO);
    }
    let padded: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    number(&padded).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let cases = [
            ("00:00:19.0625000", Some(Duration::from_micros(19_062_500))),
            ("00:01:00", Some(Duration::from_mins(1))),
            ("1.02:03:04", Some(Duration::from_secs(93_784))),
            (" 00:12:34 ", Some(Duration::from_secs(754))),
            ("00:00:00.5", Some(Duration::from_millis(500))),
            ("12:34", None),
            ("1:2:3:4", None),
            ("a:b:c", None),
            ("-1:00:00", None),
            ("999999999999:00:00", None),
            ("00:00:00.x", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text), wanted, "{text}");
        }
    }
}
