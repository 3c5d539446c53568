//! The scheduler over hours of simulated time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use huntd::engine::tenant::Tenant;
use huntd::engine::tick::Scheduler;
use huntd::model::hunt::Hunt;
use huntd::model::run::{RunStatus, Trigger};
use huntd::ports::api::AnswerEnd;
use huntd::ports::clock::Clock;
use huntd::ports::store::Store;

use crate::clock::within;
use crate::stage::{HOUR, MINUTE, START, STREAM, Stage, THREE, hunt};
use crate::stub::Stub;

/// Looks, and waits until nothing is under way.
async fn serve(scheduler: &mut Scheduler) -> usize {
    let launched = scheduler.look().await;
    within(async {
        while scheduler.under_way() > 0 {
            tokio::task::yield_now().await;
            scheduler.look().await;
        }
    })
    .await;
    launched
}

/// Lets `minutes` go by, a minute at a time.
pub(crate) async fn pass(stage: &Stage, scheduler: &mut Scheduler, minutes: u32) -> usize {
    let mut launched = 0;
    for _ in 0..minutes {
        stage.clock.manual.advance(MINUTE);
        launched += serve(scheduler).await;
        stage.drain().await;
    }
    launched
}

/// The events from `START - 90m` (what the first run reaches) that have arrived by `now` with all their
/// delay, as their numbers.
pub(crate) fn told_once(stage: &Stage, hunt: &Hunt) {
    let told = stage.soc.numbers();
    let set: BTreeSet<i64> = told.iter().copied().collect();
    assert_eq!(set.len(), told.len(), "nothing is told twice");
    // The stream begins two hours before the start, one event a minute.
    let since = stage.clock.now().since(START);
    let last_sure = i64::try_from(since.as_secs() / 60).unwrap() + 120 - 25 - 10;
    let first = i64::try_from(hunt.lookback.as_secs() / 60).unwrap();
    for number in first..=last_sure {
        assert!(set.contains(&number), "event {number} was not told by minute {}", since.as_secs() / 60);
    }
}

