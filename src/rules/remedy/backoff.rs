//! Waits that grow.

use std::time::Duration;

use crate::model::time::Timestamp;

/// The part of `span` that `jitter` says, a number from 0 to 1; anything else counts as the nearer
/// end.
pub(super) fn share(span: Duration, jitter: f64) -> Duration {
    let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
    span.mul_f64(jitter)
}

/// `delay` and up to a fifth more, so that what failed together doesn't come back together.
pub(super) fn spread(delay: Duration, jitter: f64) -> Duration {
    delay + share(delay / 5, jitter)
}

/// The wait after the first failed delivery.
const FIRST: Duration = Duration::from_secs(10);
/// With its spread this is an hour.
const LONGEST: Duration = Duration::from_mins(50);
/// A delivery is given up this long after it was made.
const GIVE_UP: Duration = Duration::from_hours(3 * 24);

/// When a delivery that was made at `created`, and failed `attempts` times, is tried again: after
/// 10 s, 20 s, 40 s and so on up to an hour, with a last attempt when three days are over. `None`
/// after that: it has failed.
///
/// Attempts that a kill cut off are counted too, and come faster than the waits: so no wait is longer than
/// the delivery is old, and ten seconds. Without kills that changes nothing, as the waits before add up to
/// no less.
#[must_use]
pub fn next_attempt(created: Timestamp, attempts: u32, now: Timestamp, jitter: f64) -> Option<Timestamp> {
    let end = created.plus(GIVE_UP);
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
    let age = now.since(created).saturating_add(FIRST);
    let delay = FIRST.saturating_mul(doubled).min(age).min(LONGEST);
    (now < end).then(|| now.plus(spread(delay, jitter)).min(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let at = Timestamp::from_seconds;
        let now = at(100_000);
        let cases = [(0, 10), (1, 10), (2, 20), (3, 40), (8, 1280), (9, 2560), (10, 3000), (u32::MAX, 3000)];
        for (attempts, seconds) in cases {
            assert_eq!(next_attempt(at(0), attempts, now, 0.0), Some(at(100_000 + seconds)), "{attempts}");
        }
        assert_eq!(next_attempt(at(0), 30, now, 1.0), Some(at(100_000 + 3600)));
        assert_eq!(next_attempt(at(0), 1, at(100), f64::NAN), Some(at(110)));
    }

    #[test]
    fn attempts_that_were_cut_off_put_nothing_off_for_long() {
        let at = Timestamp::from_seconds;
        // Claimed by nine processes within six seconds, and each was killed; then the server says no.
        assert_eq!(next_attempt(at(0), 10, at(6), 0.0), Some(at(6 + 16)));
        // A mail server that is down all the while meets the same waits as ever.
        let mut now = at(1);
        for (attempts, seconds) in [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160)] {
            let next = next_attempt(at(0), attempts, now, 0.0).unwrap();
            assert_eq!(next.since(now).as_secs(), seconds);
            now = next;
        }
    }

    #[test]
    fn gives_up_after_three_days_and_not_before() {
        let (at, days) = (Timestamp::from_seconds, 3 * 86_400);
        assert_eq!(next_attempt(at(0), 99, at(days - 60), 0.5), Some(at(days)), "a last attempt at the end");
        assert_eq!(next_attempt(at(0), 99, at(days), 0.5), None);
        assert_eq!(next_attempt(at(9_000_000), 1, at(0), 0.0), Some(at(10)), "made in the future: the clock was set");
    }

    proptest! {
        #[test]
        fn attempts_end(jitters in prop::collection::vec(-0.5_f64..1.5, 120)) {
            let (mut now, mut attempts) = (Timestamp::EPOCH, 0);
            for jitter in jitters {
                attempts += 1;
                let Some(next) = next_attempt(Timestamp::EPOCH, attempts, now, jitter) else { break };
                let wait = next.since(now);
                prop_assert!(wait <= Duration::from_hours(1));
                prop_assert!(wait >= FIRST || next == Timestamp::EPOCH.plus(GIVE_UP));
                now = next;
            }
            prop_assert_eq!(now, Timestamp::EPOCH.plus(GIVE_UP));
            prop_assert!(attempts < 100, "{}", attempts);
        }
    }
}
