//! That retention changes nothing of what is told, gives room back, and that a check finds what was damaged by hand.

use std::time::Duration;

use proptest::prelude::*;
use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::super::connection::PAGE;
use super::super::pack::{pack_bitmap, pack_told};
use super::super::{Checked, Pruned, Pruning, Step, Store};
use super::fixture::{at, block, empty, fresh, hit_id, hunt, short, tell, tenant, with_hits};
use crate::model::hit::HitKind::{Changed, Gone, New};
use crate::model::hit::{Fingerprint, HitKind, Ordinal, RawHash};
use crate::model::id::{DeliveryId, HitId};
use crate::model::run::{RunCommit, RunStatus};
use crate::rules::diff::{Comparison, Scope, Seen};

const DAY: i64 = 60 * 24;

pub(super) fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

/// Retention for so many days, of steps too however few they are.
pub(super) async fn prune_all(store: &Store, now: i64, rows: u64, runs: u64) -> Pruned {
    let mut pruning = Pruning::new(at(now), days(rows), days(runs));
    pruning.least = 1;
    while store.prune_step(&mut pruning).await.unwrap() != Step::Done {}
    pruning.pruned
}

/// A run's result: whether it is whole, its rows (a key and a value each), and whether what is told waits.
type Found = (bool, Vec<(u8, u8)>, bool);

/// Hunts once, a day after the run before, and says what became of it.
async fn hunts(store: &Store, day: i64, (is_whole, rows, _): &Found) -> (RunCommit, DeliveryId) {
    let (track, known) = store.history(&hunt(), &tenant()).await.unwrap();
    let mut comparison = Comparison::new(known);
    let mut stored: Vec<(Ordinal, HitKind, String)> = Vec::new();
    for (key, value) in rows {
        let (hit, content) = (hit_id(u32::from(*key)), Fingerprint([value + 1; 16]));
        let seen = comparison.observe(&Seen { hit, content, event_time: None, raw: RawHash::NONE });
        if let Some(kind) = seen.sighting.stored_as() {
            stored.push((seen.ordinal, kind, format!("{key}={value}")));
        }
    }
    let outcome = comparison.finish(if *is_whole { Scope::Whole } else { Scope::Adds }, false);
    let mut commit = empty(day * DAY, track.generation);
    if !is_whole {
        commit.run.status = RunStatus::Partial;
    }
    let run = &mut commit.run;
    (run.new, run.changed, run.gone, run.returned) = (outcome.new, outcome.changed, outcome.gone, outcome.returned);
    (commit.deltas, commit.members) = (outcome.deltas, outcome.members);
    // Two rows a block, so that one hit's rows lie in several.
    let rows: Vec<_> = stored.iter().map(|(ordinal, kind, text)| (*ordinal, *kind, text.as_str())).collect();
    commit.blocks = rows.chunks(2).map(block).collect();
    let delivery = tell(&mut commit, "soc");
    store.commit_run(&commit).await.unwrap();
    (commit, delivery)
}

/// What is told: hits, kinds and rows.
async fn told(store: &Store, delivery: &DeliveryId, day: i64) -> Vec<(HitId, HitKind, String)> {
    let notice = store.notice(delivery).await.unwrap();
    store.mark_sent(delivery, at(day * DAY)).await.unwrap();
    let short = notice.hits.iter().map(|hit| short(&hit.unwrap()));
    short.map(|(hit, kind, text, ..)| (hit, kind, text)).collect()
}

/// All that is told of some results, with retention after each, or without; and how much went.
async fn hunted(results: &[Found], keep: Option<(u64, u64)>) -> (Vec<Vec<(HitId, HitKind, String)>>, u64) {
    let (_folder, store) = fresh().await;
    let (mut all, mut waiting, mut went) = (Vec::new(), Vec::new(), 0);
    for (day, result) in (0..).zip(results) {
        let (_, delivery) = hunts(&store, day, result).await;
        waiting.push(delivery);
        if let Some((rows, runs)) = keep {
            let pruned = prune_all(&store, day * DAY + 1, rows, runs).await;
            went += pruned.blocks + pruned.runs;
        }
        if !result.2 {
            for delivery in waiting.drain(..) {
                all.push(told(&store, &delivery, day).await);
            }
        }
        assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
    }
    (all, went)
}

fn results() -> impl Strategy<Value = Vec<Found>> {
    let rows = prop::collection::vec((0..6_u8, 0..3_u8), 0..7);
    prop::collection::vec((prop::bool::weighted(0.7), rows, prop::bool::weighted(0.3)), 4..14)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 40, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn hunting_goes_on_as_if_nothing_had_gone(results in results(), rows in 0..4_u64, runs in 0..6_u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (kept, pruned) = runtime.block_on(async {
            (hunted(&results, None).await.0, hunted(&results, Some((rows, runs))).await.0)
        });
        prop_assert_eq!(kept, pruned);
    }
}

