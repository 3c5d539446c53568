//! Retention as the daemon serves it: not before its time, in steps, and nothing is told again for it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use huntd::app::retention::{self, HOURLY};
use huntd::model::config::Retention;
use huntd::model::hit::HitKind;
use huntd::ports::clock::{ManualClock, SharedClock};
use huntd::ports::store::{HitFilter, Store};
use huntd::rules::schedule::Leap;
use tokio::sync::watch;

use crate::lab::Lab;

const DAY: Duration = Duration::from_hours(24);
const RETENTION: Retention =
    Retention { rows: Duration::from_hours(24 * 90), runs: Duration::from_hours(24 * 400), size: None };

const EVENTS: &str = "
hunts:
  - name: h
    match: {table: DeviceEvents}
    columns: {Timestamp: datetime, N: long}
    rows:
      - {at: -30m, row: {N: 1}}
      - {at: -20m, row: {N: 2}}
";
const HUNT: &str = "id: h\nquery: DeviceEvents | where N > 0\nschedule: '@hourly'\nlookback: 1h\nkey: [N]\n";

async fn rows(store: &Store) -> usize {
    let mut rows = 0;
    let each = |_| {
        rows += 1;
        ControlFlow::Continue(())
    };
    let filter = HitFilter { kind: Some(HitKind::New), ..HitFilter::default() };
    store.hits(&filter, each).await.unwrap();
    rows
}

#[tokio::test]
async fn retention_is_served_after_a_while_and_what_is_known_stays_known() {
    let lab = Lab::new(EVENTS, HUNT, "{}").await;
    assert_eq!(lab.run().await.run.new, 2);
    // What is pending would keep its rows.
    for claim in lab.store.claim_deliveries(lab.clock_now(), DAY, 10, &[]).await.unwrap() {
        lab.store.mark_sent(&claim.delivery.delivery, lab.clock_now()).await.unwrap();
    }
    lab.clock.advance(DAY * 100);
    assert_eq!(lab.run().await.run.rows, 0);
    let (stop, stopped) = watch::channel(false);
    let clock: SharedClock = Arc::<ManualClock>::clone(&lab.clock);
    let began = lab.clock_now();
    let kept = tokio::spawn(retention::keep(lab.store.clone(), clock, RETENTION, HOURLY, stopped));
    while rows(&lab.store).await > 0 {
        assert!(lab.clock_now().since(began) < HOURLY.every * 3, "the rows stay");
        lab.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert!(lab.clock_now().since(began) >= HOURLY.first, "the first runs come before it");
    stop.send(true).unwrap();
    kept.await.unwrap();
    assert_eq!(lab.store.check().await.unwrap(), [] as [&str; 0]);
    assert_eq!(lab.store.tracks().await.unwrap()[0].hits, 2);
}

#[tokio::test]
async fn a_leap_that_may_be_wrong_takes_nothing_away() {
    let lab = Lab::new(EVENTS, HUNT, "{}").await;
    let before = lab.clock_now();
    let leap = Leap { before, by: DAY * 365 };
    let after = before.plus(leap.by);
    assert_eq!(retention::moment(&lab.store, after).await.unwrap(), after, "no leap is noted");
    lab.store.note_leap(&leap).await.unwrap();
    let minute = Duration::from_mins(1);
    assert_eq!(retention::moment(&lab.store, after.plus(minute)).await.unwrap(), before.plus(minute));
    assert_eq!(retention::moment(&lab.store, after.plus(DAY)).await.unwrap(), after.plus(DAY), "it was right");
}
