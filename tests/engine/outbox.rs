//! The dispatcher: claim, send, mark.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use huntd::engine::dispatcher::Dispatcher;
use huntd::model::delivery::{Delivery, DeliveryState};
use huntd::ports::clock::Clock;
use huntd::ports::store::DeliveryFilter;
use tokio::sync::{Notify, watch};

use crate::clock::{until, within};
use crate::recorder::Mood;
use crate::stage::{MINUTE, Stage, THREE, hunt};

async fn deliveries(stage: &Stage) -> Vec<Delivery> {
    let mut all = stage.runner.store.deliveries(&DeliveryFilter::default()).await.unwrap();
    all.reverse();
    all
}

#[tokio::test]
async fn what_was_taken_is_marked_and_comes_no_more() {
    let stage = Stage::new(THREE).await;
    stage.run(&hunt("h", "")).await;
    assert_eq!((stage.drain().await, stage.drain().await), (1, 0));
    let sent = &deliveries(&stage).await[0];
    assert_eq!((sent.state, sent.attempts, sent.error.clone()), (DeliveryState::Sent, 1, None));
    assert_eq!(stage.soc.got()[0].attempts, 0, "no attempt came before");
}

#[tokio::test]
async fn a_channel_that_is_down_is_tried_again_and_delays_no_other() {
    let stage = Stage::new(THREE).await;
    stage.soc.turn(Mood::Later);
    stage.run(&hunt("h", "notify: [soc, owners]")).await;
    assert_eq!(stage.drain().await, 2);
    assert_eq!((stage.owners.numbers(), stage.soc.got().len()), (vec![1, 2, 3], 0));
    let waits = &deliveries(&stage).await[0];
    assert_eq!((waits.state, waits.attempts), (DeliveryState::Pending, 1));
    assert_eq!(waits.error.as_deref(), Some("the server is down"));

    assert_eq!(stage.drain().await, 0, "not at once");
    stage.clock.manual.advance(Duration::from_secs(9));
    assert_eq!(stage.drain().await, 0);
    stage.clock.manual.advance(Duration::from_secs(4));
    assert_eq!(stage.drain().await, 1, "after ten seconds and a fifth at most");
    stage.clock.manual.advance(Duration::from_secs(19));
    assert_eq!(stage.drain().await, 0, "the waits grow");
    stage.soc.turn(Mood::Takes);
    stage.clock.manual.advance(MINUTE);
    assert_eq!(stage.drain().await, 1);
    assert_eq!((stage.soc.numbers(), stage.soc.got()[0].attempts), (vec![1, 2, 3], 2));
}

#[tokio::test]
async fn what_is_refused_for_good_has_failed_and_can_be_retried_by_hand() {
    let stage = Stage::new(THREE).await;
    stage.soc.turn(Mood::Never);
    stage.run(&hunt("h", "")).await;
    stage.drain().await;
    let failed = deliveries(&stage).await.remove(0);
    assert_eq!((failed.state, failed.error.as_deref()), (DeliveryState::Failed, Some("no such mailbox")));
    stage.clock.manual.advance(MINUTE * 60 * 24);
    assert_eq!(stage.drain().await, 0);
    stage.soc.turn(Mood::Takes);
    assert!(stage.runner.store.retry_delivery(&failed.delivery).await.unwrap());
    assert_eq!((stage.drain().await, stage.soc.numbers()), (1, vec![1, 2, 3]));
}

#[tokio::test]
async fn after_three_days_it_is_given_up_and_not_before() {
    let stage = Stage::new(THREE).await;
    stage.soc.turn(Mood::Later);
    stage.run(&hunt("h", "")).await;
    let began = stage.clock.now();
    while stage.drain().await > 0 {
        let next = stage.runner.store.next_delivery_at().await.unwrap();
        let Some(next) = next else { break };
        stage.clock.manual.advance(next.since(stage.clock.now()));
    }
    let failed = deliveries(&stage).await.remove(0);
    assert_eq!(failed.state, DeliveryState::Failed);
    assert_eq!(stage.clock.now().since(began), MINUTE * 60 * 24 * 3);
    assert!((60..100).contains(&failed.attempts), "{}", failed.attempts);
}

