//! What to do about a failed call.

use std::time::Duration;

use super::backoff::{share, spread};
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::time::Timestamp;
use crate::rules::quota::block_for;

/// What to do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Call again as soon as the quota allows.
    RetryNow,
    /// Call again, not before this moment.
    RetryAt(Timestamp),
    /// Ask for half the window at a time, where the parts add up to the whole.
    Split,
    /// Throw the token away, get another, and call again.
    Reauthenticate,
    /// This run has failed; the hunt's next one tries again.
    GiveUpHunt,
    /// No hunt on this tenant can succeed until a person acts.
    GiveUpTenant,
}

/// The service's failures may be lasting: a table that the older API doesn't know was answered 500.
const MOST_RETRIES: u32 = 3;
/// A run that waits for ever never shows as failed. Twenty quarter hours of spent CPU are five hours.
const MOST_THROTTLED: u32 = 20;
/// The first wait after a failure of the service; each further one is three times as long.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// "Exceeded the allowed limits" comes and goes for the same query (Microsoft Tech Community,
/// 4035795): it is asked once more before the window is split.
const LIMITS_PAUSE: Duration = Duration::from_secs(30);
/// An answer's own wait counts up to here.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What to do about `failure`.
///
/// `attempt` counts the calls that this run has made and that ended in this class of failure, the
/// one at hand included. `signed_in_again` says whether the run has already got a new token because
/// of a refusal. `jitter` is a random number from 0 to 1.
#[must_use]
pub fn remedy(failure: &ApiFailure, attempt: u32, signed_in_again: bool, now: Timestamp, jitter: f64) -> Remedy {
    match failure.class {
        FailureClass::Syntax | FailureClass::Semantic | FailureClass::TableMissing { .. } | FailureClass::Request => {
            Remedy::GiveUpHunt
        }
        FailureClass::ResultSize => Remedy::Split,
        FailureClass::LimitsExceeded if attempt > 1 => Remedy::Split,
        FailureClass::LimitsExceeded => Remedy::RetryAt(now.plus(spread(LIMITS_PAUSE, jitter))),
        FailureClass::ThrottledCalls(_) | FailureClass::ThrottledCpu => throttled(failure, attempt, now, jitter),
        // A connection that broke says nothing of the service: once, at once.
        FailureClass::BrokenBody if attempt <= 1 => Remedy::RetryNow,
        FailureClass::Timeout | FailureClass::Service | FailureClass::BrokenBody => {
            unwell(failure, attempt, now, jitter)
        }
        FailureClass::Unauthorized if !signed_in_again => Remedy::Reauthenticate,
        FailureClass::Unauthorized
        | FailureClass::Forbidden
        | FailureClass::Unlicensed
        | FailureClass::SignIn
        | FailureClass::Secret => Remedy::GiveUpTenant,
    }
}

/// Whether a failure that has outlasted all tries may still pass by itself.
#[must_use]
pub const fn may_pass(class: &FailureClass) -> bool {
    matches!(
        class,
        FailureClass::Timeout
            | FailureClass::Service
            | FailureClass::BrokenBody
            | FailureClass::ThrottledCalls(_)
            | FailureClass::ThrottledCpu
            | FailureClass::LimitsExceeded
    )
}

/// Whether a smaller window may be answered where this one isn't. A time-out says so too, but is also what a
/// service gives that is unwell.
#[must_use]
pub const fn may_split(class: &FailureClass) -> bool {
    matches!(class, FailureClass::ResultSize | FailureClass::LimitsExceeded | FailureClass::Timeout)
}

/// After the block that the failure puts on the tenant, and up to five seconds later for each run,
/// so that they don't all ask in the moment when it ends.
fn throttled(failure: &ApiFailure, attempt: u32, now: Timestamp, jitter: f64) -> Remedy {
    if attempt > MOST_THROTTLED {
        return Remedy::GiveUpHunt;
    }
    let until = block_for(failure, now).map_or(now, |block| block.until);
    Remedy::RetryAt(until.plus(share(Duration::from_secs(5), jitter)))
}

