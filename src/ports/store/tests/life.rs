//! A hit's whole life, of real files: found by the beginning of its id, with all that is kept of it.

use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::super::error::StoreError;
use super::super::{HitSearch, Store};
use super::fixture::{at, empty, fresh, hit_id, tell, with_hits};
use super::retention::{days, prune_all};
use crate::model::delivery::DeliveryState::{Failed, Pending, Sent};
use crate::model::hit::HitKind::{self, Changed, Gone, New, Returned};
use crate::model::id::{DeliveryId, HitId, HuntId};
use crate::model::life::Life;

const DAY: i64 = 60 * 24;

async fn life(store: &Store, hit: HitId) -> Life {
    match store.hit(&hit.to_string()).await.unwrap() {
        HitSearch::One(life) => *life,
        other => panic!("{other:?}"),
    }
}

/// Kind, minutes after noon, whether the run is kept, and the texts of the rows.
fn steps(life: &Life) -> Vec<(HitKind, bool, Vec<String>)> {
    let text = |row: &serde_json::value::RawValue| {
        let row: serde_json::Value = serde_json::from_str(row.get()).unwrap();
        row["Text"].as_str().unwrap().to_owned()
    };
    let step = |step: &crate::model::life::LifeStep| {
        (step.kind, step.run.is_some(), step.rows.iter().map(|row| text(row)).collect())
    };
    life.steps.iter().map(step).collect()
}

fn kept(kind: HitKind, texts: &[&str]) -> (HitKind, bool, Vec<String>) {
    (kind, true, texts.iter().map(|text| (*text).to_owned()).collect())
}

/// Hit 1: new, changed with two rows, untouched, gone, returned; beside it hit 0, which is always there.
async fn a_life(store: &Store) -> Vec<DeliveryId> {
    let mut deliveries = Vec::new();
    let mut commit = with_hits(0, 0, &[(0, New, "other"), (1, New, "a")]);
    deliveries.extend([tell(&mut commit, "mail"), tell(&mut commit, "hook")]);
    store.commit_run(&commit).await.unwrap();
    let mut commit = with_hits(10, 1, &[(1, Changed, "b"), (1, Changed, "c")]);
    commit.members.insert(0);
    store.commit_run(&commit).await.unwrap();
    let mut commit = empty(20, 2);
    commit.members = RoaringBitmap::from_iter([0, 1]);
    store.commit_run(&commit).await.unwrap();
    let mut commit = with_hits(30, 3, &[(1, Gone, "")]);
    commit.members.insert(0);
    deliveries.push(tell(&mut commit, "mail"));
    store.commit_run(&commit).await.unwrap();
    let mut commit = with_hits(40, 4, &[(1, Returned, "d")]);
    commit.members.insert(0);
    store.commit_run(&commit).await.unwrap();
    deliveries
}

#[tokio::test]
async fn all_that_became_of_a_hit_is_told() {
    let (_folder, store) = fresh().await;
    let told = a_life(&store).await;
    store.claim_deliveries(at(5), days(1), 9, &[]).await.unwrap();
    store.mark_sent(&told[0], at(6)).await.unwrap();
    store.mark_failed(&told[1], "refused").await.unwrap();
    let life = life(&store, hit_id(1)).await;
    let expected = [kept(New, &["a"]), kept(Changed, &["b", "c"]), kept(Gone, &["c"]), kept(Returned, &["d"])];
    assert_eq!(steps(&life), expected);
    assert_eq!(life.steps.iter().map(|step| step.at).collect::<Vec<_>>(), [at(0), at(10), at(30), at(40)]);
    assert_eq!((life.first_seen, life.last_seen), (Some(at(0)), Some(at(40))));
    assert_eq!((life.runs, life.of_runs), (4, 5));
    assert_eq!(life.last_run.as_deref(), Some(empty(40, 0).run.run.as_str()));
    assert_eq!(life.steps[2].run.as_deref(), Some(empty(30, 0).run.run.as_str()));
    assert_eq!((life.hunt.as_str(), life.tenant.as_str()), ("lateral/psexec [v2]", "contoso"));
    assert!(life.present && !life.held && !life.expired);
    let states: Vec<_> = life
        .deliveries
        .iter()
        .map(|told| {
            let delivery = &told.delivery;
            (delivery.channel.as_str(), delivery.state, delivery.attempts, delivery.sent, told.kind)
        })
        .collect();
    // Claimed together, before the last one was sent.
    let expected =
        [("mail", Sent, 1, Some(at(6)), New), ("hook", Failed, 1, None, New), ("mail", Pending, 1, None, Gone)];
    assert_eq!(states, expected);
    assert_eq!(life.deliveries.iter().map(|told| told.delivery.delivery.clone()).collect::<Vec<_>>(), told);
    assert_eq!(life.deliveries[1].delivery.error.as_deref(), Some("refused"));
    assert_eq!(life.deliveries[2].run, empty(30, 0).run.run.as_str());
}