#[tokio::test]
async fn a_channel_that_the_config_lost_is_said_and_waited_for() {
    let stage = Stage::new(THREE).await;
    stage.run(&hunt("h", "notify: [gone, soc]")).await;
    assert_eq!((stage.drain().await, stage.soc.got().len()), (2, 1));
    let waits = &deliveries(&stage).await[0];
    assert_eq!(waits.state, DeliveryState::Pending);
    assert_eq!(waits.error.as_deref(), Some("the config has no channel `gone`"));
}

#[tokio::test]
async fn a_crash_between_send_and_mark_repeats_the_same_notice() {
    let stage = Stage::new(THREE).await;
    stage.run(&hunt("h", "")).await;
    stage.soc.turn(Mood::TakesAndHangs);
    let dispatcher = stage.dispatcher();
    let killed = tokio::spawn(async move { dispatcher.drain().await });
    stage.soc.shown(1).await;
    until(|| !stage.soc.got().is_empty()).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());

    stage.soc.turn(Mood::Takes);
    assert_eq!(stage.drain().await, 0, "the claim holds");
    stage.clock.manual.advance(MINUTE * 5);
    assert_eq!(stage.drain().await, 1);
    let got = stage.soc.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].delivery, got[1].delivery);
    assert_eq!((got[0].attempts, got[1].attempts), (0, 1));
    assert_eq!(got[0].message_id(), got[1].message_id());
    let rows = |at: usize| got[at].hits.iter().map(|hit| hit.unwrap().row.get().to_owned()).collect::<Vec<_>>();
    assert_eq!(rows(0), rows(1), "to the letter");
}

/// Lets every write of a delivery's end fail, or no longer.
async fn refuse_marks(stage: &Stage, refuse: bool) {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(stage.database());
    let mut conn = options.connect().await.unwrap();
    let statement = if refuse {
        "CREATE TRIGGER no BEFORE UPDATE OF sent ON delivery BEGIN SELECT raise(ABORT, 'the disk is full'); END"
    } else {
        "DROP TRIGGER no"
    };
    sqlx::query(statement).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test]
async fn what_was_taken_while_the_store_failed_is_marked_later_and_not_sent_again() {
    let stage = Stage::new(THREE).await;
    stage.run(&hunt("h", "")).await;
    refuse_marks(&stage, true).await;
    let dispatcher = stage.dispatcher();
    let sending = tokio::spawn(async move { dispatcher.drain().await });
    stage.soc.shown(1).await;
    until(|| !stage.soc.got().is_empty()).await;
    assert_eq!(deliveries(&stage).await[0].state, DeliveryState::Pending);
    refuse_marks(&stage, false).await;
    assert_eq!(within(sending).await.unwrap().unwrap(), 1);
    let sent = &deliveries(&stage).await[0];
    assert_eq!((sent.state, sent.attempts), (DeliveryState::Sent, 1));
    stage.clock.manual.advance(MINUTE * 5);
    assert_eq!((stage.drain().await, stage.soc.got().len()), (0, 1));
}

#[tokio::test]
async fn a_channel_that_panics_is_put_off_and_ends_nothing() {
    let stage = Stage::new(THREE).await;
    stage.soc.turn(Mood::Panics);
    stage.run(&hunt("h", "notify: [soc, owners]")).await;
    assert_eq!((stage.drain().await, stage.owners.got().len()), (2, 1));
    let waits = &deliveries(&stage).await[0];
    assert_eq!(waits.state, DeliveryState::Pending);
    assert_eq!(waits.error.as_deref(), Some("the channel stopped unexpectedly: a fault of huntd"));
    stage.soc.turn(Mood::Takes);
    stage.clock.manual.advance(MINUTE);
    assert_eq!((stage.drain().await, stage.soc.got().len()), (1, 1));
}

