//! The quota: no rolling minute of the service's own count is ever exceeded.

use huntd::model::run::{RunStatus, Trigger};

use crate::lab::Lab;

const SCENARIO: &str = r"
hunts:
  - {name: few, match: {contains: [quota-marker]}, columns: {Timestamp: datetime, EventId: string}, rows: [{at: -5m, row: {EventId: a}}]}
";
const HUNT: &str = "query: DeviceEvents | where AdditionalFields has \"quota-marker\"\nlookback: 1h\nkey: [EventId]\n";

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_at_once_keep_to_the_number_over_restarts() {
    let scenario = format!("quota: {{calls_per_minute: 7, calls_per_hour: 1000}}{SCENARIO}");
    let mut lab = Lab::new(&scenario, HUNT, "{calls_per_minute: 7, concurrent: 3}").await;
    for _ in 0..2 {
        let orders: Vec<_> = (0..16).map(|_| lab.order(Trigger::Manual)).collect();
        let runs = futures_util::future::join_all(orders.iter().map(|order| lab.runner.run(order)));
        let runs = lab.pass(runs).await;
        assert!(runs.into_iter().all(|run| run.unwrap().run.status == RunStatus::Ok));
        lab.restart().await;
    }
    let stats = lab.simulator.stats();
    assert_eq!((stats.answered_429, stats.peak_concurrent.min(3)), (0, stats.peak_concurrent), "{stats:?}");
    // Runs that another one overtook are made again, so there may be more calls than orders.
    assert!(stats.calls >= 32 && stats.peak_per_minute <= 7, "{stats:?}");
    let new: u64 =
        lab.store.runs(&huntd::ports::store::RunFilter::default()).await.unwrap().iter().map(|run| run.new).sum();
    assert_eq!(new, 1, "a hit of thirty-two runs is new once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_of_each_wording_is_waited_out() {
    for wording in ["classic", "newer", "gateway"] {
        let scenario = format!("quota: {{calls_per_minute: 2, calls_per_hour: 1000, wording: {wording}}}{SCENARIO}");
        // huntd believes in more than the service gives: somebody else spends it, say.
        let lab = Lab::new(&scenario, HUNT, "{calls_per_minute: 45}").await;
        for _ in 0..4 {
            let finished = lab.run().await;
            assert_eq!(finished.run.status, RunStatus::Ok, "{wording}: {:?}", finished.run.error);
        }
        let stats = lab.simulator.stats();
        assert!((1..=4).contains(&stats.answered_429), "{wording}: {stats:?}");
    }
}
