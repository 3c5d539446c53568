//! Every statement runs against the migrated schema, and none that is asked often reads a table that
//! grows from end to end.

use sqlx::{Row, SqliteConnection};

use super::super::maintenance::{check, history, prune, steps};
use super::super::{
    columns, commit, cost, hits, lateness, leap, ledger, life, members, notice, outbox, overload, past, rows, runs,
    seek, seen, served, standing, track, trouble, watched,
};
use super::fixture::fresh;

/// Statements that must find what they want by an index.
const BY_INDEX: &[&str] = &[
    columns::FIND_SCHEMA,
    columns::ADD_SCHEMA,
    columns::LOAD_SCHEMA,
    commit::ADD_TRACK,
    commit::FIND_VERSION,
    commit::ADD_VERSION,
    commit::ADD_RUN,
    commit::ADD_DELTA,
    commit::ADD_BLOCK,
    commit::ADD_DELIVERY,
    commit::MOVE_TRACK,
    commit::SET_MEMORY,
    cost::ADD_CPU,
    cost::ADD_SPENDING,
    cost::SUMS,
    cost::SCHEDULED_SUMS,
    cost::FORGET_SPENDING,
    hits::STEPS_OF_TRACK,
    hits::STEPS_OF_RUN,
    hits::STEPS_BY_SEQ,
    hits::TRACK_NAME,
    hits::NOTICE_OF,
    life::LAST_VERSION,
    life::PIECES_FROM,
    life::TOLD_SINCE,
    lateness::ADD_LATENESS,
    lateness::LOAD_LATENESS,
    leap::NOTE_LEAP,
    leap::LOAD_LEAP,
    leap::FORGET_LEAP,
    ledger::LOAD_CALLS,
    ledger::LOAD_BLOCK,
    ledger::ENTER_CALL,
    ledger::FORGET_CALLS,
    ledger::FINISH_CALL,
    ledger::OPEN_CALLS,
    ledger::LONGEST_RUN,
    ledger::SETTLE_CALL,
    ledger::SET_BLOCK,
    ledger::CLEAR_BLOCK,
    ledger::CLEAR_BLOCK_OF,
    prune::NEXT_TRACK,
    prune::GENERATION,
    prune::OLDEST,
    prune::RESULT_BEFORE,
    prune::PENDING,
    prune::BLOCKS_BACK,
    prune::DROP_BLOCKS,
    prune::OLD_RUNS,
    prune::DROP_DELIVERIES,
    prune::DROP_RUNS,
    check::VERSIONS_AFTER,
    check::BLOCKS_AFTER,
    check::ONE_BLOCK,
    check::TRACK_OF_RUN,
    check::TRACKS_AFTER,
    check::DELIVERIES_AFTER,
    steps::PAST,
    steps::RESULTS_SINCE,
    steps::PIECES_BACK,
    steps::DROP_PIECES,
    steps::ADD_PIECE,
    steps::ADD_SHARE,
    steps::DROP_SHARES,
    steps::LAY_BELOW,
    steps::FORGET_BELOW,
    history::DELTAS_AFTER,
    history::LAID,
    history::SAID,
    history::STEPLESS,
    history::RESULTS_AFTER,
    members::FIND_RUN,
    members::DEFINITION,
    notice::LOAD_DELIVERY,
    past::RESULTS,
    past::STEPS_BETWEEN,
    past::STEPS_BEFORE,
    past::SCHEMAS_OF_RUN,
    past::TOLD_OF_RUN,
    overload::ADD_LATE,
    overload::LOAD_EPISODE,
    overload::SET_EPISODE,
    overload::LATE_HUNTS,
    overload::LATE_SUMS,
    outbox::CLAIM,
    outbox::CLAIMED,
    outbox::MARK_SENT,
    outbox::MARK_LATER,
    outbox::MARK_FAILED,
    outbox::RETRY,
    outbox::FREE_CLAIMS,
    ledger::LOAD_CALL_IDS,
    ledger::MOVE_CALL,
    ledger::MOVE_BLOCK,
    served::SERVED_FROM,
    served::BEGIN_AT,
    outbox::DELIVERIES_IN,
    rows::ROWS_OF_RUN,
    rows::RECORDS_OF_RUN,
    rows::RECORDS_BEFORE,
    rows::BODY,
    rows::STEPS,
    rows::GONE_OF_RUN,
    runs::ALL_RUNS,
    runs::FAILED_RUNS,
    runs::TRACK_RUNS,
    runs::ONE_RUN,
    runs::RUN_BY_SEQ,
    seek::ADD_SIEVE,
    seek::OF_LENGTH,
    seek::DROP_SIEVES,
    seek::ADD_GROUP,
    seek::ADD_LANE,
    seek::ONE_LANE,
    seek::RUN_OF,
    seek::BLOCK,
    seek::DROP_LANES,
    seek::DROP_GROUP,
    seek::IS_THERE,
    trouble::FAILING,
    trouble::RAN_SINCE,
    trouble::ROWS_LATELY,
    trouble::COLUMNS_LATELY,
    trouble::SET,
    trouble::CLOSE,
    trouble::ADD_DELIVERY,
    trouble::ADD_WARNING,
    trouble::LOAD_WARNING,
    trouble::OLD_WARNINGS,
    standing::AFTER,
    standing::PUT,
    standing::DROP,
    seen::FIRST_SEEN,
    seen::FIRST_SEEN_BEFORE,
    seen::MEMBERS,
    track::LOAD_TRACK,
    track::LOAD_MEMORY,
    track::LOAD_DELTAS,
];

