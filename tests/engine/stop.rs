//! A stop: what only waits is dropped, what is in a call may end.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huntd::model::config::Quota;
use huntd::model::run::RunStatus;
use huntd::ports::clock::Clock;

use crate::clock::{until, within};
use crate::stage::{MINUTE, QUOTA, Stage, THREE, hunt};

/// What the engine logs.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Keeps what this thread logs, until it is dropped.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_target(false).without_time();
        tracing::subscriber::set_default(lines.with_writer(move || log.clone()).finish())
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Far longer than a test may take: a stop that needs it has failed.
const LIMIT: Duration = Duration::from_hours(1);

#[tokio::test]
async fn what_waits_for_the_quota_or_in_the_queue_is_dropped_at_once() {
    let quota = Quota { calls_per_minute: 1, concurrent: 2, ..QUOTA };
    let stage = Stage::with(THREE, quota, "right").await;
    let hunts = [hunt("a", ""), hunt("b", ""), hunt("c", ""), hunt("d", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.hold();
    stage.clock.manual.advance(MINUTE * 10);
    assert_eq!(scheduler.look().await, 4);
    // One calls, the next one waits for the minute, and the others for their turn to ask.
    stage.clock.waited_by(1).await;
    assert_eq!(within(scheduler.finish(LIMIT)).await, 3);
    assert_eq!(stage.simulator.stats().calls, 1);
    let runs = stage.runs().await;
    assert_eq!((runs.len(), runs[0].status), (1, RunStatus::Ok), "what was cut off left nothing");

    // After the restart their ticks are still to be served.
    stage.clock.leap();
    let mut scheduler = stage.scheduler(&hunts).await;
    assert_eq!(scheduler.look().await, 3);
}

#[tokio::test]
async fn what_is_in_a_call_is_waited_for() {
    let stage = Stage::new(THREE).await;
    stage.faults("[{does: {slow_first_byte: 300ms}}]");
    let mut scheduler = stage.scheduler(&[hunt("a", "")]).await;
    stage.clock.manual.advance(MINUTE * 10);
    assert_eq!(scheduler.look().await, 1);
    until(|| stage.simulator.stats().calls > 0).await;
    assert_eq!(within(scheduler.finish(LIMIT)).await, 0);
    assert_eq!(stage.runs().await[0].status, RunStatus::Ok);
}

#[tokio::test]
async fn what_takes_too_long_is_cut_off_and_settled_at_the_next_start() {
    let stage = Stage::with(THREE, Quota { concurrent: 1, ..QUOTA }, "right").await;
    stage.faults("[{does: {slow_first_byte: 1h}}]");
    let hunts = [hunt("a", "")];
    let mut scheduler = stage.scheduler(&hunts).await;
    stage.clock.manual.advance(MINUTE * 10);
    scheduler.look().await;
    until(|| stage.simulator.stats().calls > 0).await;
    let log = Log::default();
    let guard = log.listen();
    assert_eq!(scheduler.finish(Duration::ZERO).await, 1);
    drop(guard);
    assert_eq!(
        log.lines(),
        [
            "INFO the stop waits for the runs in flight; those that only wait are made after the next start runs=1 waiting=0 in_flight=\"a on contoso\"",
            "WARN the run was cut off, as it took longer than a stop waits: nothing of it counts, and it is made again hunt=a tenant=contoso limit=0ns",
        ]
    );
    assert!(stage.runs().await.is_empty());
    let now = stage.clock.now();
    let open = stage.runner.store.ledger(&stage.tenant.name, now).await.unwrap();
    assert_eq!(open.calls.iter().filter(|call| call.answered.is_none()).count(), 1);
    assert_eq!(stage.runner.store.settle_orphans(now, |_| false).await.unwrap(), 1);

    stage.faults("[]");
    let mut scheduler = stage.scheduler(&hunts).await;
    assert_eq!(scheduler.look().await, 1, "the tick is made up for");
    while scheduler.under_way() > 0 {
        tokio::task::yield_now().await;
        scheduler.look().await;
    }
    assert_eq!(stage.runs().await[0].status, RunStatus::Ok);
    assert_eq!(stage.clock.now(), now);
}

#[tokio::test]
async fn a_second_stop_does_no_harm() {
    let stage = Stage::new(THREE).await;
    let mut scheduler = stage.scheduler(&[hunt("a", "")]).await;
    assert_eq!((within(scheduler.finish(LIMIT)).await, within(scheduler.finish(LIMIT)).await), (0, 0));
}
