//! What a run cost: kept with it, and summed.

use std::time::Duration;

use huntd::model::cost::{Cost, Spending};
use huntd::model::run::{RunStatus, Trigger};
use huntd::ports::store::RunFilter;
use huntd::sim::moment::Span;

use crate::lab::{Lab, start};

const EVENTS: &str = r#"
hunts:
  - name: some
    match: {contains: [cost-marker]}
    columns: {Timestamp: datetime, EventId: string}
    streams: [{every: 30s, from: -50m, count: 60, row: {EventId: "event-{n}"}}]
    cpu: 19062ms
"#;
const HUNT: &str = "query: DeviceEvents | where AdditionalFields has \"cost-marker\"\nlookback: 1h\nkey: [EventId]\n";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn older(rest: &str, quota: &str) -> Lab {
    let mut lab = Lab::new(&format!("{rest}{EVENTS}"), HUNT, quota).await;
    lab.speak_with("defender", quota);
    lab
}

#[tokio::test]
async fn the_cpu_that_the_older_api_says_is_kept_and_graph_says_none() {
    let mut lab = older("", "{}").await;
    let first = lab.run().await.run;
    assert_eq!((first.status, first.calls, first.cpu), (RunStatus::Ok, 1, Some(millis(19_062))));
    lab.simulator.set(|scenario| scenario.hunts[0].cpu = Span(millis(1_000)));
    lab.restart().await;
    lab.run().await;
    lab.speak("graph");
    let other = lab.run().await.run;
    assert_eq!((other.status, other.cpu), (RunStatus::Ok, None));
    let mut cpu: Vec<_> = lab.store.runs(&RunFilter::default()).await.unwrap().into_iter().map(|run| run.cpu).collect();
    cpu.reverse();
    assert_eq!(cpu, [first.cpu, Some(millis(1_000)), None]);
    let costs = lab.store.costs(start()).await.unwrap();
    let Cost { runs, calls, cpu, rows, .. } = costs[0].2;
    assert_eq!((costs.len(), runs, calls, cpu, rows), (1, 3, 1.0, Some(millis(10_031)), 60.0));
}

#[tokio::test]
async fn retries_and_parts_add_up_and_calls_that_failed_count() {
    // The whole is cut, counted, and asked in parts; before that the service is unwell twice.
    let faults = "row_limit: 25\nfaults: [{does: unknown_error, on: {first: 2}}]\n";
    let lab = older(faults, "{row_limit: 25}").await;
    let run = lab.run().await.run;
    let stats = lab.simulator.stats();
    assert_eq!((run.status, run.rows, u64::from(run.calls)), (RunStatus::Ok, 60, stats.calls), "{:?}", run.error);
    assert_eq!(stats.answered_5xx, 2);
    assert!(run.calls > 5, "{}", run.calls);
    assert_eq!(run.cpu, Some(millis(19_062) * (run.calls - 2)), "nobody says what a call cost that failed");
    assert_eq!(u128::from(stats.cpu_ms), run.cpu.unwrap().as_millis());
}

#[tokio::test]
async fn a_run_that_failed_has_spent_its_calls() {
    let lab = older("faults: [{does: unknown_error}]\n", "{}").await;
    let run = lab.run().await.run;
    assert_eq!((run.status, run.calls, run.cpu), (RunStatus::Failed, 4, None));
    let spent = lab.store.spending(start()).await.unwrap();
    assert_eq!(spent[0].2, Spending { runs: 1, calls: 4, api: run.api, cpu: None, rows: 0 });
    let cost = Cost { runs: 1, calls: 4.0, api: run.api, cpu: None, rows: 0.0 };
    assert_eq!(lab.store.costs(start()).await.unwrap()[0].2, cost);
}

#[tokio::test]
async fn a_run_by_hand_is_spent_and_is_no_usual_run() {
    let lab = older("", "{}").await;
    let order = lab.order(Trigger::Manual);
    lab.pass(lab.runner.run(&order)).await.unwrap();
    assert_eq!(lab.store.costs(start()).await.unwrap(), []);
    assert_eq!(lab.store.spending(start()).await.unwrap()[0].2.cpu, Some(millis(19_062)));
}
