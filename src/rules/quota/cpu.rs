//! The quarter hour's CPU: how much of it is spent, and who may spend the rest.
//!
//! The service blocks a tenant that has spent all of it until the quarter hour of the clock turns, with everything
//! that is due until then. So what can wait leaves to hunts of a higher severity what they are likely to need.

use std::time::Duration;

use super::admit::Ask;
use super::allowance::Allowance;
use crate::model::limits::CPU_CYCLE;
use crate::model::quota::LedgerCall;
use crate::model::time::Timestamp;

/// After the quarter hour turns: the service's clock isn't ours.
pub(super) const MARGIN: Duration = Duration::from_secs(5);
/// The most of a learnt budget that is kept for higher severities, in hundredths: the others must get on too.
const MOST_KEPT: u32 = 90;

/// What calls have cost the tenant in the quarter hour of the clock in which `now` lies. A call counts for the one in
/// which its answer came. One that is under way counts for as long as it has run, where the service tells no CPU.
#[must_use]
pub fn work_in_cycle(calls: &[LedgerCall], now: Timestamp) -> Duration {
    let from = now.floor_to(CPU_CYCLE);
    let is_told = calls.iter().any(|call| call.cpu.is_some());
    let work = |call: &LedgerCall| match call.answered {
        Some(at) if at >= from => call.work(),
        Some(_) => Duration::ZERO,
        None if is_told => Duration::ZERO,
        None => now.since(call.sent.min(now)).min(super::LONGEST_CALL),
    };
    calls.iter().map(work).sum()
}

/// When the next quarter hour has begun, at the service too.
#[must_use]
pub fn turn(now: Timestamp) -> Timestamp {
    now.floor_to(CPU_CYCLE).plus(CPU_CYCLE).plus(MARGIN)
}

/// The wait until the quarter hour turns, where the call asked for must leave its rest to others.
pub(super) fn spent(calls: &[LedgerCall], allowed: &Allowance, ask: Ask, now: Timestamp) -> Option<Timestamp> {
    let spent = work_in_cycle(calls, now);
    // A call dearer than a whole quarter hour's would never go: it goes when nothing is spent yet.
    let over = |most: Duration, work: Duration| !spent.is_zero() && spent + work > most;
    let certain = allowed.cpu.is_some_and(|most| over(most, ask.work));
    let likely = allowed
        .cpu_likely
        .is_some_and(|most| !ask.leave.is_zero() && over(most, ask.work + ask.leave.min(most * MOST_KEPT / 100)));
    (certain || likely).then(|| turn(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Quota;

    const QUARTER: Timestamp = Timestamp::from_seconds(1_795_500_000);

    fn call(at: u64, cpu: u64) -> LedgerCall {
        let answered = QUARTER.plus(Duration::from_secs(at));
        LedgerCall { sent: answered, answered: Some(answered), ran: None, cpu: Some(Duration::from_secs(cpu)) }
    }

    fn ask(work: u64, leave: u64) -> Ask {
        Ask { work: Duration::from_secs(work), leave: Duration::from_secs(leave) }
    }

    #[test]
    fn only_the_present_quarter_hour_counts() {
        assert_eq!(QUARTER, QUARTER.floor_to(CPU_CYCLE));
        let before = LedgerCall { answered: Some(QUARTER.minus(Duration::from_secs(1))), ..call(0, 50) };
        let open = LedgerCall { sent: QUARTER, answered: None, ran: None, cpu: None };
        let now = QUARTER.plus(Duration::from_secs(30));
        assert_eq!(work_in_cycle(&[before, call(5, 7), open], now), Duration::from_secs(7));
        let ran = LedgerCall { ran: Some(Duration::from_secs(7)), cpu: None, ..call(5, 0) };
        assert_eq!(work_in_cycle(&[ran, open], now), Duration::from_secs(37), "no CPU is told");
        assert_eq!(turn(now), QUARTER.plus(CPU_CYCLE).plus(MARGIN));
    }

    #[test]
    fn what_can_wait_leaves_the_rest_to_higher_severities() {
        let now = QUARTER.plus(Duration::from_mins(1));
        let likely =
            Allowance { cpu_likely: Some(Duration::from_secs(100)), ..Allowance::of(&Quota::DEFAULT, &[], None, now) };
        let certain = Allowance { cpu: likely.cpu_likely, cpu_likely: None, ..likely.clone() };
        let waits = |allowed: &Allowance, calls: &[LedgerCall], ask| spent(calls, allowed, ask, now).is_some();
        assert!(!waits(&likely, &[call(1, 40)], ask(10, 50)));
        assert!(waits(&likely, &[call(1, 41)], ask(10, 50)));
        assert!(!waits(&likely, &[call(1, 500)], ask(10, 0)), "nobody is above it: the service may say no");
        assert!(!waits(&likely, &[call(1, 1)], ask(9, 5000)), "a tenth is left to those below");
        assert!(waits(&certain, &[call(1, 95)], ask(10, 0)));
        assert!(!waits(&certain, &[], ask(1000, 0)), "dearer than all of it");
    }
}
