//! What fails is never a short result: it is tried again within bounds, or is a failed run that says why.

use huntd::model::run::{RunStatus, Trigger};

use crate::lab::Lab;

const HUNTS: &str = r#"
hunts:
  - name: some
    match: {contains: [failure-marker]}
    columns: {Timestamp: datetime, EventId: string, Text: string}
    streams: [{every: 1s, from: -10m, count: 40, row: {EventId: "event-{n}", Text: "some text {hash}"}}]
"#;
const HUNT: &str =
    "query: DeviceEvents | where AdditionalFields has \"failure-marker\"\nlookback: 1h\nkey: [EventId]\n";

async fn lab(faults: &str) -> Lab {
    Lab::new(&format!("{faults}{HUNTS}"), HUNT, "{}").await
}

#[tokio::test]
async fn a_body_cut_anywhere_is_never_a_short_result() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..50 {
        let at = random.usize(0..3500);
        let lab = lab(&format!(
            "wire: {{compression: none, framing: {}}}\nfaults: [{{on: {{first: 1}}, does: {{cut_body: {at}}}}}]",
            ["chunked", "length", "close"][random.usize(0..3)]
        ))
        .await;
        let run = lab.run().await.run;
        assert_eq!((run.status, run.rows, run.new), (RunStatus::Ok, 40, 40), "cut at {at}: {:?}", run.error);
        assert_eq!(run.calls, 2, "the cut answer counted: cut at {at}");
    }
}

#[tokio::test]
async fn lasting_failures_end_as_a_failed_run_that_says_why() {
    for (fault, word, calls) in [
        ("unknown_error", "service", 4),
        ("{cut_body: 200}", "broken_body", 4),
        ("limits_exceeded", "limits_exceeded", 2),
        ("result_size", "result_size", 1),
    ] {
        let lab = lab(&format!("faults: [{{on: {{probability: 1}}, does: {fault}}}]")).await;
        let run = lab.run().await.run;
        let error = run.error.unwrap_or_default();
        assert_eq!((run.status, run.calls), (RunStatus::Failed, calls), "{fault}: {error}");
        assert!(error.contains(word) && error.contains("; "), "{fault}: {error}");
        assert_eq!(lab.store.track(&run.hunt, &run.tenant).await.unwrap().watermark, None);
    }
}

#[tokio::test]
async fn after_a_failure_the_next_run_finds_all() {
    let lab = lab("faults: [{on: {first: 1}, does: result_size}]").await;
    assert_eq!(lab.run().await.run.status, RunStatus::Failed);
    let run = lab.run().await.run;
    assert_eq!((run.status, run.new), (RunStatus::Ok, 40));
    lab.dispatcher().drain().await.unwrap();
    assert_eq!(lab.lines().len(), 40);
}

#[tokio::test]
async fn a_table_that_is_missing_fails_at_once_with_its_mend() {
    let lab = Lab::new(HUNTS, "query: DeviceProzessEvents | take 1\n", "{}").await;
    let run = lab.run().await.run;
    let error = run.error.unwrap_or_default();
    assert_eq!((run.status, run.calls), (RunStatus::Failed, 1));
    assert!(error.contains("DeviceProzessEvents") && error.contains("table_missing"), "{error}");
}

#[tokio::test]
async fn a_token_taken_back_costs_one_more_call() {
    let lab = lab("").await;
    assert_eq!(lab.run().await.run.calls, 1);
    lab.simulator.revoke_tokens();
    let run = lab.run().await.run;
    assert_eq!((run.status, run.calls), (RunStatus::Ok, 2), "{:?}", run.error);
}

#[tokio::test]
async fn a_wrong_secret_spends_no_call_and_is_said() {
    let lab = lab("").await;
    std::fs::write(lab.folder.path().join("secret"), "wrong-secret").unwrap();
    let run = lab.run().await.run;
    let error = run.error.unwrap_or_default();
    assert_eq!((run.status, run.calls, lab.simulator.stats().calls), (RunStatus::Failed, 0, 0), "{error}");
    assert!(error.contains("AADSTS7000215") && !error.contains("wrong-secret"), "{error}");
    // Mended, a person's run goes through at once, and the schedule's next one too.
    std::fs::write(lab.folder.path().join("secret"), "lab-secret").unwrap();
    let before = lab.clock_now();
    let manual = lab.runner.run(&lab.order(Trigger::Manual)).await.unwrap().run;
    assert_eq!(manual.status, RunStatus::Ok, "{:?}", manual.error);
    assert_eq!(lab.run().await.run.status, RunStatus::Ok);
    assert!(lab.clock_now().since(before).as_secs() < 60, "the schedule waited for a block that is over");
}

#[tokio::test]
async fn a_result_at_the_row_limit_adds_and_takes_nothing_away() {
    let lab = Lab::new(&format!("row_limit: 25{HUNTS}"), HUNT, "{row_limit: 25}").await;
    let run = lab.run().await.run;
    assert_eq!((run.status, run.rows, run.new, run.gone), (RunStatus::Partial, 25, 25, 0));
    assert!(run.error.is_some_and(|error| error.contains("25 rows")));
    assert_eq!(lab.store.track(&run.hunt, &run.tenant).await.unwrap().watermark, None);
    lab.simulator.set(|scenario| scenario.row_limit = 1000);
    let lab_run = lab.run().await.run;
    assert_eq!((lab_run.status, lab_run.rows), (RunStatus::Partial, 40), "forty is over what huntd takes for whole");
    assert_eq!(lab_run.new, 15);
}

#[tokio::test]
async fn a_hunt_that_keeps_failing_is_told_after_three_times() {
    let lab = lab("faults: [{on: {probability: 1}, does: result_size}]").await;
    let mut planned = Vec::new();
    for _ in 0..5 {
        planned.push(lab.run().await.deliveries.len());
    }
    assert_eq!(planned, [0, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_key_that_the_result_lacks_fails_with_the_nearest_column() {
    let lab = Lab::new(HUNTS, &HUNT.replace("[EventId]", "[EventIds]"), "{}").await;
    let run = lab.run().await.run;
    let error = run.error.unwrap_or_default();
    assert_eq!(run.status, RunStatus::Failed);
    assert!(error.contains("EventIds") && error.contains("`EventId`"), "{error}");
}
