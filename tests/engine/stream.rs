//! Each event of a stream is stored once and told once, however late it comes and whenever huntd was down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use huntd::engine::tick::Scheduler;
use huntd::model::run::RunStatus;
use huntd::ports::clock::Clock;
use tokio::sync::Notify;

use crate::lab::Lab;

const SCENARIO: &str = r#"
shuffle: true
hunts:
  - name: stream
    match: {contains: [stream-marker]}
    columns: {Timestamp: datetime, EventId: string}
    streams:
      - {every: 20s, count: 900, late: {from: 0s, to: 25m}, row: {EventId: "event-{n}"}}
"#;
const HUNT: &str = "query: DeviceEvents | where AdditionalFields has \"stream-marker\"
schedule: \"*/10 * * * *\"
lookback: 10m
late: 30m
key: [EventId]
";

/// Lets the scheduler live for `minutes`, looking twice a minute.
async fn live(lab: &Lab, scheduler: &mut Scheduler, minutes: u64) {
    for _ in 0..minutes * 2 {
        lab.clock.advance(Duration::from_secs(30));
        scheduler.look().await;
        let over = async {
            while scheduler.under_way() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                scheduler.look().await;
            }
        };
        lab.pass(over).await;
    }
    lab.dispatcher().drain().await.unwrap();
}

async fn scheduler(lab: &Lab) -> Scheduler {
    Scheduler::new(lab.runner.clone(), &lab.loaded.hunts, &lab.tenants, Arc::new(Notify::new())).await.unwrap()
}

fn counts(lab: &Lab) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lab.lines() {
        *counts.entry(line["row"]["EventId"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_told_once_over_hours_restarts_and_downtime() {
    let mut lab = Lab::new(SCENARIO, HUNT, "{}").await;
    let mut at_work = scheduler(&lab).await;
    live(&lab, &mut at_work, 70).await;
    drop(at_work);
    lab.restart().await;
    let mut at_work = scheduler(&lab).await;
    live(&lab, &mut at_work, 45).await;
    drop(at_work);
    // Down for over two hours: nobody looks, and the stream goes on.
    lab.clock.advance(Duration::from_mins(130));
    lab.restart().await;
    let mut at_work = scheduler(&lab).await;
    live(&lab, &mut at_work, 150).await;
    let counts = counts(&lab);
    assert_eq!(counts.len(), 900, "events told");
    assert!(counts.values().all(|times| *times == 1), "told more than once: {counts:?}");
    let runs = lab.store.runs(&huntd::ports::store::RunFilter::default()).await.unwrap();
    assert!(runs.iter().all(|run| run.status == RunStatus::Ok), "{:?}", runs.iter().find(|run| run.error.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_by_hours_silences_nothing() {
    let lab = Lab::new(SCENARIO, HUNT, "{}").await;
    let mut at_work = scheduler(&lab).await;
    live(&lab, &mut at_work, 60).await;
    let runs = || async { lab.store.runs(&huntd::ports::store::RunFilter::default()).await.unwrap().len() };
    let before = runs().await;
    lab.clock.set_wall(lab.clock.now().minus(Duration::from_hours(3)));
    live(&lab, &mut at_work, 21).await;
    assert!(runs().await >= before + 2, "hunting went silent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hunt_whose_first_tick_fell_into_downtime_is_run_after_it() {
    let mut lab = Lab::new(SCENARIO, HUNT, "{}").await;
    let mut at_work = scheduler(&lab).await;
    live(&lab, &mut at_work, 5).await;
    assert!(lab.simulator.journal().is_empty(), "a first load replays nothing");
    drop(at_work);
    lab.clock.advance(Duration::from_mins(12));
    lab.restart().await;
    let mut at_work = scheduler(&lab).await;
    live(&lab, &mut at_work, 1).await;
    assert_eq!(lab.simulator.journal().len(), 1);
}
