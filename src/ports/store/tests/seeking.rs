//! Hits by a text in their rows.

use super::super::{HitFilter, Store};
use super::fixture::{empty, fresh, hits, with_hits};
use crate::model::hit::HitKind::{Changed, New};
use crate::rules::sieve::Probe;

async fn seen(store: &Store, text: &str) -> Vec<String> {
    let probe = Probe::new(text).unwrap();
    let filter = HitFilter { seen: Some(&probe), ..HitFilter::default() };
    let texts = hits(store, &filter).await;
    texts
        .iter()
        .map(|hit| serde_json::from_str::<serde_json::Value>(hit.row.get()).unwrap()["Text"].to_string())
        .collect()
}

async fn count(store: &Store, table: &str) -> i64 {
    let mut read = store.read().await.unwrap();
    let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(count).fetch_one(&mut *read).await.unwrap()
}

/// One hit a run, with its number for a text.
async fn filled(store: &Store, runs: u32) {
    for run in 0..runs {
        let text = format!("Host{run}");
        store.commit_run(&with_hits(i64::from(run), u64::from(run), &[(run, New, &text)])).await.unwrap();
    }
}

#[tokio::test]
async fn a_text_is_found_in_whatever_case_and_only_where_it_is() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "10.0.0.1"), (1, New, "SRV-01")])).await.unwrap();
    store.commit_run(&with_hits(1, 1, &[(0, Changed, "10.0.0.2")])).await.unwrap();
    assert_eq!(seen(&store, "srv-01").await, ["\"SRV-01\""]);
    assert_eq!(seen(&store, " 10.0.0.1").await, ["\"10.0.0.1\""]);
    assert_eq!(seen(&store, "10.0.0.2").await, ["\"10.0.0.2\""]);
    assert!(seen(&store, "10.0.0").await.is_empty() && seen(&store, "text").await.is_empty());
}

#[tokio::test]
async fn sieves_that_lie_together_say_the_same() {
    let (_folder, store) = fresh().await;
    filled(&store, 600).await;
    assert_eq!([count(&store, "block_sieve").await, count(&store, "sieve_group").await], [600 - 512, 2]);
    assert_eq!(count(&store, "sieve_lane").await, 2);
    for run in [0, 255, 256, 511, 512, 599] {
        assert_eq!(seen(&store, &format!("host{run}")).await, [format!("\"Host{run}\"")]);
    }
    assert!(seen(&store, "host600").await.is_empty());
}

#[tokio::test]
async fn groups_without_blocks_are_taken_away() {
    let (_folder, store) = fresh().await;
    filled(&store, 300).await;
    let mut write = store.begin().await.unwrap();
    let gone = sqlx::query("DELETE FROM block WHERE low < 255").execute(&mut write.conn).await;
    super::super::seek::drop_empty_groups(&mut write.conn).await.unwrap();
    write.end(gone.map(drop).map_err(Into::into)).await.unwrap();
    assert_eq!(count(&store, "sieve_group").await, 1, "one block is left");
    assert_eq!((seen(&store, "host254").await.len(), seen(&store, "host255").await.len()), (0, 1));
    let mut write = store.begin().await.unwrap();
    let gone = sqlx::query("DELETE FROM block WHERE low < 256").execute(&mut write.conn).await;
    super::super::seek::drop_empty_groups(&mut write.conn).await.unwrap();
    write.end(gone.map(drop).map_err(Into::into)).await.unwrap();
    assert_eq!([count(&store, "sieve_group").await, count(&store, "sieve_lane").await], [0, 0]);
    assert_eq!((seen(&store, "host255").await.len(), seen(&store, "host299").await.len()), (0, 1));
}

#[tokio::test]
async fn a_search_needs_no_run() {
    let (_folder, store) = fresh().await;
    store.commit_run(&empty(0, 0)).await.unwrap();
    assert!(seen(&store, "x").await.is_empty());
}
