//! That the steps of runs past their retention are laid together, and change nothing of what is known; and which hits are
//! forgotten.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::super::error::StoreError;
use super::super::{HitFilter, Store};
use super::fixture::{at, delta, fresh, hit_id, hits, hunt, short, tenant, with_hits};
use super::retention::prune_all;
use crate::model::hit::HitKind::{Changed, Gone, New, Returned};
use crate::model::hit::{HitKind, Ordinal};
use crate::model::known::KnownHits;
use crate::model::run::RunCommit;
use crate::model::time::Timestamp;

const DAY: i64 = 60 * 24;

/// Hunts on a day: what moved, and what was there besides.
async fn hunts(store: &Store, day: i64, moved: &[(Ordinal, HitKind)], there: &[Ordinal]) {
    store.commit_run(&commit(store, day, moved, there).await).await.unwrap();
}

async fn commit(store: &Store, day: i64, moved: &[(Ordinal, HitKind)], there: &[Ordinal]) -> RunCommit {
    let (track, _) = store.history(&hunt(), &tenant()).await.unwrap();
    let moved: Vec<_> = moved.iter().map(|(ordinal, kind)| (*ordinal, *kind, "a row")).collect();
    let mut commit = with_hits(day * DAY, track.generation, &moved);
    commit.members.extend(there);
    commit
}

async fn known(store: &Store) -> KnownHits {
    store.history(&hunt(), &tenant()).await.unwrap().1
}

async fn number(store: &Store, sql: &'static str) -> i64 {
    let mut conn = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    let number = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    number
}

/// Two hits a day of which one stays, changes each day; one goes and comes back.
async fn a_season(store: &Store) {
    hunts(store, 0, &[(0, New), (1, New)], &[]).await;
    for day in 1..40 {
        let new = u32::try_from(day + 1).unwrap();
        let turn = if day % 2 == 1 { Gone } else { Returned };
        hunts(store, day, &[(0, Changed), (1, turn), (new, New)], &[]).await;
    }
}

#[tokio::test]
async fn steps_are_laid_together_and_change_nothing() {
    let (_folder, store) = fresh().await;
    a_season(&store).await;
    let (before, pieces) = (known(&store).await, number(&store, "SELECT count(*) FROM delta").await);
    assert_eq!(pieces, 40);
    // Runs are kept for less than hits are remembered.
    let pruned = prune_all(&store, 40 * DAY, 1, 3).await;
    assert!(pruned.runs > 30, "{pruned:?}");
    let left = number(&store, "SELECT count(*) FROM delta").await;
    assert!(left <= 5, "{left} pieces");
    assert_eq!(known(&store).await, before);
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
    let first_seen: Vec<Timestamp> = hits(&store, &HitFilter::default()).await.iter().map(|hit| short(hit).3).collect();
    assert_eq!(first_seen.iter().min(), Some(&at(0)), "of the hit that changes each day, whose first run went");

    // Hunting goes on, and what was laid is laid again.
    for day in 40..50 {
        hunts(&store, day, &[(0, Changed)], &[]).await;
    }
    let before = known(&store).await;
    prune_all(&store, 60 * DAY, 1, 3).await;
    assert!(number(&store, "SELECT count(*) FROM delta").await <= 3);
    assert_eq!(known(&store).await, before);
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
    let last = hits(&store, &HitFilter::default()).await;
    assert!(last.iter().all(|hit| short(hit).3 == at(0)), "{last:?}");
}

