use super::super::{Served, Store};
use super::fixture::{at, empty, fresh, hunt, tenant};
use crate::model::coverage::CoverageNote;
use crate::model::id::{HuntId, TenantName};

async fn ask(store: &Store, hunts: &[HuntId], minutes: i64) -> Vec<Served> {
    let tenant = tenant();
    let pairs: Vec<_> = hunts.iter().map(|hunt| (hunt, &tenant)).collect();
    store.served_from_each(&pairs, at(minutes)).await.unwrap()
}

/// More than one statement takes.
fn many() -> Vec<HuntId> {
    (0..2500).rev().map(|n| HuntId::new(format!("hunt \"{n}\"")).unwrap()).collect()
}

#[tokio::test]
async fn what_was_never_asked_for_is_served_from_now_on_and_that_is_kept() {
    let (_folder, store) = fresh().await;
    let new = Served { from: at(0), owes: false };
    assert_eq!(ask(&store, &[hunt()], 0).await, [new]);
    assert_eq!(ask(&store, &many(), 1).await, vec![Served { from: at(1), ..new }; 2500]);
    let both = [hunt(), many()[7].clone(), HuntId::new("of later").unwrap()];
    let froms: Vec<_> = ask(&store, &both, 2).await.iter().map(|served| served.from).collect();
    assert_eq!(froms, [at(0), at(1), at(2)], "in the order of the question");
    assert_eq!(ask(&store, &[], 3).await, []);
}

#[tokio::test]
async fn a_run_moves_it_on_one_tenant() {
    let (_folder, store) = fresh().await;
    ask(&store, &[hunt()], 0).await;
    let mut commit = empty(60, 0);
    commit.run.due = at(55);
    commit.run.trigger = crate::model::run::Trigger::Schedule;
    commit.coverage = vec![CoverageNote::Origin(at(0))];
    store.commit_run(&commit).await.unwrap();
    assert_eq!(ask(&store, &[hunt()], 90).await, [Served { from: at(55), owes: true }]);
    let other = TenantName::new("fabrikam").unwrap();
    let served = store.served_from_each(&[(&hunt(), &other)], at(90)).await.unwrap();
    assert_eq!(served, [Served { from: at(90), owes: false }]);
}

/// A run by hand makes a track that no tick was served of.
#[tokio::test]
async fn a_track_without_a_tick_is_served_from_now_on() {
    let (_folder, store) = fresh().await;
    let mut commit = empty(0, 0);
    commit.run.trigger = crate::model::run::Trigger::Manual;
    store.commit_run(&commit).await.unwrap();
    assert_eq!(store.track(&hunt(), &tenant()).await.unwrap().last_due, None);
    assert_eq!(ask(&store, &[hunt()], 30).await[0].from, at(30));
    assert_eq!(ask(&store, &[hunt()], 60).await[0].from, at(30));
}
