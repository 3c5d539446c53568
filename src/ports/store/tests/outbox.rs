use std::time::Duration;

use super::super::{DeliveryFilter, Store};
use super::fixture::{at, block, delta, empty, failed, fresh, hit_id, short, tell, with_hits};
use crate::model::delivery::DeliveryState;
use crate::model::hit::HitKind;
use crate::model::hunt::Severity;
use crate::model::id::DeliveryId;
use crate::model::time::Timestamp;

const LEASE: Duration = Duration::from_mins(5);

async fn claim(store: &Store, now: Timestamp) -> Vec<(DeliveryId, u32)> {
    let claims = store.claim_deliveries(now, LEASE, 10, &[]).await.unwrap();
    claims.into_iter().map(|claim| (claim.delivery.delivery, claim.delivery.attempts)).collect()
}

async fn one(store: &Store) -> DeliveryId {
    let mut commit = with_hits(0, 0, &[(0, HitKind::New, "a")]);
    let delivery = tell(&mut commit, "soc");
    store.commit_run(&commit).await.unwrap();
    delivery
}

#[tokio::test]
async fn a_claim_is_one_processes_until_it_lapses() {
    let (folder, store) = fresh().await;
    let delivery = one(&store).await;
    assert_eq!(claim(&store, at(0)).await, [], "before its run ended");
    assert_eq!(claim(&store, at(1)).await, [(delivery.clone(), 1)]);
    let other = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    assert_eq!(claim(&other, at(5)).await, []);
    assert_eq!(other.next_delivery_at().await.unwrap(), Some(at(6)));
    drop(store);
    assert_eq!(claim(&other, at(6)).await, [(delivery, 2)], "after a crash");
}

#[tokio::test]
async fn the_way_of_a_delivery() {
    let (_folder, store) = fresh().await;
    let delivery = one(&store).await;
    claim(&store, at(1)).await;
    store.mark_later(&delivery, "greylisted", at(20)).await.unwrap();
    assert_eq!(store.next_delivery_at().await.unwrap(), Some(at(20)));
    assert_eq!(claim(&store, at(19)).await, []);
    assert_eq!(claim(&store, at(20)).await, [(delivery.clone(), 2)]);
    store.mark_failed(&delivery, "no such user").await.unwrap();
    assert_eq!(store.next_delivery_at().await.unwrap(), None);
    assert_eq!(claim(&store, at(9999)).await, []);
    let filter = DeliveryFilter { state: Some(DeliveryState::Failed), limit: Some(5) };
    let listed = store.deliveries(&filter).await.unwrap();
    assert_eq!(listed[0].error.as_deref(), Some("no such user"));
    assert_eq!(listed[0].message_id, format!("{delivery}@huntd.invalid"));

    assert!(store.retry_delivery(&delivery).await.unwrap());
    assert_eq!(claim(&store, at(21)).await, [(delivery.clone(), 3)]);
    store.mark_sent(&delivery, at(22)).await.unwrap();
    let sent = &store.deliveries(&DeliveryFilter::default()).await.unwrap()[0];
    assert_eq!((sent.state, sent.sent, sent.error.clone()), (DeliveryState::Sent, Some(at(22)), None));

    // A slow process that learns late what a faster one has done changes nothing.
    store.mark_later(&delivery, "late", at(30)).await.unwrap();
    store.mark_failed(&delivery, "late").await.unwrap();
    store.mark_sent(&delivery, at(40)).await.unwrap();
    assert_eq!(&store.deliveries(&DeliveryFilter::default()).await.unwrap()[0], sent);
    assert!(!store.retry_delivery(&delivery).await.unwrap());
    assert!(!store.retry_delivery(&DeliveryId::new("00").unwrap()).await.unwrap());
}

#[tokio::test]
async fn channels_take_turns() {
    let (_folder, store) = fresh().await;
    let mut expected = Vec::new();
    for run in 0..4 {
        let mut commit = with_hits(run, run.unsigned_abs(), &[(0, HitKind::Changed, "a")]);
        expected.push(tell(&mut commit, "soc"));
        if run == 3 {
            expected.insert(1, tell(&mut commit, "chat"));
        }
        store.commit_run(&commit).await.unwrap();
    }
    let claims = store.claim_deliveries(at(60), LEASE, 3, &[]).await.unwrap();
    let ids: Vec<_> = claims.into_iter().map(|claim| claim.delivery.delivery).collect();
    assert_eq!(ids, expected[..3]);
}

#[tokio::test]
async fn a_clock_that_stood_ahead_keeps_no_mail_back() {
    let (_folder, store) = fresh().await;
    let delivery = one(&store).await;
    let next_year = at(60 * 24 * 365);
    assert_eq!(claim(&store, next_year).await.len(), 1);
    store.mark_later(&delivery, "down", next_year.plus(LEASE)).await.unwrap();
    assert_eq!(claim(&store, at(30)).await, [(delivery, 2)]);
    assert_eq!(claim(&store, at(29)).await, [], "a small step back takes no claim away");
}

