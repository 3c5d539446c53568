//! What is used of a tenant's quota and what is left, to be shown. It decides nothing: [`admit`](super::admit) does,
//! and counts the same places.

use std::time::Duration;

use super::admit::Life;
use super::allowance::{Allowance, HOUR, MINUTE, Rolling, learnt_at};
use super::cpu::{turn, work_in_cycle};
use crate::model::config::Quota;
use crate::model::quota::{Block, CallLedger};
use crate::model::time::Timestamp;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gauge {
    /// Calls in a rolling minute.
    PerMinute,
    /// Calls in a rolling hour.
    PerHour,
    /// Calls at a time.
    Concurrent,
    /// CPU in the quarter hour of the clock, in milliseconds.
    CpuPerCycle,
}

impl Gauge {
    /// A stable word, for JSON; where the config has a key for it, that.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerMinute => "calls_per_minute",
            Self::PerHour => "calls_per_hour",
            Self::Concurrent => "concurrent",
            Self::CpuPerCycle => "cpu_per_cycle",
        }
    }

    /// What its numbers count: `calls` or `ms`.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::PerMinute | Self::PerHour | Self::Concurrent => "calls",
            Self::CpuPerCycle => "ms",
        }
    }
}

/// The most that may be used, and why it is so much, where it isn't what the config says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The most, in the gauge's unit.
    pub most: u64,
    /// When an answer of the API told it, where it comes from there.
    pub learnt: Option<Timestamp>,
    /// What of it is left to others already, in hundredths.
    pub reserve: u32,
}

/// What may be used of each gauge now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of calls in a rolling minute.
    pub per_minute: Limit,
    /// Of calls in a rolling hour.
    pub per_hour: Limit,
    /// Of calls at a time.
    pub concurrent: Limit,
    /// Of CPU in a quarter hour; `None` where nobody knows one.
    pub cpu_per_cycle: Option<Limit>,
}

impl Limits {
    /// What `quota` allows at `now`, with what the ledger has learnt.
    #[must_use]
    pub fn of(quota: &Quota, ledger: &CallLedger, now: Timestamp) -> Self {
        let allowed = Allowance::of(quota, &ledger.learnt, ledger.budget, now);
        let [minute_learnt, hour_learnt] = learnt_at(quota, &ledger.learnt, now);
        let calls = |length: Duration, learnt| {
            let of_length = |window: &&Rolling<u32>| window.length == length;
            let most = allowed.calls.iter().find(of_length).map_or(0, |window| window.most);
            Limit { most: most.into(), learnt, reserve: quota.reserve }
        };
        let certain = allowed.cpu.map(|most| Limit { most: millis(most), learnt: None, reserve: quota.reserve });
        let likely = allowed.cpu_likely.zip(ledger.budget);
        let likely =
            likely.map(|(most, budget)| Limit { most: millis(most.hoped), learnt: Some(budget.at), reserve: 0 });
        Self {
            per_minute: calls(MINUTE, minute_learnt),
            per_hour: calls(HOUR, hour_learnt),
            concurrent: Limit { most: quota.concurrent.into(), learnt: None, reserve: 0 },
            cpu_per_cycle: certain.into_iter().chain(likely).min_by_key(|limit| limit.most),
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// How one gauge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Which.
    pub gauge: Gauge,
    /// How much is used, in its unit.
    pub used: u64,
    /// How much may be; `None` where nobody knows.
    pub limit: Option<Limit>,
    /// The first moment at which more is left than now, going by what is known now; `None` where nothing is used,
    /// or nobody knows when it ends.
    pub free_at: Option<Timestamp>,
}

impl Usage {
    /// How much is left; `None` where no limit is known.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.limit.map(|limit| limit.most.saturating_sub(self.used))
    }
}

/// How each gauge stands at `now`, in the order of [`Gauge`].
///
/// Where neither a limit of CPU is known nor any call's CPU, there is no gauge for it.
#[must_use]
pub fn usage(ledger: &CallLedger, limits: &Limits, now: Timestamp) -> Vec<Usage> {
    let calls: Vec<Life> = ledger.calls.iter().map(|call| Life::of(call, now)).collect();
    let under_way = calls.iter().filter(|life| matches!(life, Life::UnderWay(_))).count();
    let mut all = vec![
        window(&calls, Gauge::PerMinute, MINUTE, limits.per_minute, now),
        window(&calls, Gauge::PerHour, HOUR, limits.per_hour, now),
        Usage { gauge: Gauge::Concurrent, used: under_way as u64, limit: Some(limits.concurrent), free_at: None },
    ];
    if limits.cpu_per_cycle.is_some() || ledger.calls.iter().any(|call| call.cpu.is_some()) {
        let used = millis(work_in_cycle(&ledger.calls, now));
        let free_at = (used > 0).then(|| turn(now));
        all.push(Usage { gauge: Gauge::CpuPerCycle, used, limit: limits.cpu_per_cycle, free_at });
    }
    all
}

/// The block that holds at `now`, if one does.
#[must_use]
pub fn standing(ledger: &CallLedger, now: Timestamp) -> Option<&Block> {
    ledger.block.as_ref().filter(|block| block.until > now)
}

fn window(calls: &[Life], gauge: Gauge, length: Duration, limit: Limit, now: Timestamp) -> Usage {
    let mut taken: Vec<Timestamp> = calls.iter().map(|life| life.free(length, now)).filter(|at| *at > now).collect();
    taken.sort_unstable();
    let used = taken.len() as u64;
    // Above the limit nothing more is left until what is too much has gone too.
    let surplus = usize::try_from(used.saturating_sub(limit.most)).unwrap_or(usize::MAX);
    Usage { gauge, used, limit: Some(limit), free_at: taken.get(surplus).copied() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Ask, admit};
    use super::*;
    use crate::model::quota::CpuBudget;
    use crate::model::quota::{Admission, BlockReason, LedgerCall};

    /// 250 s after a quarter hour has begun.
    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_750);

