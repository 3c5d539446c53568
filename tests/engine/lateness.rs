//! How late rows arrive is measured where a query says it: of each row once.

use huntd::model::config::Quota;
use huntd::model::lateness::Lateness;
use huntd::model::run::RunStatus;

use crate::stage::{MINUTE, QUOTA, Stage, parse};

/// One event every half minute, each a quarter of an hour to half an hour late.
const LATE: &str = "
hunts:
  - name: h
    match: {contains: [DeviceProcessEvents]}
    columns: {Timestamp: datetime, N: long, Ingested: datetime}
    streams:
      - {every: 30s, from: -3h, late: {from: 16m, to: 25m}, row: {N: \"{n}\", Ingested: \"{arrived}\"}}
";

fn asking(query: &str) -> std::sync::Arc<huntd::model::hunt::Hunt> {
    parse(&format!("id: h\nquery: {query}\nschedule: '*/10 * * * *'\nlookback: 1h\nlate: 30m\nkey: [N]\nsplay: 0s\n"))
}

/// What is known of each table: how many rows in which bucket, by its bound in minutes.
async fn measured(stage: &Stage) -> Vec<(String, Vec<(u64, u64)>)> {
    let all = stage.runner.store.lateness(&stage.tenant.name).await.unwrap();
    let counts = |lateness: &Lateness| {
        let bounds = Lateness::BOUNDS.iter().map(|bound| bound.as_secs() / 60).chain([u64::MAX]);
        bounds.zip(*lateness.counts()).filter(|(_, count)| *count > 0).collect()
    };
    all.iter().map(|(table, lateness)| (table.clone(), counts(lateness))).collect()
}

fn only(rows: u64) -> Vec<(String, Vec<(u64, u64)>)> {
    vec![("DeviceProcessEvents".to_owned(), vec![(30, rows)])]
}

#[tokio::test]
async fn each_new_row_is_measured_once() {
    let stage = Stage::new(LATE).await;
    let hunt = asking("DeviceProcessEvents | extend Ingested = ingestion_time()");
    let first = stage.run(&hunt).await.run;
    assert!(first.status == RunStatus::Ok && first.new >= 100, "{first:?}");
    assert_eq!(measured(&stage).await, only(first.new));
    let again = stage.run(&hunt).await.run;
    assert_eq!((again.new, measured(&stage).await), (0, only(first.new)));
    stage.clock.manual.advance(MINUTE * 10);
    stage.faults("[{does: syntax_error, on: {first: 1}}]");
    let failed = stage.run(&hunt).await.run;
    assert_eq!((failed.status, measured(&stage).await), (RunStatus::Failed, only(first.new)));
    let later = stage.run(&hunt).await.run;
    assert!(later.new >= 10, "{later:?}");
    assert_eq!(measured(&stage).await, only(first.new + later.new));
    let all = stage.runner.store.lateness(&stage.tenant.name).await.unwrap();
    assert_eq!(all["DeviceProcessEvents"].enough(), Some(MINUTE * 30));
}

#[tokio::test]
async fn a_row_that_lies_in_the_whole_and_in_a_part_is_measured_once() {
    let stage = Stage::with(&format!("row_limit: 50{LATE}"), Quota { row_limit: 50, ..QUOTA }, "right").await;
    let run = stage.run(&asking("DeviceProcessEvents | extend Ingested = ingestion_time()")).await.run;
    assert!(run.status == RunStatus::Ok && run.new >= 100 && run.calls > 2, "{run:?}");
    assert_eq!(measured(&stage).await, only(run.new));
}

#[tokio::test]
async fn nothing_is_measured_where_it_cant_be_told_of_what() {
    let stage = Stage::new(LATE).await;
    for query in [
        // The column comes out, and the query doesn't say that it is the time of arrival.
        "DeviceProcessEvents | extend Ingested = now()",
        "DeviceProcessEvents",
        // Of which of the two a row is nobody knows.
        "union DeviceProcessEvents, DeviceFileEvents | extend Ingested = ingestion_time()",
        "DeviceProcessEvents | extend Ingested = ingestion_time() | where DeviceId in ((DeviceInfo | project DeviceId))",
        // The answer lacks the column that the query names.
        "DeviceProcessEvents | extend Arrived = ingestion_time()",
    ] {
        let run = stage.run(&asking(query)).await.run;
        assert_eq!(run.status, RunStatus::Ok, "{query}: {run:?}");
        assert_eq!(measured(&stage).await, [], "{query}");
        stage.clock.manual.advance(MINUTE * 90);
    }
}
