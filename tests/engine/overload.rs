//! More is due than the quota lets through: late runs are noted, and told once.

use std::sync::Arc;
use std::time::Duration;

use huntd::engine::tick::Scheduler;
use huntd::model::config::Quota;
use huntd::model::delivery::About;
use huntd::model::hunt::Hunt;
use huntd::model::overload::Episode;
use huntd::model::run::Trigger;
use huntd::ports::clock::Clock;

use crate::clock::within;
use crate::stage::{HOUR, MINUTE, QUOTA, START, Stage, THREE, hunt, parse};

/// So many hunts of each minute.
fn each_minute(many: usize) -> Vec<Arc<Hunt>> {
    let text = |number| {
        format!(
            "id: h{number}\nquery: \"DeviceProcessEvents | where Name != '{number}'\"\nschedule: '* * * * *'\nlookback: 1h\nkey: [N]\nsplay: 0s\n"
        )
    };
    (0..many).map(|number| parse(&text(number))).collect()
}

async fn small(minute: u32) -> Stage {
    let stage = Stage::with(THREE, Quota { calls_per_minute: minute, ..QUOTA }, "right").await;
    stage.clock.hold();
    stage
}

/// Lets time go by, ten seconds at a time; whatever doesn't wait for the time or the quota ends before the next.
async fn pass(stage: &Stage, scheduler: &mut Scheduler, span: Duration) {
    for _ in 0..span.as_secs() / 10 {
        stage.clock.manual.advance(Duration::from_secs(10));
        // Who was woken is counted as waiting until it was polled.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        scheduler.look().await;
        within(async {
            while scheduler.under_way() > scheduler.queued() + stage.clock.waiting() {
                tokio::task::yield_now().await;
                scheduler.look().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn overload_is_told_once_with_the_hunts_that_run_late() {
    let stage = small(2).await;
    let hunts = each_minute(6);
    let mut scheduler = stage.scheduler(&hunts).await;
    pass(&stage, &mut scheduler, MINUTE * 15).await;
    stage.drain().await;
    let notices = stage.owners.got();
    assert_eq!(notices.len(), 1, "six hunts, and one notice");
    assert_eq!((notices[0].about, notices[0].run.tenant.as_str()), (About::Overload, "contoso"));
    let told = notices[0].overload.clone().unwrap();
    assert!(told.count() >= 3 && told.hunts.windows(2).all(|two| two[0].by >= two[1].by), "{told:?}");
    assert!(told.full.iter().any(|line| line == "calls a minute: 2 of 2"), "{told:?}");
    let runs = stage.runs().await;
    let late: Vec<_> = runs.iter().filter_map(|run| Some((run, run.late?))).collect();
    assert!(late.len() > 10, "{}", late.len());
    for (run, late) in &late {
        assert_eq!(run.due, late.first.plus(MINUTE * late.missed), "{run:?}");
        assert_eq!(run.started, late.first.plus(MINUTE + late.by), "{run:?}");
    }
    let (_, counted) = stage.runner.gates.punctuality().pop_first().unwrap();
    assert_eq!((counted.runs, counted.late), (runs.len() as u64, late.len() as u64));
    assert_eq!(counted.worst, late.iter().map(|(_, late)| late.by).max().unwrap());
    let stored = stage.runner.store.late_runs(START).await.unwrap();
    assert_eq!(stored.iter().map(|(.., one)| one.late).sum::<u64>(), counted.late);
}

#[tokio::test]
async fn what_fits_is_not_told() {
    let stage = small(6).await;
    let mut scheduler = stage.scheduler(&each_minute(3)).await;
    pass(&stage, &mut scheduler, MINUTE * 8).await;
    stage.drain().await;
    assert_eq!(stage.owners.got().len(), 0);
    let runs = stage.runs().await;
    assert!(runs.len() >= 21 && runs.iter().all(|run| run.late.is_none()), "{runs:#?}");
    assert_eq!(stage.runner.store.episode(&stage.tenant.name).await.unwrap(), None);
}

/// A run of another hunt whose tick was a quarter of an hour ago, and that waits for the quota until its next one.
async fn late_run(stage: &Stage, number: u32) -> Option<Episode> {
    let hunt = hunt(&format!("late{number}"), "");
    stage.clock.leap();
    let mut order = stage.order(&hunt);
    order.due = order.due.floor_to(MINUTE * 10).minus(MINUTE * 10);
    // The minute's only place.
    stage.by_hand(&crate::stage::hunt(&format!("first{number}"), "")).await;
    let finished = stage.runner.run(&order).await.unwrap();
    assert!(finished.run.late.is_some(), "{:?}", finished.run);
    stage.runner.store.episode(&stage.tenant.name).await.unwrap()
}

#[tokio::test]
async fn it_is_told_again_when_it_lasts() {
    let stage = small(1).await;
    let mut told = Vec::new();
    // More than a day, as overload is told once a day here.
    for number in 0..60 {
        late_run(&stage, number).await;
        stage.drain().await;
        told.push(stage.owners.got().len());
        stage.clock.manual.advance(MINUTE * 28);
    }
    assert_eq!(told[..4], [0, 0, 1, 1], "after three late runs");
    assert_eq!(told.last(), Some(&2), "and again after a day: {told:?}");
}

#[tokio::test]
async fn who_waits_for_access_or_sleeps_is_not_late_by_overload() {
    let stage = small(5).await;
    let mut order = stage.order(&hunt("h", ""));
    order.due = order.due.minus(HOUR);
    let run = stage.runner.run(&order).await.unwrap().run;
    assert_eq!((run.late, run.due), (None, stage.clock.now().floor_to(MINUTE * 10)), "it never waited");

    // A tenant that lets nobody in holds up all of its hunts, for a quarter of an hour.
    stage.clock.leap();
    let block = huntd::model::quota::Block {
        until: stage.clock.now().plus(MINUTE * 15),
        reason: huntd::model::quota::BlockReason::Access,
        said: "no licence".to_owned(),
    };
    stage.runner.store.set_block(&stage.tenant.name, &block).await.unwrap();
    let run = stage.run(&hunt("other", "")).await.run;
    assert!(run.started.since(START) >= MINUTE * 15, "{run:?}");
    assert_eq!((run.late, run.trigger), (None, Trigger::Schedule));
}