/// Hit 0 is there still, and so its rows are kept, and the run that stored them: between steps that are laid together.
#[tokio::test]
async fn what_a_later_run_said_counts_although_an_earlier_one_is_kept() {
    let (_folder, store) = fresh().await;
    hunts(&store, 0, &[(0, New), (1, New)], &[]).await;
    hunts(&store, 1, &[(1, Gone)], &[0]).await;
    hunts(&store, 2, &[(2, New)], &[0]).await;
    hunts(&store, 3, &[], &[0]).await;
    let before = known(&store).await;
    assert_eq!(prune_all(&store, 10 * DAY, 1, 1).await.runs, 2, "the first and the last stay");
    assert_eq!((known(&store).await, known(&store).await.get(1).map(|hit| hit.present)), (before, Some(false)));
    assert_eq!(number(&store, "SELECT count(*) FROM delta").await, 2);
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_few_steps_arent_worth_it() {
    let (_folder, store) = fresh().await;
    for day in 0..20 {
        hunts(&store, day, &[(u32::try_from(day).unwrap(), New)], &[]).await;
    }
    store.prune(at(100 * DAY), super::retention::days(1), super::retention::days(2)).await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM delta").await, 20);
}

#[tokio::test]
async fn a_hit_that_no_kept_result_holds_is_forgotten_and_no_other() {
    let (_folder, store) = fresh().await;
    // One that is there each day, one a day that never comes again, one that went and one that is held back. The first
    // run is kept for the rows of the hit that is there still, and with it all hits that it held.
    hunts(&store, 0, &[(0, New), (1, New), (2, New)], &[]).await;
    let mut held = commit(&store, 1, &[(3, New)], &[0, 1]).await;
    held.held.insert(3);
    store.commit_run(&held).await.unwrap();
    for day in 2..100 {
        let moved: &[(Ordinal, HitKind)] = if day == 90 { &[(1, Gone)] } else { &[] };
        let new = u32::try_from(day + 2).unwrap();
        let mut commit = commit(&store, day, &[moved, &[(new, New)]].concat(), &[0]).await;
        commit.held.insert(3);
        if day < 90 {
            commit.members.insert(1);
        }
        store.commit_run(&commit).await.unwrap();
    }
    prune_all(&store, 100 * DAY, 1, 60).await;
    let known = known(&store).await;
    assert_eq!(known.next(), 102, "no place is given twice");
    let there: Vec<Ordinal> = known.iter().map(|hit| hit.ordinal).collect();
    let recent: Vec<Ordinal> = [0, 1, 2, 3].into_iter().chain(42..102).collect();
    assert_eq!(there, recent);
    assert!(!known.get(1).unwrap().present && known.get(0).unwrap().present);
    assert_eq!((known.find(&hit_id(4)), known.find(&hit_id(1))), (None, Some(1)));
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
    // It is new when it comes after all, and has another place.
    let mut again = commit(&store, 100, &[], &[0]).await;
    again.deltas = vec![crate::model::hit::HitDelta { hit: hit_id(4), ..delta(102, New) }].into();
    again.run.new = 1;
    again.members.insert(102);
    store.commit_run(&again).await.unwrap();
    assert_eq!(self::known(&store).await.find(&hit_id(4)), Some(102));
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn what_lies_before_the_first_known_hit_takes_no_room() {
    let (_folder, store) = fresh().await;
    for day in 0..100 {
        hunts(&store, day, &[(u32::try_from(day).unwrap(), New)], &[]).await;
    }
    prune_all(&store, 100 * DAY, 1, 60).await;
    assert_eq!(number(&store, "SELECT first_ordinal FROM track").await, 40);
    assert_eq!(number(&store, "SELECT count(*) FROM share").await, 0);
    assert_eq!(known(&store).await.iter().map(|hit| hit.ordinal).min(), Some(40));
    // Nothing is known any more but what the last result held.
    prune_all(&store, 1000 * DAY, 1, 60).await;
    assert_eq!(known(&store).await.iter().map(|hit| hit.ordinal).collect::<Vec<_>>(), [99]);
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_run_under_way_that_knew_a_forgotten_hit_is_made_again() {
    let (_folder, store) = fresh().await;
    for day in 0..100 {
        hunts(&store, day, &[(u32::try_from(day).unwrap(), New)], &[]).await;
    }
    let under_way = commit(&store, 100, &[], &[0]).await;
    prune_all(&store, 100 * DAY, 1, 60).await;
    assert!(matches!(store.commit_run(&under_way).await, Err(StoreError::Overtaken)));
    // Where nothing is forgotten, none is.
    let under_way = commit(&store, 100, &[], &[99]).await;
    prune_all(&store, 101 * DAY, 1, 3).await;
    store.commit_run(&under_way).await.unwrap();
}
