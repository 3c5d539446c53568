use std::time::Duration;

use super::super::{DeliveryFilter, RunFilter, Store};
use super::fixture::{at, empty, fresh, tenant};
use crate::model::config::Failures;
use crate::model::delivery::About;
use crate::model::id::{ChannelName, HuntId, RunId, TenantName};
use crate::model::overload::{LateRun, Overload, Punctuality, Shortage};
use crate::model::run::{RunCommit, Trigger};

const LEASE: Duration = Duration::from_mins(5);

fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

fn shortage(to: &[&str]) -> Shortage {
    Shortage {
        failures: Failures {
            to: to.iter().map(|name| ChannelName::new(*name).unwrap()).collect(),
            after: 3,
            every: minutes(60),
        },
        waiting: vec![(HuntId::new("waits").unwrap(), minutes(2))],
        full: vec!["calls a minute: 2 of 2".to_owned()],
    }
}

/// A run of `hunt` that began `minute` minutes after noon, late by so many minutes; in time where that is none.
fn run(hunt: &str, minute: i64, by: u64, shortage: Option<Shortage>) -> RunCommit {
    let mut commit = empty(minute, 0);
    commit.run.run = RunId::derive(&commit.run.started.compact(), &[hunt.as_bytes()]);
    commit.run.hunt = HuntId::new(hunt).unwrap();
    commit.run.late = (by > 0).then(|| LateRun { first: at(minute - 5), by: minutes(by), missed: 2 });
    commit.shortage = shortage;
    commit
}

async fn commit(store: &Store, mut commit: RunCommit) -> Option<Overload> {
    commit.generation = store.track(&commit.run.hunt, &commit.run.tenant).await.unwrap().generation;
    store.commit_run(&commit).await.unwrap()
}

fn late(runs: u64, late: u64, by: u64) -> Punctuality {
    Punctuality { runs, late, worst: minutes(by) }
}

#[tokio::test]
async fn late_runs_are_kept_and_counted_by_the_hour() {
    let (_folder, store) = fresh().await;
    for (hunt, minute, by) in [("a", 0, 0), ("a", 1, 3), ("a", 2, 9), ("a", 300, 1), ("b", 3, 0), ("c", 4, 5)] {
        assert_eq!(commit(&store, run(hunt, minute, by, None)).await, None);
    }
    let mut by_hand = run("c", 6, 0, None);
    by_hand.run.trigger = Trigger::Manual;
    commit(&store, by_hand).await;
    let of = |hunt: &str, punctuality| (HuntId::new(hunt).unwrap(), tenant(), punctuality);
    assert_eq!(store.late_runs(at(0)).await.unwrap(), [of("a", late(4, 3, 9)), of("c", late(1, 1, 5))]);
    assert_eq!(store.late_runs(at(290)).await.unwrap(), [of("a", late(1, 1, 1))]);
    assert_eq!(store.late_runs(at(600)).await.unwrap(), []);
    let kept = store.runs(&RunFilter { limit: Some(1), ..RunFilter::default() }).await.unwrap();
    assert_eq!(kept[0].late, Some(LateRun { first: at(295), by: minutes(1), missed: 2 }));
    assert_eq!(store.episode(&tenant()).await.unwrap(), None, "nobody asked for overload");
}

#[tokio::test]
async fn overload_is_told_once_with_the_run_that_finds_it() {
    let (folder, store) = fresh().await;
    let soc = || Some(shortage(&["soc", "chat", "soc"]));
    assert_eq!(commit(&store, run("a", 0, 3, soc())).await, None);
    assert_eq!(commit(&store, run("b", 1, 9, soc())).await, None);
    assert_eq!(commit(&store, run("b", 2, 0, soc())).await, None, "it was in time");
    let told = commit(&store, run("c", 3, 1, soc())).await.unwrap();
    let named: Vec<_> = told.hunts.iter().map(|late| (late.hunt.as_str(), late.by, late.runs)).collect();
    assert_eq!(named, [("b", minutes(9), 1), ("a", minutes(3), 1), ("waits", minutes(2), 0), ("c", minutes(1), 1)]);
    for minute in 4..60 {
        assert_eq!(commit(&store, run("a", minute, 3, soc())).await, None, "told {minute} minutes ago");
    }
    let mut other = run("a", 61, 3, soc());
    other.run.tenant = TenantName::new("fabrikam").unwrap();
    assert_eq!(commit(&store, other).await, None, "another tenant counts by itself");

    let claims = store.claim_deliveries(at(100), LEASE, 10, &[]).await.unwrap();
    assert_eq!(claims.len(), 2, "one a channel");
    store.close().await.unwrap();
    let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    for claim in claims {
        let notice = store.notice(&claim.delivery.delivery).await.unwrap();
        assert_eq!((notice.about, notice.overload.as_ref()), (About::Overload, Some(&told)));
        assert_eq!((notice.run.hunt.as_str(), notice.hits.len()), ("c", 0));
    }
    let again = commit(&store, run("a", 64, 3, Some(shortage(&[])))).await;
    assert!(again.is_some(), "it lasts, and an hour has gone by");
    assert_eq!(store.deliveries(&DeliveryFilter::default()).await.unwrap().len(), 2, "nobody is to be told");
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn what_was_told_goes_with_its_run() {
    let (_folder, store) = fresh().await;
    for minute in 0..3 {
        commit(&store, run("a", minute, 3, Some(shortage(&["soc"])))).await;
    }
    for claim in store.claim_deliveries(at(5), LEASE, 10, &[]).await.unwrap() {
        store.mark_sent(&claim.delivery.delivery, at(6)).await.unwrap();
    }
    commit(&store, run("a", 7, 0, None)).await;
    let pruned = store.prune(at(100), minutes(1), minutes(10)).await.unwrap();
    assert_eq!(pruned.runs, 3);
    let mut read = store.read().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT (SELECT count(*) FROM run_late) + (SELECT count(*) FROM overload_notice)")
            .fetch_one(&mut *read)
            .await
            .unwrap();
    assert_eq!(left, 0);
}
