use std::collections::HashMap;
use std::task::Poll;

use super::super::error::StoreError;
use super::super::{DeliveryFilter, HitFilter, RunFilter, Store, Track};
use super::fixture::{at, block, delta, empty, failed, fresh, hits, hunt, tell, tenant, with_hits};
use crate::model::hit::{Body, HitKind, RowBlock};
use crate::model::known::KnownHits;
use crate::model::run::{RunStatus, Trigger};
use crate::rules::coverage::Coverage;

async fn track(store: &Store) -> Track {
    store.track(&hunt(), &tenant()).await.unwrap()
}

#[tokio::test]
async fn an_unknown_track_is_the_default() {
    let (_folder, store) = fresh().await;
    assert_eq!(track(&store).await, Track::default());
    assert_eq!(store.history(&hunt(), &tenant()).await.unwrap(), (Track::default(), KnownHits::default()));
    assert_eq!(store.tracks().await.unwrap(), []);
}

#[tokio::test]
async fn a_run_leaves_all_that_it_brought() {
    let (folder, store) = fresh().await;
    let mut commit = with_hits(0, 0, &[(0, HitKind::New, "a"), (1, HitKind::New, "b")]);
    commit.run.new = 2;
    commit.held.insert(1);
    commit.suppressions = vec![([7; 16], at(90))];
    tell(&mut commit, "soc");
    store.commit_run(&commit).await.unwrap();
    drop(store);

    let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    assert_eq!(store.run(commit.run.run.as_str()).await.unwrap().unwrap(), commit.run);
    let expected = Track {
        generation: 1,
        watermark: Some(at(0)),
        last_due: Some(at(0)),
        complete_runs: 1,
        coverage: Coverage::default(),
        held: commit.held.clone(),
        suppressions: HashMap::from([([7; 16], at(90))]),
        failures_in_row: 0,
    };
    assert_eq!(track(&store).await, expected);
    assert_eq!(hits(&store, &HitFilter::default()).await.len(), 2);
    assert_eq!(store.deliveries(&DeliveryFilter::default()).await.unwrap()[0].hits, 2);
    let tracks = store.tracks().await.unwrap();
    assert_eq!((tracks[0].last_run.as_ref(), tracks[0].hits), (Some(&commit.run), 2));
}

#[tokio::test]
async fn replay_gives_the_state_that_the_runs_made() {
    let (_folder, store) = fresh().await;
    let mut state = KnownHits::default();
    // Enough for several BLOBs in the first run; moves back and forth in the others.
    let first: Vec<_> = (0..25_000).map(|ordinal| delta(ordinal, HitKind::New)).collect();
    let later = [(3, HitKind::Gone), (4, HitKind::Changed), (25_000, HitKind::New)].map(|(o, k)| delta(o, k)).to_vec();
    let last = [(3, HitKind::Returned)].map(|(o, k)| delta(o, k)).to_vec();
    for (generation, deltas) in [first, later, last].into_iter().enumerate() {
        for delta in &deltas {
            state.apply(delta);
        }
        let mut commit = empty(i64::try_from(generation).unwrap(), generation as u64);
        commit.deltas = deltas.into();
        store.commit_run(&commit).await.unwrap();
    }
    let (track, known) = store.history(&hunt(), &tenant()).await.unwrap();
    assert_eq!(track.generation, 3);
    assert!(known == state);
    assert_eq!(known.next(), 25_001);
}

#[tokio::test]
async fn an_overtaken_run_leaves_nothing() {
    let (folder, store) = fresh().await;
    let other = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    store.commit_run(&with_hits(0, 0, &[(0, HitKind::New, "a")])).await.unwrap();
    let late = with_hits(1, 0, &[(0, HitKind::New, "b")]);
    assert!(matches!(other.commit_run(&late).await, Err(StoreError::Overtaken)));
    assert_eq!(store.runs(&RunFilter::default()).await.unwrap().len(), 1);
    assert_eq!(track(&store).await.generation, 1);
    let mut again = late;
    again.generation = 1;
    other.commit_run(&again).await.unwrap();
}

/// All counts of what could have stayed.
async fn everything(store: &Store) -> [i64; 8] {
    let mut read = store.read().await.unwrap();
    let mut counts = [0; 8];
    let counted = [
        "SELECT count(*) FROM track",
        "SELECT count(*) FROM track_memory",
        "SELECT count(*) FROM hunt_version",
        "SELECT count(*) FROM run",
        "SELECT count(*) FROM delta",
        "SELECT count(*) FROM block",
        "SELECT count(*) FROM delivery",
        "SELECT coalesce(sum(generation), 0) FROM track",
    ];
    for (count, sql) in counts.iter_mut().zip(counted) {
        *count = sqlx::query_scalar(sql).fetch_one(&mut *read).await.unwrap();
    }
    counts
}