#[tokio::test]
async fn a_notice_that_always_panics_stands_in_no_others_way() {
    let stage = Stage::new(THREE).await;
    stage.soc.turn(Mood::PanicsAtOne);
    for id in ["a", "b", "c"] {
        stage.run(&hunt(id, "")).await;
    }
    stage.drain().await;
    assert_eq!(stage.soc.got().len(), 2);
}

#[tokio::test]
async fn the_loop_goes_on_past_a_panic_and_a_slow_channel_and_ends_when_told() {
    let stage = Stage::new(THREE).await;
    let (bell, stop) = (Arc::new(Notify::new()), watch::Sender::new(false));
    let running = tokio::spawn(stage.dispatcher().run(Arc::clone(&bell), stop.subscribe()));
    stage.soc.turn(Mood::TakesAndHangs);
    stage.owners.turn(Mood::Panics);
    stage.run(&hunt("a", "notify: [soc, owners]")).await;
    bell.notify_one();
    stage.soc.shown(1).await;
    stage.owners.shown(1).await;

    // One channel hangs, the other has panicked: it is tried again all the same.
    stage.owners.turn(Mood::Takes);
    within(async { while deliveries(&stage).await[1].error.is_none() {} }).await;
    stage.clock.manual.advance(MINUTE);
    bell.notify_one();
    stage.owners.shown(2).await;
    within(async { while deliveries(&stage).await[1].state != DeliveryState::Sent {} }).await;
    assert_eq!(stage.soc.got().len(), 1);
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());

    stage.soc.turn(Mood::Takes);
    stage.clock.manual.advance(MINUTE * 5);
    let running = tokio::spawn(stage.dispatcher().run(bell, stop.subscribe()));
    stage.soc.shown(2).await;
    stop.send_replace(true);
    within(running).await.unwrap();
    assert_eq!(deliveries(&stage).await[0].state, DeliveryState::Sent, "what was being sent is marked before the end");
}

#[tokio::test]
async fn a_channel_gets_one_notice_at_a_time_in_the_order_of_the_runs() {
    let stage = Stage::new(THREE).await;
    for id in ["a", "b", "c", "d", "e", "f"] {
        stage.run(&hunt(id, "")).await;
    }
    stage.soc.turn(Mood::TakesAndHangs);
    let dispatcher = stage.dispatcher();
    let hanging = tokio::spawn(async move { dispatcher.drain().await });
    stage.soc.shown(1).await;
    let claimed = deliveries(&stage).await.iter().filter(|delivery| delivery.attempts > 0).count();
    assert_eq!(claimed, 1, "a second would wait for the first while its claim runs out");
    hanging.abort();
    assert!(hanging.await.is_err());

    stage.soc.turn(Mood::Takes);
    stage.clock.manual.advance(MINUTE * 5);
    assert_eq!(stage.drain().await, 6);
    let hunts: Vec<String> = stage.soc.got()[1..].iter().map(|notice| notice.hunt.id.clone()).collect();
    assert_eq!(hunts, ["a", "b", "c", "d", "e", "f"]);
}

#[tokio::test]
async fn two_dispatchers_on_one_database_send_each_once() {
    let stage = Stage::new(THREE).await;
    for number in 0..8 {
        stage.run(&hunt(&format!("h{number}"), "")).await;
    }
    let other = Dispatcher { store: stage.other_runner().await.store, ..stage.dispatcher() };
    let one = stage.dispatcher();
    let (a, b) = tokio::join!(one.drain(), other.drain());
    assert_eq!(a.unwrap() + b.unwrap(), 8);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for notice in stage.soc.got() {
        *told.entry(notice.delivery.to_string()).or_default() += 1;
    }
    assert_eq!((told.len(), told.values().max()), (8, Some(&1)));
}
