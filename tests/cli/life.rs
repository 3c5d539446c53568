//! `show HIT`: a hit's whole life.

use serde_json::{Value, json};

use crate::db::change;
use crate::desk::{Desk, EVENTS, HUNT, TENANT, golden};

/// Two channels: a file, and one that can't be written, as a folder stands there.
const CHANNELS: &str =
    "channels: {hits: {file: {path: hits.jsonl}}, bad: {file: {path: folder}}}\nroutes: [{to: [hits, bad]}]\n";

fn answer(desk: &Desk, events: &str) {
    let scenario = huntd::sim::scenario::parse_scenario(&format!("{TENANT}{events}")).unwrap();
    desk.simulator.set(|now| *now = scenario);
}

/// The events without the line that holds `word`.
fn without(word: &str) -> String {
    EVENTS.split_inclusive('\n').filter(|line| !line.contains(word)).collect()
}

/// The second event's hit: new, changed, as it was, gone, returned; told to two channels of which one fails.
fn lived() -> (Desk, String) {
    let desk = Desk::new(EVENTS, CHANNELS);
    std::fs::create_dir(desk.site.file("folder")).unwrap();
    desk.site.write("hunts/enc.yaml", format!("{HUNT}report: [new, gone, returned]\n"));
    let changed = EVENTS.replace("-enc BB==", "-enc B2==\\e[31m\u{202e}");
    for events in [EVENTS, &changed, &changed, &without("ReportId: 2"), &changed] {
        answer(&desk, events);
        desk.huntd(&["run", "enc"]).expect(0);
    }
    let first = "(SELECT min(run) FROM delivery)";
    let give_up =
        "UPDATE delivery SET state = 'failed', next_attempt = NULL, owner = NULL WHERE channel = 'bad' AND run =";
    change(&desk, &[&format!("{give_up} {first}")]);
    let hits = desk.huntd(&["hits", "--json", "--kind", "returned"]).expect(0).objects();
    assert_eq!(hits.len(), 1);
    let hit = hits[0]["hit"].as_str().unwrap().to_owned();
    (desk, hit)
}

fn object(desk: &Desk, hit: &str) -> Value {
    let objects = desk.huntd(&["show", hit, "--json"]).expect(0).objects();
    assert_eq!(objects.len(), 1);
    objects[0].clone()
}

fn all<'a>(list: &'a Value, name: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|one| &one[name]).collect()
}

#[test]
fn a_life_is_shown_step_by_step() {
    let (desk, hit) = lived();
    let text = desk.shown(&["show", &hit[..10]]).replace(&hit, "HIT");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text}");
    golden("show-life", &text);
    let json = desk.huntd(&["show", &hit, "--json"]).expect(0).stdout;
    assert!(json.trim_end().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{json}");

    let life = object(&desk, &hit);
    let runs = desk.huntd(&["runs", "--json"]).expect(0).objects();
    let run = |back: usize| &runs[back]["run"];
    assert_eq!(all(&life["steps"], "kind"), ["new", "changed", "gone", "returned"]);
    assert_eq!(all(&life["steps"], "run"), [run(4), run(3), run(1), run(0)]);
    assert_eq!(life["steps"][1]["rows"][0]["Command"], "powershell -enc B2==\u{1b}[31m\u{202e}");
    assert_eq!(life["steps"][2]["rows"], life["steps"][1]["rows"]);
    assert_eq!((&life["runs"], &life["of_runs"], &life["last_run"]), (&json!(4), &json!(5), run(0)));
    assert_eq!((&life["present"], &life["held"], &life["expired"]), (&json!(true), &json!(false), &json!(false)));
    assert_eq!((&life["first_seen"], &life["last_seen"]), (&runs[4]["started"], &runs[0]["started"]));
    assert_eq!((&life["kind"], &life["run"], &life["severity"]), (&json!("returned"), run(0), &json!("high")));

    // `changed` isn't in the hunt's `report`.
    let told = &life["deliveries"];
    assert_eq!(all(told, "kind"), ["new", "new", "gone", "gone", "returned", "returned"]);
    assert_eq!(all(told, "run"), [run(4), run(4), run(1), run(1), run(0), run(0)]);
    let of = |channel: &str, name: &str| -> Vec<&Value> {
        told.as_array().unwrap().iter().filter(|one| one["channel"] == channel).map(|one| &one[name]).collect()
    };
    assert_eq!(of("hits", "state"), ["sent", "sent", "sent"]);
    assert_eq!(of("bad", "state"), ["failed", "pending", "pending"]);
    assert!(of("hits", "sent").iter().all(|at| at.is_string()) && of("bad", "sent").iter().all(|at| at.is_null()));
    assert!(of("bad", "error").iter().all(|error| error.is_string()));
    let known = desk.huntd(&["deliveries", "--json"]).expect(0).objects();
    let mut ids = all(told, "delivery");
    let mut expected: Vec<&Value> = known.iter().map(|one| &one["delivery"]).collect();
    ids.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(ids, expected);
}

