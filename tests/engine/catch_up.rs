//! Event time that was missed is caught up behind live work, with few calls, and nothing is told twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use huntd::engine::tick::Scheduler;
use huntd::model::coverage::Fate;
use huntd::model::hunt::Hunt;
use huntd::model::run::{Run, RunStatus, Trigger};
use huntd::model::time::{Timestamp, Window};
use huntd::ports::clock::Clock;

use crate::clock::within;
use crate::stage::{HOUR, MINUTE, QUOTA, START, STREAM, Stage, hunt, parse};

/// Looks, and lets time pass where something waits for it, until nothing is under way or due.
async fn settle(stage: &Stage, scheduler: &mut Scheduler) {
    for _ in 0..5 {
        scheduler.look().await;
        within(async {
            while scheduler.under_way() > 0 {
                tokio::task::yield_now().await;
                scheduler.look().await;
            }
        })
        .await;
        stage.drain().await;
    }
}

/// The numbers of the stream's events that happened in a window: it begins two hours before the start, one a
/// minute.
fn numbers(window: Window) -> BTreeSet<i64> {
    let first = START.minus(HOUR * 2);
    let at = |number: i64| first.plus(MINUTE * u32::try_from(number).unwrap());
    (0..20_000).filter(|number| window.contains(at(*number))).collect()
}

async fn gaps(stage: &Stage, hunt: &Hunt) -> Vec<Window> {
    let (coverage, now) = (stage.track(hunt).await.coverage, stage.clock.now());
    coverage.gaps(Window { from: Timestamp::EPOCH, to: now.minus(hunt.late + MINUTE * 10) })
}

fn caught_up(runs: &[Run]) -> Vec<&Run> {
    runs.iter().filter(|run| run.trigger == Trigger::CatchUp).collect()
}

fn told(stage: &Stage) -> BTreeSet<i64> {
    let told = stage.soc.numbers();
    let set: BTreeSet<i64> = told.iter().copied().collect();
    assert_eq!(told.len(), set.len(), "told twice");
    set
}

