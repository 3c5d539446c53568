//! What may be spent on a tenant: what the config says, what the API taught, and what is left to people.

use std::time::Duration;

use super::cpu::{most_in_cycle, work_in_cycle};
use crate::model::config::Quota;
use crate::model::failure::ThrottleWindow;
use crate::model::limits::CPU_CYCLE;
use crate::model::quota::{CallLedger, CpuBudget, LearntLimit};
use crate::model::time::Timestamp;

/// The minute, as a window.
pub(super) const MINUTE: Duration = Duration::from_mins(1);
/// The hour, as a window.
pub(super) const HOUR: Duration = Duration::from_hours(1);
/// The day, as a window.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// How long a number of calls counts that an answer told: a tenant that grows gets more, and only being told no
/// would say so.
const LEARNT_COUNTS: Duration = Duration::from_hours(7 * 24);
/// How long a CPU budget counts that a block taught.
const BUDGET_COUNTS: Duration = DAY;
/// What of the CPU spent in a blocked cycle is taken for the budget, in hundredths: others spend too.
const BUDGET_SHARE: u32 = 90;
/// By how much the budget is hoped to grow with the square of the cycles, in thousandths of what it was: until a block
/// says no. Near what a block taught it is tried slowly, and the faster, the longer none came.
const BUDGET_GROWTH: u32 = 5;

/// So much of something in any stretch of a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rolling<T> {
    /// How long the stretch is.
    pub length: Duration,
    /// The most that may lie in it.
    pub most: T,
}

/// What may be spent on a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Calls in rolling windows; each counts.
    pub calls: Vec<Rolling<u32>>,
    /// Time that calls are under way, in rolling windows; each counts.
    pub running: Vec<Rolling<Duration>>,
    /// Calls at a time.
    pub concurrent: u32,
    /// CPU in a quarter hour of the clock that may never be exceeded.
    pub cpu: Option<Duration>,
    /// CPU in a quarter hour after which the service is likely to block the tenant: learnt, so that only what
    /// can wait heeds it.
    pub cpu_likely: Option<Likely>,
}

/// What the tenant is likely to have of CPU in a quarter hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likely {
    /// So much was spent without a block, or nearly.
    pub sure: Duration,
    /// So much is worth a try, where a block would hold up nothing that matters more.
    pub hoped: Duration,
}

impl Likely {
    /// As far as a budget still counts.
    fn of(budget: CpuBudget, now: Timestamp) -> Option<Self> {
        Some(Self { sure: budget.most, hoped: grown(budget, now)? })
    }
}

impl Allowance {
    /// What `quota` allows at `now`, given the numbers that the API told and the budget that its blocks taught.
    ///
    /// A number in the config always binds. A lower one that the API told binds too, for a week. A higher one
    /// counts where the config names none. Of all this the reserve is left to others.
    #[must_use]
    pub fn of(quota: &Quota, learnt: &[LearntLimit], budget: Option<CpuBudget>, now: Timestamp) -> Self {
        let per = |window, configured, named| kept(calls(learnt, window, configured, named, now).0, quota.reserve);
        let rolling =
            |length, most: Option<Duration>| most.map(|most| Rolling { length, most: kept_of(most, quota.reserve) });
        Self {
            calls: vec![
                Rolling {
                    length: MINUTE,
                    most: per(ThrottleWindow::Minute, quota.calls_per_minute, quota.named.per_minute),
                },
                Rolling { length: HOUR, most: per(ThrottleWindow::Hour, quota.calls_per_hour, quota.named.per_hour) },
            ],
            running: [rolling(HOUR, quota.running_per_hour), rolling(DAY, quota.running_per_day)]
                .into_iter()
                .flatten()
                .collect(),
            concurrent: quota.concurrent,
            cpu: quota.cpu_per_cycle.map(|most| kept_of(most, quota.reserve)),
            cpu_likely: budget.and_then(|budget| Likely::of(budget, now)),
        }
    }

    /// The same, where what was spent in whole quarter hours since the budget was learnt is known to be there.
    #[must_use]
    pub fn proven(mut self, ledger: &CallLedger, now: Timestamp) -> Self {
        if let Some((likely, budget)) = self.cpu_likely.as_mut().zip(ledger.budget) {
            let proven = most_in_cycle(&ledger.calls, budget.at, now);
            (likely.sure, likely.hoped) = (likely.sure.max(proven), likely.hoped.max(proven));
        }
        self
    }

