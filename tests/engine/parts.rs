//! A result that is too big is asked in parts: through either API, by time and by hash, and the sum is checked.

use huntd::model::run::{Run, RunStatus};

use crate::lab::Lab;

const EVENTS: &str = r#"
hunts:
  - name: some
    match: {contains: [part-marker]}
    columns: {Timestamp: datetime, EventId: string, Text: string}
    streams: [{every: 30s, from: -50m, count: 60, row: {EventId: "event-{n}", Text: "some text {hash}"}}]
"#;
const HUNT: &str = "query: DeviceEvents | where AdditionalFields has \"part-marker\"\nlookback: 1h\nkey: [EventId]\n";
const QUOTA: &str = "{row_limit: 25}";

fn events(faults: &str) -> String {
    format!("row_limit: 25\n{faults}{EVENTS}")
}

/// The queries of all calls, in order.
fn asked(lab: &Lab) -> Vec<String> {
    lab.simulator.journal().iter().map(|call| call.query.clone()).collect()
}

fn whole(run: &Run) {
    assert_eq!((run.status, run.rows, run.new), (RunStatus::Ok, 60, 60), "{:?}", run.error);
}

#[tokio::test]
async fn the_whole_is_counted_and_then_asked_in_halves() {
    let lab = Lab::new(&events(""), HUNT, QUOTA).await;
    whole(&lab.run().await.run);
    let asked = asked(&lab);
    assert_eq!(asked[1], format!("{}\n| count", asked[0].trim_end()));
    assert!(asked[2..].iter().all(|query| *query == asked[0]), "a part is told by its Timespan alone");
}

#[tokio::test]
async fn the_older_api_is_given_its_window_and_its_parts_in_the_text() {
    let mut lab = Lab::new(&events(""), HUNT, QUOTA).await;
    lab.speak_with("defender", QUOTA);
    let run = lab.run().await.run;
    whole(&run);
    let window = run.window.unwrap();
    assert_eq!(window.length().as_secs(), 90 * 60);
    let bound = format!("where Timestamp >= datetime({})", window.from);
    assert!(run.query.contains(&bound), "{}", run.query);
    assert!(asked(&lab)[2..].iter().all(|query| query.contains("where Timestamp >= datetime(")));
    // An hour later it looks at the last hour and a half, not at thirty days.
    let again = lab.run().await.run;
    assert_eq!((again.status, again.new, again.window.unwrap().length().as_secs()), (RunStatus::Ok, 0, 90 * 60));
}

#[tokio::test]
async fn a_table_without_a_time_is_asked_in_parts_of_a_hash() {
    let rows = (0..60)
        .map(|n| format!("      - {{row: {{DeviceId: d{n}, SoftwareName: part}}}}\n"))
        .collect::<Vec<_>>()
        .concat();
    let scenario = format!(
        "row_limit: 25\nhunts:\n  - name: some\n    match: {{table: DeviceTvmSoftwareInventory}}\n    columns: {{DeviceId: string, SoftwareName: string}}\n    rows:\n{rows}"
    );
    let hunt = "query: DeviceTvmSoftwareInventory | where SoftwareName == 'part'\nkey: [DeviceId]\n";
    let lab = Lab::new(&scenario, hunt, QUOTA).await;
    whole(&lab.run().await.run);
    assert!(asked(&lab)[2].contains("| where hash(tostring(pack_all()), 2) == "), "{:?}", asked(&lab)[2]);
    // The parts together are all there is: what is missing next time is gone.
    lab.simulator.set(|scenario| drop(scenario.hunts[0].rows.remove(0)));
    let run = lab.run().await.run;
    assert_eq!((run.status, run.rows, run.gone), (RunStatus::Ok, 59, 1), "{:?}", run.error);
}

#[tokio::test]
async fn a_part_that_brings_too_little_is_found_out() {
    // The third call is the first half: it comes without a row.
    let empty = r#"{answer: {status: 200, body: '{"schema":[{"name":"Timestamp","type":"DateTime"},{"name":"EventId","type":"String"},{"name":"Text","type":"String"}],"results":[]}'}}"#;
    let lab = Lab::new(&events(&format!("faults: [{{on: {{calls: [3]}}, does: {empty}}}]")), HUNT, QUOTA).await;
    let run = lab.run().await.run;
    let error = run.error.clone().unwrap_or_default();
    assert_eq!(run.status, RunStatus::Partial, "{error}");
    assert!(error.contains("the API counts 60"), "{error}");
    let track = lab.store.track(&run.hunt, &run.tenant).await.unwrap();
    assert_eq!((track.watermark, track.coverage.covered_to()), (None, None));
    let run = lab.run().await.run;
    assert_eq!((run.status, run.rows), (RunStatus::Ok, 60), "{:?}", run.error);
}

#[tokio::test]
async fn a_service_that_answers_every_part_with_the_whole_is_not_asked_for_ever() {
    // A table without time and a hunt with a window: whatever part is asked, all rows come.
    let rows = (0..25).map(|n| format!("      - {{row: {{EventId: e{n}}}}}\n")).collect::<Vec<_>>().concat();
    let scenario = format!(
        "row_limit: 1000\nhunts:\n  - name: some\n    match: {{contains: [part-marker]}}\n    columns: {{EventId: string}}\n    rows:\n{rows}"
    );
    let lab = Lab::new(&scenario, HUNT, QUOTA).await;
    let run = lab.run().await.run;
    assert_eq!((run.status, run.rows, run.new), (RunStatus::Partial, 25, 25));
    assert!(
        run.error.as_deref().is_some_and(|why| why.contains("answered with the rows of the whole")),
        "{:?}",
        run.error
    );
    // The whole, its count, and both halves.
    assert_eq!(asked(&lab).len(), 4);
}
