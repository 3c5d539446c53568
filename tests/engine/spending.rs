//! The quota, as the simulated tenant counts it by itself.

use std::sync::Arc;

use huntd::engine::runner::{Order, Runner};
use huntd::model::config::Quota;
use huntd::model::run::RunStatus;
use huntd::ports::clock::Clock;
use huntd::ports::store::owner_is_alive;
use huntd::rules::quota::carry;
use huntd::rules::schedule::ClockMove;
use tokio::task::JoinSet;

use crate::clock::within;
use crate::stage::{HOUR, MINUTE, QUOTA, START, Stage, THREE, hunt};

/// `many` runs of different hunts at once, half of them over a database of their own.
async fn storm(stage: &Stage, prefix: &str, many: usize) {
    let other = stage.other_runner().await;
    let mut runs = JoinSet::new();
    for number in 0..many {
        let runner = if number % 2 == 0 { stage.runner.clone() } else { other.clone() };
        let order = stage.order(&hunt(&format!("{prefix}{number}"), ""));
        runs.spawn(async move { runner.run(&order).await.unwrap().run });
    }
    while let Some(run) = runs.join_next().await {
        let run = run.unwrap();
        // A second call is possible: the clock may leap over a token's end while a call is on its way.
        assert_eq!(run.status, RunStatus::Ok, "{:?}", run.error);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_never_spend_more_than_a_minute_or_an_hour_has() {
    let quota = Quota { calls_per_minute: 7, calls_per_hour: 30, concurrent: 3, ..QUOTA };
    let stage =
        Stage::with(&format!("quota: {{calls_per_minute: 7, calls_per_hour: 30}}\n{THREE}"), quota, "right").await;
    storm(&stage, "a", 40).await;
    let stats = stage.simulator.stats();
    assert_eq!((stats.answered_ok, stats.answered_429), (40, 0), "{stats:?}");
    assert!(stats.peak_per_minute <= 7 && stats.peak_per_hour <= 30 && stats.peak_concurrent <= 3, "{stats:?}");
    assert!(stats.peak_per_minute >= 6, "and what there is is used: {stats:?}");
    assert!(stage.clock.now().since(START) >= HOUR);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_forgets_no_call() {
    let quota = Quota { calls_per_minute: 5, concurrent: 2, ..QUOTA };
    let stage = Stage::with(&format!("quota: {{calls_per_minute: 5}}\n{THREE}"), quota, "right").await;
    storm(&stage, "a", 5).await;
    stage.runner.store.close().await.unwrap();
    let reopened = stage.other_runner().await;
    reopened.store.settle_orphans(stage.clock.now(), owner_is_alive).await.unwrap();
    let now = stage.clock.now();
    reopened.store.move_ledgers(now, |ledger| carry(ledger, ClockMove::Steady, now)).await.unwrap();
    for number in 0..6 {
        reopened.run(&stage.order(&hunt(&format!("b{number}"), ""))).await.unwrap();
    }
    let stats = stage.simulator.stats();
    assert_eq!((stats.answered_ok, stats.answered_429), (11, 0), "{stats:?}");
    assert!(stats.peak_per_minute <= 5, "{stats:?}");
}

#[tokio::test]
async fn who_waits_is_not_let_through_by_a_clock_put_forward() {
    let quota = Quota { calls_per_minute: 2, ..QUOTA };
    let stage = Stage::with(THREE, quota, "right").await;
    let mut scheduler = stage.scheduler(&[]).await;
    stage.run(&hunt("a", "")).await;
    stage.run(&hunt("b", "")).await;
    stage.clock.hold();
    let (runner, order) = (stage.runner.clone(), stage.order(&hunt("c", "")));
    let waits = tokio::spawn(async move { runner.run(&order).await.unwrap() });
    stage.clock.waited_by(1).await;

    stage.clock.manual.set_wall(START.plus(HOUR));
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    scheduler.look().await;
    // What the scheduler has for it has gone by: the ledger now says that the minute is full.
    stage.clock.manual.advance(std::time::Duration::from_secs(5));
    stage.clock.waited_by(1).await;
    assert_eq!(stage.simulator.stats().calls, 2, "in real time the minute isn't over");
    stage.clock.manual.advance(MINUTE);
    assert_eq!(within(waits).await.unwrap().run.status, RunStatus::Ok);
}

#[tokio::test]
async fn who_waits_does_not_wait_longer_for_a_clock_set_back() {
    let quota = Quota { calls_per_minute: 1, ..QUOTA };
    let stage = Stage::with(THREE, quota, "right").await;
    let mut scheduler = stage.scheduler(&[]).await;
    stage.run(&hunt("a", "")).await;
    stage.clock.hold();
    let (runner, order) = (stage.runner.clone(), stage.order(&hunt("b", "")));
    let waits = tokio::spawn(async move { runner.run(&order).await.unwrap() });
    stage.clock.waited_by(1).await;
    stage.clock.manual.set_wall(START.minus(HOUR));
    scheduler.look().await;
    // The minute that it waits for, what the scheduler has, and what is left by then.
    for _ in 0..14 {
        stage.clock.manual.advance(std::time::Duration::from_secs(5));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(within(waits).await.unwrap().run.status, RunStatus::Ok);
    assert!(stage.clock.manual.now() < START);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_race_on_one_hunt_tell_each_hit_once() {
    let stage = Stage::new(THREE).await;
    let hunt = hunt("h", "");
    let mut runs = JoinSet::new();
    for _ in 0..4 {
        let (runner, order) = (stage.other_runner().await, stage.order(&hunt));
        runs.spawn(async move { runner.run(&order).await.unwrap().run });
    }
    let (mut new, mut calls) = (0, 0);
    while let Some(run) = runs.join_next().await {
        let run = run.unwrap();
        assert_eq!(run.status, RunStatus::Ok);
        new += run.new;
        calls += u64::from(run.calls);
    }
    assert_eq!(new, 3, "each hit is new in one of the runs");
    assert_eq!(calls, stage.simulator.stats().calls, "calls of a run that was overtaken are counted too");
    stage.drain().await;
    assert_eq!(stage.soc.numbers(), [1, 2, 3]);
}

#[tokio::test]
async fn a_hunt_of_another_store_shares_no_ledger_entry_of_a_dead_process_for_ever() {
    let stage = Stage::with(THREE, Quota { concurrent: 1, ..QUOTA }, "right").await;
    let (name, now) = (stage.tenant.name.clone(), stage.clock.now());
    let entered =
        stage.runner.store.reserve_call(&name, now, HOUR, |_| huntd::model::quota::Admission::Go).await.unwrap();
    assert!(entered.1.is_some(), "a call that nobody will end");
    let settled = stage.runner.store.settle_orphans(now, |_| false).await.unwrap();
    assert_eq!(settled, 1, "as the next start does");
    let (runner, order): (Runner, Order) = (stage.runner.clone(), stage.order(&Arc::clone(&hunt("h", ""))));
    runner.run(&order).await.unwrap();
    assert_eq!(stage.clock.now(), now, "nothing was waited for");
}
