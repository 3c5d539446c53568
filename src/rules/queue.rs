//! Who calls next, of all that wait for a tenant.
//!
//! Where all can still start before their own next tick, the nearest of those ticks goes first, then the higher
//! severity, then who waits longest. Where they can't, severity decides first, and one call in ten goes to who has
//! waited through many of its own ticks: nobody waits for ever. What catches up comes behind all live runs.
//!
//! Where the tenant's CPU is short, who must go first can't hold up what matters more, as that has its share kept. So
//! who has waited through two of its ticks counts as of the next severity, short of the highest.

use std::cmp::Reverse;
use std::time::Duration;

use crate::model::severity::Severity;
use crate::model::time::Timestamp;

/// One call in so many goes to who has waited too long, at overload.
const ONE_IN: u64 = 10;
/// A live run that has missed so many of its own ticks has waited too long.
const MANY_MISSED: u32 = 3;
/// Where CPU is short, each time that a live run has missed so many of its own ticks counts as one severity.
const PATIENT: u32 = 2;
/// Catching up that has waited so long for quota that live runs leave over takes its turn.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// One run that waits for its next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// How much its hits matter.
    pub severity: Severity,
    /// Whether it catches up on what was missed.
    pub catches_up: bool,
    /// Whether a person runs it and waits for it.
    pub by_hand: bool,
    /// Since when it waits.
    pub since: Timestamp,
    /// The next tick of its hunt after the one that it serves.
    pub deadline: Timestamp,
    /// How long lies between two ticks of its hunt.
    pub pause: Duration,
    /// What its call is likely to cost the tenant.
    pub work: Duration,
}

/// How those that wait are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// All can start before their next tick.
    ByDeadline,
    /// Not all can.
    BySeverity,
    /// CPU is short.
    ByPatience,
    /// One is to show whether the tenant can be called at all.
    Cheapest,
}

