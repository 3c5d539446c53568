//! The daemon as a service: one a database, signals, systemd, and neighbours that are broken, down or in the way.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::referee::Told;
use crate::stage::Stage;
use crate::support::wait_for;

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(40);

/// A daemon that is sent a signal of the test's choice; killed with its test.
struct Daemon(Child);

impl Daemon {
    /// Starts one with a variable in its environment.
    fn start(stage: &Stage, variable: (&str, &str)) -> Self {
        let log = std::fs::File::create(stage.site.file("daemon.log")).unwrap();
        let mut command = stage.site.command(&["daemon"]);
        Self(command.env(variable.0, variable.1).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Sends a signal, and waits for the end.
    fn signal(mut self, name: &str) -> ExitStatus {
        let sent = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.0.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.0.try_wait().ok().flatten().is_none() {
            let _killed = self.0.kill().is_ok() && self.0.wait().is_ok();
        }
    }
}

fn wait_for_log(stage: &Stage, words: &str) {
    wait_for(&format!("`{words}` in the log"), LIMIT, || stage.log().contains(words));
}

#[test]
fn a_second_daemon_on_the_same_database_is_refused_and_told_of_the_first() {
    let stage = Stage::calm(1, "@daily");
    let mut first = stage.daemon();
    wait_for_log(&stage, "huntd runs");
    let second = stage.site.huntd(&["daemon"]).expect(2);
    assert!(second.error().contains(&format!("process {}", first.id())), "{}", second.stderr);
    assert!(first.runs(), "the first goes on");
    first.kill();
    // The system frees the lock of a process that was killed.
    let third = stage.daemon();
    wait_for("the third daemon", LIMIT, || stage.log().matches("huntd runs").count() == 2);
    assert!(third.stop().success(), "{}", stage.log());
}

#[test]
fn a_run_beside_the_daemon_tells_nothing_twice() {
    let stage = Stage::calm(5, "* * * * * *");
    let daemon = stage.daemon();
    wait_for_log(&stage, "huntd runs");
    let mut ran = 0;
    // Until nothing is left to be found: each such run competes with one of the daemon's.
    wait_for("the whole stream to be told", LIMIT, || {
        stage.site.huntd(&["run", "stream"]).expect(0);
        ran += 1;
        stage.told_in("hits.jsonl") == stage.events()
    });
    stage.wait_until_told(LIMIT);
    assert!(daemon.stop().success(), "{}", stage.log());
    let told = Told::of(&stage);
    told.each_is_stored_once();
    told.each_is_told();
    told.none_is_told_twice();
    let runs = stage.site.huntd(&["--json", "runs"]).expect(0).objects();
    // Which of the two finds an event first is chance; that both looked for it is what makes the test one.
    let by = |trigger: &str| runs.iter().filter(|run| run["trigger"] == trigger).count();
    assert_eq!(by("manual"), ran);
    assert!(by("schedule") > 2, "the daemon ran beside: {runs:?}");
}

#[test]
fn sigint_ends_the_daemon_as_sigterm_does() {
    let stage = Stage::calm(1, "@daily");
    let daemon = Daemon::start(&stage, ("LANG", "C"));
    wait_for_log(&stage, "huntd runs");
    let status = daemon.signal("INT");
    assert_eq!(status.code(), Some(0), "{}", stage.log());
    assert!(stage.log().contains("stopped"), "{}", stage.log());
}

#[test]
fn systemd_is_told_of_start_and_stop() {
    let stage = Stage::calm(1, "@daily");
    let path = stage.site.file("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let heard = || {
        let mut text = [0; 4096];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).trim_end().to_owned()
    };
    let daemon = Daemon::start(&stage, ("NOTIFY_SOCKET", path.to_str().unwrap()));
    assert_eq!(heard(), "READY=1");
    assert!(std::fs::exists(stage.site.file("huntd.db")).unwrap(), "ready means that the store is open");
    assert!(daemon.signal("TERM").success(), "{}", stage.log());
    // Between the two stands what it does.
    while heard() != "STOPPING=1" {}
}

#[test]
fn broken_hunts_stop_no_other() {
    let stage = Stage::calm(4, "* * * * * *");
    stage.site.write("hunts/unread.yaml", "query: DeviceEvents\nschedul: \"@daily\"\n");
    // It loads, and the tenant doesn't know its table.
    stage.site.write("hunts/refused.yaml", "query: NoSuchTable\nschedule: \"* * * * * *\"\nsplay: 0\n");
    let daemon = stage.daemon();
    stage.wait_until_told(LIMIT);
    assert!(daemon.stop().success(), "{}", stage.log());
    let log = stage.log();
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains("unread.yaml")), "{log}");
    assert!(log.lines().any(|line| line.contains("NoSuchTable") && line.contains("refused")), "{log}");
    let told = Told::of(&stage);
    told.each_is_stored_once();
    told.none_is_told_twice();
}