/// The law above says little where nothing goes.
#[tokio::test]
async fn retention_takes_rows_and_runs_meanwhile() {
    let results: Vec<Found> = (0..8).map(|day| (true, vec![(day, 0), (day + 1, 0)], false)).collect();
    assert!(hunted(&results, Some((1, 2))).await.1 > 6);
}

#[tokio::test]
async fn a_result_by_hand_or_cut_doesnt_say_what_is_wanted() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a")])).await.unwrap();
    let mut cut = empty(DAY, 1);
    cut.run.status = RunStatus::Partial;
    store.commit_run(&cut).await.unwrap();
    assert_eq!(store.prune(at(100 * DAY), days(1), days(400)).await.unwrap().blocks, 0);
    store.commit_run(&empty(2 * DAY, 2)).await.unwrap();
    assert_eq!(store.prune(at(100 * DAY), days(1), days(400)).await.unwrap().blocks, 1);
}

#[tokio::test]
async fn rows_stay_that_a_pending_delivery_or_a_threshold_wants_of_an_older_run() {
    let (_folder, store) = fresh().await;
    let first = with_hits(0, 0, &[(0, New, "goes")]);
    store.commit_run(&first).await.unwrap();
    let mut second = with_hits(DAY, 1, &[(1, New, "held")]);
    second.held.insert(1);
    store.commit_run(&second).await.unwrap();
    let mut gone = with_hits(2 * DAY, 2, &[(0, Gone, "")]);
    gone.held.insert(1);
    let delivery = tell(&mut gone, "soc");
    store.commit_run(&gone).await.unwrap();
    assert_eq!(store.prune(at(100 * DAY), days(1), days(400)).await.unwrap().blocks, 0);
    assert_eq!(told(&store, &delivery, 100).await[0].2, "goes");
    assert_eq!(store.prune(at(100 * DAY), days(1), days(400)).await.unwrap().blocks, 1);
}

/// Rows that no compressor makes small.
fn large(day: i64, generation: u64, first: Ordinal) -> RunCommit {
    let mut seed = u64::from(first) + 1;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:016x}", seed.wrapping_mul(seed >> 7))
    };
    let texts: Vec<String> = (0..200).map(|_| (0..200).map(|_| noise()).collect()).collect();
    let hits: Vec<_> = (first..).zip(&texts).map(|(ordinal, text)| (ordinal, New, text.as_str())).collect();
    with_hits(day * DAY, generation, &hits)
}

async fn size(store: &Store) -> u64 {
    let mut write = store.begin().await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut write.conn).await.unwrap();
    write.end(Ok(())).await.unwrap();
    pages.unsigned_abs() * u64::from(PAGE)
}

#[tokio::test]
async fn the_file_shrinks_in_small_steps() {
    let (_folder, store) = fresh().await;
    for number in 0..5_u32 {
        store.commit_run(&large(i64::from(number), u64::from(number), number * 200)).await.unwrap();
    }
    let before = size(&store).await;
    let mut pruning = Pruning::new(at(100 * DAY), days(1), days(400));
    let (mut sizes, mut written) = (vec![before], 0);
    loop {
        match store.prune_step(&mut pruning).await.unwrap() {
            Step::Done => break,
            Step::Looked => {}
            Step::Wrote => written += 1,
        }
        sizes.push(size(&store).await);
    }
    assert_eq!(pruning.pruned.blocks, 4, "all but the last result's");
    let after = size(&store).await;
    assert!(after < before / 2, "{before} to {after}");
    assert!(sizes.windows(2).all(|pair| pair[0].saturating_sub(pair[1]) <= 258 * u64::from(PAGE)), "{sizes:?}");
    assert!(written > 4 && pruning.space.gives, "{pruning:?}");
    assert_eq!(pruning.space.freed, before - after);
    let path = store.path().to_owned();
    store.close().await.unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().len(), after, "the file itself");
}

