//! Failures that huntd finds itself: no connection, no answer in time, a body that breaks off.

use std::error::Error;
use std::time::Duration;

use super::splitter::Malformed;
use super::text::{Veil, is_page, of_page, shown};
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::time::format_duration;

/// A failure with nothing known but class and message.
pub(super) fn plain(class: FailureClass, message: String) -> ApiFailure {
    ApiFailure { class, status: None, message, hint: None, wait: None, request_id: None }
}

/// The connection failed before an answer began.
pub(super) fn unreachable(host: &str, error: &reqwest::Error) -> ApiFailure {
    let why = causes(error);
    let hint = if error.is_connect() || error.is_timeout() {
        "check this machine's DNS, firewall and proxy (HTTPS_PROXY, NO_PROXY), and its CA certificates"
    } else {
        "the connection ended before an answer; a proxy or firewall in between may cut long calls"
    };
    let message = format!("{host} can't be reached: {why}");
    ApiFailure { hint: Some(hint.to_owned()), ..plain(FailureClass::Service, message) }
}

/// Nothing came in time.
pub(super) fn late(host: &str, what: &str, waited: Duration) -> ApiFailure {
    let message = format!("{host} {what} within {}", format_duration(waited));
    let hint = "the service itself gives up after 3 minutes: narrow the query or its window; \
                where even small queries hang, look for a proxy that holds answers back";
    ApiFailure { hint: Some(hint.to_owned()), ..plain(FailureClass::Timeout, message) }
}

/// The body broke off.
pub(super) fn cut_short(host: &str, bytes: u64, why: &str) -> ApiFailure {
    let message = format!("the answer of {host} broke off after {bytes} bytes: {why}");
    broken(message)
}

/// The body isn't an answer; `head` is how it begins.
pub(super) fn malformed(host: &str, error: &Malformed, head: &[u8], veil: Veil<'_>) -> ApiFailure {
    let head = String::from_utf8_lossy(head);
    let message = if is_page(&head) {
        format!("{host} gave a web page instead of an answer: {}", shown(&of_page(&head), veil))
    } else {
        format!("the answer of {host} is broken: {error}")
    };
    broken(message)
}

/// The encoding, or what it packs, is wrong.
pub(super) fn broken(message: String) -> ApiFailure {
    let hint =
        "nothing is taken from a broken answer; where it happens again, look for a proxy that changes or cuts answers";
    ApiFailure { hint: Some(hint.to_owned()), ..plain(FailureClass::BrokenBody, message) }
}

/// Whoever asked no longer takes the rows.
pub(super) fn abandoned() -> ApiFailure {
    plain(FailureClass::BrokenBody, "the call was given up, as its rows were no longer taken".to_owned())
}

/// The innermost causes of an error, without the URL that reqwest puts before them.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Wrappers repeat what they wrap.
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    if texts.is_empty() {
        return "the request failed".to_owned();
    }
    shown(&texts.join(": "), Veil(&[]))
}
