use std::ops::ControlFlow;

use super::super::error::StoreError;
use super::super::{HitFilter, RunFilter, Store};
use super::fixture::{at, empty, failed, fresh, hit_id, hits, hunt, short, tenant, with_hits};
use crate::model::hit::HitKind::{self, Changed, Gone, New, Returned};
use crate::model::id::{HuntId, TenantName};
use crate::model::time::Timestamp;

/// Three runs of the fixture's hunt, and one of another.
async fn history() -> (tempfile::TempDir, Store) {
    let (folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a"), (1, New, "b")])).await.unwrap();
    store.commit_run(&with_hits(10, 1, &[(0, Changed, "a2"), (1, Gone, ""), (2, New, "c")])).await.unwrap();
    let mut other = with_hits(15, 0, &[(0, New, "other")]);
    other.run.hunt = HuntId::new("other").unwrap();
    other.run.tenant = TenantName::new("fabrikam").unwrap();
    other.deltas.moved[0].hit.0[19] = 1;
    store.commit_run(&other).await.unwrap();
    let mut last = with_hits(20, 2, &[(1, Returned, "b2")]);
    last.members.insert(2);
    store.commit_run(&last).await.unwrap();
    (folder, store)
}

async fn starts(store: &Store, filter: &RunFilter<'_>) -> Vec<Timestamp> {
    store.runs(filter).await.unwrap().into_iter().map(|run| run.started).collect()
}

async fn texts(store: &Store, filter: &HitFilter<'_>) -> Vec<(HitKind, String)> {
    hits(store, filter).await.iter().map(short).map(|(_, kind, text, ..)| (kind, text)).collect()
}

#[tokio::test]
async fn runs_pass_their_filters() {
    let (_folder, store) = history().await;
    store.commit_run(&failed(12)).await.unwrap();
    let all = RunFilter::default();
    assert_eq!(starts(&store, &all).await, [at(20), at(15), at(12), at(10), at(0)]);
    assert_eq!(starts(&store, &RunFilter { limit: Some(2), ..all }).await, [at(20), at(15)]);
    assert_eq!(starts(&store, &RunFilter { since: Some(at(12)), ..all }).await, [at(20), at(15), at(12)]);
    assert_eq!(starts(&store, &RunFilter { failed: true, ..all }).await, [at(12)]);
    let other = |hunt: &HuntId| hunt.as_str().starts_with("oth");
    assert_eq!(starts(&store, &RunFilter { hunt: Some(&other), ..all }).await, [at(15)]);
    assert_eq!(starts(&store, &RunFilter { hunt: Some(&other), failed: true, ..all }).await, []);
    let tenant = tenant();
    let one = RunFilter { tenant: Some(&tenant), limit: Some(3), ..all };
    assert_eq!(starts(&store, &one).await, [at(20), at(12), at(10)]);
    assert_eq!(store.run("nobody").await.unwrap(), None);
}

#[tokio::test]
async fn hits_come_newest_last_with_when_they_were_seen() {
    let (_folder, store) = history().await;
    let mine = |id: &HuntId| *id == hunt();
    let filter = HitFilter { hunt: Some(&mine), ..HitFilter::default() };
    let all: Vec<_> = hits(&store, &filter).await.iter().map(short).collect();
    let expected = [
        (hit_id(0), New, "a".to_owned(), at(0), at(10)),
        (hit_id(1), New, "b".to_owned(), at(0), at(20)),
        (hit_id(0), Changed, "a2".to_owned(), at(0), at(10)),
        (hit_id(2), New, "c".to_owned(), at(10), at(20)),
        (hit_id(1), Gone, "b".to_owned(), at(0), at(20)),
        (hit_id(1), Returned, "b2".to_owned(), at(0), at(20)),
    ];
    assert_eq!(all, expected);
}

/// Over more runs than are read at a time.
#[tokio::test]
async fn no_run_is_passed_over_when_hits_were_last_seen() {
    let (_folder, store) = fresh().await;
    for run in 0..140_u32 {
        let mut commit = with_hits(i64::from(run), u64::from(run), &[(run, New, "x")]);
        commit.members.insert(run.saturating_sub(1));
        store.commit_run(&commit).await.unwrap();
    }
    for (run, hit) in hits(&store, &HitFilter::default()).await.iter().enumerate() {
        let run = i64::try_from(run).unwrap();
        assert_eq!((hit.first_seen, hit.last_seen), (at(run), at(139.min(run + 1))));
    }
}

#[tokio::test]
async fn hits_pass_their_filters() {
    let (_folder, store) = history().await;
    let named = |pairs: &[(HitKind, &str)]| -> Vec<_> { pairs.iter().map(|(k, t)| (*k, (*t).to_owned())).collect() };
    let all = HitFilter::default();
    let kind = |kind| HitFilter { kind: Some(kind), ..all };
    assert_eq!(texts(&store, &kind(Gone)).await, named(&[(Gone, "b")]));
    assert_eq!(texts(&store, &kind(New)).await, named(&[(New, "a"), (New, "b"), (New, "c"), (New, "other")]));
    let since = HitFilter { since: Some(at(15)), ..all };
    assert_eq!(texts(&store, &since).await, named(&[(New, "other"), (Returned, "b2")]));
    let run = empty(10, 0).run.run;
    let of_run = HitFilter { run: Some(&run), ..all };
    assert_eq!(texts(&store, &of_run).await, named(&[(Changed, "a2"), (New, "c"), (Gone, "b")]));
    let fabrikam = TenantName::new("fabrikam").unwrap();
    assert_eq!(texts(&store, &HitFilter { tenant: Some(&fabrikam), ..all }).await, named(&[(New, "other")]));
    assert_eq!(texts(&store, &HitFilter { tenant: Some(&fabrikam), ..of_run }).await, []);
    let whole = texts(&store, &all).await;
    for limit in 0..=8 {
        let limited = HitFilter { limit: Some(limit), ..all };
        assert_eq!(texts(&store, &limited).await, whole[whole.len().saturating_sub(limit)..], "{limit}");
    }
    let limited = HitFilter { limit: Some(1), ..kind(New) };
    assert_eq!(texts(&store, &limited).await, named(&[(New, "other")]));
}

#[tokio::test]
async fn a_reader_may_break_off() {
    let (_folder, store) = history().await;
    let mut seen = 0;
    let each = |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.hits(&HitFilter::default(), each).await.unwrap();
    assert_eq!(seen, 2);
}

#[tokio::test]
async fn a_run_tells_what_its_result_held() {
    let (_folder, store) = history().await;
    let run = empty(10, 0).run;
    let members = store.members(&run.run).await.unwrap().unwrap();
    assert_eq!(members.iter().collect::<Vec<_>>(), [0, 2]);
    let wanted = [0, 1, 2].into_iter().collect();
    let rows = store.rows_as_of(&run.run, &wanted).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|(ordinal, id, row)| (*ordinal, *id, row.get())).collect();
    let expected =
        [(0, hit_id(0), "{\"Text\":\"a2\"}"), (1, hit_id(1), "{\"Text\":\"b\"}"), (2, hit_id(2), "{\"Text\":\"c\"}")];
    assert_eq!(rows, expected);
    assert_eq!(store.definition(&hunt(), &run.hunt_version).await.unwrap().as_deref(), Some("id: psexec\n"));
    assert_eq!(store.definition(&hunt(), "v0").await.unwrap(), None);

    store.commit_run(&failed(12)).await.unwrap();
    for nothing in [failed(12).run.run, empty(99, 0).run.run] {
        assert_eq!(store.members(&nothing).await.unwrap(), None);
    }
    assert!(store.rows_as_of(&empty(99, 0).run.run, &wanted).await.unwrap().is_empty());
}