impl Wish {
    /// How many of its own ticks have come while it waits: they are served by the same run.
    #[must_use]
    pub fn missed(&self, now: Timestamp) -> u32 {
        if now < self.deadline {
            return 0;
        }
        let more = now.since(self.deadline).as_nanos() / self.pause.as_nanos().max(1);
        u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Its next tick that hasn't come yet.
    fn deadline_at(&self, now: Timestamp) -> Timestamp {
        self.deadline.plus(self.pause.saturating_mul(self.missed(now)))
    }

    /// How much it matters where CPU is short: its severity, and one more for each two ticks that it has missed, short of
    /// the highest. Who doesn't come to that leaves it what it needs, however long it waits.
    #[must_use]
    pub fn rank(&self, now: Timestamp) -> Severity {
        let more = usize::try_from(self.missed(now) / PATIENT).unwrap_or(usize::MAX);
        let above = Severity::ALL.into_iter().filter(|severity| (self.severity..Severity::High).contains(severity));
        above.take(more.saturating_add(1)).last().unwrap_or(self.severity)
    }

    /// Whether it has waited so long that it takes its turn at overload too.
    fn has_waited_long(&self, now: Timestamp) -> bool {
        if self.catches_up { now.since(self.since) >= PATIENCE } else { self.missed(now) >= MANY_MISSED }
    }
}

/// How those that wait are to be put in order, where a call can go out every `pace`.
#[must_use]
pub fn order(wishes: &[Wish], pace: Duration, now: Timestamp) -> Order {
    let mut deadlines: Vec<Timestamp> =
        wishes.iter().filter(|wish| !wish.catches_up).map(|wish| wish.deadline_at(now)).collect();
    if wishes.iter().any(|wish| !wish.catches_up && wish.missed(now) > 0) {
        return Order::BySeverity;
    }
    deadlines.sort_unstable();
    let mut at = now;
    for deadline in deadlines {
        if at > deadline {
            return Order::BySeverity;
        }
        at = at.plus(pace);
    }
    Order::ByDeadline
}

/// Who runs it by hand, then all that is live, then what catches up.
const fn class(wish: &Wish) -> (bool, bool) {
    (!wish.by_hand, wish.catches_up)
}

/// The place in `wishes` of the one that calls next, after `served` others. Of equals the first one.
#[must_use]
pub fn first(wishes: &[Wish], order: Order, served: u64, now: Timestamp) -> Option<usize> {
    let all = || wishes.iter().enumerate();
    if served % ONE_IN == ONE_IN - 1 && order != Order::Cheapest {
        let long = all().filter(|(_, wish)| wish.has_waited_long(now)).min_by_key(|(_, wish)| wish.since);
        if let Some((place, _)) = long {
            return Some(place);
        }
    }
    let urgency = |wish: &Wish| (class(wish), Reverse(wish.severity), wish.deadline_at(now), wish.since);
    let place = match order {
        Order::ByDeadline => all().min_by_key(|(_, wish)| {
            let (class, severity, deadline, since) = urgency(wish);
            (class, if wish.catches_up { now } else { deadline }, severity, since)
        }),
        Order::BySeverity => all().min_by_key(|(_, wish)| urgency(wish)),
        Order::ByPatience => all().min_by_key(|(_, wish)| {
            let (class, severity, deadline, since) = urgency(wish);
            (class, Reverse(wish.rank(now)), deadline, since, severity)
        }),
        Order::Cheapest => all().min_by_key(|(_, wish)| (class(wish), wish.work, urgency(wish))),
    };
    place.map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// A live run that waits for `waited` seconds and whose next tick is `left` seconds away.
    fn wish(severity: Severity, waited: u64, left: i64) -> Wish {
        let deadline =
            if left < 0 { NOW.minus(seconds(left.unsigned_abs())) } else { NOW.plus(seconds(left.unsigned_abs())) };
        let pause = seconds(waited.saturating_add_signed(left).max(1));
        Wish {
            severity,
            catches_up: false,
            by_hand: false,
            since: NOW.minus(seconds(waited)),
            deadline,
            pause,
            work: seconds(1),
        }
    }

    fn next(wishes: &[Wish]) -> Option<usize> {
        first(wishes, order(wishes, seconds(2), NOW), 0, NOW)
    }

    #[test]
    fn the_nearest_tick_goes_first_where_all_can_be_met() {
        use Severity::{High, Low};
        assert_eq!(next(&[]), None);
        assert_eq!(next(&[wish(High, 1, 500), wish(Low, 1, 100)]), Some(1), "the nearer tick");
        assert_eq!(next(&[wish(Low, 1, 100), wish(High, 1, 100)]), Some(1), "of one tick the higher severity");
        assert_eq!(next(&[wish(Low, 1, 100), wish(Low, 9, 100)]), Some(1), "of alike the older one");
        assert_eq!(next(&[wish(Low, 1, 100), wish(Low, 1, 100)]), Some(0));
    }

    #[test]
    fn severity_decides_where_not_all_can_be_met() {
        use Severity::{High, Low};
        let wishes = [wish(Low, 1, 1), wish(Low, 1, 2), wish(Low, 1, 3), wish(High, 1, 500)];
        assert_eq!(order(&wishes[..2], seconds(2), NOW), Order::ByDeadline);
        assert_eq!(order(&wishes, seconds(2), NOW), Order::BySeverity);
        assert_eq!(next(&wishes), Some(3));
        let late = [wish(Low, 700, -100), wish(High, 1, 500)];
        assert_eq!((order(&late, seconds(2), NOW), next(&late)), (Order::BySeverity, Some(1)), "one is late already");
    }

    #[test]
    fn what_catches_up_comes_behind_and_takes_its_turn_in_the_end() {
        use Severity::{High, Low};
        let behind = |waited| Wish { catches_up: true, ..wish(High, waited, -5) };
        let wishes = [behind(14), wish(Low, 1, 100)];
        assert_eq!(next(&wishes), Some(1));
        assert_eq!(first(&wishes, Order::ByDeadline, 9, NOW), Some(1), "it has not waited for long");
        assert_eq!(first(&[behind(15), wish(Low, 1, 100)], Order::ByDeadline, 9, NOW), Some(0));
        assert_eq!(order(&[behind(100)], seconds(2), NOW), Order::ByDeadline, "it makes no overload");
    }

    #[test]
    fn who_runs_it_by_hand_waits_for_nobody() {
        let person = Wish { by_hand: true, ..wish(Severity::Low, 1, 5000) };
        let wishes = [wish(Severity::High, 1, 100), person];
        assert_eq!(next(&wishes), Some(1));
        assert_eq!(first(&wishes, Order::BySeverity, 0, NOW), Some(1));
    }

    #[test]
    fn ticks_that_come_while_it_waits_are_counted() {
        let waits = Wish { pause: seconds(60), ..wish(Severity::Low, 90, -30) };
        assert_eq!(waits.missed(NOW), 1);
        assert_eq!(waits.missed(NOW.plus(seconds(30))), 2);
        assert_eq!(waits.missed(NOW.minus(seconds(31))), 0);
        assert_eq!(waits.deadline_at(NOW), NOW.plus(seconds(30)));
        let never = Wish { pause: Duration::ZERO, ..waits };
        assert!(never.missed(NOW) > 0 && never.deadline_at(NOW) >= never.deadline);
    }

    #[test]
    fn patience_counts_where_cpu_is_short() {
        use Severity::{High, Low, Medium};
        let waits = |severity, missed: i64| Wish { pause: seconds(60), ..wish(severity, 300, 60 - 60 * missed) };
        let next = |wishes: &[Wish]| first(wishes, Order::ByPatience, 0, NOW);
        assert_eq!(next(&[waits(Low, 1), waits(Medium, 0)]), Some(1));
        assert_eq!(next(&[waits(Low, 2), waits(Medium, 0), waits(High, 0)]), Some(2));
        let fresh = Wish { since: NOW, ..waits(Medium, 0) };
        assert_eq!(next(&[fresh, waits(Low, 2)]), Some(1), "of one rank the older one");
        assert_eq!(next(&[waits(Low, 90), waits(High, 0)]), Some(1), "it never comes to the highest");
        let rank = |severity, missed| waits(severity, missed).rank(NOW);
        assert_eq!(
            [rank(Severity::Informational, 2), rank(Severity::Informational, 4), rank(High, 9)],
            [Low, Medium, High]
        );
    }

    #[test]
    fn a_probe_is_cheap() {
        let dear = wish(Severity::High, 1, 100);
        let cheap = Wish { work: seconds(0), ..wish(Severity::Low, 1, 100) };
        assert_eq!(first(&[dear, cheap], Order::Cheapest, 9, NOW), Some(1));
    }

    fn any_wish() -> impl Strategy<Value = Wish> {
        (0_usize..4, 0_u64..5000, -2000_i64..5000, any::<bool>()).prop_map(|(severity, waited, left, catches_up)| {
            Wish { catches_up, ..wish(Severity::ALL[severity], waited, left) }
        })
    }

    proptest! {
        #[test]
        fn somebody_always_goes_and_never_who_can_wait_before_who_cannot(
            wishes in prop::collection::vec(any_wish(), 1..40), served in 0_u64..9,
        ) {
            let order = order(&wishes, seconds(2), NOW);
            let chosen = wishes[first(&wishes, order, served, NOW).unwrap()];
            for other in &wishes {
                prop_assert!(!chosen.catches_up || other.catches_up);
                if order == Order::BySeverity && !other.catches_up {
                    prop_assert!(chosen.severity >= other.severity);
                }
            }
        }

        /// Whatever comes in at a higher severity, one that waits is served in the end.
        #[test]
        fn nobody_waits_for_ever(crowd in 1_usize..30, severity in 0_usize..4) {
            let low = wish(Severity::ALL[severity], 0, 60);
            let mut now = NOW;
            for served in 0..20_000_u64 {
                let mut wishes = vec![Wish { since: now, deadline: now.plus(seconds(1)), ..wish(Severity::High, 0, 1) }; crowd];
                wishes.push(low);
                let order = order(&wishes, seconds(2), now);
                if first(&wishes, order, served, now) == Some(crowd) {
                    return Ok(());
                }
                now = now.plus(seconds(2));
            }
            prop_assert!(false, "it never came");
        }
    }
}
