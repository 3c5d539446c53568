//! Hunts that are edited while the daemon runs: each way to change a tree is seen once, a broken hunt runs on, and
//! what wasn't touched isn't reset.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::stage::Stage;
use crate::support::{Running, wait_for};

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_mins(1);

/// A hunt of every second.
fn hunt(query: &str) -> String {
    format!("query: {query}\nschedule: \"* * * * * *\"\nlookback: 1m\nsplay: 0\n")
}

fn wait_for_log(stage: &Stage, words: &str, times: usize) {
    let what = format!("`{words}` {times} times in the log");
    wait_for(&what, LIMIT, || stage.log().matches(words).count() >= times);
}

fn runs(stage: &Stage, hunt: &str) -> Vec<Value> {
    stage.site.huntd(&["--json", "runs", hunt]).expect(0).objects()
}

/// Waits until `hunt` has run with `query` in its text since this was called.
fn wait_for_run(stage: &Stage, hunt: &str, marker: &str) {
    let before = runs(stage, hunt).len();
    wait_for(&format!("a run of {hunt} with {marker}"), LIMIT, || {
        let all = runs(stage, hunt);
        let new = all.len().saturating_sub(before);
        all.iter().take(new).any(|run| {
            let id = run["run"].as_str().unwrap();
            stage.site.huntd(&["--json", "show", id]).expect(0).stdout.contains(marker)
        })
    });
}

fn listed(stage: &Stage, hunt: &str) -> Value {
    let all = stage.site.huntd(&["--json", "list"]).expect(0).objects();
    all.into_iter().find(|row| row["hunt"] == hunt).unwrap_or(Value::Null)
}

fn hang_up(daemon: &Running) {
    assert!(Command::new("kill").args(["-s", "HUP", &daemon.id().to_string()]).status().unwrap().success());
}

fn loads(stage: &Stage) -> usize {
    stage.log().matches("the hunts are loaded again").count()
}

