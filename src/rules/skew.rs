//! How far this machine's clock is off, by the `Date` of an answer.

use std::time::Duration;

use crate::model::time::Timestamp;

/// How far a clock is ahead and how far it is behind, one of them nothing, that showed `asked` before the question and
/// `answered` after it, of one that showed `date` meanwhile: in whole seconds that were cut off (RFC 9110, 6.6.1).
#[must_use]
pub fn skew(date: Timestamp, asked: Timestamp, answered: Timestamp) -> (Duration, Duration) {
    let ahead = asked.since(date.plus(Duration::from_secs(1)));
    let behind = date.since(answered);
    (ahead, behind)
}
