use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::events::{Found, Question};
use super::super::moment::Asked;
use super::*;

const TENANT: &str = "tenants: [{id: t, client_id: c, secret: s}]\n";

fn error(text: &str) -> String {
    parse_scenario(text).unwrap_err().to_string()
}

#[test]
fn a_wrong_scenario_says_what_is_wrong() {
    let hunt = |rest: &str| format!("{TENANT}hunts: [{{name: h, match: {{table: T}}, columns: {{A: long}}, {rest}}}]");
    let cases = [
        ("tenants: []".to_owned(), "no tenant"),
        (format!("{TENANT}hunts: [{{name: h, match: {{}}, columns: {{A: long}}}}]"), "matches every query"),
        (hunt("rows: [{row: {B: 1}}]"), "`B`, which is none of its columns"),
        (hunt("rows: [{row: {A: x}}]"), "column `A`: `x` is no long"),
        (hunt("streams: [{every: 0s}]"), "would have no end"),
        (hunt("rows: [{at: soon}]"), "`soon` is no time"),
        (
            format!("{TENANT}hunts: [{{name: h, match: {{table: T}}, columns: {{A: number}}}}]"),
            "column `A` has type \"number\"",
        ),
        (
            format!("{TENANT}faults: [{{does: unknown_error, on: {{probability: 2}}}}]"),
            "fault 1 of the scenario has probability 2",
        ),
        (format!("{TENANT}faults: [{{does: unknown_error, on: {{hunt: x}}}}]"), "for hunt `x`, which isn't there"),
        (format!("{TENANT}fault: []"), "fault"),
        (format!("{TENANT}latency: {{to: fast}}"), "`fast` is no duration"),
        (
            "tenants: [{id: t, client_id: c, secret: s}, {id: t, client_id: c, secret: s}]".to_owned(),
            "two tenants of the scenario are called `t`",
        ),
    ];
    for (text, expected) in cases {
        let error = error(&text);
        assert!(error.contains(expected), "{text}\n{error}");
    }
}

#[test]
fn every_effect_can_be_written() {
    let text = format!(
        "{TENANT}faults:\n\
         - {{does: unknown_error, on: {{calls: [1, 3], from: 5m, to: 2026-01-01T00:00:00Z}}}}\n\
         - {{does: {{cut_body: 200}}}}\n\
         - {{does: {{wrong_length: -5}}}}\n\
         - {{does: {{throttled_gateway: 10s}}}}\n\
         - {{does: {{slow_body: {{bytes: 10, every: 5ms}}}}}}\n\
         - {{does: {{answer: {{status: 418, body: tea}}}}}}\n\
         - {{on: {{token: true}}, does: hangup}}\n"
    );
    let faults = parse_scenario(&text).unwrap().faults;
    assert_eq!(faults.len(), 7);
    assert_eq!(faults[1].does, Effect::CutBody(200));
    assert_eq!(faults[3].does, Effect::ThrottledGateway(Span(Duration::from_secs(10))));
    assert!(faults[6].on.token);
}

#[test]
fn the_first_name_is_the_table() {
    let cases = [
        ("DeviceInfo | take 1", "DeviceInfo"),
        ("// what\n  let a = 5;\nlet b = dynamic(['x']); Nope\n| where a > b", "Nope"),
        ("", ""),
        ("| where", ""),
    ];
    for (query, table) in cases {
        assert_eq!(first_name(query), table, "{query}");
    }
}

/// The hunts that ship, by their query.
fn shipped() -> Vec<(String, String)> {
    let mut hunts = Vec::new();
    for entry in walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("hunts")) {
        let path = entry.unwrap().into_path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() || name.starts_with('_') {
            continue;
        }
        let file: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        hunts.push((file["id"].as_str().unwrap().to_owned(), file["query"].as_str().unwrap().to_owned()));
    }
    hunts
}