    /// How often a call can go out in the long run.
    #[must_use]
    pub fn pace(&self) -> Duration {
        self.calls.iter().map(|window| window.length / window.most.max(1)).max().unwrap_or_default()
    }

    /// What of it work may take that can wait: half of the calls and of the time, and all but one of the calls
    /// at a time. Live runs find the other half free, however much is to be caught up.
    #[must_use]
    pub fn slack(&self) -> Self {
        let half = |calls: &Rolling<u32>| Rolling { most: half(calls.most), ..*calls };
        Self {
            calls: self.calls.iter().map(half).collect(),
            running: self.running.iter().map(|time| Rolling { most: time.most / 2, ..*time }).collect(),
            concurrent: all_but_one(self.concurrent),
            cpu: self.cpu.map(|most| most / 2),
            cpu_likely: self.cpu_likely.map(|most| Likely { sure: most.sure / 2, hoped: most.hoped / 2 }),
        }
    }
}

/// A quota whose numbers of calls are those that huntd spends: less the reserve.
#[must_use]
pub fn spendable(quota: &Quota) -> Quota {
    let left = |calls| kept(calls, quota.reserve);
    Quota {
        calls_per_minute: left(quota.calls_per_minute),
        calls_per_hour: left(quota.calls_per_hour),
        reserve: 0,
        ..*quota
    }
}

/// As [`Allowance::slack`], for a quota.
#[must_use]
pub fn slack(quota: &Quota) -> Quota {
    Quota {
        calls_per_minute: half(quota.calls_per_minute),
        calls_per_hour: half(quota.calls_per_hour),
        concurrent: all_but_one(quota.concurrent),
        ..*quota
    }
}

fn half(calls: u32) -> u32 {
    (calls / 2).max(1)
}

fn all_but_one(calls: u32) -> u32 {
    calls.saturating_sub(1).max(1)
}

/// The calls of one window: the config's, or what was learnt where that binds, with the moment when.
fn calls(
    learnt: &[LearntLimit],
    window: ThrottleWindow,
    configured: u32,
    named: bool,
    now: Timestamp,
) -> (u32, Option<Timestamp>) {
    let told = learnt.iter().find(|limit| limit.window == window && now.since(limit.at) < LEARNT_COUNTS);
    match told {
        Some(limit) if limit.calls < configured || !named => (limit.calls.max(1), Some(limit.at)),
        _ => (configured, None),
    }
}

/// When the numbers of a minute and of an hour were learnt that bind now.
pub(super) fn learnt_at(quota: &Quota, learnt: &[LearntLimit], now: Timestamp) -> [Option<Timestamp>; 2] {
    [
        calls(learnt, ThrottleWindow::Minute, quota.calls_per_minute, quota.named.per_minute, now).1,
        calls(learnt, ThrottleWindow::Hour, quota.calls_per_hour, quota.named.per_hour, now).1,
    ]
}

/// What is left of so many calls; one at least, where there is one at all.
fn kept(calls: u32, reserve: u32) -> u32 {
    let left = u64::from(calls) * u64::from(100 - reserve.min(100)) / 100;
    u32::try_from(left).unwrap_or(calls).max(calls.min(1))
}

fn kept_of(time: Duration, reserve: u32) -> Duration {
    time * (100 - reserve.min(100)) / 100
}

/// The budget that a block at `now` teaches: nearly what huntd spent in this quarter hour. Where that is far less than
/// what was taken for the budget, others have spent it, this once or for good: half of what it was. `None` where
/// nothing was spent.
#[must_use]
pub fn budget_from(ledger: &CallLedger, now: Timestamp) -> Option<CpuBudget> {
    let spent = work_in_cycle(&ledger.calls, now);
    let before = ledger.budget.and_then(|budget| grown(budget, now)).unwrap_or_default();
    let most = (spent * BUDGET_SHARE / 100).max(before / 2);
    (!spent.is_zero()).then_some(CpuBudget { most, at: now })
}

