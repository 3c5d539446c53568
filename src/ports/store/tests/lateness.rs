use std::collections::BTreeMap;
use std::time::Duration;

use super::super::Store;
use super::super::error::StoreError;
use super::fixture::{at, empty, fresh, tenant};
use crate::model::id::TenantName;
use crate::model::lateness::Lateness;

fn of(minutes: &[u64]) -> Lateness {
    let mut lateness = Lateness::default();
    for minutes in minutes {
        lateness.note(Duration::from_mins(*minutes));
    }
    lateness
}

#[tokio::test]
async fn what_runs_measured_adds_up_by_tenant_and_table() {
    let (folder, store) = fresh().await;
    assert_eq!(store.lateness(&tenant()).await.unwrap(), BTreeMap::new());
    let other = TenantName::new("fabrikam").unwrap();
    for (run, table, minutes, on) in [
        (0, "DeviceEvents", &[0, 20, 20, 5000][..], tenant()),
        (1, "DeviceEvents", &[0, 60], tenant()),
        (2, "EmailEvents", &[1], tenant()),
        (0, "DeviceEvents", &[3], other.clone()),
    ] {
        let mut commit = empty(run, u64::try_from(run).unwrap());
        commit.run.run =
            crate::model::id::RunId::derive(&at(run).compact(), &[on.as_str().as_bytes(), &run.to_le_bytes()]);
        commit.run.tenant = on;
        commit.lateness = Some((table.to_owned(), of(minutes)));
        store.commit_run(&commit).await.unwrap();
    }
    store.commit_run(&empty(3, 3)).await.unwrap();
    store.close().await.unwrap();

    let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    let measured = [("DeviceEvents", of(&[0, 0, 20, 20, 60, 5000])), ("EmailEvents", of(&[1]))];
    let measured: BTreeMap<String, Lateness> = measured.map(|(table, late)| (table.to_owned(), late)).into();
    assert_eq!(store.lateness(&tenant()).await.unwrap(), measured);
    assert_eq!(store.lateness(&other).await.unwrap()["DeviceEvents"], of(&[3]));
}

#[tokio::test]
async fn a_run_that_is_not_committed_measured_nothing() {
    let (_folder, store) = fresh().await;
    let mut commit = empty(0, 7);
    commit.lateness = Some(("DeviceEvents".to_owned(), of(&[1])));
    assert!(matches!(store.commit_run(&commit).await, Err(StoreError::Overtaken)));
    // Its id can't be taken twice, and all else before it goes well.
    commit.generation = 0;
    store.commit_run(&commit).await.unwrap();
    commit.generation = 1;
    assert!(store.commit_run(&commit).await.is_err());
    assert_eq!(store.lateness(&tenant()).await.unwrap()["DeviceEvents"], of(&[1]));
}
