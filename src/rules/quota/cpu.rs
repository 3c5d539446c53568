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
    let (done, under_way) = done_and_under_way(calls, now);
    done + under_way
}

fn done_and_under_way(calls: &[LedgerCall], now: Timestamp) -> (Duration, Duration) {
    let from = now.floor_to(CPU_CYCLE);
    // Where CPU is told, how long a call runs says nothing of it.
    let is_told = calls.iter().any(|call| call.cpu.is_some());
    calls.iter().fold((Duration::ZERO, Duration::ZERO), |(done, under_way), call| match call.answered {
        Some(at) if at >= from => (done + call.work(), under_way),
        Some(_) => (done, under_way),
        None if is_told => (done, under_way),
        None => (done, under_way + now.since(call.sent.min(now)).min(super::LONGEST_CALL)),
    })
}

/// The most that calls have cost the tenant in one whole quarter hour of the clock that began after `since` and is over.
pub(super) fn most_in_cycle(calls: &[LedgerCall], since: Timestamp, now: Timestamp) -> Duration {
    let present = now.floor_to(CPU_CYCLE);
    let mut cycles: Vec<(Timestamp, Duration)> = Vec::new();
    for call in calls {
        let Some(at) = call.answered.map(|at| at.floor_to(CPU_CYCLE)) else { continue };
        match cycles.iter_mut().find(|(cycle, _)| *cycle == at) {
            Some((_, work)) => *work += call.work(),
            None if at >= since && at < present => cycles.push((at, call.work())),
            None => {}
        }
    }
    cycles.into_iter().map(|(_, work)| work).max().unwrap_or_default()
}

/// The end of the quarter hour of the clock in which `now` lies: what is due by then is due in the next one.
#[must_use]
pub fn cycle_end(now: Timestamp) -> Timestamp {
    now.floor_to(CPU_CYCLE).plus(CPU_CYCLE)
}

/// When the next quarter hour has begun, at the service too.
#[must_use]
pub fn turn(now: Timestamp) -> Timestamp {
    cycle_end(now).plus(MARGIN)
}

/// The wait until the quarter hour turns, where the call asked for must leave its rest to others.
pub(super) fn spent(calls: &[LedgerCall], allowed: &Allowance, ask: Ask, now: Timestamp) -> Option<Timestamp> {
    let (done, under_way) = done_and_under_way(calls, now);
    // Of this process it is known what they are likely to cost, of others only how long they have run.
    let spent = done + under_way.max(ask.under_way);
    // A call dearer than a whole quarter hour's would never go: it goes when nothing is spent yet.
    let over = |most: Duration, work: Duration| !spent.is_zero() && spent + work > most;
    let certain = allowed.cpu.is_some_and(|most| over(most, ask.work));
    let likely = allowed.cpu_likely.zip(ask.leave).is_some_and(|(likely, leave)| match leave {
        // A block would hold up nothing that matters more.
        Duration::ZERO => over(likely.hoped, ask.work),
        leave => over(likely.sure, ask.work + leave.min(likely.sure * MOST_KEPT / 100)),
    });
    (certain || likely).then(|| turn(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Quota;
    use crate::rules::quota::Likely;

    const QUARTER: Timestamp = Timestamp::from_seconds(1_795_500_000);

    fn call(at: u64, cpu: u64) -> LedgerCall {
        let answered = QUARTER.plus(Duration::from_secs(at));
        LedgerCall { sent: answered, answered: Some(answered), ran: None, cpu: Some(Duration::from_secs(cpu)) }
    }

    fn ask(work: u64, leave: impl Into<Option<u64>>) -> Ask {
        let leave = leave.into().map(Duration::from_secs);
        Ask { work: Duration::from_secs(work), leave, ..Ask::default() }
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
        let (sure, hoped) = (Duration::from_secs(100), Duration::from_mins(2));
        let likely =
            Allowance { cpu_likely: Some(Likely { sure, hoped }), ..Allowance::of(&Quota::DEFAULT, &[], None, now) };
        let certain = Allowance { cpu: Some(sure), cpu_likely: None, ..likely.clone() };
        let waits = |allowed: &Allowance, calls: &[LedgerCall], ask| spent(calls, allowed, ask, now).is_some();
        assert!(!waits(&likely, &[call(1, 40)], ask(10, 50)));
        assert!(waits(&likely, &[call(1, 41)], ask(10, 50)));
        assert!(!waits(&likely, &[call(1, 500)], ask(10, None)), "nobody is above it: the service may say no");
        assert!(!waits(&likely, &[call(1, 110)], ask(10, 0)), "who is above it isn't due: more is tried");
        assert!(waits(&likely, &[call(1, 111)], ask(10, 0)));
        let crowd = Ask { under_way: Duration::from_secs(41), ..ask(10, 50) };
        assert!(waits(&likely, &[LedgerCall { answered: None, ..call(59, 0) }], crowd), "others will cost so much yet");
        assert!(!waits(&likely, &[call(1, 1)], ask(9, 5000)), "a tenth is left to those below");
        assert!(waits(&certain, &[call(1, 95)], ask(10, None)));
        assert!(!waits(&certain, &[], ask(1000, None)), "dearer than all of it");
    }
}
