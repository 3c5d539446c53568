use std::time::Duration;

use sqlx::{ConnectOptions, Connection};

use super::super::connection::options;
use super::super::{RunFilter, Store};
use super::fixture::{at, empty, failed, fresh, hunt, tenant};
use crate::model::cost::{Cost, Spending};
use crate::model::id::{HuntId, RunId, TenantName};
use crate::model::run::{RunCommit, RunStatus, Trigger};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Commits a run of another kind, with what it cost: calls, seconds of API and of CPU, rows.
async fn commit(store: &Store, mut commit: RunCommit, cost: (u32, u64, Option<u64>, u64)) {
    let run = &mut commit.run;
    (run.calls, run.api, run.cpu, run.rows) = (cost.0, secs(cost.1), cost.2.map(secs), cost.3);
    if run.status != RunStatus::Failed {
        commit.generation = store.track(&commit.run.hunt, &commit.run.tenant).await.unwrap().generation;
    }
    store.commit_run(&commit).await.unwrap();
}

fn by(trigger: Trigger, mut commit: RunCommit) -> RunCommit {
    commit.run.trigger = trigger;
    commit
}

fn on(hunt: &str, tenant: &str, mut commit: RunCommit) -> RunCommit {
    commit.run.run = RunId::derive(&commit.run.started.compact(), &[hunt.as_bytes(), tenant.as_bytes()]);
    (commit.run.hunt, commit.run.tenant) = (HuntId::new(hunt).unwrap(), TenantName::new(tenant).unwrap());
    commit
}

#[tokio::test]
async fn the_cpu_of_a_run_is_kept_with_it() {
    let (folder, store) = fresh().await;
    commit(&store, empty(0, 0), (1, 1, Some(19), 0)).await;
    commit(&store, empty(1, 0), (1, 1, None, 0)).await;
    commit(&store, empty(2, 0), (1, 1, Some(0), 0)).await;
    store.close().await.unwrap();
    let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    let mut cpu: Vec<_> = store.runs(&RunFilter::default()).await.unwrap().into_iter().map(|run| run.cpu).collect();
    cpu.reverse();
    assert_eq!(cpu, [Some(secs(19)), None, Some(secs(0))], "none is not zero");
    let run = store.run(empty(0, 0).run.run.as_str()).await.unwrap().unwrap();
    assert_eq!(run.cpu, Some(secs(19)));
}

#[tokio::test]
async fn a_usual_run_is_the_average_of_scheduled_ones() {
    let (_folder, store) = fresh().await;
    assert_eq!(store.costs(at(0)).await.unwrap(), []);
    commit(&store, empty(0, 0), (1, 2, Some(4), 10)).await;
    commit(&store, empty(10, 0), (1, 2, None, 20)).await;
    // It failed after three tries: that is what it cost.
    commit(&store, failed(20), (4, 8, None, 0)).await;
    // It could not even call, and so says nothing of what a call costs.
    commit(&store, failed(30), (0, 0, None, 0)).await;
    // Both ask for more than a usual run does.
    commit(&store, by(Trigger::CatchUp, empty(40, 0)), (30, 300, Some(100), 9000)).await;
    commit(&store, by(Trigger::Manual, empty(50, 0)), (2, 20, Some(50), 700)).await;
    let mean = Cost { runs: 3, calls: 2.0, api: secs(4), cpu: Some(secs(4)), rows: 10.0 };
    assert_eq!(store.costs(at(0)).await.unwrap(), [(hunt(), tenant(), mean)]);
    let all = Spending { runs: 5, calls: 38, api: secs(332), cpu: Some(secs(154)), rows: 9730 };
    assert_eq!(store.spending(at(0)).await.unwrap(), [(hunt(), tenant(), all)]);
}

