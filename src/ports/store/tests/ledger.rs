use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::{CallId, Store, owner_is_alive, this_owner};
use super::fixture::{at, fresh, tenant};
use crate::model::id::TenantName;
use crate::model::quota::{Admission, Block, BlockReason, CallEnd, CallLedger, LedgerCall, WaitReason};
use crate::model::time::Timestamp;

/// So many calls in the ledger at most.
fn at_most(most: usize) -> impl Fn(&CallLedger) -> Admission + Send {
    move |ledger| {
        if ledger.calls.len() < most {
            Admission::Go
        } else {
            Admission::Wait { until: at(1), why: WaitReason::MinuteFull }
        }
    }
}

const HOUR: Duration = Duration::from_hours(1);

fn ended(answered: Timestamp) -> CallEnd {
    CallEnd { answered, ran: Duration::ZERO, cpu: None }
}

async fn call(store: &Store, now: Timestamp) -> CallId {
    store.reserve_call(&tenant(), now, HOUR, |_| Admission::Go).await.unwrap().1.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_call_more_than_may_be() {
    let (folder, first) = fresh().await;
    let second = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    let gone_out = Arc::new(AtomicUsize::new(0));
    let racers: Vec<_> = (0..40)
        .map(|n| {
            let store = if n % 2 == 0 { first.clone() } else { second.clone() };
            let gone_out = Arc::clone(&gone_out);
            tokio::spawn(async move {
                let (admission, call) = store.reserve_call(&tenant(), at(0), HOUR, at_most(7)).await.unwrap();
                assert_eq!(admission == Admission::Go, call.is_some());
                gone_out.fetch_add(usize::from(call.is_some()), Ordering::SeqCst);
            })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap();
    }
    assert_eq!(gone_out.load(Ordering::SeqCst), 7);
    assert_eq!(second.ledger(&tenant(), at(0)).await.unwrap().calls.len(), 7);
}

#[tokio::test]
async fn the_ledger_shows_the_last_hour_and_what_lies_ahead() {
    let (_folder, store) = fresh().await;
    for minute in [-200, -71, -69, 0, 500] {
        let id = call(&store, at(minute)).await;
        store.finish_call(id, ended(at(minute).plus(Duration::from_secs(3)))).await.unwrap();
    }
    // Sent long ago and answered just now, as after a suspend; and one still under way.
    let slow = call(&store, at(-300)).await;
    store.finish_call(slow, ended(at(-1))).await.unwrap();
    call(&store, at(-400)).await;
    let ledger = store.ledger(&tenant(), at(0)).await.unwrap();
    let sent: Vec<_> = ledger.calls.iter().map(|call| call.sent).collect();
    assert_eq!(sent, [at(-400), at(-300), at(-69), at(0), at(500)]);
    assert_eq!(ledger.calls[0].answered, None);
    assert_eq!(ledger.calls[1].answered, Some(at(-1)));
    let other = TenantName::new("fabrikam").unwrap();
    assert_eq!(store.ledger(&other, at(0)).await.unwrap(), CallLedger::default());
}

#[tokio::test]
async fn a_clock_that_went_back_makes_no_answer_before_its_call() {
    let (_folder, store) = fresh().await;
    let id = call(&store, at(0)).await;
    store.finish_call(id, ended(at(-30))).await.unwrap();
    store.finish_call(id, ended(at(30))).await.unwrap();
    let calls = store.ledger(&tenant(), at(0)).await.unwrap().calls;
    assert_eq!(calls, [LedgerCall { sent: at(0), answered: Some(at(0)), ran: Some(Duration::ZERO), cpu: None }]);
}

#[tokio::test]
async fn a_clock_that_leaps_and_comes_back_forgets_nothing() {
    let (_folder, store) = fresh().await;
    let id = call(&store, at(0)).await;
    store.finish_call(id, ended(at(0))).await.unwrap();
    let leapt = call(&store, at(60 * 24 * 365)).await;
    store.finish_call(leapt, ended(at(60 * 24 * 365))).await.unwrap();
    assert_eq!(store.ledger(&tenant(), at(1)).await.unwrap().calls.len(), 2);
}

#[tokio::test]
async fn old_calls_are_forgotten_once_there_are_many() {
    let (_folder, store) = fresh().await;
    let mut write = store.begin().await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20500) \
         INSERT INTO call (tenant, sent, answered, owner) SELECT 'contoso', i, i, 'x' FROM n",
    )
    .execute(&mut write.conn)
    .await
    .unwrap();
    write.end(Ok(())).await.unwrap();
    call(&store, at(0)).await;
    let mut read = store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM call").fetch_one(&mut *read).await.unwrap();
    assert_eq!(left, 20_000);
}

#[tokio::test]
async fn calls_of_the_dead_are_settled_and_those_of_the_living_are_not() {
    let (folder, store) = fresh().await;
    call(&store, at(0)).await;
    let path = folder.path().join("huntd.db");
    drop(store);
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.settle_orphans(at(5), owner_is_alive).await.unwrap(), 0);
    let settled = store.settle_orphans(at(5), |owner| owner != this_owner()).await.unwrap();
    assert_eq!(settled, 1);
    assert_eq!(store.ledger(&tenant(), at(5)).await.unwrap().calls[0].answered, Some(at(5)));
}

#[tokio::test]
async fn of_two_blocks_the_longer_one_holds() {
    let (_folder, store) = fresh().await;
    let block = |minutes, reason| Block { until: at(minutes), reason, said: "429".to_owned() };
    let long = block(15, BlockReason::Cpu);
    store.set_block(&tenant(), &block(1, BlockReason::CallsPerMinute)).await.unwrap();
    store.set_block(&tenant(), &long).await.unwrap();
    store.set_block(&tenant(), &block(2, BlockReason::Gateway)).await.unwrap();
    assert_eq!(store.ledger(&tenant(), at(0)).await.unwrap().block, Some(long.clone()));
    let see = |ledger: &CallLedger| {
        assert_eq!(ledger.block, Some(long));
        Admission::Wait { until: at(15), why: WaitReason::Blocked(BlockReason::Cpu) }
    };
    assert_eq!(store.reserve_call(&tenant(), at(0), HOUR, see).await.unwrap().1, None);
    store.clear_block(&tenant()).await.unwrap();
    assert_eq!(store.ledger(&tenant(), at(0)).await.unwrap().block, None);
}