#[tokio::test]
async fn a_file_that_was_made_otherwise_gives_nothing_back_and_its_copy_does() {
    let (folder, store) = fresh().await;
    let path = store.path().to_owned();
    store.commit_run(&large(0, 0, 0)).await.unwrap();
    store.commit_run(&empty(DAY, 1)).await.unwrap();
    let before = size(&store).await;
    store.close().await.unwrap();
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::raw_sql("PRAGMA auto_vacuum = NONE; VACUUM").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();

    let store = Store::open(&path).await.unwrap();
    let prune = async |store: &Store| {
        let mut pruning = Pruning::new(at(100 * DAY), days(1), days(400));
        while store.prune_step(&mut pruning).await.unwrap() != Step::Done {}
        pruning.space
    };
    let space = prune(&store).await;
    assert_eq!((space.gives, space.freed), (false, 0));
    assert!(space.free > 100_000, "{space:?}");
    let copy = folder.path().join("copy.db");
    let bytes = store.backup(&copy).await.unwrap();
    assert_eq!(bytes, std::fs::metadata(&copy).unwrap().len());
    assert!(bytes + 100_000 < before, "{before} to {bytes}");
    let copy = Store::open(&copy).await.unwrap();
    assert!(prune(&copy).await.gives);
    assert_eq!(copy.check().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_backup_that_failed_leaves_nothing() {
    let (folder, store) = fresh().await;
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = names();
    let there = folder.path().join("there");
    std::fs::write(&there, "mine").unwrap();
    assert!(store.backup(&there).await.is_err());
    assert_eq!((std::fs::read_to_string(there).unwrap().as_str(), names()), ("mine", before + 1));
}

/// A bitmap of these.
#[expect(clippy::unnecessary_wraps, reason = "a damage has a value or none")]
fn bitmap(ordinals: &[Ordinal]) -> Option<Vec<u8>> {
    Some(pack_bitmap(&RoaringBitmap::from_iter(ordinals)))
}

/// What each damage is found by.
async fn complaints(damage: &str, value: Option<Vec<u8>>) -> Vec<String> {
    let (_folder, store) = fresh().await;
    let hits = [(0, New, "a"), (1, New, "b"), (2, New, "c")];
    store.commit_run(&with_hits(0, 0, &hits)).await.unwrap();
    let mut second = with_hits(1, 1, &[(0, Changed, "a2"), (1, Gone, "")]);
    tell(&mut second, "soc");
    store.commit_run(&second).await.unwrap();
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
    let mut conn = SqliteConnectOptions::new().filename(store.path()).foreign_keys(false).connect().await.unwrap();
    sqlx::query("PRAGMA ignore_check_constraints = ON").execute(&mut conn).await.unwrap();
    sqlx::query(AssertSqlSafe(damage)).bind(value).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let mut all = Vec::new();
    let mut keep = |told| {
        if let Checked::Complaint(complaint) = told {
            assert!(!complaint.mend.is_empty());
            all.push(complaint.what);
        }
    };
    store.check_each(&mut keep).await.unwrap();
    all
}

#[tokio::test]
async fn a_check_finds_each_kind_of_damage() {
    let unknown = Some(pack_told(&[(0, Changed), (9, Gone)]));
    let of_bytes = Some(vec![0]);
    let all: [(&str, Option<Vec<u8>>, &str); 21] = [
        ("UPDATE run SET new = -1 WHERE seq = 1 AND ?1 IS NULL", None, "CHECK constraint failed in run"),
        ("DELETE FROM hunt_version WHERE ?1 IS NULL", None, "rows of run have lost their hunt_version"),
        ("UPDATE hunt_version SET notice = '{}' WHERE ?1 IS NULL", None, "a stored hunt has a fault"),
        ("UPDATE block SET body = ?1 WHERE block = 1", of_bytes.clone(), "block 1: stored rows"),
        ("UPDATE block SET records = ?1 WHERE block = 1", of_bytes.clone(), "block 1: stored row records"),
        ("UPDATE block SET high = 7 WHERE block = 1 AND ?1 IS NULL", None, "block 1: its rows are of other hits"),
        ("UPDATE block SET schema = 7 WHERE block = 1 AND ?1 IS NULL", None, "block 1: what it refers to isn't there"),
        ("UPDATE block SET run = 2 WHERE block = 1 AND ?1 IS NULL", None, "hit 2, which its run didn't move"),
        ("UPDATE run SET new = 5 WHERE seq = 1 AND ?1 IS NULL", None, "it says 5 new, 0 changed, 0 gone, 0 returned"),
        ("UPDATE run SET members = ?1 WHERE seq = 1", of_bytes.clone(), "stored sets of hits have"),
        ("UPDATE run SET members = ?1 WHERE seq = 1", bitmap(&[0, 1, 2, 3]), "holds hit 3, which wasn't known"),
        ("UPDATE run SET members = ?1 WHERE seq = 1", bitmap(&[0, 2]), "should hold hit 1"),
        ("UPDATE run SET members = ?1 WHERE seq = 2", bitmap(&[0, 1]), "hit 1 is gone, and in its result"),
        ("DELETE FROM delta WHERE run = 2 AND ?1 IS NULL", None, "none of its steps is there"),
        ("DELETE FROM delta WHERE run = 1 AND ?1 IS NULL", None, "and was never new"),
        ("UPDATE delta SET packed = ?1 WHERE run = 1", of_bytes, "on contoso: stored hits have"),
        ("UPDATE delta SET has_gone = 0 WHERE ?1 IS NULL", None, "it isn't marked"),
        ("UPDATE track SET next_ordinal = 7 WHERE ?1 IS NULL", None, "7 hits should be known, and 3 are"),
        ("UPDATE track_memory SET held = ?1", bitmap(&[9]), "it holds back hit 9, which isn't known"),
        ("UPDATE delivery SET hits = 9 WHERE ?1 IS NULL", None, "it tells 2 hits, and says 9"),
        ("UPDATE delivery SET told = ?1", unknown, "it tells hit 9, which isn't known"),
    ];
    for (damage, value, found) in all {
        let complaints = complaints(damage, value).await;
        assert!(complaints.iter().any(|complaint| complaint.contains(found)), "{damage}\n{complaints:#?}");
    }
}