    fn ago(seconds: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(seconds))
    }

    fn later(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn moment(millis: u64) -> Timestamp {
        NOW.plus(Duration::from_millis(millis))
    }

    fn call(sent: u64, answered: Option<u64>) -> LedgerCall {
        LedgerCall { sent: ago(sent), answered: answered.map(ago), ran: None, cpu: None }
    }

    fn quota(minute: u32, hour: u32, concurrent: u32) -> Quota {
        Quota { calls_per_minute: minute, calls_per_hour: hour, concurrent, ..Quota::DEFAULT }
    }

    /// Used, left and when more is, of the first three gauges.
    fn told(calls: &[LedgerCall], quota: &Quota) -> [(u64, u64, Option<Timestamp>); 3] {
        let ledger = CallLedger { calls: calls.to_vec(), ..CallLedger::default() };
        let all = usage(&ledger, &Limits::of(quota, &ledger, NOW), NOW);
        let told: Vec<_> = all.iter().map(|one| (one.used, one.left().unwrap(), one.free_at)).collect();
        told.try_into().unwrap()
    }

    #[test]
    fn what_is_used_and_left_and_when_more_is() {
        let q = quota(3, 1500, 2);
        assert_eq!(told(&[], &q), [(0, 3, None), (0, 1500, None), (0, 2, None)]);
        // One of an hour ago, one that just left the minute, one in it, one under way.
        let some = [call(3600, Some(3599)), call(70, Some(61)), call(20, Some(19)), call(5, None)];
        assert_eq!(told(&some, &q), [(2, 1, Some(moment(41_250))), (4, 1496, Some(later(3))), (1, 1, None)]);
        let full = [call(30, Some(29)), call(20, Some(19)), call(10, Some(9))];
        assert_eq!(told(&full, &q)[0], (3, 0, Some(moment(31_250))));
        // The limit was lowered: the third of five must go before there is a place.
        let over = [&full[..], &[call(8, Some(7)), call(6, Some(5))]].concat();
        assert_eq!(told(&over, &q)[0], (5, 0, Some(moment(51_250))));
        assert_eq!(told(&over, &quota(0, 0, 0)), [(5, 0, None), (5, 0, None), (0, 0, None)]);
        // Its process died four minutes after it was sent.
        assert_eq!(
            told(&[call(250, None)], &q),
            [(1, 2, Some(moment(50_250))), (1, 1499, Some(later(3592))), (0, 2, None)]
        );
    }

    #[test]
    fn cpu_is_shown_where_it_is_known_until_the_quarter_hour_turns() {
        let quota = quota(45, 1500, 5);
        let of = |cpu: Option<u64>, budget: Option<u64>| {
            let cpu = cpu.map(Duration::from_millis);
            let ledger = CallLedger {
                calls: vec![LedgerCall { cpu, ..call(10, Some(10)) }],
                budget: budget.map(|most| CpuBudget { most: Duration::from_millis(most), at: NOW }),
                ..CallLedger::default()
            };
            let all = usage(&ledger, &Limits::of(&quota, &ledger, NOW), NOW);
            all.get(3).map(|cpu| (cpu.used, cpu.left(), cpu.free_at.is_some()))
        };
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(1500), None), Some((1500, None, true)));
        assert_eq!(of(Some(0), None), Some((0, None, false)));
        assert_eq!(of(None, Some(2000)), Some((0, Some(2000), false)));
        assert_eq!(of(Some(1500), Some(2000)), Some((1500, Some(500), true)));
    }

    #[test]
    fn a_block_stands_until_its_end() {
        let block = |until| Block { until, reason: BlockReason::Cpu, said: String::new() };
        let ledger = |until| CallLedger { block: Some(block(until)), ..CallLedger::default() };
        assert_eq!(standing(&ledger(ago(0)), NOW), None);
        assert_eq!(
            standing(&ledger(NOW.plus(Duration::from_nanos(1))), NOW).map(|block| block.reason),
            Some(BlockReason::Cpu)
        );
        assert_eq!(standing(&CallLedger::default(), NOW), None);
    }

    proptest! {
        /// What is shown is what decides.
        #[test]
        fn nothing_is_left_where_a_call_must_wait(
            calls in prop::collection::vec((0_u64..4000, prop::option::of(0_u64..4000)), 0..30),
            minute in 1_u32..6,
            hour in 1_u32..20,
            concurrent in 1_u32..4,
        ) {
            let calls: Vec<_> = calls.into_iter().map(|(sent, took)| call(sent, took.map(|took| sent.saturating_sub(took)))).collect();
            let ledger = CallLedger { calls, ..CallLedger::default() };
            let (open, endless) = (quota(minute, hour, concurrent), u32::MAX);
            let all = usage(&ledger, &Limits::of(&open, &ledger, NOW), NOW);
            let asked = |quota: &Quota| admit(&ledger, &Allowance::of(quota, &[], None, NOW), Ask::default(), NOW);
            let goes = asked(&open) == Admission::Go;
            prop_assert_eq!(goes, all.iter().all(|one| one.left() > Some(0)));
            for (one, alone) in all.iter().zip([quota(minute, endless, endless), quota(endless, hour, endless)]) {
                if let Admission::Wait { until, .. } = asked(&alone) {
                    prop_assert_eq!((one.left(), one.free_at), (Some(0), Some(until)));
                }
            }
        }
    }
}
