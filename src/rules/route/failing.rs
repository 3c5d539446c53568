//! When a hunt that keeps failing is news.

use crate::model::config::Failures;
use crate::model::time::Timestamp;

/// Whether people are to be told now that a hunt keeps failing.
///
/// `failures_in_row` counts the run that has just failed. `last_notice` is the last notice of this
/// row of failures: a success ends the row, and the next one is told after `after` failures again.
/// A notice dated in the future says that the clock was set back since: it holds back nothing, as it
/// would for as long as the clock was wrong.
#[must_use]
pub fn failure_due(failures_in_row: u32, last_notice: Option<Timestamp>, failures: &Failures, now: Timestamp) -> bool {
    let enough = failures_in_row >= failures.after.max(1);
    enough && last_notice.is_none_or(|last| now >= last.plus(failures.every) || now < last)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_notice_waits_for_the_row_and_reminders_for_their_time() {
        let failures = Failures { to: Vec::new(), after: 3, every: Duration::from_hours(24) };
        let told = Timestamp::from_seconds(1_000_000);
        let day = Duration::from_hours(24);
        let cases = [
            (0, None, told, false),
            (2, None, told, false),
            (3, None, told, true),
            (4, Some(told), told.plus(Duration::from_hours(1)), false),
            (99, Some(told), told.plus(day).minus(Duration::from_nanos(1)), false),
            (99, Some(told), told.plus(day), true),
            (99, Some(told), told, false),
            (99, Some(told), told.minus(day), true),
        ];
        for (row, last, now, due) in cases {
            assert_eq!(failure_due(row, last, &failures, now), due, "{row} {last:?} {now}");
        }
    }

    #[test]
    fn after_zero_still_needs_a_failure() {
        let failures = Failures { to: Vec::new(), after: 0, every: Duration::ZERO };
        assert!(!failure_due(0, None, &failures, Timestamp::EPOCH));
        assert!(failure_due(1, None, &failures, Timestamp::EPOCH));
    }
}