#[tokio::test]
async fn three_days_of_downtime_cost_one_live_run_and_one_that_catches_up() {
    let stage = Stage::new(STREAM).await;
    let hunts = [hunt("h", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.advance(MINUTE * 10);
    settle(&stage, &mut scheduler).await;
    drop(scheduler);
    stage.clock.manual.advance(HOUR * 72);
    let mut scheduler = stage.scheduler(&hunts).await;
    settle(&stage, &mut scheduler).await;

    let runs = stage.runs().await;
    assert_eq!(
        runs.iter().map(|run| run.trigger).collect::<Vec<_>>(),
        [Trigger::Schedule, Trigger::Schedule, Trigger::CatchUp]
    );
    let now = stage.clock.now();
    let missed = Window { from: START.minus(MINUTE * 20), to: now.minus(HOUR + MINUTE * 30) };
    assert_eq!((runs[2].window, runs[2].as_of), (Some(missed), missed.to));
    assert_eq!(gaps(&stage, &hunts[0]).await, []);
    let sure = Window { from: START.minus(HOUR), to: now.minus(MINUTE * 25) };
    assert!(told(&stage).is_superset(&numbers(sure)));
    assert_eq!(stage.simulator.stats().calls, 3);
    // One notice tells all that was missed.
    let notices = stage.soc.got();
    assert_eq!(notices.iter().filter(|notice| notice.run.trigger == Trigger::CatchUp).count(), 1);
}

#[tokio::test]
async fn a_result_too_big_is_caught_up_in_parts() {
    let stage = Stage::with(&format!("row_limit: 1000{STREAM}"), QUOTA_OF_1000, "right").await;
    let hunts = [hunt("h", "severity: high")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.advance(MINUTE * 10);
    settle(&stage, &mut scheduler).await;
    stage.clock.manual.advance(HOUR * 72);
    settle(&stage, &mut scheduler).await;
    let runs = stage.runs().await;
    let behind = caught_up(&runs);
    assert_eq!(behind.len(), 1);
    assert_eq!((behind[0].status, behind[0].calls), (RunStatus::Ok, 16), "{:?}", behind[0].error);
    assert_eq!(gaps(&stage, &hunts[0]).await, []);
    let sure = Window { from: START.minus(HOUR), to: stage.clock.now().minus(MINUTE * 25) };
    assert!(told(&stage).is_superset(&numbers(sure)));
}

#[tokio::test]
async fn what_cant_be_asked_in_parts_is_caught_up_by_shorter_windows_where_one_is_too_much() {
    let stage = Stage::with(&format!("row_limit: 1000{STREAM}"), QUOTA_OF_1000, "right").await;
    let hunts = [parse(
        "id: h\nquery: \"DeviceProcessEvents | where FileName != 'h' | summarize arg_max(Timestamp, *) by N\"\nschedule: '@hourly'\nlookback: 1h\nlate: 30m\nkey: [N]\nsplay: 0s\n",
    )];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.advance(HOUR);
    settle(&stage, &mut scheduler).await;
    stage.clock.manual.advance(HOUR * 24);
    for _ in 0..12 {
        stage.clock.manual.advance(MINUTE);
        settle(&stage, &mut scheduler).await;
    }
    let runs = stage.runs().await;
    let behind = caught_up(&runs);
    assert_eq!(behind[0].status, RunStatus::Partial, "one window over all of it is cut");
    assert_eq!(behind.len(), 3, "then in halves");
    assert!(behind[1..].iter().all(|run| run.status == RunStatus::Ok));
    let owed = Window { from: Timestamp::EPOCH, to: START.plus(HOUR * 25).minus(MINUTE * 30) };
    let coverage = stage.track(&hunts[0]).await.coverage;
    assert_eq!(coverage.gaps(owed), []);
    assert!(coverage.stretches().iter().all(|stretch| stretch.fate == Fate::Covered), "nothing was given up");
    let sure = Window { from: START, to: START.plus(HOUR * 24) };
    assert!(told(&stage).is_superset(&numbers(sure)));
}

const QUOTA_OF_1000: huntd::model::config::Quota = huntd::model::config::Quota { row_limit: 1000, ..QUOTA };

#[tokio::test]
async fn an_outage_is_caught_up_once_it_is_over() {
    let stage = Stage::new(STREAM).await;
    let hunts = [hunt("h", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.faults("[{does: syntax_error}]");
    for _ in 0..60 {
        stage.clock.manual.advance(MINUTE * 10);
        settle(&stage, &mut scheduler).await;
    }
    assert!(caught_up(&stage.runs().await).is_empty(), "nothing is caught up while nothing is answered");
    stage.faults("[]");
    stage.clock.manual.advance(MINUTE * 10);
    settle(&stage, &mut scheduler).await;
    let runs = stage.runs().await;
    assert_eq!((caught_up(&runs).len(), gaps(&stage, &hunts[0]).await), (1, vec![]));
    let sure = Window { from: START.minus(HOUR), to: stage.clock.now().minus(MINUTE * 25) };
    assert!(told(&stage).is_superset(&numbers(sure)));
}

#[tokio::test]
async fn a_daily_hunt_that_failed_is_not_left_until_tomorrow() {
    let stage = Stage::new(STREAM).await;
    let daily = parse(
        "id: h\nquery: \"DeviceProcessEvents | where Name != 'h'\"\nschedule: '0 12 * * *'\nlookback: 1d\nlate: 30m\nkey: [N]\nsplay: 0s\n",
    );
    let hunts = [daily];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.faults("[{does: {cut_body: 10}, on: {first: 4}}]");
    stage.clock.manual.advance(HOUR * 2);
    scheduler.look().await;
    // The four tries of the run wait; then the first look behind comes after five minutes.
    for _ in 0..20 {
        stage.clock.manual.advance(MINUTE);
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            scheduler.look().await;
            if scheduler.under_way() == 0 {
                break;
            }
        }
    }
    let runs = stage.runs().await;
    assert_eq!(
        runs.iter().map(|run| (run.trigger, run.status)).collect::<Vec<_>>(),
        [(Trigger::Schedule, RunStatus::Failed), (Trigger::CatchUp, RunStatus::Ok)]
    );
    let owed = Window { from: Timestamp::EPOCH, to: START.plus(HOUR * 2).minus(MINUTE * 30) };
    assert_eq!(stage.track(&hunts[0]).await.coverage.gaps(owed), []);
}

#[tokio::test]
async fn what_is_skipped_by_choice_is_noted_and_not_asked_for() {
    let stage = Stage::new(STREAM).await;
    let hunts = [hunt("h", "catch_up: skip")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.advance(MINUTE * 10);
    settle(&stage, &mut scheduler).await;
    stage.clock.manual.advance(HOUR * 72);
    settle(&stage, &mut scheduler).await;
    assert_eq!(stage.runs().await.len(), 2);
    let coverage = stage.track(&hunts[0]).await.coverage;
    let skipped: Vec<_> = coverage.stretches().iter().filter(|stretch| stretch.fate == Fate::Skipped).collect();
    let left_out = Window { from: START.minus(MINUTE * 20), to: stage.clock.now().minus(HOUR + MINUTE * 30) };
    assert_eq!(skipped.iter().map(|stretch| stretch.window).collect::<Vec<_>>(), [left_out]);
    assert_eq!(coverage.untold().count(), 0);
}

#[tokio::test]
async fn a_new_hunt_looks_at_the_past_only_if_asked() {
    for (keys, runs_made) in [("", 1), ("catch_up: 7d", 2)] {
        let stage = Stage::new(&STREAM.replace("from: -2h", "from: -8d")).await;
        let hunts = [hunt("h", keys)];
        let mut scheduler = stage.scheduler(&hunts).await;
        stage.clock.manual.advance(MINUTE * 10);
        settle(&stage, &mut scheduler).await;
        let runs = stage.runs().await;
        assert_eq!(runs.len(), runs_made, "{keys}");
        if let Some(past) = runs.get(1) {
            let from = stage.clock.now().minus(Duration::from_hours(24 * 7));
            assert_eq!(past.window.map(|window| window.from), Some(from));
            assert_eq!(past.trigger, Trigger::CatchUp);
        }
    }
}

#[tokio::test]
async fn a_new_hunts_past_belongs_to_its_baseline() {
    let stage = Stage::new(&STREAM.replace("from: -2h", "from: -8d")).await;
    let hunts = [hunt("h", "catch_up: 7d\nfirst_run: baseline")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.advance(MINUTE * 10);
    settle(&stage, &mut scheduler).await;
    assert_eq!(stage.runs().await.len(), 2);
    assert!(told(&stage).is_empty());
    stage.clock.manual.advance(MINUTE * 10);
    settle(&stage, &mut scheduler).await;
    assert!((5..25).contains(&told(&stage).len()), "what arrived since");
}

fn as_of(query: &str, more: &str) -> Arc<Hunt> {
    parse(&format!(
        "id: h\nquery: \"{query}\"\nschedule: '@hourly'\nlookback: 1h\nlate: 30m\nkey: [N]\nsplay: 0s\n{more}\n"
    ))
}

#[tokio::test]
async fn an_as_of_hunt_is_asked_about_the_past_by_its_own_lookback() {
    let stage = Stage::new(STREAM).await;
    let hunts = [as_of("DeviceProcessEvents | where Timestamp > ago(4h)", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.advance(HOUR);
    settle(&stage, &mut scheduler).await;
    stage.clock.manual.advance(HOUR * 24);
    for _ in 0..10 {
        settle(&stage, &mut scheduler).await;
    }
    let runs = stage.runs().await;
    let behind = caught_up(&runs);
    // It looks back four hours, with half an hour of overlap: 24 ticks were missed, four hours of them seen live.
    assert_eq!(behind.len(), 6, "{:?}", behind.iter().map(|run| run.as_of.to_string()).collect::<Vec<_>>());
    assert!(behind.iter().all(|run| run.query.contains(&format!("datetime({})", run.as_of))), "{:?}", behind[0].query);
    assert_eq!(gaps(&stage, &hunts[0]).await, []);
}

#[tokio::test]
async fn what_arrives_late_for_an_as_of_hunt_is_asked_for_again() {
    let stage = Stage::new(STREAM).await;
    let hunts = [as_of("DeviceProcessEvents | where Timestamp > ago(1h)", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    for _ in 0..36 {
        stage.clock.manual.advance(MINUTE * 10);
        settle(&stage, &mut scheduler).await;
    }
    // `> ago(1h)` leaves its first moment out.
    let sure = Window { from: START.plus(MINUTE), to: stage.clock.now().minus(HOUR) };
    assert!(told(&stage).is_superset(&numbers(sure)));
    let runs = stage.runs().await;
    assert_eq!((runs.len(), caught_up(&runs).len()), (11, 5), "one more for each hour");
}