#[test]
fn the_demonstration_answers_each_hunt_that_ships_with_the_columns_it_asks_for() {
    let demo = demo_scenario();
    let hunts = shipped();
    assert_eq!(hunts.len(), 8);
    for (id, query) in hunts {
        let (_, hunt) = demo.hunt_for(&query).unwrap_or_else(|| panic!("nothing answers {id}"));
        assert_eq!(hunt.name, id);
        let projected = query.rsplit_once("| project ").unwrap().1;
        let asked: Vec<&str> = projected.split(',').map(str::trim).collect();
        let given: Vec<&str> = hunt.columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(asked, given, "{id}");
    }
}

/// What the head of the demonstration's file promises, seen from the window of each run.
#[test]
fn the_demonstration_tells_its_story() {
    let expected = [
        ("encoded-powershell", [3, 0, 2], 0),
        ("lsass-dump", [0, 0, 0], 0),
        ("task-from-user-folder", [2, 0, 2], 0),
        ("password-spray", [4, 0, 1], 0),
        ("inbox-forwarding", [1, 0, 1], 0),
        ("phish-click", [2, 0, 1], 0),
        ("html-smuggling", [2, 0, 1], 0),
        ("exploited-critical-cve", [3, 0, 1], 1),
    ];
    let (demo, start) = (Arc::new(demo_scenario()), Timestamp::from_seconds(1_800_000_000));
    for (name, new, gone) in expected {
        let place = demo.hunts.iter().position(|hunt| hunt.name == name).unwrap();
        let (mut seen, mut counts, mut last) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
        for run in DEMO_RUNS {
            let now = start.plus(run);
            // The narrowest window of any hunt that ships: an hour, and an hour for the late.
            let asked = Asked { from: now.minus(Duration::from_hours(2)), to: now };
            let question = Question { start, now, asked, seed: 1, shuffle: Some(run.as_secs()), share: None };
            last = Found::new(&demo, place, question).map(|event| event.id).collect();
            counts.push(last.difference(&seen).count());
            seen.extend(last.iter().cloned());
        }
        assert_eq!(counts, new, "{name}");
        if demo.hunts[place].rows.iter().all(|row| row.at.is_none()) {
            assert_eq!(seen.difference(&last).count(), gone, "{name}");
        }
    }
}

#[test]
fn one_event_of_the_demonstration_is_late_and_one_row_comes_twice() {
    let demo = demo_scenario();
    let start = Timestamp::from_seconds(1_800_000_000);
    let late = demo.hunts[0].rows.iter().filter(|row| {
        let (at, arrives) = (row.at.unwrap().resolve(start), row.arrives.unwrap_or(row.at.unwrap()).resolve(start));
        at < start.plus(DEMO_RUNS[1]) && start.plus(DEMO_RUNS[1]) < arrives
    });
    assert_eq!(late.count(), 1);
    assert!(demo.hunts.iter().any(|hunt| hunt.rows.iter().any(|row| row.copies == 2)));
}

#[test]
fn the_stress_scenario_is_sound() {
    assert_eq!(stress_scenario().hunts.len(), 1);
}

#[test]
fn the_reference_shows_a_scenario_that_can_be_read_and_every_effect() {
    let reference = include_str!("../../../docs/simulator.md");
    let part = reference.split_once("## A scenario").unwrap().1;
    let example = part.split_once("```yaml\n").unwrap().1.split_once("```").unwrap().0;
    let scenario = parse_scenario(example).unwrap();
    assert_eq!((scenario.faults.len(), scenario.hunts.len(), scenario.hunts[0].rows.len()), (4, 1, 4));
    let source = include_str!("fault.rs").split_once("pub enum Effect {").unwrap().1;
    for line in source.lines() {
        let name = line.strip_prefix("    ").unwrap_or_default();
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) || end == 0 {
            continue;
        }
        let mut snake = String::new();
        for letter in name[..end].chars() {
            if letter.is_ascii_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        assert!(part.contains(&snake), "docs/simulator.md doesn't tell of {snake}");
    }
}
