//! `hits`, `runs`, `show`, `list` and `deliveries`: for a person and for a script.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::desk::{Desk, TO_FILE, golden};

/// A desk after two runs, the second of which found one more.
fn after_two_runs() -> Desk {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc"]).expect(0);
    let scenario = format!("{}{}{MORE}", crate::desk::TENANT, crate::desk::EVENTS);
    let scenario = huntd::sim::scenario::parse_scenario(&scenario).unwrap();
    desk.simulator.set(|now| *now = scenario);
    desk.huntd(&["run", "enc"]).expect(0);
    desk
}

const MORE: &str = "      - {at: -5m, row: {ReportId: 4, Command: \"powershell -enc DD==\"}}\n";

#[test]
fn listings_are_for_people() {
    let desk = after_two_runs();
    for (name, arguments) in [
        ("hits", &["hits"][..]),
        ("hits-of-a-kind-none", &["hits", "--kind", "gone"]),
        ("runs", &["runs"]),
        ("runs-failed-none", &["runs", "--failed"]),
        ("deliveries", &["deliveries"]),
        ("deliveries-failed-none", &["deliveries", "--failed"]),
    ] {
        golden(name, &desk.shown(arguments));
    }
    let list = desk.huntd(&["list"]).expect(0).stdout;
    let line = list.lines().nth(1).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[..4], ["enc", "contoso", "high", "@hourly"]);
    assert_eq!(words[words.len() - 3..], ["ok", "1", "0"]);
}

#[test]
fn listings_are_for_scripts() {
    let desk = after_two_runs();
    let hits = |arguments: &[&str]| desk.huntd(&[&["hits", "--json"], arguments].concat()).expect(0).objects();
    let runs = desk.huntd(&["runs", "--json"]).expect(0).objects();
    let last = runs[0]["run"].as_str().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(hits(&[]).len(), 4);
    assert_eq!(hits(&["--run", last]).len(), 1);
    assert_eq!(hits(&["--kind", "new"]).len(), 4);
    assert_eq!(hits(&["--kind", "gone"]).len(), 0);
    assert_eq!(hits(&["--since", "1d"]).len(), 4);
    assert_eq!(hits(&["--tenant", "fabrikam"]).len(), 0);
    assert_eq!(hits(&["e*"]).len(), 4);
    assert_eq!(hits(&["other"]).len(), 0);
    assert_eq!(desk.huntd(&["runs", "--json", "--limit", "1"]).expect(0).objects().len(), 1);
    assert_eq!(desk.huntd(&["runs", "--json", "--failed"]).expect(0).objects().len(), 0);
    assert_eq!(desk.huntd(&["deliveries", "--json"]).expect(0).objects().len(), 2);
    let hunts = desk.huntd(&["list", "--json"]).expect(0).objects();
    assert_eq!(
        (&hunts[0]["hunt"], &hunts[0]["status"], &hunts[0]["failures_in_row"]),
        (&"enc".into(), &"ok".into(), &0.into())
    );
    assert!(hunts[0]["next"].is_string() && hunts[0]["watermark"].is_null(), "a manual run leaves the watermark alone");
}

#[test]
fn one_run_or_hit_is_shown_whole() {
    let desk = after_two_runs();
    let runs = desk.huntd(&["runs", "--json"]).expect(0).objects();
    let run = runs[0]["run"].as_str().unwrap();
    golden("show-run", &desk.shown(&["show", run]));
    let object = desk.huntd(&["show", run, "--json"]).expect(0).objects().remove(0);
    assert!(object["query"].as_str().unwrap().starts_with("DeviceProcessEvents"));

    let hits = desk.huntd(&["hits", "--json"]).expect(0).objects();
    let hit = hits[0]["hit"].as_str().unwrap();
    golden("show-hit", &desk.shown(&["show", &hit[..8]]).replace(hit, "HIT"));
    // What reads a line of `hits --json` reads this.
    let shown = desk.huntd(&["show", hit, "--json"]).expect(0).objects().remove(0);
    for (name, value) in hits[0].as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let text = desk.shown(&["show", "ffffffffff"]);
    assert!(text.starts_with("exit 1"), "{text}");
    golden("show-nothing", &text);
}

#[test]
fn wrong_filters_are_usage_errors() {
    let desk = after_two_runs();
    for (name, arguments) in [
        ("since-is-no-duration", &["hits", "--since", "tuesday"][..]),
        ("kind-is-unknown", &["hits", "--kind", "old"]),
        ("run-is-no-name", &["hits", "--run", "../x"]),
        ("retry-nothing", &["deliveries", "retry", "nope"]),
        ("retry-without-id", &["deliveries", "retry"]),
    ] {
        let text = desk.shown(arguments);
        assert!(text.starts_with("exit 2\n"), "{name}: {text}");
        golden(name, &text);
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_listing_quietly() {
    let stream = "
hunts:
  - name: enc
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, DeviceId: string, ReportId: long, Command: string}
    streams: [{every: 0s, from: -20m, count: 5000, row: {ReportId: '{n}', DeviceId: 'd-{hash}', Command: 'a text that fills the pipe, and is longer than it would need to be'}}]
";
    let desk = Desk::new(stream, TO_FILE);
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    for arguments in [&["hits"][..], &["hits", "--json"]] {
        let mut command = desk.site.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(64, child.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        drop(reader);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "a filter that has enough is no error");
        assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
    }
}
