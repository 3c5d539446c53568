//! A daemon that stalls: in this process, under a clock that the test holds. Another process holds the database while
//! the wall clock is set, so that the scheduler waits, as it would.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use huntd::app::daemon::{Daemon, Start};
use huntd::app::output::Output;
use huntd::app::watch::Watch;
use huntd::model::time::Timestamp;
use huntd::ports::clock::{Clock, ManualClock, SharedClock};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::signal::unix::{SignalKind, signal};

use crate::ask::{Reply, get_through};
use crate::listener::Listener;
use crate::stage::Stage;
use crate::support::wait_for;

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(25);

fn is(status: u16, socket: &Path, path: &str) -> Option<Reply> {
    get_through(socket, path).filter(|reply| reply.status == status)
}

async fn lock(database: &Path) -> SqliteConnection {
    let mut other = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    other
}

#[test]
fn a_daemon_that_stalls_says_so_and_sends_no_heartbeat() {
    let (stage, listener) = (Stage::calm(1, "@daily"), Listener::start(200));
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    let url = format!("http://127.0.0.1:{}/ping", listener.port);
    let lines = format!("listen: unix:huntd.sock\nheartbeat: {{url: \"{url}\", every: 1m}}\n");
    stage.site.write("huntd.yaml", config + &lines);
    let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-11-24T12:00:00Z").unwrap()));
    let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
    let (socket, minute) = (stage.site.file("huntd.sock"), Duration::from_mins(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let output = Output { json: true, terminal: false };
    let start = runtime.block_on(Start::read(&stage.site.file("huntd.yaml"), output)).unwrap();
    let config = start.config().clone();
    let daemon = runtime.block_on(async {
        let hangup = signal(SignalKind::hangup()).unwrap();
        Daemon::start(start, hangup, shared).await.unwrap()
    });
    let mut watch = Watch::new(&config, daemon.watched()).unwrap();
    runtime.block_on(async { watch.start() });
    wait_for("a daemon that is ready", LIMIT, || {
        clock.advance(Duration::from_secs(6));
        is(200, &socket, "/readyz").is_some()
    });
    wait_for("a heartbeat", LIMIT, || {
        clock.advance(Duration::from_secs(6));
        !listener.heard().is_empty()
    });

    let mut other = runtime.block_on(lock(&config.database));
    clock.set_wall(clock.now().plus(Duration::from_hours(2)));
    let mut said = None;
    wait_for("a daemon that stalls", LIMIT, || {
        clock.advance(Duration::from_secs(76));
        said = is(503, &socket, "/healthz");
        said.is_some()
    });
    let said = said.unwrap().body;
    assert!(said.starts_with("stalled: the scheduler has done nothing for "), "{said}");
    let before = listener.heard().len();
    clock.advance(minute);
    // It takes the five seconds in which no write can begin: a heartbeat would long have come.
    let ready = get_through(&socket, "/readyz").unwrap();
    clock.advance(minute);
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("engine: stalled: the scheduler"), "{}", ready.body);
    assert!(ready.body.contains("database: no write could begin within 5 s\n"), "{}", ready.body);
    let metrics = get_through(&socket, "/metrics").unwrap();
    assert_eq!(metrics.status, 200, "what can be read is told all the same");
    assert!(metrics.body.contains("\nhuntd_engine_alive 0\n"), "{}", metrics.body);
    assert_eq!(listener.heard().len(), before, "no heartbeat of one that stalls");

    runtime.block_on(async {
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    });
    wait_for("a daemon that goes on", LIMIT, || is(200, &socket, "/healthz").is_some());
    wait_for("its heartbeat", LIMIT, || {
        clock.advance(minute);
        listener.heard().len() > before
    });
    runtime.block_on(async {
        daemon.stop().await;
        // It is no longer ready, and not taken for dead.
        watch.stop().await;
    });
    assert!(!socket.exists());
}