#[test]
fn a_broken_hunt_runs_on_and_a_good_edit_takes_effect() {
    let stage = Stage::calm(1, "@daily");
    stage.site.write("hunts/edited.yaml", hunt("DeviceInfo | where DeviceName == 'one'"));
    stage.site.write("hunts/other.yaml", hunt("DeviceInfo"));
    let daemon = stage.daemon();
    wait_for_log(&stage, "huntd runs", 1);
    wait_for_run(&stage, "edited", "'one'");
    stage.site.write("hunts/edited.yaml", "query: DeviceInfo\nschedul: \"@daily\"\n");
    wait_for_log(&stage, "its last good version runs on", 1);
    wait_for_run(&stage, "edited", "'one'");
    let row = listed(&stage, "edited");
    assert_eq!(row["broken"]["line"], 2, "{row}");
    assert!(row["broken"]["message"].as_str().unwrap().contains("schedul"), "{row}");
    assert_eq!(listed(&stage, "other")["broken"], Value::Null);
    let table = stage.site.huntd(&["list"]).expect(0);
    assert!(table.stderr.contains("edited.yaml:2:1"), "{}", table.stderr);

    // A restart changes nothing of that.
    assert!(daemon.stop().success(), "{}", stage.log());
    let daemon = stage.daemon();
    wait_for_log(&stage, "huntd runs", 1);
    assert!(stage.log().contains("its last good version runs on"), "{}", stage.log());
    wait_for_run(&stage, "edited", "'one'");

    stage.site.write("hunts/edited.yaml", hunt("DeviceInfo | where DeviceName == 'two'"));
    wait_for_run(&stage, "edited", "'two'");
    assert_eq!(listed(&stage, "edited")["broken"], Value::Null);
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn hunts_come_and_go_and_their_history_stays() {
    let stage = Stage::calm(1, "@daily");
    stage.site.write("hunts/goes.yaml", hunt("DeviceInfo"));
    let daemon = stage.daemon();
    wait_for_log(&stage, "huntd runs", 1);
    wait_for_run(&stage, "goes", "DeviceInfo");
    stage.site.write("hunts/comes.yaml", hunt("DeviceInfo"));
    std::fs::remove_file(stage.site.file("hunts/goes.yaml")).unwrap();
    wait_for_run(&stage, "comes", "DeviceInfo");
    let before = runs(&stage, "goes").len();
    assert!(before > 0, "its history stays");
    wait_for_run(&stage, "comes", "DeviceInfo");
    // One may have been under way.
    assert!(runs(&stage, "goes").len() <= before + 1);
    let log = stage.log();
    assert!(log.contains("the hunt is added") && log.contains("the hunt is removed"), "{log}");
    assert_eq!(listed(&stage, "goes"), Value::Null);
    // None is left: that is no wish.
    let rest: Vec<_> = std::fs::read_dir(stage.site.file("hunts")).unwrap().collect();
    for file in rest {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    wait_for_log(&stage, "no hunt would be left", 1);
    wait_for_run(&stage, "comes", "DeviceInfo");
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn a_swapped_link_a_checkout_and_a_save_are_each_seen_once() {
    let stage = Stage::calm(1, "@daily");
    let (site, file) = (&stage.site, |name: &str| stage.site.file(name));
    for version in ["v1", "v2"] {
        site.write(&format!("{version}/linked.yaml"), hunt(&format!("DeviceInfo | where DeviceName == '{version}'")));
    }
    let config = std::fs::read_to_string(file("huntd.yaml")).unwrap();
    symlink("v1", file("current")).unwrap();
    site.write("huntd.yaml", format!("hunts: current\n{config}"));
    let daemon = stage.daemon();
    wait_for_log(&stage, "huntd runs", 1);
    wait_for_run(&stage, "linked", "'v1'");
    symlink("v2", file("next")).unwrap();
    std::fs::rename(file("next"), file("current")).unwrap();
    wait_for_run(&stage, "linked", "'v2'");
    assert_eq!(loads(&stage), 1);

    // An editor's save: another file, and a rename over the first.
    site.write("v2/.linked.yaml.swp", "x");
    site.write("v2/linked.yaml~", hunt("DeviceInfo | where DeviceName == 'saved'"));
    std::fs::rename(file("v2/linked.yaml~"), file("v2/linked.yaml")).unwrap();
    wait_for_run(&stage, "linked", "'saved'");
    assert_eq!(loads(&stage), 2);

    // A checkout that takes its time: nothing is loaded while git holds its lock.
    let git = |arguments: &[&str]| {
        let said = Command::new("git").arg("-C").arg(file("v2")).args(arguments).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["-c", "user.name=Ann", "-c", "user.email=ann@example", "commit", "-qm", "hunts"]);
    site.write("v2/.git/index.lock", "");
    site.write("v2/linked.yaml", "query: [half a fi");
    crate::stage::pause(Duration::from_secs(3));
    assert_eq!(loads(&stage), 2, "{}", stage.log());
    git(&["--no-optional-locks", "status"]);
    site.write("v2/linked.yaml", hunt("DeviceInfo | where DeviceName == 'checked out'"));
    std::fs::remove_file(file("v2/.git/index.lock")).unwrap();
    git(&["-c", "user.name=Ann", "-c", "user.email=ann@example", "commit", "-qam", "more"]);
    let head = git(&["rev-parse", "HEAD"]);
    wait_for_run(&stage, "linked", "checked out");
    assert!(!stage.log().contains("the hunt is broken"), "{}", stage.log());
    hang_up(&daemon);
    wait_for("a run with its commit", LIMIT, || {
        runs(&stage, "linked").first().is_some_and(|run| run["commit"] == *head)
    });
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn a_hangup_takes_the_config_too_and_a_broken_one_changes_nothing() {
    let stage = Stage::calm(1, "@daily");
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    let daemon = stage.daemon();
    wait_for_log(&stage, "huntd runs", 1);
    stage.site.write("huntd.yaml", format!("{config}nonsense: 1\n"));
    hang_up(&daemon);
    wait_for_log(&stage, "the one before holds", 1);
    // A new channel, to which a new hunt tells.
    let more = config.replace("routes:", "  more: {file: {path: more.jsonl}}\nroutes:");
    assert_ne!(more, config);
    stage.site.write("huntd.yaml", format!("{more}retention: {{rows: 10d, runs: 100d}}\n"));
    hang_up(&daemon);
    wait_for_log(&stage, "the config is loaded again", 1);
    let log = stage.log();
    let fixed = log.lines().find(|line| line.contains("take effect with the next start")).unwrap_or_default();
    assert!(fixed.contains("retention") && !fixed.contains("database"), "{log}");
    let all = "DeviceEvents | where AdditionalFields has 'stream-marker'";
    stage
        .site
        .write("hunts/more.yaml", format!("{}lookback: 1d\nnotify: [more]\n", hunt(all).replace("lookback: 1m\n", "")));
    wait_for("hits in the new channel", LIMIT, || stage.told_in("more.jsonl") == stage.events());
    assert!(daemon.stop().success(), "{}", stage.log());
}
