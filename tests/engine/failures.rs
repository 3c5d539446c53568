//! What fails is never a short result: it is tried again within bounds, or is a failed run that says why.

use std::time::Duration;

use huntd::model::coverage::Fate;
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
    // Sizes and limits are asked in halves, down to a second.
    for (fault, word, calls) in [
        ("unknown_error", "service", 4),
        ("{cut_body: 200}", "broken_body", 4),
        ("limits_exceeded", "limits_exceeded", 15),
        ("result_size", "result_size", 14),
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
    let lab = lab("faults: [{on: {first: 1}, does: syntax_error}]").await;
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
async fn a_result_at_the_row_limit_is_asked_in_parts_that_add_up() {
    let lab = Lab::new(&format!("row_limit: 25{HUNTS}"), HUNT, "{row_limit: 25}").await;
    let run = lab.run().await.run;
    assert_eq!((run.status, run.rows, run.new), (RunStatus::Ok, 40, 40), "{:?}", run.error);
    assert!(run.calls > 2);
    assert!(lab.store.track(&run.hunt, &run.tenant).await.unwrap().watermark.is_some());
    let again = lab.run().await.run;
    assert_eq!((again.status, again.rows, again.new), (RunStatus::Ok, 40, 0));
}

#[tokio::test]
async fn a_second_that_does_not_fit_is_a_loss_and_the_rest_counts() {
    // Thirty events in one second, and ten apart from them.
    let scenario = r#"row_limit: 20
hunts:
  - name: some
    match: {contains: [failure-marker]}
    columns: {Timestamp: datetime, EventId: string, Text: string}
    streams:
      - {every: 1ms, from: -40m, count: 30, row: {EventId: "burst-{n}", Text: x}}
      - {every: 1m, from: -59m, count: 10, row: {EventId: "calm-{n}", Text: x}}
"#;
    let lab = Lab::new(scenario, HUNT, "{row_limit: 20}").await;
    let run = lab.run().await.run;
    assert_eq!((run.status, run.new), (RunStatus::Partial, 30), "twenty of the burst, and all else");
    let error = run.error.unwrap();
    assert!(error.contains("a single second has 20 rows or more"), "{error}");
    let coverage = lab.store.track(&run.hunt, &run.tenant).await.unwrap().coverage;
    let lost: Vec<_> = coverage.stretches().iter().filter(|stretch| stretch.fate == Fate::Lost).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].window.length().as_secs(), 1);
    assert!(lost[0].window.contains(crate::lab::start().minus(Duration::from_mins(40))));
    lab.dispatcher().drain().await.unwrap();
    assert_eq!(lab.lines().len(), 30);
}

#[tokio::test]
async fn parts_of_a_result_that_do_not_add_up_are_never_asked() {
    let lab = Lab::new(
        &format!("row_limit: 25{HUNTS}"),
        "query: DeviceEvents | where AdditionalFields has 'failure-marker' | summarize arg_max(Timestamp, *) by EventId\nkey: [EventId]\n",
        "{row_limit: 25}",
    )
    .await;
    let run = lab.run().await.run;
    assert_eq!((run.status, run.rows, run.new, run.gone, run.calls), (RunStatus::Partial, 25, 25, 0, 1));
    assert!(run.error.is_some_and(|error| error.contains("25 rows")));
    let track = lab.store.track(&run.hunt, &run.tenant).await.unwrap();
    assert_eq!(track.watermark, None);
    assert_eq!(track.coverage.untold().count(), 0, "told with the run");
    assert!(track.coverage.stretches().iter().all(|stretch| stretch.fate == Fate::Lost));
}

#[tokio::test]
async fn a_key_that_the_result_lacks_fails_with_the_nearest_column() {
    let lab = Lab::new(HUNTS, &HUNT.replace("[EventId]", "[EventIds]"), "{}").await;
    let run = lab.run().await.run;
    let error = run.error.unwrap_or_default();
    assert_eq!(run.status, RunStatus::Failed);
    assert!(error.contains("EventIds") && error.contains("`EventId`"), "{error}");
}