#[tokio::test]
async fn each_event_is_told_once_over_hours_with_late_events_and_a_restart() {
    let stage = Stage::new(STREAM).await;
    let hunts = [hunt("h", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    assert_eq!(pass(&stage, &mut scheduler, 150).await, 15);
    told_once(&stage, &hunts[0]);
    drop(scheduler);

    // Down for an hour and a half, then another process with the same file.
    stage.clock.manual.advance(MINUTE * 95);
    let store = Store::open(&stage.database()).await.unwrap();
    let stage = Stage { runner: huntd::engine::runner::Runner { store, ..stage.runner.clone() }, ..stage };
    let mut scheduler = stage.scheduler(&hunts).await;
    assert_eq!(serve(&mut scheduler).await, 1, "one run for the ticks that were missed");
    let run = stage.runs().await.pop().unwrap();
    assert_eq!((run.trigger, run.due), (Trigger::Schedule, START.plus(MINUTE * 240)));
    stage.drain().await;
    told_once(&stage, &hunts[0]);
    pass(&stage, &mut scheduler, 60).await;
    told_once(&stage, &hunts[0]);
    assert!(stage.runs().await.iter().all(|run| run.status == RunStatus::Ok));
}

#[tokio::test]
async fn what_the_service_does_now_and_then_loses_nothing() {
    let stage = Stage::new(STREAM).await;
    stage.faults("[{does: unknown_error, on: {probability: 0.3}}, {does: {cut_body: 300}, on: {probability: 0.2}}, {does: syntax_error, on: {calls: [4, 9, 10]}}]");
    let hunts = [hunt("h", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    pass(&stage, &mut scheduler, 180).await;
    stage.faults("[]");
    pass(&stage, &mut scheduler, 10).await;
    told_once(&stage, &hunts[0]);
    assert!(stage.runs().await.iter().any(|run| run.status == RunStatus::Failed));
}

#[tokio::test]
async fn a_hunt_seen_for_the_first_time_makes_up_for_no_past() {
    let stage = Stage::new(THREE).await;
    let mut scheduler = stage.scheduler(&[hunt("h", "")]).await;
    assert_eq!(serve(&mut scheduler).await, 0);
    assert_eq!(pass(&stage, &mut scheduler, 9).await, 0);
    assert_eq!(pass(&stage, &mut scheduler, 1).await, 1);
    assert_eq!(stage.runs().await[0].trigger, Trigger::Schedule);
}

#[tokio::test]
async fn a_hunt_seen_and_then_down_over_its_tick_makes_up_for_it() {
    let stage = Stage::new(THREE).await;
    let daily = Arc::new(Hunt {
        schedule: huntd::model::schedule::Schedule::parse("@daily").unwrap(),
        ..(*hunt("h", "")).clone()
    });
    let hunts = [daily];
    drop(stage.scheduler(&hunts).await);
    stage.clock.manual.advance(HOUR * 15);
    let mut scheduler = stage.scheduler(&hunts).await;
    assert_eq!(serve(&mut scheduler).await, 1);
    assert_eq!(stage.runs().await[0].due, START.plus(HOUR * 14));
}

#[tokio::test]
async fn a_clock_set_back_silences_nothing_also_over_a_restart() {
    let stage = Stage::new(STREAM).await;
    let hunts = [hunt("h", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.set_wall(START.plus(HOUR * 24 * 20));
    assert_eq!(serve(&mut scheduler).await, 1);
    stage.clock.manual.set_wall(START.plus(MINUTE));
    assert_eq!(serve(&mut scheduler).await, 0);
    assert_eq!(pass(&stage, &mut scheduler, 10).await, 1, "the next tick by the new time");
    assert_eq!(stage.track(&hunts[0]).await.last_due, Some(START.plus(MINUTE * 10)));
    drop(scheduler);
    stage.clock.manual.advance(MINUTE * 10);
    let mut scheduler = stage.scheduler(&hunts).await;
    assert_eq!(serve(&mut scheduler).await, 1, "a tick in a downtime after it is made up for");
}

#[tokio::test]
async fn a_run_that_the_store_does_not_take_is_made_again() {
    let stage = Stage::new(THREE).await;
    let mut scheduler = stage.scheduler(&[hunt("h", "")]).await;
    stage.clock.manual.advance(MINUTE * 10);
    stage.runner.store.close().await.unwrap();
    assert_eq!(scheduler.look().await, 1);
    while scheduler.under_way() > 0 {
        tokio::task::yield_now().await;
        assert_eq!(scheduler.look().await, 0, "not at once");
    }
    stage.clock.manual.advance(MINUTE);
    assert_eq!(scheduler.look().await, 1, "a minute later");
}

#[tokio::test]
async fn a_broken_hunt_stops_no_other() {
    let stage = Stage::new(THREE).await;
    let lost = crate::stage::parse("id: lost\nquery: CloudAppEvents\nschedule: '*/10 * * * *'\nsplay: 0s\n");
    let mut scheduler = stage.scheduler(&[lost, hunt("h", "")]).await;
    pass(&stage, &mut scheduler, 30).await;
    let runs = stage.runs().await;
    let ok = |id: &str, status| runs.iter().filter(|run| run.hunt.as_str() == id && run.status == status).count();
    assert_eq!((ok("lost", RunStatus::Failed), ok("h", RunStatus::Ok)), (3, 3));
    assert_eq!(stage.soc.numbers(), [1, 2, 3]);
    assert_eq!(stage.runner.store.failing().await.unwrap()[0].row, 3);
}

#[tokio::test]
async fn a_run_that_panics_leaves_its_tick_to_be_served() {
    let stage = Stage::new(THREE).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let api = Arc::new(Stub(move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "on purpose");
        AnswerEnd::default()
    }));
    let tenant = Arc::new(Tenant { name: stage.tenant.name.clone(), quota: stage.tenant.quota, api });
    let stage = Stage { tenant, ..stage };
    let mut scheduler = stage.scheduler(&[hunt("h", "")]).await;
    assert_eq!(pass(&stage, &mut scheduler, 10).await, 1);
    assert!(stage.runs().await.is_empty());
    assert_eq!(pass(&stage, &mut scheduler, 1).await, 1, "a minute later");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(stage.runs().await[0].due, START.plus(MINUTE * 10));
}
