//! What the governor's decisions cost: whether a call may go out, and who is next.

use std::time::Duration;

use divan::{Bencher, black_box};
use huntd::model::config::Quota;
use huntd::model::quota::{CallLedger, CpuBudget, LedgerCall};
use huntd::model::severity::Severity;
use huntd::model::time::Timestamp;
use huntd::rules::queue::{Order, Wish, first, order};
use huntd::rules::quota::{Allowance, Ask, admit};

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

/// An hour in which all 1,500 calls were made, evenly: the next must wait.
fn full_hour() -> CallLedger {
    let call = |number: u32| {
        let sent = NOW.minus(Duration::from_millis(2400) * (1500 - number));
        let answered = Some(sent.plus(Duration::from_secs(2)));
        LedgerCall { sent, answered, ran: Some(Duration::from_secs(2)), cpu: None }
    };
    let budget = CpuBudget { most: Duration::from_mins(20), at: NOW.minus(Duration::from_hours(2)) };
    CallLedger { calls: (0..1500).map(call).collect(), budget: Some(budget), ..CallLedger::default() }
}

/// Runs that wait, of all severities and ages.
fn waiting(many: u32) -> Vec<Wish> {
    let wish = |number: u32| Wish {
        severity: Severity::ALL.into_iter().nth(number as usize % 4).unwrap_or_default(),
        catches_up: number.is_multiple_of(7),
        by_hand: false,
        since: NOW.minus(Duration::from_secs(u64::from(number * 7 % 500))),
        deadline: NOW.plus(Duration::from_secs(u64::from(number * 13 % 900))),
        pause: Duration::from_mins(15),
        work: Duration::from_millis(u64::from(number * 31 % 4000)),
    };
    (0..many).map(wish).collect()
}

/// With all windows there can be: calls a minute and an hour, running time an hour and a day, and learnt CPU.
#[divan::bench]
fn a_admit(bencher: Bencher<'_, '_>) {
    let ledger = full_hour();
    let most = Some(Duration::from_hours(10));
    let quota = Quota { running_per_hour: most, running_per_day: most, ..Quota::DEFAULT };
    let ask = Ask { work: Duration::from_secs(1), leave: Some(Duration::from_secs(30)), ..Ask::default() };
    bencher.bench_local(|| {
        let allowed = Allowance::of(&quota, &ledger.learnt, ledger.budget, NOW).proven(&ledger, NOW);
        admit(black_box(&ledger), &allowed, ask, NOW)
    });
}

#[divan::bench(args = [100, 10_000])]
fn b_next(bencher: Bencher<'_, '_>, many: u32) {
    let wishes = waiting(many);
    bencher.bench_local(|| {
        let order = order(black_box(&wishes), Duration::from_secs(2), NOW);
        first(&wishes, order, 9, NOW)
    });
}

#[divan::bench(args = [100, 10_000])]
fn c_next_where_cpu_is_short(bencher: Bencher<'_, '_>, many: u32) {
    let wishes = waiting(many);
    bencher.bench_local(|| first(black_box(&wishes), Order::ByPatience, 8, NOW));
}
