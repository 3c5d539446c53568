use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{DeliveryFilter, RunFilter, Store};
use super::fixture::{at, empty, fresh, tenant};
use crate::model::id::{HuntId, RunId, TenantName};
use crate::model::overload::{Episode, LateHunt, LateRun, Punctuality};
use crate::model::run::{RunCommit, Trigger};

fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

/// A run of `hunt` that began `minute` minutes after noon, late by so many minutes; in time where that is none.
fn run(hunt: &str, minute: i64, by: u64) -> RunCommit {
    let mut commit = empty(minute, 0);
    commit.run.run = RunId::derive(&commit.run.started.compact(), &[hunt.as_bytes()]);
    commit.run.hunt = HuntId::new(hunt).unwrap();
    commit.run.late = (by > 0).then(|| LateRun { first: at(minute - 5), by: minutes(by), missed: 2 });
    commit
}

async fn commit(store: &Store, mut commit: RunCommit) {
    commit.generation = store.track(&commit.run.hunt, &commit.run.tenant).await.unwrap().generation;
    store.commit_run(&commit).await.unwrap();
}

fn late(runs: u64, late: u64, by: u64) -> Punctuality {
    Punctuality { runs, late, worst: minutes(by) }
}

#[tokio::test]
async fn late_runs_are_kept_and_counted_by_the_hour() {
    let (_folder, store) = fresh().await;
    for (hunt, minute, by) in [("a", 0, 0), ("a", 1, 3), ("a", 2, 9), ("a", 300, 1), ("b", 3, 0), ("c", 4, 5)] {
        commit(&store, run(hunt, minute, by)).await;
    }
    let mut by_hand = run("c", 6, 0);
    by_hand.run.trigger = Trigger::Manual;
    commit(&store, by_hand).await;
    let of = |hunt: &str, punctuality| (HuntId::new(hunt).unwrap(), tenant(), punctuality);
    assert_eq!(store.late_runs(at(0)).await.unwrap(), [of("a", late(4, 3, 9)), of("c", late(1, 1, 5))]);
    assert_eq!(store.late_runs(at(290)).await.unwrap(), [of("a", late(1, 1, 1))]);
    assert_eq!(store.late_runs(at(600)).await.unwrap(), []);
    let kept = store.runs(&RunFilter { limit: Some(1), ..RunFilter::default() }).await.unwrap();
    assert_eq!(kept[0].late, Some(LateRun { first: at(295), by: minutes(1), missed: 2 }));
    let named = |hunt: &str, runs, by| LateHunt { hunt: HuntId::new(hunt).unwrap(), by: minutes(by), runs };
    assert_eq!(store.late_hunts(&tenant(), at(0)).await.unwrap(), [named("a", 3, 9), named("c", 1, 5)]);
    assert_eq!(store.late_hunts(&tenant(), at(290)).await.unwrap(), [named("a", 1, 1)]);
    assert_eq!(store.late_hunts(&TenantName::new("fabrikam").unwrap(), at(0)).await.unwrap(), []);
}

#[tokio::test]
async fn how_far_an_overload_has_come_is_kept_a_tenant() {
    let (folder, store) = fresh().await;
    assert_eq!(store.episodes().await.unwrap(), BTreeMap::new());
    for (hunt, minute, by) in [("a", 0, 3), ("b", 1, 9), ("b", 2, 0), ("c", 3, 1)] {
        commit(&store, run(hunt, minute, by)).await;
    }
    let mut other = run("a", 61, 3);
    other.run.tenant = TenantName::new("fabrikam").unwrap();
    let its = Episode { since: other.run.finished, last: other.run.finished, late: 1 };
    commit(&store, other).await;
    let (first, last) = (run("a", 0, 3).run.finished, run("c", 3, 1).run.finished);
    let one = Episode { since: first, last, late: 3 };
    store.close().await.unwrap();
    let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    let both = BTreeMap::from([(tenant(), one), (TenantName::new("fabrikam").unwrap(), its)]);
    assert_eq!(store.episodes().await.unwrap(), both);
    let next = run("a", 64, 3);
    let anew = Episode { since: next.run.finished, last: next.run.finished, late: 1 };
    commit(&store, next).await;
    assert_eq!(store.episodes().await.unwrap()[&tenant()], anew, "an hour went by");
    assert_eq!(store.deliveries(&DeliveryFilter::default()).await.unwrap().len(), 0, "a run tells nobody of it");
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn by_how_much_a_run_was_late_goes_with_it() {
    let (_folder, store) = fresh().await;
    for minute in 0..3 {
        commit(&store, run("a", minute, 3)).await;
    }
    commit(&store, run("a", 7, 0)).await;
    let pruned = store.prune(at(100), minutes(1), minutes(10)).await.unwrap();
    assert_eq!(pruned.runs, 3);
    let mut read = store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM run_late").fetch_one(&mut *read).await.unwrap();
    assert_eq!(left, 0);
}
