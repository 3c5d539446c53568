//! A wall clock that runs ahead for a while and is then set back: what was asked for in the meantime was asked for
//! before it had happened, and must be asked for again.

use std::time::Duration;

use huntd::engine::runner::Runner;
use huntd::engine::tick::Scheduler;
use huntd::ports::store::Store;

use crate::schedule::{pass, told_once};
use crate::stage::{HOUR, MINUTE, START, STREAM, Stage, hunt};

/// By how much it is ahead: more than a run looks back.
const AHEAD: Duration = Duration::from_hours(3);

/// Sets the clock so far ahead of the true time.
fn set_ahead(stage: &Stage, ahead: Duration) {
    use huntd::ports::clock::Clock;
    stage.clock.manual.set_wall(START.plus(stage.clock.steady()).plus(ahead));
}

/// Another process with the same file, after a minute's downtime.
async fn restart(stage: Stage, scheduler: Scheduler, meanwhile: impl FnOnce(&Stage)) -> (Stage, Scheduler) {
    drop(scheduler);
    meanwhile(&stage);
    stage.clock.manual.advance(MINUTE);
    let store = Store::open(&stage.database()).await.unwrap();
    let stage = Stage { runner: Runner { store, ..stage.runner.clone() }, ..stage };
    let scheduler = stage.scheduler(&[hunt("h", "")]).await;
    (stage, scheduler)
}

/// Two hours under a true clock.
async fn begin() -> (Stage, Scheduler) {
    let stage = Stage::new(STREAM).await;
    let mut scheduler = stage.scheduler(&[hunt("h", "")]).await;
    pass(&stage, &mut scheduler, 120).await;
    told_once(&stage, &hunt("h", ""));
    (stage, scheduler)
}

/// An hour under a true clock: all is told by then, and nothing twice.
async fn end(stage: &Stage, scheduler: &mut Scheduler) {
    pass(stage, scheduler, 60).await;
    told_once(stage, &hunt("h", ""));
}

#[tokio::test]
async fn what_was_asked_for_under_a_wrong_clock_is_asked_for_again() {
    let (stage, mut scheduler) = begin().await;
    set_ahead(&stage, AHEAD);
    pass(&stage, &mut scheduler, 600).await;
    set_ahead(&stage, Duration::ZERO);
    end(&stage, &mut scheduler).await;
}

#[tokio::test]
async fn also_where_huntd_was_started_anew_in_between() {
    let (stage, mut scheduler) = begin().await;
    set_ahead(&stage, AHEAD);
    pass(&stage, &mut scheduler, 500).await;
    let (stage, mut scheduler) = restart(stage, scheduler, |_| {}).await;
    pass(&stage, &mut scheduler, 60).await;
    set_ahead(&stage, Duration::ZERO);
    end(&stage, &mut scheduler).await;
}

#[tokio::test]
async fn also_where_the_clock_was_set_ahead_while_huntd_was_down() {
    let (stage, scheduler) = begin().await;
    let (stage, mut scheduler) = restart(stage, scheduler, |stage| set_ahead(stage, AHEAD)).await;
    pass(&stage, &mut scheduler, 600).await;
    set_ahead(&stage, Duration::ZERO);
    end(&stage, &mut scheduler).await;
}

#[tokio::test]
async fn also_where_it_was_set_back_while_huntd_was_down() {
    let (stage, mut scheduler) = begin().await;
    set_ahead(&stage, AHEAD);
    pass(&stage, &mut scheduler, 600).await;
    let (stage, mut scheduler) = restart(stage, scheduler, |stage| set_ahead(stage, Duration::ZERO)).await;
    end(&stage, &mut scheduler).await;
}

#[tokio::test]
async fn a_clock_that_is_ahead_by_less_than_a_run_looks_back_loses_nothing_either() {
    let (stage, mut scheduler) = begin().await;
    set_ahead(&stage, HOUR);
    pass(&stage, &mut scheduler, 30).await;
    set_ahead(&stage, Duration::ZERO);
    end(&stage, &mut scheduler).await;
}
