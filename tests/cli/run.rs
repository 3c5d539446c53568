//! `huntd run`: exit codes, shapes, and what it may not do.

use serde_json::Value;

use crate::desk::{Desk, EVENTS, HUNT, TO_FILE, golden};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn exit_codes_tell_a_script_what_happened() {
    let desk = Desk::usual();
    let first = desk.huntd(&["run", "enc", "--fail-on-new"]).expect(3);
    assert!(first.stdout.contains("enc on contoso: ok, 3 rows, 3 new"), "{}", first.stdout);
    let second = desk.huntd(&["run", "enc", "--fail-on-new"]).expect(0);
    assert!(second.stdout.contains("enc on contoso: ok, 3 rows, 0 new"), "{}", second.stdout);
    assert_eq!(std::fs::read_to_string(desk.site.file("hits.jsonl")).unwrap().lines().count(), 3, "told once");
    desk.site.write("hunts/other.yaml", HUNT.replace("DeviceProcessEvents", "NoSuchTable"));
    let failed = desk.huntd(&["run", "*", "--fail-on-new"]).expect(4);
    assert!(failed.stdout.contains("other on contoso: failed, "), "{}", failed.stdout);
    assert!(failed.stdout.contains("enc on contoso: ok, "), "a failed hunt stops no other: {}", failed.stdout);
}

/// More than any listing holds, and more than is ever read for one.
const MANY: &str = "
hunts:
  - name: enc
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, DeviceId: string, ReportId: long, Command: string}
    streams: [{every: 0s, from: -20m, count: 1234, row: {ReportId: '{n}', DeviceId: d1, Command: a}}]
";

#[test]
fn a_long_result_is_counted_whole() {
    let desk = Desk::new(MANY, TO_FILE);
    let ran = desk.huntd(&["run", "enc"]).expect(0).stdout;
    let lines: Vec<&str> = ran.lines().collect();
    let [run, headline, shown @ .., more] = lines.as_slice() else { panic!("{ran}") };
    assert!(run.contains("ok, 1234 rows, 1234 new"), "{ran}");
    assert!(headline.contains(" 1234 new: "), "{ran}");
    let (id, _) = run.split_once(' ').unwrap();
    let rest = 1234 - shown.len();
    assert_eq!(*more, format!("  + {rest} more: huntd hits --run {id}"));
    let first = desk.huntd(&["hits", "--run", id]).expect(0).stdout;
    assert_eq!(first.lines().count(), 1234);
    for (shown, listed) in shown.iter().zip(first.lines()) {
        let hit = shown.split_whitespace().nth(2).unwrap();
        assert!(listed.contains(hit), "{shown}\n{listed}");
    }
}

#[test]
fn a_run_without_notices_stores_and_tells_nobody() {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    assert!(!desk.site.file("hits.jsonl").exists());
    assert_eq!(desk.huntd(&["hits", "--json"]).expect(0).objects().len(), 3);
}

#[test]
fn json_has_exactly_the_keys_of_the_reference() {
    let desk = Desk::usual();
    let run = desk.huntd(&["run", "enc", "--json"]).expect(0).objects();
    assert_eq!(run.len(), 1);
    // `returned` stands beside `gone`, as docs/commands.md says.
    let wanted = [
        "run",
        "hunt",
        "tenant",
        "due",
        "started",
        "finished",
        "from",
        "to",
        "as_of",
        "status",
        "rows",
        "new",
        "changed",
        "gone",
        "returned",
        "first_due",
        "late_ms",
        "calls",
        "api_ms",
        "cpu_ms",
        "error",
        "hunt_version",
        "commit",
        "trigger",
    ];
    assert_eq!(keys(&run[0]), wanted);
    assert_eq!(run[0]["trigger"], "manual");
    assert_eq!(run[0]["status"], "ok");
    let runs = desk.huntd(&["runs", "--json"]).expect(0).objects();
    assert_eq!(runs, run);

    let hits = desk.huntd(&["hits", "--json"]).expect(0).objects();
    for hit in &hits {
        let wanted = ["hit", "hunt", "tenant", "kind", "run", "first_seen", "last_seen", "severity", "row"];
        assert_eq!(keys(hit), wanted);
        assert_eq!(keys(&hit["row"]), ["Timestamp", "DeviceId", "ReportId", "Command"]);
    }
    let file = std::fs::read_to_string(desk.site.file("hits.jsonl")).unwrap();
    let mut lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The file says besides which delivery a line belongs to, so that repeats are known.
    for line in &mut lines {
        assert!(line.as_object_mut().unwrap().shift_remove("delivery").is_some());
    }
    let mut told = hits;
    told.sort_by_key(|hit| hit["hit"].to_string());
    lines.sort_by_key(|hit| hit["hit"].to_string());
    assert_eq!(lines, told);

    let deliveries = desk.huntd(&["deliveries", "--json"]).expect(0).objects();
    let wanted = ["delivery", "channel", "state", "attempts", "hits", "message_id", "error", "created", "sent"];
    assert_eq!(keys(&deliveries[0]), wanted);
    assert_eq!((&deliveries[0]["state"], &deliveries[0]["hits"]), (&"sent".into(), &3.into()));
}