/// The way to the mail server: shut at first, when every connection ends at once.
struct Door {
    port: u16,
    open: Arc<AtomicBool>,
}

impl Door {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, open) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let is_open = Arc::clone(&open);
        std::thread::spawn(move || {
            for guest in listener.incoming().map_while(Result::ok) {
                if is_open.load(Ordering::SeqCst) {
                    let host = TcpStream::connect(("127.0.0.1", server)).unwrap();
                    pipe(guest.try_clone().unwrap(), host.try_clone().unwrap());
                    pipe(host, guest);
                }
            }
        });
        Self { port, open }
    }
}

/// Passes on what comes, in a thread that ends with the connection.
fn pipe(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let passed = copy(&mut from, &mut to);
        // The other side may have closed already.
        passed.is_ok() && to.shutdown(Shutdown::Write).is_ok()
    });
}

#[test]
fn mails_wait_for_a_server_that_is_down_and_come_once() {
    let stage = Stage::calm(3, "* * * * * *");
    let door = Door::before(stage.mail.port);
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    let (straight, through) = (format!("localhost:{}?", stage.mail.port), format!("localhost:{}?", door.port));
    assert!(config.contains(&straight));
    stage.site.write("huntd.yaml", config.replace(&straight, &through));
    let daemon = stage.daemon();
    let waiting =
        || stage.deliveries().lines().filter(|line| line.contains("\"soc\"") && line.contains("pending")).count();
    wait_for("mails that wait, and hits in the file", LIMIT, || {
        stage.told_in("hits.jsonl") == stage.events() && waiting() > 0 && stage.log().contains("not delivered yet")
    });
    assert_eq!(stage.mail.mails().len(), 0);
    door.open.store(true, Ordering::SeqCst);
    stage.wait_until_told(LIMIT);
    assert!(daemon.stop().success(), "{}", stage.log());
    let told = Told::of(&stage);
    told.each_is_told();
    told.none_is_told_twice();
    let all: Vec<Value> = stage.deliveries().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(all.iter().all(|delivery| delivery["state"] == "sent"), "{all:?}");
    let of = |channel: &str| {
        all.iter().filter(|one| one["channel"] == channel).map(|one| one["attempts"].as_u64().unwrap()).max()
    };
    assert!(of("soc") > Some(1), "{all:?}");
    assert_eq!(of("hits"), Some(1), "a server that is down delays no other channel: {all:?}");
}

#[test]
fn the_file_of_hits_can_be_rotated_under_the_daemon() {
    let stage = Stage::calm(5, "* * * * * *");
    let daemon = stage.daemon();
    wait_for("the first hits", LIMIT, || stage.told_in("hits.jsonl") > 0);
    std::fs::rename(stage.site.file("hits.jsonl"), stage.site.file("hits.jsonl.1")).unwrap();
    wait_for("the rest in a new file", LIMIT, || {
        stage.told_in("hits.jsonl") > 0 && stage.told_in("hits.jsonl") + stage.told_in("hits.jsonl.1") >= stage.events()
    });
    assert!(daemon.stop().success(), "{}", stage.log());
    let read = |name: &str| std::fs::read_to_string(stage.site.file(name)).unwrap();
    stage.site.write("hits.jsonl", read("hits.jsonl.1") + &read("hits.jsonl"));
    let told = Told::of(&stage);
    told.each_is_stored_once();
    told.each_is_told();
    told.none_is_told_twice();
}