#[tokio::test]
async fn a_notice_is_as_of_its_run() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, HitKind::New, "a"), (1, HitKind::New, "b")])).await.unwrap();
    // Hit 2 comes with two rows of one key; hit 0 is changed; hit 1 is gone.
    let mut commit = with_hits(10, 1, &[(2, HitKind::New, "c1"), (0, HitKind::Changed, "a2"), (1, HitKind::Gone, "")]);
    commit.blocks =
        vec![block(&[(2, HitKind::New, "c1"), (0, HitKind::Changed, "a2")]), block(&[(2, HitKind::New, "c2")])];
    let delivery = tell(&mut commit, "soc");
    store.commit_run(&commit).await.unwrap();
    // A later run moves all of it again.
    let later = [(0, HitKind::Changed, "a3"), (1, HitKind::Returned, "b3"), (2, HitKind::Changed, "c3")];
    let mut later = with_hits(20, 2, &later);
    later.notice.severity = Severity::Low;
    later.run.hunt_version = "v2".to_owned();
    store.commit_run(&later).await.unwrap();

    claim(&store, at(60)).await;
    let notice = store.notice(&delivery).await.unwrap();
    assert_eq!((notice.attempts, &notice.hunt, &notice.run), (0, &commit.notice, &commit.run));
    let told: Vec<_> = notice.hits.iter().map(|hit| short(&hit.unwrap())).collect();
    let expected = [
        (hit_id(2), HitKind::New, "c1".to_owned(), at(10), at(10)),
        (hit_id(2), HitKind::New, "c2".to_owned(), at(10), at(10)),
        (hit_id(0), HitKind::Changed, "a2".to_owned(), at(0), at(10)),
        (hit_id(1), HitKind::Gone, "b".to_owned(), at(0), at(0)),
    ];
    assert_eq!(told, expected);
    assert!(notice.hits.first().iter().all(|hit| hit.severity == Severity::High && hit.run == commit.run.run.as_str()));
    claim(&store, at(120)).await;
    assert_eq!(store.notice(&delivery).await.unwrap().attempts, 1);
}

#[tokio::test]
async fn a_notice_tells_held_hits_with_the_rows_that_were_stored() {
    let (_folder, store) = fresh().await;
    let mut first = with_hits(0, 0, &[(0, HitKind::New, "a")]);
    first.held.insert(0);
    store.commit_run(&first).await.unwrap();
    for minute in 1..70 {
        let hit = (u32::try_from(minute).unwrap(), HitKind::New, "x");
        store.commit_run(&with_hits(minute, minute.unsigned_abs(), &[hit])).await.unwrap();
    }
    // The last of its rows, of a run that spread them over two blocks.
    let mut changed = with_hits(70, 70, &[(0, HitKind::Changed, "a2")]);
    changed.blocks.push(block(&[(0, HitKind::Changed, "a3")]));
    store.commit_run(&changed).await.unwrap();
    let mut met = empty(100, 71);
    met.members.insert(0);
    met.members.insert(5);
    met.deltas = vec![delta(0, HitKind::New), delta(5, HitKind::New)].into();
    let delivery = tell(&mut met, "soc");
    store.commit_run(&met).await.unwrap();
    let notice = store.notice(&delivery).await.unwrap();
    let told: Vec<_> = notice.hits.iter().map(|hit| short(&hit.unwrap())).collect();
    let expected = [
        (hit_id(0), HitKind::New, "a2".to_owned(), at(0), at(100)),
        (hit_id(0), HitKind::New, "a3".to_owned(), at(0), at(100)),
        (hit_id(5), HitKind::New, "x".to_owned(), at(5), at(100)),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_notice_whose_rows_are_past_retention_still_names_its_hits() {
    let (_folder, store) = fresh().await;
    let delivery = one(&store).await;
    let mut write = store.begin().await.unwrap();
    sqlx::query("DELETE FROM block").execute(&mut write.conn).await.unwrap();
    write.end(Ok(())).await.unwrap();
    let notice = store.notice(&delivery).await.unwrap();
    assert_eq!((notice.hits.first()[0].hit, notice.hits.first()[0].row.get()), (hit_id(0), "{}"));
}

#[tokio::test]
async fn a_failing_hunt_is_told_without_hits() {
    let (_folder, store) = fresh().await;
    let mut commit = failed(0);
    let delivery = tell(&mut commit, "soc");
    store.commit_run(&commit).await.unwrap();
    let notice = store.notice(&delivery).await.unwrap();
    assert!(notice.hits.is_empty());
    assert_eq!(notice.run.error.as_deref(), Some("the API says 503"));
    assert!(store.notice(&DeliveryId::new("00").unwrap()).await.is_err());
}

#[tokio::test]
async fn claims_of_the_dead_are_free_at_once_and_those_of_the_living_are_not() {
    let (_folder, store) = fresh().await;
    let delivery = one(&store).await;
    assert_eq!(claim(&store, at(1)).await, [(delivery.clone(), 1)]);
    assert_eq!(store.settle_orphans(at(2), |_| true).await.unwrap(), 0);
    assert_eq!(claim(&store, at(2)).await, []);
    assert_eq!(store.settle_orphans(at(2), |_| false).await.unwrap(), 1);
    assert_eq!(claim(&store, at(2)).await, [(delivery, 2)]);
}
