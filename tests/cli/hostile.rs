//! Rows that an attacker wrote: stored as they came, and told as data.

use huntd::sim::scenario::parse_scenario;

use crate::desk::{Desk, EVENTS, TENANT};

const CHANNELS: &str = "channels:
  soc: {email: {server: 'file:///FOLDER/mails', from: huntd@contoso.example, to: [soc@contoso.example]}}
  hits: {file: {path: hits.jsonl}}
  journal: {log: {}}
routes: [{to: [soc, hits, journal]}]
";

/// A desk whose tenant answers with these rows, as they stand.
fn answering(rows: &str) -> Desk {
    let desk = Desk::new(EVENTS, "");
    let body = format!(
        r#"{{"schema":[{{"name":"Timestamp","type":"DateTime"}},{{"name":"DeviceId","type":"String"}},{{"name":"ReportId","type":"Int64"}},{{"name":"Command","type":"String"}}],"results":[{rows}]}}"#
    );
    let mut scenario = parse_scenario(&format!("{TENANT}{EVENTS}")).unwrap();
    let fault = serde_json::json!({"does": {"answer": {"status": 200, "body": body}}});
    scenario.faults.push(serde_json::from_value(fault).unwrap());
    desk.simulator.set(|now| *now = scenario);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    let channels = CHANNELS.replace("/FOLDER", &desk.site.path().display().to_string());
    desk.site.write("huntd.yaml", format!("{config}{channels}"));
    std::fs::create_dir(desk.site.file("mails")).unwrap();
    desk
}

fn row(number: u32, command: &str) -> String {
    format!(r#"{{"Timestamp":"2026-11-24T15:00:00Z","DeviceId":"d1","ReportId":{number},"Command":"{command}"}}"#)
}

/// What was written for the mail program and the browser.
fn mails(desk: &Desk, ending: &str) -> String {
    let files = std::fs::read_dir(desk.site.file("mails")).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|found| found == ending));
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>().concat()
}

/// No byte that a terminal or a mail program would act on.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

#[test]
fn control_bytes_and_half_characters_stay_data() {
    let rows = [
        row(1, r"a\u0000b"),
        row(2, r"lone \ud800 and \udc00"),
        row(3, r"\u001b[31mred\u001b]0;title\u0007\u009b2J"),
        row(4, r"x\r\nBcc: everyone@evil.example\r\n\r\nbody"),
        row(5, r"<script>alert(1)</script>\u202egpj.exe"),
    ];
    let desk = answering(&rows.join(","));
    let run = desk.huntd(&["run", "enc"]).expect(0);
    assert!(run.stdout.contains("5 rows, 5 new"), "{}", run.stdout);
    let stored = desk.huntd(&["hits", "--json"]).expect(0);
    for text in [r"a\u0000b", r"\u001b[31mred", r"alert(1)"] {
        assert!(stored.stdout.contains(text), "{text} isn't in {}", stored.stdout);
    }
    assert!(stored.stdout.to_lowercase().contains(r"\ud800"), "values are unchanged: {}", stored.stdout);
    let human = desk.huntd(&["hits"]).expect(0);
    let log = desk.huntd(&["-vv", "runs"]).expect(0);
    let hit = stored.stdout.split('"').nth(3).unwrap();
    let shown = desk.huntd(&["show", hit]).expect(0);
    let file = std::fs::read_to_string(desk.site.file("hits.jsonl")).unwrap();
    assert_eq!(file.lines().count(), 5, "a line a hit, whatever is in it");
    for (what, text) in [
        ("run", &run.stdout),
        ("run's log", &run.stderr),
        ("hits", &human.stdout),
        ("hits --json", &stored.stdout),
        ("runs", &log.stdout),
        ("show", &shown.stdout),
        ("file", &file),
        ("mail", &mails(&desk, "eml")),
        ("page", &mails(&desk, "html")),
    ] {
        assert!(is_plain(text), "{what}: {}", text.escape_debug());
        assert!(!text.contains('\u{202e}') || what.contains("json") || what == "file", "{what} turns its text round");
    }
    assert!(!mails(&desk, "eml").contains("\nBcc:"), "a row made a header");
    let page = mails(&desk, "html");
    assert!(page.contains("alert(1)") && !page.contains("<script"), "a row made a script");
}

#[test]
fn a_value_of_ten_megabytes_is_stored_and_told() {
    let long = "A".repeat(10_000_000);
    let desk = answering(&[row(1, &long), row(2, "short")].join(","));
    let run = desk.huntd(&["run", "enc"]).expect(0);
    assert!(run.stdout.contains("2 rows, 2 new"), "{:.300}", run.stdout);
    assert!(run.stdout.len() < 10_000, "a terminal isn't flooded");
    assert!(run.stderr.len() < 100_000, "the log isn't flooded: {}", run.stderr.len());
    let states = desk.huntd(&["deliveries", "--json"]).expect(0).objects();
    assert!(states.len() == 3 && states.iter().all(|delivery| delivery["state"] == "sent"), "{states:?}");
    let stored = desk.huntd(&["hits", "--json"]).expect(0);
    assert!(stored.stdout.contains(&long), "every byte of it");
    assert!(desk.huntd(&["hits"]).expect(0).stdout.len() < 10_000);
    assert!(std::fs::read_to_string(desk.site.file("hits.jsonl")).unwrap().contains(&long));
    assert!(desk.huntd(&["run", "enc"]).expect(0).stdout.contains("2 rows, 0 new"));
}