#[tokio::test]
async fn a_hit_that_is_gone_is_not_there() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a"), (1, New, "b")])).await.unwrap();
    store.commit_run(&with_hits(10, 1, &[(0, Gone, "")])).await.unwrap();
    let life = life(&store, hit_id(0)).await;
    assert_eq!((life.present, life.last_seen, life.runs, life.of_runs), (false, Some(at(0)), 1, 2));
}

/// In every length, in either case, over tracks.
#[tokio::test]
async fn a_hit_is_found_by_the_beginning_of_its_id() {
    let (_folder, store) = fresh().await;
    a_life(&store).await;
    let mut other = with_hits(50, 0, &[(0, New, "elsewhere")]);
    other.run.hunt = HuntId::new("other").unwrap();
    other.deltas.moved[0].hit.0[19] = 1;
    store.commit_run(&other).await.unwrap();
    for one in ["00000001", "00000001A", "00000001ABababab"] {
        let HitSearch::One(life) = store.hit(one).await.unwrap() else { panic!("one hit") };
        assert_eq!((life.hit, life.steps.len()), (hit_id(1), 4), "{one}");
    }
    for several in ["0", "00000000", &hit_id(0).to_string()[..38]] {
        let HitSearch::Several(ids) = store.hit(several).await.unwrap() else { panic!("several hits: {several}") };
        let mut expected = vec![hit_id(0), hit_id(1), HitId(other.deltas.moved[0].hit.0)];
        expected.retain(|hit| hit.to_string().starts_with(several));
        assert_eq!(ids, expected);
    }
    let of_other = other.deltas.moved[0].hit;
    let life = life(&store, of_other).await;
    assert_eq!((life.hunt.as_str(), life.runs, life.of_runs, life.deliveries.len()), ("other", 1, 1, 0));
    for nothing in ["", "00000009", "xyz", &"0".repeat(40), &"0".repeat(41)] {
        assert!(matches!(store.hit(nothing).await.unwrap(), HitSearch::Nothing), "{nothing}");
    }
}

