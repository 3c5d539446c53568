//! The daemon as it is watched: by Prometheus, by a load balancer, by a dead man's switch, and by systemd.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use huntd::rules::metrics::METRICS;

use crate::ask::{Exposition, Reply, ask, get_at, get_through};
use crate::listener::Listener;
use crate::stage::Stage;
use crate::support::{Running, wait_for};

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(40);

/// A stage whose config has these lines too.
fn stage(events: u64, schedule: &str, lines: &str) -> Stage {
    let stage = Stage::calm(events, schedule);
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    stage.site.write("huntd.yaml", config + lines);
    stage
}

/// A daemon on any free port, and its address.
fn listening(stage: &Stage) -> (Running, String) {
    let daemon = stage.daemon();
    let mut address = None;
    wait_for("an address in the log", LIMIT, || {
        let log = stage.log();
        let rest = log.split("metrics and health are served").nth(1);
        address = rest.and_then(|rest| rest.split("http://").nth(1)?.split('"').next().map(str::to_owned));
        address.is_some()
    });
    (daemon, address.unwrap())
}

/// The answer, as soon as it has this status.
fn answered(what: &str, status: u16, mut get: impl FnMut() -> Option<Reply>) -> Reply {
    let mut last = None;
    wait_for(&format!("{status} from {what}"), LIMIT, || {
        last = get();
        last.as_ref().is_some_and(|reply| reply.status == status)
    });
    last.unwrap()
}