/// A budget some cycles later; `None` once it no longer counts.
fn grown(budget: CpuBudget, now: Timestamp) -> Option<Duration> {
    let age = now.since(budget.at);
    let cycles = u32::try_from(age.as_secs() / CPU_CYCLE.as_secs()).unwrap_or(u32::MAX);
    (age < BUDGET_COUNTS).then(|| budget.most.saturating_mul(1000 + BUDGET_GROWTH * cycles * cycles) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Named;
    use crate::model::quota::LedgerCall;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn told(window: ThrottleWindow, calls: u32, days_ago: u64) -> LearntLimit {
        LearntLimit { window, calls, at: NOW.minus(DAY * u32::try_from(days_ago).unwrap()) }
    }

    fn minute_and_hour(quota: &Quota, learnt: &[LearntLimit]) -> (u32, u32) {
        let allowed = Allowance::of(quota, learnt, None, NOW);
        (allowed.calls[0].most, allowed.calls[1].most)
    }

    #[test]
    fn a_number_in_the_config_always_binds_and_others_are_learnt() {
        use ThrottleWindow::{Hour, Minute};
        let free = Quota { named: Named { per_minute: false, per_hour: false }, ..Quota::DEFAULT };
        assert_eq!(minute_and_hour(&Quota::DEFAULT, &[]), (45, 1500));
        let lower = [told(Minute, 30, 1), told(Hour, 900, 6)];
        let higher = [told(Minute, 100, 1), told(Hour, 3000, 6)];
        assert_eq!(minute_and_hour(&Quota::DEFAULT, &lower), (30, 900));
        assert_eq!(minute_and_hour(&Quota::DEFAULT, &higher), (45, 1500), "the config names them");
        assert_eq!(minute_and_hour(&free, &lower), (30, 900));
        assert_eq!(minute_and_hour(&free, &higher), (100, 3000));
        assert_eq!(
            minute_and_hour(&free, &[told(Minute, 30, 7), told(Hour, 0, 1)]),
            (45, 1),
            "a week later; never none"
        );
    }

    #[test]
    fn the_reserve_is_left_and_one_call_stays() {
        let quota = |calls, reserve| Quota { calls_per_minute: calls, reserve, ..Quota::DEFAULT };
        for (calls, reserve, left) in [(45, 20, 36), (45, 0, 45), (45, 100, 1), (1, 50, 1), (0, 0, 0), (3, 34, 1)] {
            assert_eq!(minute_and_hour(&quota(calls, reserve), &[]).0, left, "{calls} {reserve}");
        }
    }

    #[test]
    fn a_budget_grows_and_is_forgotten() {
        let spent = |secs| {
            let work = Duration::from_secs(secs);
            CallLedger {
                calls: vec![LedgerCall { sent: NOW, answered: Some(NOW), ran: Some(work), cpu: None }],
                ..CallLedger::default()
            }
        };
        assert_eq!(budget_from(&spent(0), NOW), None);
        let budget = budget_from(&spent(1000), NOW).unwrap();
        let likely = |cycles: u32| {
            let later = NOW.plus(CPU_CYCLE * cycles);
            let likely = Allowance::of(&Quota::DEFAULT, &[], Some(budget), later).cpu_likely?;
            Some((likely.sure.as_secs(), likely.hoped.as_secs()))
        };
        assert_eq!(likely(0), Some((900, 900)));
        assert_eq!(likely(2), Some((900, 918)));
        assert_eq!(likely(10), Some((900, 1350)));
        assert_eq!(likely(96), None);
        let known = CallLedger { budget: Some(budget), ..spent(10) };
        assert_eq!(budget_from(&known, NOW).unwrap().most, Duration::from_secs(450), "others spent it");
    }

    #[test]
    fn what_was_spent_without_a_block_is_there() {
        let learnt = NOW.floor_to(CPU_CYCLE);
        let call = |cycle: u32, secs| {
            let at = learnt.plus(CPU_CYCLE * cycle + Duration::from_secs(5));
            LedgerCall { sent: at, answered: Some(at), ran: None, cpu: Some(Duration::from_secs(secs)) }
        };
        let budget = CpuBudget { most: Duration::from_secs(100), at: learnt.plus(Duration::from_secs(1)) };
        let sure = |calls: &[LedgerCall]| {
            let ledger = CallLedger { calls: calls.to_vec(), budget: Some(budget), ..CallLedger::default() };
            let now = learnt.plus(CPU_CYCLE * 3 + Duration::from_secs(20));
            Allowance::of(&Quota::DEFAULT, &[], Some(budget), now)
                .proven(&ledger, now)
                .cpu_likely
                .unwrap()
                .sure
                .as_secs()
        };
        assert_eq!(sure(&[]), 100);
        assert_eq!(sure(&[call(1, 60), call(1, 61), call(2, 70)]), 121);
        assert_eq!(sure(&[call(0, 500)]), 100, "the quarter hour that was blocked");
        assert_eq!(sure(&[call(3, 500)]), 100, "the present one may be blocked yet");
    }
}