#[tokio::test]
async fn a_commit_that_fails_in_the_middle_leaves_nothing() {
    let (_folder, store) = fresh().await;
    let mut commit = with_hits(0, 0, &[(0, HitKind::New, "a")]);
    commit.held.insert(0);
    tell(&mut commit, "soc");
    // The same delivery twice breaks its key, after everything else is written.
    let twice = commit.deliveries[0].clone();
    commit.deliveries.push(twice);
    assert!(matches!(store.commit_run(&commit).await, Err(StoreError::Other { .. })));
    assert_eq!(everything(&store).await, [0; 8]);
    commit.deliveries.pop();
    store.commit_run(&commit).await.unwrap();
    assert_eq!(everything(&store).await, [1; 8]);
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_passes() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, HitKind::New, "a")])).await.unwrap();
    let before = everything(&store).await;
    let mut commit = with_hits(1, 1, &[(1, HitKind::New, "b")]);
    let noise: Vec<u8> = (0..500_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    commit.blocks.push(RowBlock { body: Body::Here(noise), ..block(&[(1, HitKind::New, "b")]) });
    let mut write = store.begin().await.unwrap();
    sqlx::query("PRAGMA max_page_count = 1").execute(&mut write.conn).await.unwrap();
    write.end(Ok(())).await.unwrap();
    let error = store.commit_run(&commit).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(everything(&store).await, before);
    // The limit went with its connection, as space comes back by itself: the same commit passes.
    store.commit_run(&commit).await.unwrap();
    assert_eq!(track(&store).await.generation, 2);
}

#[tokio::test]
async fn a_failed_run_counts_and_moves_nothing() {
    let (_folder, store) = fresh().await;
    let mut good = with_hits(0, 0, &[(0, HitKind::New, "a")]);
    good.held.insert(0);
    good.suppressions = vec![([1; 16], at(60))];
    store.commit_run(&good).await.unwrap();
    let before = track(&store).await;
    for minute in 1..=3 {
        let mut bad = failed(minute);
        bad.failing_as = Some(format!("class-{minute}"));
        store.commit_run(&bad).await.unwrap();
    }
    let expected = Track { failures_in_row: 3, last_due: Some(at(3)), ..before.clone() };
    let failing = store.failing().await.unwrap();
    assert_eq!(failing.iter().map(|one| (one.row, one.class.as_str())).collect::<Vec<_>>(), [(3, "class-3")]);
    assert_eq!(track(&store).await, expected);

    let mut partial = empty(4, 1);
    partial.run.status = RunStatus::Partial;
    partial.run.trigger = Trigger::Manual;
    partial.watermark = None;
    partial.held = good.held.clone();
    store.commit_run(&partial).await.unwrap();
    assert_eq!(track(&store).await, Track { generation: 2, ..expected });

    let mut good = empty(-9, 2);
    good.watermark = None;
    store.commit_run(&good).await.unwrap();
    let expected = Track {
        generation: 3,
        complete_runs: 2,
        held: roaring::RoaringBitmap::new(),
        last_due: Some(at(-9)),
        ..before
    };
    assert_eq!(track(&store).await, expected, "an older tick counts: the clock was set back");

    let mut wrong = failed(5);
    wrong.deltas = vec![delta(0, HitKind::Gone)].into();
    assert!(store.commit_run(&wrong).await.is_err());
}

#[tokio::test]
async fn suppressions_add_up_and_old_ones_go() {
    let (_folder, store) = fresh().await;
    let mut first = empty(0, 0);
    first.suppressions = vec![([1; 16], at(10)), ([2; 16], at(60 * 24 * 40))];
    store.commit_run(&first).await.unwrap();
    let mut second = empty(60 * 24 * 31, 1);
    second.suppressions = vec![([2; 16], at(60 * 24 * 50)), ([3; 16], at(60 * 24 * 51))];
    store.commit_run(&second).await.unwrap();
    let expected = HashMap::from([([2; 16], at(60 * 24 * 50)), ([3; 16], at(60 * 24 * 51))]);
    assert_eq!(track(&store).await.suppressions, expected);
}

#[tokio::test]
async fn a_damaged_history_is_never_taken_for_a_shorter_one() {
    for damage in [
        "UPDATE delta SET packed = substr(packed, 1, length(packed) - 1) WHERE delta = 2",
        "UPDATE delta SET packed = x'' WHERE delta = 1",
        "DELETE FROM delta WHERE delta = 2",
    ] {
        let (_folder, store) = fresh().await;
        store.commit_run(&with_hits(0, 0, &[(0, HitKind::New, "a")])).await.unwrap();
        store.commit_run(&with_hits(1, 1, &[(1, HitKind::New, "b")])).await.unwrap();
        let mut write = store.begin().await.unwrap();
        sqlx::query(damage).execute(&mut write.conn).await.unwrap();
        write.end(Ok(())).await.unwrap();
        let error = store.history(&hunt(), &tenant()).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{damage}: {error}");
    }
}

/// A task that is cut off while it writes must not leave the next write waiting or half done.
#[tokio::test]
async fn a_commit_that_is_dropped_leaves_nothing_and_blocks_nobody() {
    let (_folder, store) = fresh().await;
    for polls in 0..12 {
        let mut commit = with_hits(0, 0, &[(0, HitKind::New, "a")]);
        tell(&mut commit, "soc");
        let mut work = Box::pin(store.commit_run(&commit));
        for _ in 0..polls {
            let polled = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
            if polled.await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(work);
        let counts = everything(&store).await;
        if counts[3] == 1 {
            assert_eq!(counts[4..7], [1, 1, 1], "half a run stayed");
            return;
        }
    }
    store.commit_run(&empty(0, 0)).await.unwrap();
}
