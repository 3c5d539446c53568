//! What the text of a 429 says.
//!
//! No header is promised for hunting, so the text is all there is. Its wording has changed before:
//! it is read by its phrases, wherever they stand, and never by the position of a word.

use std::time::Duration;

use crate::model::failure::{FailureClass, ThrottleWindow};
use crate::model::quota::LearntLimit;
use crate::model::time::Timestamp;

/// The class of a 429, and the wait that its text names.
///
/// Read are: `per 00:01:00` and `per 01:00:00` (calls in a minute, in an hour), `processing
/// resources` (CPU), and the wait after `again in` or `retry after`: `8 seconds`, `1 minute and 30
/// seconds`, `00:12:34`, a bare number of seconds. Anything else is the gateway's, without a wait.
#[must_use]
pub fn read_429(message: &str) -> (FailureClass, Option<Duration>) {
    let text = message.to_lowercase();
    let wait = ["again in", "retry after"].iter().find_map(|phrase| after(&text, phrase).find_map(span));
    (class(&text), wait)
}

/// The number of calls in a window that the text of a 429 tells: `maximum allowed 45 per 00:01:00`.
#[must_use]
pub fn learn(message: &str, now: Timestamp) -> Option<LearntLimit> {
    let text = message.to_lowercase();
    let (FailureClass::ThrottledCalls(window), _) = read_429(&text) else { return None };
    if window == ThrottleWindow::Unnamed {
        return None;
    }
    let calls = after(&text, "maximum allowed ").find_map(|rest| first_word(rest).parse().ok())?;
    Some(LearntLimit { window, calls, at: now })
}

fn class(text: &str) -> FailureClass {
    if text.contains("processing resources") {
        return FailureClass::ThrottledCpu;
    }
    let window = after(text, "per ").find_map(|rest| match first_word(rest) {
        "minute" => Some(ThrottleWindow::Minute),
        "hour" => Some(ThrottleWindow::Hour),
        word => match clock(word)?.as_secs() {
            60 => Some(ThrottleWindow::Minute),
            3600 => Some(ThrottleWindow::Hour),
            _ => None,
        },
    });
    FailureClass::ThrottledCalls(window.unwrap_or(ThrottleWindow::Unnamed))
}

/// What follows each place where `phrase` stands.
fn after<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(phrase).filter_map(move |(at, found)| text.get(at + found.len()..))
}

/// The first word, without the punctuation around it.
fn first_word(text: &str) -> &str {
    let word = text.split_ascii_whitespace().next().unwrap_or_default();
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric())
}

/// A span at the beginning of a text: `00:12:34`, or numbers with their units, or a bare number of
/// seconds.
fn span(text: &str) -> Option<Duration> {
    if let Some(whole) = clock(first_word(text)) {
        return Some(whole);
    }
    let (mut rest, mut total) = (text, None);
    while let Some((number, tail)) = number(rest) {
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (word, tail) = tail.split_at(letters);
        let seconds = match (unit(word), total) {
            (Some(seconds), _) => seconds,
            (None, None) => 1.0,
            (None, Some(_)) => break,
        };
        let part = Duration::try_from_secs_f64(number * seconds).ok()?;
        total = Some(part.checked_add(total.unwrap_or_default())?);
        rest = tail.trim_start_matches([' ', ',']).trim_start_matches("and ");
    }
    total
}

/// A number at the beginning of a text, and what follows it and its blanks.
fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, tail) = text.split_at(end);
    // A full stop that ends the sentence isn't part of the number.
    Some((digits.trim_end_matches('.').parse().ok()?, tail.trim_start()))
}

fn unit(word: &str) -> Option<f64> {
    match word {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1.0),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60.0),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3600.0),
        _ => None,
    }
}

/// Reads `hh:mm:ss`, with a fraction or without.
fn clock(word: &str) -> Option<Duration> {
    let mut parts = word.split(':').map(|part| part.parse::<f64>().ok().filter(|n| *n >= 0.0));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || minutes >= 60.0 || seconds >= 60.0 {
        return None;
    }
    Duration::try_from_secs_f64(hours.mul_add(3600.0, minutes.mul_add(60.0, seconds))).ok()
}
