//! More is due than the quota lets through: late runs are noted, and the cause is told once, again while it lasts, and when
//! it is over.

use std::sync::Arc;
use std::time::Duration;

use huntd::engine::punctual;
use huntd::engine::tenant::Tenants;
use huntd::engine::tick::Scheduler;
use huntd::model::config::Quota;
use huntd::model::hunt::Hunt;
use huntd::model::id::HuntId;
use huntd::model::run::Trigger;
use huntd::model::trouble::{News, Trouble, TroubleKind};
use huntd::ports::clock::Clock;
use huntd::ports::store::Look;
use huntd::rules::trouble::Channels;

use crate::clock::within;
use crate::stage::{HOUR, MINUTE, QUOTA, START, Stage, THREE, channel, hunt, parse};

/// So many hunts of each minute.
fn each_minute(many: usize) -> Vec<Arc<Hunt>> {
    hunts(many, "* * * * *")
}

fn hunts(many: usize, schedule: &str) -> Vec<Arc<Hunt>> {
    let text = |number| {
        format!(
            "id: h{number}\nquery: \"DeviceProcessEvents | where Name != '{number}'\"\nschedule: '{schedule}'\nlookback: 1h\nkey: [N]\nsplay: 0s\n"
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
    pass_by(stage, scheduler, span, Duration::from_secs(10)).await;
}

async fn pass_by(stage: &Stage, scheduler: &mut Scheduler, span: Duration, step: Duration) {
    for _ in 0..span.as_nanos() / step.as_nanos() {
        stage.clock.manual.advance(step);
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

/// What is known of hunts that run late, as the daemon looks at it each minute.
async fn starved(stage: &Stage) -> Vec<Trouble> {
    let tenants = Tenants::from([(stage.tenant.name.clone(), Arc::clone(&stage.tenant))]);
    let queue = (&stage.runner.gates, &stage.runner.clock);
    punctual::starved(&stage.runner.store, queue, &tenants, |_, _| true).await.unwrap()
}

/// A look of the daemon at it; says what was told by now.
async fn look(stage: &Stage) -> Vec<News> {
    let judged = [TroubleKind::QuotaStarved].into_iter().collect();
    let channels = Channels { operators: vec![channel("owners")], mail: None };
    let (failures, at) = (&stage.runner.failures, stage.clock.now());
    let look = Look { judged: &judged, failures, channels: &channels, at };
    stage.runner.store.note_troubles(&starved(stage).await, look).await.unwrap();
    stage.drain().await;
    stage.owners.warned().iter().map(|warning| warning.news).collect()
}

#[tokio::test]
async fn overload_is_told_once_with_the_hunts_that_run_late() {
    let stage = small(2).await;
    let hunts = each_minute(6);
    let mut scheduler = stage.scheduler(&hunts).await;
    assert_eq!(look(&stage).await, []);
    for _ in 0..15 {
        pass(&stage, &mut scheduler, MINUTE).await;
        look(&stage).await;
    }
    let told = stage.owners.warned();
    assert_eq!(told.len(), 1, "six hunts, and one notice: {told:#?}");
    assert_eq!(stage.owners.got().len(), 0, "no run tells of it");
    let told = &told[0].trouble;
    assert_eq!(told.key(), "quota_starved:contoso");
    assert!(told.failures >= 3 && told.hunts.len() >= 3, "{told:?}");
    assert_eq!(
        told.headline,
        format!("more is due on contoso than its quota lets through: {} hunts run late", told.hunts.len())
    );
    assert_eq!(told.reasons[0], "full of the quota: calls a minute: 2 of 2");
    for hunt in &told.hunts {
        assert!(told.reasons.iter().any(|line| line.starts_with(&format!("{}: ", hunt.hunt))), "{told:?}");
    }
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
    assert_eq!(look(&stage).await, []);
    let runs = stage.runs().await;
    assert!(runs.len() >= 21 && runs.iter().all(|run| run.late.is_none()), "{runs:#?}");
    assert_eq!(stage.runner.store.episodes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn it_begins_is_told_again_while_it_lasts_and_ends() {
    let quota = Quota { calls_per_hour: 5, ..QUOTA };
    let stage = Stage::with(THREE, quota, "right").await;
    stage.clock.hold();
    // Twenty-four calls an hour, of which five go out.
    let mut scheduler = stage.scheduler(&hunts(4, "*/10 * * * *")).await;
    let mut told = Vec::new();
    for _ in 0..30 {
        pass_by(&stage, &mut scheduler, HOUR, MINUTE * 5).await;
        told.push(look(&stage).await);
    }
    let begins = told.iter().position(|told| *told == [News::Begins]).unwrap();
    assert!(begins <= 4, "after three late runs: {told:?}");
    let again = told.iter().position(|told| *told == [News::Begins, News::GoesOn]).unwrap();
    assert_eq!(again - begins, 24, "a day later");
    assert_eq!(told[29].len(), 2, "and no more");

    // What is due fits from now on: nobody runs any more.
    scheduler.finish(Duration::ZERO).await;
    drop(scheduler);
    let last = stage.runner.store.episodes().await.unwrap()[&stage.tenant.name].last;
    stage.clock.manual.advance(last.plus(MINUTE * 59).since(stage.clock.now()));
    assert_eq!(look(&stage).await.len(), 2, "it may go on");
    let open = stage.runner.store.troubles().await.unwrap();
    assert_eq!(open[0].trouble.kind, TroubleKind::QuotaStarved);
    stage.clock.manual.advance(MINUTE);
    assert_eq!(look(&stage).await, [News::Begins, News::GoesOn, News::Ends]);
    assert_eq!(stage.runner.store.troubles().await.unwrap(), []);
    let over = stage.owners.warned().remove(2);
    assert_eq!((over.since, over.at), (open[0].since, last.plus(HOUR)));
    stage.clock.manual.advance(HOUR * 24 * 3);
    assert_eq!(look(&stage).await.len(), 3);
}

#[tokio::test]
async fn who_waits_past_the_next_tick_is_told_of_though_no_run_ends() {
    let stage = Stage::with(THREE, Quota { calls_per_hour: 1, ..QUOTA }, "right").await;
    stage.clock.hold();
    let mut scheduler = stage.scheduler(&hunts(4, "*/10 * * * *")).await;
    // The hour's only call goes out in time.
    pass_by(&stage, &mut scheduler, MINUTE * 19, MINUTE).await;
    assert_eq!(look(&stage).await, []);
    pass_by(&stage, &mut scheduler, MINUTE * 3, MINUTE).await;
    assert_eq!(stage.runner.store.episodes().await.unwrap().len(), 0, "no run has ended late");
    assert_eq!(look(&stage).await, [News::Begins]);
    let told = stage.owners.warned().remove(0).trouble;
    assert_eq!((told.failures, told.hunts.len()), (3, 3), "{told:?}");
    assert!(told.reasons.contains(&"h1: waits still, 2m past its next tick".to_owned()), "{told:?}");
    let tenants = Tenants::from([(stage.tenant.name.clone(), Arc::clone(&stage.tenant))]);
    let queue = (&stage.runner.gates, &stage.runner.clock);
    let h1 = HuntId::new("h1").unwrap();
    let fewer = punctual::starved(&stage.runner.store, queue, &tenants, |hunt, _| *hunt == h1).await.unwrap();
    assert_eq!(fewer[0].failures, 1, "the others run no longer");
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
    assert_eq!(starved(&stage).await, []);
}