#[test]
fn a_dry_run_calls_nobody_and_makes_nothing() {
    let desk = Desk::usual();
    std::fs::remove_file(desk.site.file("secret")).unwrap();
    let text = desk.shown(&["run", "enc", "--dry-run", "--last", "1h", "--as-of", "2026-11-24T16:00:00Z"]);
    golden("dry-run", &text);
    let printed = desk.huntd(&["run", "*", "--dry-run", "--json"]).expect(0).objects();
    assert_eq!(keys(&printed[0]), ["hunt", "tenant", "url", "timespan", "from", "to", "as_of", "query"]);
    let stats = desk.simulator.stats();
    assert_eq!((stats.calls, stats.tokens, stats.tokens_refused, stats.connections), (0, 0, 0, 0));
    assert!(!desk.site.file("huntd.db").exists());
    assert!(!desk.site.file("hits.jsonl").exists());
}

#[test]
fn windows_are_asked_as_they_were_given() {
    let desk = Desk::usual();
    let window = |arguments: &[&str]| {
        let arguments = [&["run", "enc", "--dry-run", "--json"], arguments].concat();
        let object = desk.huntd(&arguments).expect(0).objects().remove(0);
        (object["from"].as_str().unwrap().to_owned(), object["to"].as_str().unwrap().to_owned())
    };
    let (from, to) = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    assert_eq!(window(&["--from", from, "--to", to]), (from.to_owned(), to.to_owned()));
    assert_eq!(window(&["--last", "1d", "--as-of", to]), (from.to_owned(), to.to_owned()));
}

#[test]
fn what_cannot_be_run_is_said_with_the_nearest_name() {
    let desk = Desk::usual();
    for (name, arguments) in [
        ("unknown-hunt", &["run", "encc"][..]),
        ("unknown-hunt-far", &["run", "zebra/*"]),
        ("no-glob", &["run", "a[b"]),
        ("unknown-tenant", &["run", "enc", "--tenant", "contosso"]),
        ("from-is-no-time", &["run", "enc", "--from", "yesterday", "--to", "2026-11-02T00:00:00Z"]),
        ("from-after-to", &["run", "enc", "--from", "2026-11-03T00:00:00Z", "--to", "2026-11-02T00:00:00Z"]),
        ("from-without-to", &["run", "enc", "--from", "2026-11-03T00:00:00Z"]),
        (
            "last-and-from",
            &["run", "enc", "--last", "1d", "--from", "2026-11-03T00:00:00Z", "--to", "2026-11-04T00:00:00Z"],
        ),
        ("last-is-no-duration", &["run", "enc", "--last", "7 fortnights"]),
        ("last-is-nothing", &["run", "enc", "--last", "0s"]),
        ("as-of-is-no-time", &["run", "enc", "--as-of", "noon"]),
    ] {
        let text = desk.shown(arguments);
        assert!(text.starts_with("exit 2\n--- stdout\n--- stderr\n"), "{name}: {text}");
        golden(name, &text);
    }
    assert_eq!(desk.simulator.stats().connections, 0);
}

#[test]
fn a_broken_hunt_is_said_and_stops_no_other() {
    let desk = Desk::usual();
    desk.site.write("hunts/broken.yaml", "query: T\nschedule: '61 * * * *'\n");
    let printed = desk.huntd(&["run", "*"]).expect(0);
    assert!(printed.stdout.contains("3 new"), "{}", printed.stdout);
    assert!(printed.stderr.contains("broken.yaml:2:11"), "{}", printed.stderr);
}

#[test]
fn a_service_that_answers_500_once_is_asked_again() {
    let desk = Desk::new(
        &format!("faults: [{{on: {{calls: [1]}}, does: {{answer: {{status: 500, retry_after: '0'}}}}}}]\n{EVENTS}"),
        TO_FILE,
    );
    let run = desk.huntd(&["run", "enc", "--json"]).expect(0).objects().remove(0);
    assert_eq!((&run["status"], &run["calls"], &run["new"]), (&"ok".into(), &2.into(), &3.into()));
}

#[test]
fn many_tenants_are_asked_each_for_itself() {
    let desk = Desk::usual();
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    let (head, rest) = config.split_once("tenants:\n").unwrap();
    let (one, tail) = rest.split_once("channels:").unwrap();
    let two = one
        .replace("contoso:", "fabrikam:")
        .replace("11111111-1111-4111-a111-111111111111", "33333333-3333-4333-a333-333333333333");
    desk.site.write("huntd.yaml", format!("{head}tenants:\n{one}{two}channels:{tail}"));
    let printed = desk.huntd(&["run", "enc"]).expect(4);
    assert!(printed.stdout.contains("enc on contoso: ok, 3 rows, 3 new"), "{}", printed.stdout);
    assert!(printed.stdout.contains("enc on fabrikam: failed, "), "{}", printed.stdout);
    desk.huntd(&["run", "enc", "--tenant", "contoso"]).expect(0);
}