#[tokio::test]
async fn no_more_than_twenty_are_named() {
    let (_folder, store) = fresh().await;
    let hits: Vec<_> = (0..30).map(|ordinal| (ordinal, New, "x")).collect();
    store.commit_run(&with_hits(0, 0, &hits)).await.unwrap();
    let HitSearch::Several(ids) = store.hit("000000").await.unwrap() else { panic!("several hits") };
    assert_eq!(ids, (0..20).map(hit_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_hit_that_was_told_to_nobody_says_why_as_far_as_is_known() {
    let (_folder, store) = fresh().await;
    let mut commit = with_hits(0, 0, &[(0, New, "held"), (1, New, "suppressed")]);
    commit.held.insert(0);
    store.commit_run(&commit).await.unwrap();
    let (held, suppressed) = (life(&store, hit_id(0)).await, life(&store, hit_id(1)).await);
    assert!(held.held && held.deliveries.is_empty());
    assert!(!suppressed.held && suppressed.deliveries.is_empty() && !suppressed.expired);

    // The threshold is met by a run that doesn't move the hit.
    let mut later = with_hits(10, 1, &[(2, New, "third")]);
    later.members.extend([0, 1]);
    tell(&mut later, "soc");
    later.deliveries[0].hits = vec![(0, New), (2, New)];
    store.commit_run(&later).await.unwrap();
    let told = life(&store, hit_id(0)).await;
    assert!(!told.held);
    assert_eq!((told.deliveries[0].run.as_str(), told.deliveries[0].kind), (later.run.run.as_str(), New));
    assert_eq!((told.deliveries.len(), told.steps.len()), (1, 1));
    assert_eq!(life(&store, hit_id(1)).await.deliveries.len(), 0);
}

/// First its rows go, then its runs, then its steps are laid together.
#[tokio::test]
async fn what_is_past_its_retention_is_said() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a"), (1, New, "b")])).await.unwrap();
    let mut commit = with_hits(DAY, 1, &[(0, Changed, "a2"), (1, Gone, "")]);
    tell(&mut commit, "soc");
    store.commit_run(&commit).await.unwrap();
    store.mark_sent(&commit.deliveries[0].delivery, at(DAY)).await.unwrap();
    for day in 2..5_i64 {
        let generation = day.unsigned_abs();
        let mut commit = with_hits(day * DAY, generation, &[(u32::try_from(day).unwrap(), New, "x")]);
        commit.members.insert(0);
        store.commit_run(&commit).await.unwrap();
    }

    store.prune(at(5 * DAY), days(1), days(400)).await.unwrap();
    let rows_went = life(&store, hit_id(1)).await;
    assert_eq!(steps(&rows_went), [kept(New, &[]), kept(Gone, &[])]);
    assert!(rows_went.expired && rows_went.deliveries.len() == 1);
    assert_eq!((rows_went.first_seen, rows_went.last_seen, rows_went.runs), (Some(at(0)), Some(at(0)), 1));

    // The run that holds the last row of hit 0 stays for it.
    store.prune(at(5 * DAY), days(1), days(3)).await.unwrap();
    let first_run_went = life(&store, hit_id(0)).await;
    assert_eq!(steps(&first_run_went), [(New, false, vec![]), kept(Changed, &["a2"])]);
    assert_eq!((first_run_went.runs, first_run_went.of_runs, first_run_went.expired), (4, 4, true));

    prune_all(&store, 5 * DAY, 1, 3).await;
    let laid = life(&store, hit_id(0)).await;
    assert_eq!(steps(&laid), [kept(Changed, &["a2"])]);
    assert_eq!((laid.first_seen, laid.last_seen), (Some(at(0)), Some(at(4 * DAY))));

    // Nothing is left of it but that it was.
    let mut commit = with_hits(5 * DAY, 5, &[(0, Gone, "")]);
    commit.members.insert(4);
    store.commit_run(&commit).await.unwrap();
    store.commit_run(&with_hits(6 * DAY, 6, &[(9, New, "y")])).await.unwrap();
    prune_all(&store, 50 * DAY, 1, 3).await;
    let past = life(&store, hit_id(0)).await;
    assert_eq!(steps(&past), []);
    assert_eq!((past.first_seen, past.last_seen, past.runs, past.present), (Some(at(0)), None, 0, false));
    assert!(past.expired && past.last_run.is_none() && past.deliveries.is_empty());
}

/// A piece without a new hit is only passed where no step of an earlier one can be missing.
#[tokio::test]
async fn a_hit_whose_first_step_was_laid_is_found_by_a_later_one() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a"), (1, New, "b")])).await.unwrap();
    store.commit_run(&with_hits(10 * DAY, 1, &[(0, Changed, "a2")])).await.unwrap();
    prune_all(&store, 11 * DAY, 1, 3).await;
    assert_eq!(steps(&life(&store, hit_id(0)).await), [kept(Changed, &["a2"])]);
}

#[tokio::test]
async fn damage_is_said() {
    for damage in [
        "UPDATE delta SET packed = x'0102030405'",
        "UPDATE run SET members = x'0102030405'",
        "UPDATE delivery SET told = x'0102030405'",
        "UPDATE block SET body = substr(body, 1, 9)",
        "UPDATE hunt_version SET notice = '{}'",
    ] {
        let (_folder, store) = fresh().await;
        a_life(&store).await;
        let mut conn = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
        sqlx::query(damage).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        let error = store.hit("00000001").await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{damage}: {error}");
    }
}