/// Statements that may go through the whole of an index which holds only what is open.
const OPEN_ONLY: &[(&str, &str)] = &[
    (ledger::OPEN_OWNERS, "call_open"),
    (outbox::CLAIM_OWNERS, "delivery_owner"),
    (outbox::IS_DUE, "delivery_state"),
    (outbox::DUE, "delivery_state"),
    (outbox::NEXT_AT, "delivery_state"),
    (trouble::WAITING, "delivery_state"),
    (trouble::GIVEN_UP, "delivery_state"),
    (watched::OUTBOX_STATES, "delivery_state"),
    // Sieves that aren't laid together yet: fewer than 256 of each length.
    (seek::FULL_LENGTHS, "block_sieve_lanes"),
];

/// Statements that mean all there is.
const WHOLE: &[&str] = &[
    seek::LOOSE,
    seek::GROUPS,
    prune::DROP_VERSIONS,
    check::COUNT,
    life::PIECES_WITH_IDS,
    overload::EPISODES,
    trouble::OPEN,
    trouble::NEVER_FIRED,
    outbox::ALL_DELIVERIES,
    runs::TRACK_NAMES,
    track::LIST_TRACKS,
    watched::TRACK_STATES,
];

async fn plan(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}

/// A step that goes through a table of ours from end to end; lists given as JSON don't count.
fn is_scan(step: &str) -> bool {
    step.starts_with("SCAN ")
        && !step.contains("json_each")
        && !step.contains("VIRTUAL TABLE")
        && step != "SCAN CONSTANT ROW"
        // The first of a track's pieces, not more than a limit says.
        && step != "SCAN piece"
}

#[tokio::test]
async fn hot_statements_use_an_index() {
    let (_folder, store) = fresh().await;
    let mut read = store.read().await.unwrap();
    for sql in BY_INDEX {
        let plan = plan(&mut read, sql).await;
        assert!(!plan.iter().any(|step| is_scan(step)), "{sql}\n{plan:#?}");
    }
    for (sql, index) in OPEN_ONLY {
        let plan = plan(&mut read, sql).await;
        let fine = |step: &String| {
            !is_scan(step) || step.contains(index) || !step.contains("call") && !step.contains("delivery")
        };
        assert!(plan.iter().all(fine), "{sql}\n{plan:#?}");
        assert!(plan.iter().any(|step| step.contains(index)), "{sql}\n{plan:#?}");
    }
    for sql in WHOLE {
        plan(&mut read, sql).await;
    }
}

/// The plans above say it only where they are read right.
#[tokio::test]
async fn a_scan_is_seen() {
    let (_folder, store) = fresh().await;
    let mut read = store.read().await.unwrap();
    assert!(plan(&mut read, "SELECT 1 FROM run WHERE rows = 3").await.iter().any(|step| is_scan(step)));
}

#[tokio::test]
async fn what_retention_wants_of_deliveries_reads_the_pending_alone() {
    let (_folder, store) = fresh().await;
    let mut read = store.read().await.unwrap();
    let plan = plan(&mut read, prune::PENDING).await;
    assert!(plan[0].contains("delivery_state (state=?)") && plan[1].contains("PRIMARY KEY"), "{plan:?}");
}

#[tokio::test]
async fn first_seen_needs_no_table() {
    let (_folder, store) = fresh().await;
    let mut read = store.read().await.unwrap();
    let plan = plan(&mut read, seen::FIRST_SEEN).await;
    assert!(plan[0].contains("COVERING INDEX delta_track"), "{plan:?}");
}