/// Three more calls, with waits of 10, 30 and 90 seconds, or as long as the answer says.
fn unwell(failure: &ApiFailure, attempt: u32, now: Timestamp, jitter: f64) -> Remedy {
    if attempt > MOST_RETRIES {
        return Remedy::GiveUpHunt;
    }
    let delay = spread(FIRST_WAIT * 3_u32.saturating_pow(attempt.saturating_sub(1)), jitter);
    let said = failure.wait.unwrap_or_default().min(LONGEST_WAIT);
    Remedy::RetryAt(now.plus(delay.max(said)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::failure::ThrottleWindow;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn failure(class: FailureClass, wait: Option<u64>) -> ApiFailure {
        ApiFailure {
            class,
            status: None,
            message: String::new(),
            hint: None,
            wait: wait.map(Duration::from_secs),
            request_id: None,
        }
    }

    fn after(seconds: u64) -> Remedy {
        Remedy::RetryAt(NOW.plus(Duration::from_secs(seconds)))
    }

    #[test]
    fn each_class_has_its_remedy() {
        use FailureClass::{
            BrokenBody, Forbidden, LimitsExceeded, Request, ResultSize, Secret, Semantic, Service, SignIn, Syntax,
            TableMissing, ThrottledCalls, Timeout, Unauthorized, Unlicensed,
        };
        let minute = ThrottledCalls(ThrottleWindow::Minute);
        let table = TableMissing { table: "T".to_owned() };
        let cases = [
            (Syntax, None, 1, false, Remedy::GiveUpHunt),
            (Semantic, None, 1, false, Remedy::GiveUpHunt),
            (table, None, 1, false, Remedy::GiveUpHunt),
            (Request, None, 1, false, Remedy::GiveUpHunt),
            (ResultSize, None, 1, false, Remedy::Split),
            (LimitsExceeded, None, 1, false, after(30)),
            (LimitsExceeded, None, 2, false, Remedy::Split),
            (minute.clone(), None, 1, false, after(61)),
            (minute.clone(), Some(8), 20, false, after(9)),
            (minute, Some(8), 21, false, Remedy::GiveUpHunt),
            (Service, None, 1, false, after(10)),
            (Service, None, 2, false, after(30)),
            (Service, None, 3, false, after(90)),
            (Service, None, 4, false, Remedy::GiveUpHunt),
            (Service, Some(45), 1, false, after(45)),
            (Service, Some(45), 3, false, after(90)),
            (Service, Some(1_000_000), 1, false, after(3600)),
            (Timeout, None, 3, false, after(90)),
            (Timeout, None, 4, false, Remedy::GiveUpHunt),
            (BrokenBody, None, 1, false, Remedy::RetryNow),
            (BrokenBody, None, 2, false, after(30)),
            (BrokenBody, None, 4, false, Remedy::GiveUpHunt),
            (Unauthorized, None, 1, false, Remedy::Reauthenticate),
            (Unauthorized, None, 2, true, Remedy::GiveUpTenant),
            (Forbidden, None, 1, false, Remedy::GiveUpTenant),
            (Unlicensed, None, 1, false, Remedy::GiveUpTenant),
            (SignIn, None, 1, false, Remedy::GiveUpTenant),
            (Secret, None, 1, false, Remedy::GiveUpTenant),
        ];
        for (class, wait, attempt, again, expected) in cases {
            let found = remedy(&failure(class.clone(), wait), attempt, again, NOW, 0.0);
            assert_eq!(found, expected, "{class} {wait:?} {attempt} {again}");
        }
    }

    #[test]
    fn a_throttled_run_comes_after_the_block_and_not_with_all_others() {
        for class in [FailureClass::ThrottledCpu, FailureClass::ThrottledCalls(ThrottleWindow::Hour)] {
            let failure = failure(class, None);
            let until = block_for(&failure, NOW).unwrap().until;
            assert_eq!(remedy(&failure, 1, false, NOW, 0.0), Remedy::RetryAt(until));
            let last = until.plus(Duration::from_secs(5));
            assert_eq!(remedy(&failure, 1, false, NOW, 1.0), Remedy::RetryAt(last));
        }
    }
}