#[tokio::test]
async fn damaged_rows_are_said() {
    for damage in [
        "UPDATE block SET body = substr(body, 1, 9)",
        "UPDATE block SET body = (SELECT body FROM block WHERE block = 3) WHERE block = 1",
        "UPDATE block SET records = x'01'",
        "UPDATE run SET members = x'0102030405'",
        "UPDATE hunt_version SET notice = '{}'",
    ] {
        let (_folder, store) = history().await;
        let mut write = store.begin().await.unwrap();
        sqlx::query(damage).execute(&mut write.conn).await.unwrap();
        write.end(Ok(())).await.unwrap();
        let error = store.hits(&HitFilter::default(), |_| ControlFlow::Continue(())).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{damage}: {error}");
    }
}

/// The engine spawns what it does with the store.
#[tokio::test]
async fn futures_may_cross_threads() {
    fn sendable<T: Send>(work: T) -> T {
        work
    }
    let (_folder, store) = history().await;
    let yes = |_: &HuntId| true;
    let filter = HitFilter { hunt: Some(&yes), ..HitFilter::default() };
    sendable(store.hits(&filter, |_| ControlFlow::Continue(()))).await.unwrap();
    sendable(store.runs(&RunFilter::default())).await.unwrap();
    sendable(store.commit_run(&empty(99, 3))).await.unwrap();
}