#[test]
fn what_the_retention_took_is_said() {
    let (desk, hit) = lived();
    desk.huntd(&["db", "prune"]).expect(0);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", format!("{config}retention: {{rows: 1d, runs: 100d}}\n"));
    // All but the last run's rows are old, and nothing is pending any more.
    change(
        &desk,
        &[
            "UPDATE delivery SET state = 'failed', next_attempt = NULL, owner = NULL WHERE state = 'pending'",
            "UPDATE run SET started = started - 864000000000000 WHERE seq < (SELECT max(seq) FROM run)",
            "UPDATE delta SET started = started - 864000000000000 WHERE run < (SELECT max(seq) FROM run)",
        ],
    );
    desk.huntd(&["db", "prune"]).expect(0);
    let life = object(&desk, &hit);
    let rows: Vec<usize> = all(&life["steps"], "rows").iter().map(|rows| rows.as_array().unwrap().len()).collect();
    // The first run's block stays for the rows of the others that are still there.
    assert_eq!(rows, [1, 0, 0, 1]);
    assert_eq!(life["expired"], true);
    golden("show-life-past-its-retention", &desk.shown(&["show", &hit]).replace(&hit, "HIT"));
}

#[test]
fn a_beginning_that_fits_several_names_them() {
    let desk = Desk::new(&many(), CHANNELS);
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    let hits = desk.huntd(&["hits", "--json"]).expect(0).objects();
    let ids: Vec<&str> = hits.iter().map(|hit| hit["hit"].as_str().unwrap()).collect();
    // Of twenty hits two begin with one of the sixteen digits.
    let digit = |id: &&str| id.as_bytes()[0];
    let first = ids.iter().find(|id| ids.iter().filter(|other| digit(other) == digit(id)).count() > 1).unwrap();
    let printed = desk.huntd(&["show", &first[..1].to_uppercase()]).expect(1);
    assert_eq!(printed.stdout, "");
    for id in ids.iter().filter(|id| digit(id) == digit(first)) {
        assert!(printed.stderr.contains(id), "{}", printed.stderr);
    }
    assert!(printed.stderr.starts_with(&format!("several hits begin with `{}`:\n", first[..1].to_uppercase())));
}

fn many() -> String {
    let rows = (10..30).map(|n| format!("      - {{at: -5m, row: {{ReportId: {n}, Command: x}}}}\n"));
    format!("{EVENTS}{}", rows.collect::<String>())
}

#[test]
fn a_hit_that_nobody_was_told_of_says_so() {
    let desk = Desk::new(EVENTS, CHANNELS);
    std::fs::create_dir(desk.site.file("folder")).unwrap();
    desk.site.write("hunts/enc.yaml", format!("{HUNT}threshold: '>= 4'\n"));
    desk.huntd(&["run", "enc"]).expect(0);
    let hits = desk.huntd(&["hits", "--json"]).expect(0).objects();
    let hit = hits[0]["hit"].as_str().unwrap();
    let life = object(&desk, hit);
    assert_eq!((&life["held"], &life["deliveries"]), (&json!(true), &json!([])));
    golden("show-held-back", &desk.shown(&["show", hit]).replace(hit, "HIT"));

    // Two of one group in two runs: the second is suppressed.
    let desk = Desk::new(&without("ReportId: 2"), CHANNELS);
    std::fs::create_dir(desk.site.file("folder")).unwrap();
    desk.site.write("hunts/enc.yaml", format!("{HUNT}suppress: {{for: 24h, by: [DeviceId]}}\n"));
    desk.huntd(&["run", "enc"]).expect(0);
    answer(&desk, EVENTS);
    desk.huntd(&["run", "enc"]).expect(0);
    let hits = desk.huntd(&["hits", "--json"]).expect(0).objects();
    let hit = hits[2]["hit"].as_str().unwrap();
    let life = object(&desk, hit);
    assert_eq!((&life["held"], &life["deliveries"]), (&json!(false), &json!([])));
    golden("show-told-to-nobody", &desk.shown(&["show", hit]).replace(hit, "HIT"));
}
