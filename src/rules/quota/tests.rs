use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::config::Quota;
use crate::model::failure::{ApiFailure, FailureClass, ThrottleWindow};
use crate::model::quota::{Admission, Block, BlockReason, CallLedger, LearntLimit, LedgerCall, WaitReason};
use crate::model::time::Timestamp;
use crate::rules::schedule::ClockMove;

const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn quota(minute: u32, hour: u32, concurrent: u32) -> Quota {
    Quota { calls_per_minute: minute, calls_per_hour: hour, concurrent, ..Quota::DEFAULT }
}

/// A call that was sent and answered so many seconds ago.
fn call(sent: u64, answered: Option<u64>) -> LedgerCall {
    let (sent, answered) = (NOW.minus(seconds(sent)), answered.map(|ago| NOW.minus(seconds(ago))));
    LedgerCall { sent, answered, ran: answered.map(|at| at.since(sent)), cpu: None }
}

fn ledger(calls: &[LedgerCall]) -> CallLedger {
    CallLedger { calls: calls.to_vec(), ..CallLedger::default() }
}

/// As [`super::admit`], of what the config says alone.
fn admit(ledger: &CallLedger, quota: &Quota, now: Timestamp) -> Admission {
    super::admit(ledger, &Allowance::of(quota, &ledger.learnt, ledger.budget, now), Ask::default(), now)
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A wait of so many milliseconds.
fn wait(after: u64, why: WaitReason) -> Admission {
    Admission::Wait { until: NOW.plus(millis(after)), why }
}

#[test]
fn a_call_keeps_its_place_until_the_window_after_its_answer() {
    let q = quota(2, 1500, 5);
    let cases: [(&[LedgerCall], Admission); 8] = [
        (&[], Admission::Go),
        (&[call(30, Some(29))], Admission::Go),
        (&[call(30, Some(29)), call(10, Some(9))], wait(31_250, WaitReason::MinuteFull)),
        // Sent long ago, answered lately: the service may have counted it lately.
        (&[call(200, Some(20)), call(10, Some(9))], wait(40_250, WaitReason::MinuteFull)),
        (&[call(62, Some(61)), call(10, Some(9))], Admission::Go),
        (&[call(62, Some(60)), call(10, Some(9))], wait(250, WaitReason::MinuteFull)),
        // One is under way: it can't be out of the window before a minute from now.
        (&[call(100, None), call(10, Some(9))], wait(51_250, WaitReason::MinuteFull)),
        // Its process died: over after four minutes.
        (&[call(239, None), call(10, None)], wait(60_250, WaitReason::MinuteFull)),
    ];
    for (calls, expected) in cases {
        assert_eq!(admit(&ledger(calls), &q, NOW), expected, "{calls:?}");
    }
    // The quota was lowered: two of three must leave.
    let many = [call(40, Some(39)), call(30, Some(29)), call(10, Some(9))];
    assert_eq!(admit(&ledger(&many), &q, NOW), wait(31_250, WaitReason::MinuteFull));
    assert_eq!(admit(&ledger(&[call(301, None), call(10, Some(9))]), &q, NOW), Admission::Go);
    assert_eq!(admit(&ledger(&[call(300, None), call(10, Some(9))]), &q, NOW), wait(250, WaitReason::MinuteFull));
}

#[test]
fn the_hour_counts_too_and_the_later_wait_is_named() {
    let q = quota(2, 3, 5);
    let hour = [call(3500, Some(3499)), call(3000, Some(2999)), call(2000, Some(1999))];
    assert_eq!(admit(&ledger(&hour), &q, NOW), wait(103_000, WaitReason::HourFull));
    let both = [call(3600, Some(3599)), call(20, Some(19)), call(10, Some(9))];
    assert_eq!(admit(&ledger(&both), &q, NOW), wait(41_250, WaitReason::MinuteFull));
}

#[test]
fn no_more_calls_at_a_time_than_may_be() {
    let q = quota(45, 1500, 2);
    assert_eq!(admit(&ledger(&[call(5, None)]), &q, NOW), Admission::Go);
    assert_eq!(admit(&ledger(&[call(5, None), call(3, None)]), &q, NOW), wait(1000, WaitReason::ConcurrentFull));
    assert_eq!(admit(&ledger(&[call(240, None), call(3, None)]), &q, NOW), Admission::Go, "its process died");
    assert_eq!(admit(&ledger(&[call(5, Some(4)), call(3, None)]), &q, NOW), Admission::Go);
}

#[test]
fn a_block_is_honoured_until_it_ends() {
    let block = |after: u64| Block { until: NOW.plus(seconds(after)), reason: BlockReason::Cpu, said: String::new() };
    let blocked = CallLedger { block: Some(block(7)), ..CallLedger::default() };
    assert_eq!(admit(&blocked, &quota(45, 1500, 5), NOW), wait(7000, WaitReason::Blocked(BlockReason::Cpu)));
    let over = CallLedger { block: Some(block(0)), ..CallLedger::default() };
    assert_eq!(admit(&over, &quota(45, 1500, 5), NOW), Admission::Go);
}

#[test]
fn a_quota_of_none_never_goes_and_never_panics() {
    for q in [quota(0, 1500, 5), quota(45, 0, 5), quota(45, 1500, 0)] {
        let Admission::Wait { until, .. } = admit(&CallLedger::default(), &q, NOW) else { panic!("{q:?}") };
        assert!(until > NOW);
    }
}

#[test]
fn calls_from_the_future_count_as_made_now() {
    let ahead = LedgerCall { sent: NOW.plus(seconds(3000)), answered: Some(NOW.plus(seconds(3001))), ..call(0, None) };
    assert_eq!(admit(&ledger(&[ahead]), &quota(1, 1500, 5), NOW), wait(60_250, WaitReason::MinuteFull));
}

#[test]
fn the_ledger_moves_with_the_clock() {
    let before = CallLedger {
        calls: vec![call(10, Some(9)), call(5, None)],
        block: Some(Block { until: NOW.plus(seconds(30)), reason: BlockReason::Gateway, said: "x".into() }),
        ..CallLedger::default()
    };
    let hour = Duration::from_hours(1);
    for (moved, now) in [
        (ClockMove::JumpedForward { by: hour }, NOW.plus(hour)),
        (ClockMove::SetBack { by: hour }, NOW.minus(hour)),
        (ClockMove::Steady, NOW),
    ] {
        let after = carry(&before, moved, now);
        for (was, is) in before.calls.iter().zip(&after.calls) {
            assert_eq!(NOW.since(was.sent), now.since(is.sent), "{moved:?}");
        }
        assert_eq!(after.block.unwrap().until, now.plus(seconds(30)), "{moved:?}");
    }
    // Set back while huntd was down, by a day: nothing is known of by how much.
    let now = NOW.minus(Duration::from_hours(24));
    let after = carry(&before, ClockMove::Steady, now);
    assert!(after.calls.iter().all(|call| call.sent == now));
    assert_eq!(after.block.unwrap().until, now.plus(hour));
}

/// One call that is wanted: how long after the one before it, how long until its answer, when in
/// between the service counts it (in thousandths), whether its process dies before the answer and another takes over,
/// and by how many seconds the clock was set since the one before it.
type Wanted = (u64, u64, u32, bool, i64);

/// The wall clock, which is set now and then.
struct Wall {
    /// By how many nanoseconds it is ahead of the true time.
    ahead: i64,
}

impl Wall {
    fn at(&self, true_time: Timestamp) -> Timestamp {
        Timestamp::from_nanos(true_time.nanos() + self.ahead)
    }

    fn true_time(&self, at: Timestamp) -> Timestamp {
        Timestamp::from_nanos(at.nanos() - self.ahead)
    }

    /// Sets it, and carries the ledger along.
    fn set(&mut self, by: i64, ledger: &mut CallLedger, true_time: Timestamp) {
        let span = seconds(by.unsigned_abs());
        self.ahead += by * 1_000_000_000;
        let moved = if by < 0 { ClockMove::SetBack { by: span } } else { ClockMove::JumpedForward { by: span } };
        *ledger = carry(ledger, moved, self.at(true_time));
    }
}

/// Makes the calls as soon as they may go, and says when the service counted each (in order).
fn make(wanted: &[Wanted], quota: &Quota) -> Vec<Timestamp> {
    let (mut now, mut ledger, mut wall) = (NOW, CallLedger::default(), Wall { ahead: 0 });
    let longest = wanted.iter().map(|(_, latency, ..)| millis(*latency)).max();
    let mut answers: Vec<(usize, Timestamp)> = Vec::new();
    let mut counted = Vec::new();
    for (gap, latency, share, dies, set) in wanted {
        now = now.plus(Duration::from_millis(*gap));
        if *set != 0 {
            wall.set(*set, &mut ledger, now);
        }
        loop {
            for (n, at) in answers.extract_if(.., |(_, at)| *at <= now) {
                ledger.calls[n].answered = Some(wall.at(at));
            }
            match admit(&ledger, quota, wall.at(now)) {
                Admission::Go => break,
                Admission::Wait { until, .. } => {
                    assert!(until > wall.at(now), "a wait must go forward");
                    assert!(admit(&ledger, quota, until.minus(Duration::from_nanos(1))) != Admission::Go);
                    now = wall.true_time(until);
                }
            }
        }
        let latency = Duration::from_millis(*latency);
        counted.push(now.plus(latency * *share / 1000));
        let call = LedgerCall { sent: wall.at(now), answered: None, ran: None, cpu: None };
        if *dies {
            let answered = Some(orphan_end(call.sent, longest, call.sent));
            ledger.calls.push(LedgerCall { answered, ..call });
        } else {
            answers.push((ledger.calls.len(), now.plus(latency)));
            ledger.calls.push(call);
        }
    }
    counted.sort_unstable();
    counted
}

/// Calls that are wanted at once, each answered after so many milliseconds.
fn at_once(latency: u64, calls: usize) -> Vec<Wanted> {
    vec![(0, latency, 0, false, 0); calls]
}

/// The most that lie in any closed stretch of `length`.
fn most_in(counted: &[Timestamp], length: Duration) -> usize {
    let inside = |from: &Timestamp| counted.iter().filter(|at| *at >= from && at.since(*from) <= length).count();
    counted.iter().map(inside).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_service_never_counts_more_than_may_be(
        wanted in prop::collection::vec(
            (0_u64..4000, prop_oneof![0_u64..3000, 0_u64..210_000], 0_u32..=1000, prop::bool::weighted(0.1),
                prop_oneof![9 => Just(0_i64), 1 => -5000_i64..5000]), 1..120),
        minute in prop_oneof![1_u32..12, 20_u32..50],
        hour in 5_u32..60,
        concurrent in 1_u32..6,
    ) {
        let counted = make(&wanted, &quota(minute, hour, concurrent));
        prop_assert_eq!(counted.len(), wanted.len());
        prop_assert!(most_in(&counted, Duration::from_mins(1)) <= minute as usize);
        prop_assert!(most_in(&counted, Duration::from_hours(1)) <= hour as usize);
    }

    #[test]
    fn waiting_work_uses_nearly_all(minute in 1_u32..61, latency in 0_u64..200) {
        let q = quota(minute, 100_000, 40);
        let counted = make(&at_once(latency, minute as usize * 11), &q);
        let within = |from: Timestamp| counted.iter().filter(|at| **at >= from && at.since(from) < seconds(600)).count();
        prop_assert!(within(NOW) * 100 >= minute as usize * 10 * 98, "{}", within(NOW));
    }

    #[test]
    fn any_text_of_a_429_is_read(text in ".{0,80}") {
        for text in [text.clone(), format!("again in {text}"), format!("per {text}"), format!("retry after 1 {text}")] {
            let (class, _wait) = read_429(&text);
            prop_assert!(matches!(class, FailureClass::ThrottledCalls(_) | FailureClass::ThrottledCpu));
        }
    }

    #[test]
    fn a_wait_in_seconds_is_read_wherever_it_stands(before in "[a-z ]{0,20}", n in 0_u64..100_000, after in "[. ][a-z .]{0,20}") {
        let text = format!("{before} You can send requests again in {n} seconds{after}");
        prop_assert_eq!(read_429(&text).1, Some(seconds(n)));
    }
}

#[test]
fn the_full_rate_of_a_tenant_is_nearly_used_for_two_hours() {
    let counted = make(&at_once(100, 3100), &quota(45, 1500, 5));
    assert_eq!(most_in(&counted, Duration::from_mins(1)), 45);
    assert_eq!(most_in(&counted, Duration::from_hours(1)), 1500);
    let in_two_hours = counted.iter().filter(|at| at.since(NOW) < seconds(7200)).count();
    assert!(in_two_hours >= 2940, "{in_two_hours}");
    // Half of the hour's calls go out as fast as may be; the rest evenly, so that nothing waits for long.
    let longest = counted.windows(2).map(|pair| pair[1].since(pair[0])).max();
    assert!(longest < Some(seconds(61)), "{longest:?}");
}

/// Each full minute of the clock has its calls, and not every second one: whatever the work began with.
#[test]
fn calls_are_spread_over_every_minute() {
    for began in [0, 13_000, 59_500] {
        let mut wanted = at_once(100, 45 * 12);
        wanted[0].0 = began;
        let counted = make(&wanted, &quota(45, 100_000, 5));
        for minute in 2..11 {
            let from = NOW.plus(seconds(60 * minute));
            let within = counted.iter().filter(|at| **at >= from && at.since(from) < seconds(60)).count();
            assert!(within >= 44, "{within} in minute {minute}");
        }
    }
}

/// Each text that was seen or documented.
#[test]
fn the_texts_of_a_429() {
    use FailureClass::{ThrottledCalls, ThrottledCpu};
    use ThrottleWindow::{Hour, Minute, Unnamed};
    let cases = [
        ("API calls quota exceeded! maximum allowed 45 per 00:01:00", ThrottledCalls(Minute), None),
        ("API calls quota exceeded! maximum allowed 1500 per 01:00:00", ThrottledCalls(Hour), None),
        (
            "API calls quota exceeded! Maximum allowed 30 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 8 seconds.",
            ThrottledCalls(Minute),
            Some(8),
        ),
        (
            "API calls quota exceeded! maximum allowed 45 per 00:01:00. You can send requests again in 1 minute and 5 seconds",
            ThrottledCalls(Minute),
            Some(65),
        ),
        (
            "API calls quota exceeded! maximum allowed 1500 per 01:00:00. Send requests again in 00:12:34.",
            ThrottledCalls(Hour),
            Some(754),
        ),
        (
            "You have exceeded processing resources allocated to this tenant. You can run queries again in 00:07:30.",
            ThrottledCpu,
            Some(450),
        ),
        (
            "You have exceeded processing resources allocated to this tenant. You can run queries again in 12 minutes.",
            ThrottledCpu,
            Some(720),
        ),
        (
            "You have exceeded processing resources allocated to this tenant. You can run queries again in <duration>.",
            ThrottledCpu,
            None,
        ),
        ("Please retry again later.", ThrottledCalls(Unnamed), None),
        ("Please retry after", ThrottledCalls(Unnamed), None),
        ("Please retry after 10", ThrottledCalls(Unnamed), Some(10)),
        ("Too many requests. Retry after 1.5 seconds.", ThrottledCalls(Unnamed), Some(1)),
        ("maximum allowed 45 per minute", ThrottledCalls(Minute), None),
        ("maximum allowed 100 per 00:05:00", ThrottledCalls(Unnamed), None),
        ("again in a while, again in 3 seconds", ThrottledCalls(Unnamed), Some(3)),
        ("again in 99999999999999999999999999 hours", ThrottledCalls(Unnamed), None),
        ("again in 00:99:00", ThrottledCalls(Unnamed), Some(0)),
        ("again in", ThrottledCalls(Unnamed), None),
        ("", ThrottledCalls(Unnamed), None),
    ];
    for (text, class, wait) in cases {
        let (found, said) = read_429(text);
        assert_eq!((found, said.map(|s| s.as_secs())), (class, wait), "{text}");
    }
}

fn failure(class: FailureClass, wait: Option<u64>) -> ApiFailure {
    ApiFailure {
        class,
        status: Some(429),
        message: "said".to_owned(),
        hint: None,
        wait: wait.map(seconds),
        request_id: None,
    }
}

#[test]
fn numbers_are_learnt_from_answers() {
    use ThrottleWindow::{Hour, Minute};
    for (text, learnt) in [
        ("API calls quota exceeded! maximum allowed 45 per 00:01:00", Some((Minute, 45))),
        ("API calls quota exceeded! Maximum allowed 1500 per 01:00:00.", Some((Hour, 1500))),
        ("maximum allowed 100 per 00:05:00", None),
        ("maximum allowed many per 00:01:00", None),
        ("You have exceeded processing resources allocated to this tenant. maximum allowed 4 per 00:01:00", None),
        ("Please retry after 10", None),
    ] {
        let expected = learnt.map(|(window, calls)| LearntLimit { window, calls, at: NOW });
        assert_eq!(learn(text, NOW), expected, "{text}");
    }
}

#[test]
fn calls_run_no_longer_than_they_may() {
    let q = Quota { running_per_hour: Some(seconds(600)), ..Quota::DEFAULT };
    let ran = |ended: u64, ran: u64| call(ended + ran, Some(ended));
    assert_eq!(admit(&ledger(&[ran(100, 599)]), &q, NOW), Admission::Go);
    // It leaves the hour whole an hour after its end.
    assert_eq!(admit(&ledger(&[ran(100, 600)]), &q, NOW), wait(3_502_000, WaitReason::RunningTimeSpent));
    assert_eq!(
        admit(&ledger(&[ran(1000, 300), ran(100, 300)]), &q, NOW),
        wait(2_602_000, WaitReason::RunningTimeSpent)
    );
    assert_eq!(admit(&ledger(&[ran(3603, 300), ran(100, 300)]), &q, NOW), Admission::Go);
    let day = Quota { running_per_day: Some(seconds(600)), ..Quota::DEFAULT };
    assert_eq!(admit(&ledger(&[ran(7200, 600)]), &day, NOW), wait(79_202_000, WaitReason::RunningTimeSpent));
    assert_eq!(reach(&Allowance::of(&q, &[], None, NOW)), seconds(3600 + 240 + 2));
    assert_eq!(reach(&Allowance::of(&day, &[], None, NOW)), seconds(86_400 + 240 + 2));
}

#[test]
fn the_second_half_of_a_window_goes_out_evenly() {
    let q = quota(20, 1500, 5);
    let calls: Vec<_> = (0..11).map(|_| call(0, Some(0))).collect();
    assert_eq!(admit(&ledger(&calls[..10]), &q, NOW), Admission::Go, "half of it at once");
    assert_eq!(admit(&ledger(&calls), &q, NOW), wait(6025, WaitReason::Paced));
    let earlier: Vec<_> = (0..11).map(|_| call(7, Some(7))).collect();
    assert_eq!(admit(&ledger(&earlier), &q, NOW), Admission::Go);
}

#[test]
fn one_call_shows_that_a_block_for_cpu_is_over() {
    let over = |reason, ago: u64| Some(Block { until: NOW.minus(seconds(ago)), reason, said: String::new() });
    let with = |block, calls: &[LedgerCall]| CallLedger { block, ..ledger(calls) };
    let probe = with(over(BlockReason::Cpu, 10), &[call(5, None)]);
    assert_eq!(admit(&probe, &quota(45, 1500, 5), NOW), wait(1000, WaitReason::Probed));
    assert!(is_probing(&probe, NOW));
    for (block, calls) in [
        (over(BlockReason::Cpu, 10), vec![call(20, None)]),
        (over(BlockReason::Cpu, 10), vec![call(5, Some(3))]),
        (over(BlockReason::Cpu, 3600), vec![call(5, None)]),
        (over(BlockReason::Gateway, 10), vec![call(5, None)]),
    ] {
        assert_eq!(admit(&with(block.clone(), &calls), &quota(45, 1500, 5), NOW), Admission::Go, "{block:?} {calls:?}");
    }
}

#[test]
fn what_a_failure_blocks() {
    use FailureClass::{Forbidden, Secret, SignIn, ThrottledCalls, ThrottledCpu, Unlicensed};
    use ThrottleWindow::{Hour, Minute, Unnamed};
    // 503 s before the quarter hour turns.
    let now = Timestamp::parse("2026-11-24T16:06:37Z").unwrap();
    let cases = [
        (ThrottledCalls(Minute), None, 61, BlockReason::CallsPerMinute),
        (ThrottledCalls(Minute), Some(8), 9, BlockReason::CallsPerMinute),
        (ThrottledCalls(Hour), None, 901, BlockReason::CallsPerHour),
        (ThrottledCalls(Hour), Some(600), 601, BlockReason::CallsPerHour),
        (ThrottledCalls(Unnamed), None, 31, BlockReason::Gateway),
        (ThrottledCalls(Unnamed), Some(10), 11, BlockReason::Gateway),
        (ThrottledCalls(Unnamed), Some(1_000_000), 3601, BlockReason::Gateway),
        (ThrottledCpu, None, 508, BlockReason::Cpu),
        (ThrottledCpu, Some(100), 105, BlockReason::Cpu),
        (Forbidden, None, 900, BlockReason::Access),
        (Unlicensed, None, 900, BlockReason::Access),
        (SignIn, None, 900, BlockReason::Access),
        (Secret, None, 900, BlockReason::Access),
    ];
    for (class, wait, after, reason) in cases {
        let expected = Block { until: now.plus(seconds(after)), reason, said: "said".to_owned() };
        assert_eq!(block_for(&failure(class.clone(), wait), now), Some(expected), "{class} {wait:?}");
    }
    for class in [FailureClass::Syntax, FailureClass::Timeout, FailureClass::Service, FailureClass::Unauthorized] {
        assert_eq!(block_for(&failure(class, Some(9)), now), None);
    }
}