#[tokio::test]
async fn each_hunt_on_each_tenant_has_its_own_since_an_hour() {
    let (_folder, store) = fresh().await;
    for (name, tenant, minutes, calls) in
        [("b", "contoso", 0, 1), ("a", "fabrikam", 0, 2), ("a", "contoso", 0, 3), ("a", "contoso", 120, 5)]
    {
        commit(&store, on(name, tenant, empty(minutes, 0)), (calls, 1, None, 0)).await;
    }
    let calls = async |since| {
        let all = store.spending(since).await.unwrap();
        let calls = |(hunt, tenant, spent): &(HuntId, TenantName, Spending)| format!("{hunt} {tenant} {}", spent.calls);
        all.iter().map(calls).collect::<Vec<_>>()
    };
    assert_eq!(calls(at(0)).await, ["a contoso 8", "a fabrikam 2", "b contoso 1"]);
    assert_eq!(calls(at(120)).await, ["a contoso 5"]);
    // The tests' noon is 13:33 UTC, and so the hour is until 14:00.
    let nothing = [] as [&str; 0];
    assert_eq!(calls(at(0).floor_to(Duration::from_hours(1)).plus(secs(3599))).await.len(), 3);
    assert_eq!(calls(at(0).floor_to(Duration::from_hours(1)).plus(secs(3600))).await, ["a contoso 5"]);
    assert_eq!(calls(at(500)).await, nothing);
}

#[tokio::test]
async fn a_run_that_is_not_committed_spent_nothing() {
    let (_folder, store) = fresh().await;
    let mut overtaken = empty(0, 7);
    overtaken.run.cpu = Some(secs(1));
    assert!(store.commit_run(&overtaken).await.is_err());
    assert_eq!(store.spending(at(0)).await.unwrap(), []);
}

#[tokio::test]
async fn retention_takes_old_sums_too() {
    let (_folder, store) = fresh().await;
    for day in 0..4 {
        commit(&store, empty(day * 60 * 24, 0), (1, 1, Some(1), 0)).await;
    }
    let days = |days: u64| Duration::from_hours(24 * days);
    store.prune(at(3 * 60 * 24), days(1), days(2)).await.unwrap();
    assert_eq!(store.spending(at(-60)).await.unwrap()[0].2.runs, 3);
    let mut read = store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM run_cpu").fetch_one(&mut *read).await.unwrap();
    assert_eq!(left, 3, "what a run's CPU was goes with the run");
    drop(read);
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}

/// The database of the version before, with runs in it.
#[tokio::test]
async fn runs_from_before_are_summed_by_the_migration() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    commit(&store, empty(0, 0), (1, 2, None, 10)).await;
    commit(&store, empty(10, 0), (3, 4, None, 0)).await;
    commit(&store, failed(20), (0, 0, None, 0)).await;
    commit(&store, by(Trigger::CatchUp, empty(120, 0)), (5, 6, None, 7)).await;
    commit(&store, on("a", "fabrikam", failed(120)), (2, 2, None, 0)).await;
    let (spending, costs) = (store.spending(at(0)).await.unwrap(), store.costs(at(0)).await.unwrap());
    let (later, runs) = (store.spending(at(120)).await.unwrap(), store.runs(&RunFilter::default()).await.unwrap());
    assert_eq!((spending.len(), costs.len(), later.len(), runs.len()), (2, 2, 2, 5));
    store.close().await.unwrap();
    let mut conn = options(&path).connect().await.unwrap();
    let back = "DROP TABLE spending; DROP TABLE run_cpu; DROP TABLE run_late; DROP TABLE overload; \
                DELETE FROM _sqlx_migrations WHERE version IN (4, 7)";
    sqlx::raw_sql(back).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();

    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.spending(at(0)).await.unwrap(), spending);
    assert_eq!(store.spending(at(120)).await.unwrap(), later);
    assert_eq!(store.costs(at(0)).await.unwrap(), costs);
    assert_eq!(store.runs(&RunFilter::default()).await.unwrap(), runs);
    commit(&store, empty(30, 0), (1, 1, Some(1), 0)).await;
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}