#[test]
#[expect(clippy::float_cmp, reason = "what is counted is whole")]
fn the_metrics_say_what_the_daemon_did() {
    let stage = stage(3, "* * * * * *", "listen: 127.0.0.1:0\n");
    stage.site.write("hunts/off.yaml", "query: DeviceEvents\nschedule: \"@daily\"\nenabled: false\n");
    stage.site.write("hunts/unread.yaml", "query: DeviceEvents\nschedul: \"@daily\"\n");
    stage.site.write("hunts/refused.yaml", "query: NoSuchTable\nschedule: \"* * * * * *\"\nsplay: 0\n");
    let (daemon, address) = listening(&stage);
    stage.wait_until_told(LIMIT);
    let (mut metrics, new) = (Exposition::default(), f64::from(u32::try_from(stage.events()).unwrap()));
    // An answer is given again for five seconds.
    wait_for("all that was told in the metrics", LIMIT, || {
        let reply = get_at(&address, "/metrics").unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{}", reply.head);
        metrics = Exposition::parse(&reply.body);
        let sent = metrics.values("huntd_deliveries_total", &[("channel", "soc"), ("outcome", "sent")]);
        metrics.values("huntd_hits_total", &[("hunt", "stream"), ("kind", "new")]) == [new]
            && sent.iter().any(|count| *count > 0.0)
    });
    let of = [("hunt", "stream"), ("tenant", "contoso")];
    let (tenant, refused) = ([("tenant", "contoso")], [("hunt", "refused")]);
    let runs = metrics.value("huntd_runs_total", &[of[0], of[1], ("status", "ok")]);
    let failed = metrics.value("huntd_runs_total", &[refused[0], ("status", "failed")]);
    let calls = metrics.value("huntd_api_calls_total", &[tenant[0], ("outcome", "ok")]);
    let missing = metrics.value("huntd_api_calls_total", &[tenant[0], ("outcome", "table_missing")]);
    assert!(runs >= 3.0 && calls >= runs && failed >= 1.0 && missing >= failed, "{runs} {calls} {failed} {missing}");
    assert!(metrics.value("huntd_failures_in_row", &refused) >= 1.0);
    assert_eq!(metrics.value("huntd_failures_in_row", &of), 0.0);
    assert_eq!(metrics.value("huntd_engine_alive", &[]), 1.0);
    assert_eq!(metrics.value("huntd_api_throttled_total", &tenant), 0.0);
    assert_eq!(metrics.value("huntd_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    let hunts = ["enabled", "disabled", "broken"].map(|state| metrics.value("huntd_hunts", &[("state", state)]));
    assert_eq!(hunts, [2.0, 1.0, 1.0]);
    // What hasn't happened is told as nothing: Prometheus sees no rise of a series that begins with it.
    assert_eq!(metrics.value("huntd_hits_total", &[of[0], of[1], ("kind", "gone")]), 0.0);
    assert_eq!(metrics.value("huntd_deliveries_total", &[("channel", "soc"), ("outcome", "failed")]), 0.0);
    assert_eq!(metrics.value("huntd_deliveries", &[("channel", "soc"), ("state", "failed")]), 0.0);
    // The hunt looks back for half a minute, and as long for late events.
    let age = metrics.value("huntd_watermark_age_seconds", &of);
    assert!((0.0..120.0).contains(&age), "{age}");
    let (last, next) = (
        metrics.value("huntd_last_run_timestamp_seconds", &of),
        metrics.value("huntd_next_run_timestamp_seconds", &of),
    );
    let began = metrics.value("process_start_time_seconds", &[]);
    assert!(last >= began && next >= began && (last - next).abs() < 60.0, "{began} {last} {next}");
    assert!(metrics.value("huntd_quota_used_ratio", &[tenant[0], ("window", "calls_per_hour")]) > 0.0);
    assert!(metrics.value("huntd_database_bytes", &[("file", "database")]) > 0.0);
    // What is absent here comes only when there is something to say.
    let served: BTreeSet<&str> = metrics.types.keys().map(String::as_str).collect();
    let rare = ["huntd_tenant_blocked_until_timestamp_seconds"];
    let known: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert!(served.is_subset(&known), "{:?}", served.difference(&known));
    let absent: Vec<&str> = known.difference(&served).copied().filter(|name| !rare.contains(name)).collect();
    assert!(absent.is_empty(), "{absent:?}");
    for metric in METRICS {
        for (labels, _) in metrics.samples.get(metric.name).into_iter().flatten() {
            let known: BTreeSet<&str> = metric.labels.split(',').filter(|label| !label.is_empty()).collect();
            assert_eq!(labels.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "{}", metric.name);
        }
    }
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn health_and_readiness_are_answered_and_nothing_else_is() {
    let stage = stage(1, "@daily", "listen: 127.0.0.1:0\n");
    let (daemon, address) = listening(&stage);
    assert_eq!(answered("/healthz", 200, || get_at(&address, "/healthz")).body, "alive\n");
    let ready = answered("/readyz", 200, || get_at(&address, "/readyz"));
    assert_eq!(ready.body, "running: ok\nscheduler: ok\nengine: ok\ndatabase: ok\ntenants: ok\n");
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("GET /metrics?x=1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("no HTTP at all\r\n\r\n", 400),
    ] {
        let reply = ask(TcpStream::connect(&address).unwrap(), request).unwrap();
        assert_eq!(reply.status, status, "{request}");
        assert!(status == 200 || !reply.body.contains("huntd_"), "{reply:?}");
    }
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    // It may close while the rest is still on its way.
    let refused = ask(TcpStream::connect(&address).unwrap(), &long);
    assert!(refused.is_none_or(|reply| reply.status == 431), "a head has an end");
    let head = ask(TcpStream::connect(&address).unwrap(), "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn clients_that_say_nothing_hold_up_neither_the_daemon_nor_its_end() {
    let stage = stage(2, "* * * * * *", "listen: 127.0.0.1:0\n");
    let (daemon, address) = listening(&stage);
    let silent: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(&address).unwrap()).collect();
    stage.wait_until_told(LIMIT);
    // Theirs end after ten seconds, and then it is this one's turn.
    assert_eq!(answered("/healthz", 200, || get_at(&address, "/healthz")).body, "alive\n");
    let mut first = &silent[0];
    first.set_read_timeout(Some(LIMIT)).unwrap();
    let mut rest = Vec::new();
    // A reset is an end too.
    assert!(first.read_to_end(&mut rest).is_err() || !rest.starts_with(b"HTTP/1.1 200"));
    let again = TcpStream::connect(&address).unwrap();
    assert!(daemon.stop().success(), "{}", stage.log());
    drop(again);
}

#[test]
fn a_unix_socket_is_its_owners_and_goes_with_the_daemon() {
    let stage = stage(1, "@daily", "listen: unix:huntd.sock\n");
    let socket = stage.site.file("huntd.sock");
    let mut killed = stage.daemon();
    answered("/healthz", 200, || get_through(&socket, "/healthz"));
    let file = std::fs::metadata(&socket).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
    killed.kill();
    assert!(socket.exists(), "one that is killed leaves it");
    let daemon = stage.daemon();
    // No page in a browser speaks to a unix socket: any name is taken.
    answered("/readyz", 200, || get_through(&socket, "/readyz"));
    assert!(daemon.stop().success(), "{}", stage.log());
    assert!(!socket.exists());
    stage.site.write("huntd.sock", "precious");
    let daemon = stage.daemon();
    wait_for("a warning", LIMIT, || stage.log().contains("metrics and health can't be served"));
    assert!(daemon.stop().success(), "{}", stage.log());
    assert_eq!(std::fs::read(&socket).unwrap(), b"precious", "what isn't a socket is left alone");
}

#[test]
fn a_port_that_is_taken_stops_no_hunt() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let stage = stage(2, "* * * * * *", &format!("listen: {}\n", other.local_addr().unwrap()));
    let daemon = stage.daemon();
    stage.wait_until_told(LIMIT);
    let log = stage.log();
    assert_eq!(log.matches("metrics and health can't be served").count(), 1, "{log}");
    assert!(log.contains("huntd hunts on"), "{log}");
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn the_heartbeat_is_heard_and_its_address_stands_nowhere() {
    let listener = Listener::start(500);
    let url = format!("http://127.0.0.1:{}/ping/0dd-secret?token=also-secret", listener.port);
    let stage = stage(1, "@daily", &format!("listen: null\nheartbeat: {{url: \"{url}\", every: 1s}}\n"));
    let daemon = stage.daemon();
    wait_for("two heartbeats", LIMIT, || listener.heard().len() >= 2);
    listener.answer(200);
    wait_for("one that is heard", LIMIT, || stage.log().contains("the heartbeat is heard again"));
    assert!(daemon.stop().success(), "{}", stage.log());
    let (heard, log) = (listener.heard(), stage.log());
    assert!(heard.iter().all(|line| line == "GET /ping/0dd-secret?token=also-secret HTTP/1.1"), "{heard:?}");
    assert_eq!(log.matches("the heartbeat was not heard").count(), 1, "{log}");
    assert!(log.contains("HTTP 500") && !log.contains("secret"), "{log}");
}

#[test]
fn the_address_of_a_heartbeat_that_nobody_hears_stands_nowhere() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/ping/0dd-secret");
    let stage = stage(1, "@daily", &format!("listen: null\nheartbeat: {{url: \"{url}\", every: 1s}}\n"));
    let daemon = stage.daemon();
    wait_for("a warning", LIMIT, || stage.log().contains("the heartbeat was not heard"));
    assert!(daemon.stop().success(), "{}", stage.log());
    assert!(!stage.log().contains("secret"), "{}", stage.log());
}

#[test]
fn the_watchdog_is_fed_and_systemd_knows_what_is_done() {
    let stage = stage(1, "@daily", "listen: null\n");
    let path = stage.site.file("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let heard = || {
        let mut text = [0; 4096];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).trim_end().to_owned()
    };
    let mut command = stage.site.command(&["daemon"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000000").env_remove("WATCHDOG_PID");
    let mut daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(heard(), "READY=1");
    let (mut fed, mut status) = (0, String::new());
    while fed < 3 || status.is_empty() {
        for line in heard().lines() {
            fed += usize::from(line == "WATCHDOG=1");
            if let Some(text) = line.strip_prefix("STATUS=") {
                text.clone_into(&mut status);
            }
        }
    }
    assert!(status.starts_with("1 hunt on 1 tenant; "), "{status}");
    assert!(std::process::Command::new("kill").arg(daemon.id().to_string()).status().unwrap().success());
    while heard() != "STOPPING=1" {}
    assert!(daemon.wait().unwrap().success());
}
