//! A disk that fills up, or turns read-only, under the running daemon: it goes on living, loses nothing and
//! tells nothing twice, and makes good what was held up when the disk is mended.
//!
//! A run whose commit failed is made again a minute later. By default the tests don't wait for that: they let
//! `huntd run` find the rest. With `HUNTD_CHAOS_DISK=1` it is the daemon that does.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::mounts;
use crate::referee::Told;
use crate::stage::{Stage, number};
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_mins(1);

/// A process that is killed with its test.
struct Guarded(Child);

impl Guarded {
    fn start(stage: &Stage, command: &mut Command) -> Self {
        let log = std::fs::File::create(stage.site.file("daemon.log")).unwrap();
        Self(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    /// SIGTERM to a process that is its own, and not a script's.
    fn terminate(self, stage: &Stage) {
        let sent = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status().unwrap();
        assert!(sent.success());
        self.ends_well(stage);
    }

    fn ends_well(mut self, stage: &Stage) {
        assert!(self.0.wait().unwrap().success(), "{}", stage.log());
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.0.try_wait().ok().flatten().is_none() {
            let _killed = self.0.kill().is_ok() && self.0.wait().is_ok();
        }
    }
}

fn stage() -> Stage {
    let stage = Stage::calm(6, "* * * * * *");
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    stage.site.write("huntd.yaml", config.replace("database: huntd.db", "database: disk/huntd.db"));
    std::fs::create_dir(stage.site.file("disk")).unwrap();
    stage
}

/// What is said while the disk takes nothing: a failed run, or an outbox that can't be used.
fn is_noticed(stage: &Stage, words: &str) -> bool {
    let log = stage.log();
    log.contains(words) && log.contains("could not be committed")
}

fn judge(stage: &Stage, words: &str) {
    let told = Told::of(stage);
    told.each_is_stored_once();
    told.each_is_told();
    told.repeats_are_recognisable();
    assert!(stage.log().contains(words) && !stage.log().contains("panicked"), "{}", stage.log());
}

/// Waits for the rest of the stream: found by hand, or by the daemon where there is time. `look` brings the
/// outbox into the file `deliveries`, unless a script does.
fn make_good(stage: &Stage, look: impl Fn(bool)) {
    let by_hand = number("HUNTD_CHAOS_DISK", 0) == 0;
    if by_hand {
        stage.site.write("by-hand", "");
    }
    wait_for("the rest to be told", if by_hand { LIMIT } else { LIMIT * 3 }, || {
        look(by_hand);
        let deliveries = std::fs::read_to_string(stage.site.file("deliveries")).unwrap_or_default();
        stage.told_in("hits.jsonl") == stage.events() && !deliveries.contains("\"pending\"")
    });
}

#[test]
fn a_disk_that_fills_up_holds_the_daemon_up_and_no_more() {
    let stage = stage();
    let text = "
        until_there() { until [ -e $1 ]; do sleep 0.1; done; }
        mount -t tmpfs -o size=1m tmpfs disk
        $HUNTD daemon & daemon=$!
        until_there fill
        dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
        until_there mend
        rm disk/fill
        mount -o remount,size=40m disk
        until [ -e end ]; do
            if [ -e by-hand ]; then $HUNTD run stream >by-hand 2>&1 || true; fi
            if $HUNTD --json deliveries >now 2>/dev/null; then mv now deliveries; fi
            sleep 0.3
        done
        kill -TERM $daemon
        wait $daemon
        cp disk/huntd.db ended.db";
    let Some(mut command) = mounts::script(&stage.site, text) else { return };
    let daemon = Guarded::start(&stage, &mut command);
    wait_for("the first hits", LIMIT, || stage.told_in("hits.jsonl") > 2);
    stage.site.write("fill", "");
    wait_for("a full disk that is noticed", LIMIT, || is_noticed(&stage, "no space left for the database"));
    stage.site.write("mend", "");
    make_good(&stage, |_| {});
    stage.site.write("end", "");
    daemon.ends_well(&stage);
    // The database stood on the disk that went with the name space.
    std::fs::copy(stage.site.file("ended.db"), stage.site.file("disk/huntd.db")).unwrap();
    judge(&stage, "no space left");
}

#[test]
fn a_disk_that_turns_read_only_holds_the_daemon_up_and_no_more() {
    let stage = stage();
    let (source, library) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/daemon/chaos/readonly.c"), stage.site.file("readonly.so"));
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]).status();
    assert!(built.is_ok_and(|status| status.success()), "this test needs a C compiler named `cc`, as the build does");
    let mut command = stage.site.command(&["daemon"]);
    command.env("LD_PRELOAD", &library);
    command.env("CHAOS_FOLDER", stage.site.file("disk").canonicalize().unwrap());
    command.env("CHAOS_SWITCH", stage.site.file("read-only"));
    let daemon = Guarded::start(&stage, &mut command);
    wait_for("the first hits", LIMIT, || stage.told_in("hits.jsonl") > 2);
    stage.site.write("read-only", "");
    wait_for("a read-only disk that is noticed", LIMIT, || is_noticed(&stage, "can't be written"));
    std::fs::remove_file(stage.site.file("read-only")).unwrap();
    make_good(&stage, |by_hand| {
        if by_hand {
            stage.site.huntd(&["run", "stream"]);
        }
        stage.site.write("deliveries", stage.site.huntd(&["--json", "deliveries"]).stdout);
    });
    daemon.terminate(&stage);
    judge(&stage, "can't be written");
}
