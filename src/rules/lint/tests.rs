use super::*;
use crate::model::config::SchemaConfig;
use crate::model::id::TenantName;
use crate::model::place::Finding;
use crate::model::time::Zone;
use crate::rules::check::codes;
use crate::rules::config::default_hunt_defaults;
use crate::rules::definition::{HuntFile, load};

fn findings_in(world: &World, text: &str) -> Vec<Finding> {
    let file = HuntFile { shown: "hunts/a.yaml".into(), relative: "a.yaml".into(), bytes: text.as_bytes().to_vec() };
    let files = [file];
    let loaded = load(&files, &default_hunt_defaults(), Zone::UTC);
    let mut all = loaded.findings.clone();
    all.extend(check(&loaded, &files, world));
    all
}

fn lines(found: &[Finding]) -> Vec<String> {
    let line = |f: &Finding| {
        format!(
            "{} {} {}:{}-{} {} [{}]",
            f.level,
            f.code,
            f.place.line,
            f.place.column,
            f.place.end_column,
            f.message,
            f.hint.as_deref().unwrap_or("")
        )
    };
    found.iter().map(line).collect()
}

/// An example of a code, as a whole hunt: examples show a query alone, or keys.
fn as_hunt(example: &str) -> String {
    let is_keys = ["query:", "schedule:", "lookback:", "key:", "ignore:"].iter().any(|key| example.starts_with(key));
    let has_query = example.lines().any(|line| line.starts_with("query:"));
    match (is_keys, has_query) {
        (true, true) => example.to_owned(),
        (true, false) => format!("{example}\nquery: |\n  DeviceEvents\n"),
        (false, _) => format!("query: |\n  {}\n", example.replace('\n', "\n  ")),
    }
}

fn world_of(code: &str) -> World {
    let mut world = World::plain();
    match code {
        "L003" => world.older.push(TenantName::new("old").unwrap()),
        "L020" | "KQL031" => world = World::with(&SchemaConfig { workspace: true, ..SchemaConfig::default() }, &[]),
        _ => {}
    }
    world
}

/// The example of wrong has the finding, and the one of right hasn't.
#[test]
fn examples_are_what_they_say() {
    let mut faults = Vec::new();
    for rule in codes::all().filter(|rule| rule.code.starts_with(['L', 'K'])) {
        let world = world_of(rule.code);
        for (example, wanted) in [(rule.wrong, true), (rule.right, false)] {
            // No example, or one of the config.
            if example.is_empty() || example.starts_with("schema:") {
                continue;
            }
            let found = findings_in(&world, &as_hunt(example));
            if found.iter().any(|finding| finding.code == rule.code) != wanted {
                faults.push(format!("{} (found: {wanted})\n{example}\n{}", rule.code, lines(&found).join("\n")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The lints of a query in a hunt with a key, less its code and place: `L030 3:11-13`.
fn of_query(query: &str) -> Vec<String> {
    let text = format!("key: [DeviceId]\nquery: |\n  {}\n", query.replace('\n', "\n  "));
    let lints = findings_in(&World::plain(), &text).into_iter().filter(|finding| finding.code != "L010");
    lints
        .map(|f| format!("{} {}:{}-{}", f.code, f.place.line - 2, f.place.column - 2, f.place.end_column - 2))
        .collect()
}

#[test]
fn lints_of_a_query_point_at_their_word() {
    for (query, expected) in [
        ("DeviceEvents\n| where FileName == 'a.exe'", &["L030 2:18-20"] as &[&str]),
        ("DeviceEvents\n| where FileName in ('a.exe', 'b')", &["L030 2:18-20"]),
        (
            "DeviceEvents | where FileName =~ 'a' and tolower(FileName) == 'b' and DeviceId == 'c' and FileName != '1'",
            &[],
        ),
        ("DeviceEvents | where ActionType contains 'Powershell'", &["L031 1:33-41"]),
        ("DeviceEvents | where ActionType contains 'a.b' or ActionType contains 'abc'", &[]),
        ("DeviceEvents | take 5", &["L012 1:16-20"]),
        ("DeviceEvents | sort by Timestamp | take 5", &["L012 1:36-40"]),
        ("let a = DeviceEvents | take 5;\na", &["L012 1:24-28"]),
        ("DeviceEvents | where DeviceId in ((DeviceInfo | take 5 | project DeviceId))", &[]),
        ("DeviceEvents | summarize count() by DeviceId", &[]),
        ("DeviceEvents | join DeviceInfo on DeviceId", &["L033 1:16-20"]),
        (
            "DeviceEvents | join kind=inner DeviceInfo on DeviceId | where FileName has 'a' and OSPlatform has 'b'",
            &["L032 1:63-79"],
        ),
        ("DeviceEvents | join kind=rightouter DeviceInfo on DeviceId | where FileName has 'a'", &[]),
        ("DeviceEvents | project DeviceId | join kind=inner DeviceInfo on DeviceId | where OSPlatform has 'a'", &[]),
        ("let x = 5; let y = 6;\nDeviceEvents | where ProcessId == y", &["L034 1:5-6"]),
        ("let f = (DeviceEvents:string) { DeviceEvents };\nDeviceEvents | where DeviceId == f('a')", &[]),
        ("let x = 'a'; let f = (x:string) { x };\nDeviceEvents | where DeviceId == f(x)", &["L035 1:23-24"]),
        ("DeviceEvents | where FolderPath matches regex @'a(?!b)'", &["L036 1:47-56"]),
        ("DeviceEvents | extend a = extract(@'(.)\\1', 1, FolderPath)", &["L036 1:35-43"]),
        ("union DeviceEvents, DeviceInfo | where DeviceId == 'a'", &[]),
        ("search in (DeviceEvents) 'a'", &[]),
        ("DeviceEvents // all | where x", &["L038 1:14-30"]),
        ("DeviceEvents // all | where x\n| where DeviceId == 'http://a | where b'", &[]),
    ] {
        assert_eq!(of_query(query), expected, "{query}");
    }
}

fn of_hunt(text: &str) -> Vec<String> {
    let found = findings_in(&World::plain(), text);
    found.iter().map(|f| format!("{} {} {}:{}", f.level, f.code, f.place.line, f.place.column)).collect()
}

#[test]
fn lints_of_time_look_at_schedule_lookback_and_query() {
    let own = "query: |\n  DeviceEvents | where Timestamp > ago(1h) | project DeviceId\n";
    let open = "query: DeviceEvents | project DeviceId\n";
    let fixed = "query: DeviceEvents | where Timestamp > datetime(2026-01-01) | project DeviceId\n";
    let partly = "query: |\n  DeviceEvents | where Timestamp > ago(1d) | join kind=inner DeviceInfo on DeviceId | project DeviceId\n";
    let state = "query: DeviceTvmSoftwareInventory | project DeviceId\n";
    for (query, keys, expected) in [
        (open, "schedule: '@daily'\nlookback: 1h", "warning L001 3:11"),
        (open, "schedule: '0 8 * * MON-FRI'\nlookback: 1d", "warning L001 3:11"),
        (open, "schedule: '0 8 * * MON-FRI'\nlookback: 3d", ""),
        (open, "schedule: '@hourly'\nlookback: 1h", ""),
        (open, "schedule: '@hourly'\nlookback: 1h\nlate: 0", "warning L002 4:7"),
        (open, "schedule: '@hourly'\nlookback: 2h\nlate: 0", ""),
        (own, "schedule: '@daily'", "warning L001 2:36"),
        (own, "schedule: '@hourly'", "warning L002 2:36"),
        (own, "schedule: every 30m", ""),
        (own, "schedule: every 30m\nlookback: 2h", "warning L004 2:36"),
        (own, "schedule: every 30m\nlookback: 1h", ""),
        (state, "schedule: '@daily'", ""),
        (state, "schedule: '@daily'\nlookback: 1h", "info L006 3:11"),
        (own, "schedule: every 30m\nlookback: 30m", "warning L006 4:11"),
        (fixed, "schedule: '@daily'", ""),
        (fixed, "schedule: '@daily'\nlookback: 1h", "warning L006 3:11"),
        (partly, "schedule: '@daily'\nlookback: 1h", "warning L006 4:11"),
        (open, "schedule: '30 2 * * *'\ntimezone: Europe/Riga", ""),
        (open, "schedule: '30 3 * * *'\ntimezone: Europe/Riga", "info L005 2:11"),
    ] {
        let found = of_hunt(&format!("{query}{keys}\n"));
        assert_eq!(found.join(" "), expected, "{query}{keys}");
    }
}

#[test]
fn columns_that_a_hunt_names_are_there() {
    let query =
        "query: |\n  DeviceEvents\n  | summarize Count = count(), Last = max(Timestamp) by DeviceId, DeviceName\n";
    for (keys, expected) in [
        ("key: [DeviceId]", ""),
        ("key: [DeviceId, DevicName]", "error L010 4:17"),
        ("key: [DeviceId]\nignore: [Cuont]", "warning L011 5:10"),
        ("key: [DeviceId]\nsuppress: {for: 1d, by: [DeviceName, X]}", "warning L011 5:38"),
        ("key: [DeviceId]\nentities: [AccountName]", "warning L011 5:12"),
        ("key: [DeviceId, Count]", "warning L013 4:17"),
        ("ignore: [Count, Last]", ""),
        ("ignore: [Count]", "info L015 3:5"),
        ("catch_up: auto", "info L015 3:5"),
    ] {
        assert_eq!(of_hunt(&format!("{query}{keys}\n")).join(" "), expected, "{keys}");
    }
    for (query, expected) in [
        ("DeviceEvents | extend Now = now()", "info L014 1:8 warning L013 1:30"),
        ("DeviceEvents | extend Old = iff(now() - Timestamp > 1d, 'y', 'n') | project DeviceId, Old", ""),
        ("DeviceEvents | extend A = now() | project DeviceId, B = A", "warning L013 1:30"),
        ("DeviceEvents | extend A = now() | project-away A, ReportId", ""),
        ("MyTable | extend A = 1", "error KQL010 1:8"),
    ] {
        let mut found = of_hunt(&format!("query: {query}\n"));
        found.sort();
        assert_eq!(found.join(" "), expected, "{query}");
    }
}

#[test]
fn what_is_allowed_is_silent_and_told_when_it_is_not_there() {
    let query = "query: DeviceEvents | take 5\nkey: [DeviceId]\n";
    assert_eq!(of_hunt(query), ["warning L012 1:23"]);
    assert_eq!(of_hunt(&format!("{query}allow: {{L012: \"five do\"}}")), [""; 0]);
    assert_eq!(of_hunt(&format!("{query}allow: {{L012: \"five do\", L033: \"no\"}}")), ["warning H030 3:26"]);
    let key = "query: DeviceEvents | project DeviceId\nkey: [X]\nallow: {L010: \"the service adds it\"}";
    assert_eq!(of_hunt(key), [""; 0], "errors of lints may be allowed");
    let refused = "query: DeviceEvent\nallow: {KQL010: \"ours\"}";
    assert_eq!(of_hunt(refused), ["error KQL010 1:8"], "errors of the query may not");
    assert_eq!(of_hunt("query: DeviceEvent\nenabled: false\nallow: {L012: x}"), [""; 0]);
}

#[test]
fn a_daemon_warns_of_errors_alone() {
    let file =
        |text: &str| HuntFile { shown: "a.yaml".into(), relative: "a.yaml".into(), bytes: text.as_bytes().to_vec() };
    let files = [file("query: DeviceEvents | where FileNam == 'a' | take 5\n---\nquery: DeviceEvents | take 5")];
    let loaded = load(&files, &default_hunt_defaults(), Zone::UTC);
    assert_eq!(loaded.hunts.len(), 2, "both run");
    let found = problems(&loaded, &files, &World::plain());
    let found: Vec<_> = found.iter().map(|f| (f.level, f.code, f.place.column)).collect();
    assert_eq!(found, [(crate::model::place::Level::Warning, "KQL011", 29)]);
}

#[test]
fn fixes_are_written_as_the_file_is() {
    let fix = |text: &str| {
        let found = findings_in(&World::plain(), text).into_iter().find(|f| f.code == "L030").unwrap();
        found.fix.map(|fix| (fix.text, fix.place.line, fix.place.column))
    };
    assert_eq!(fix("query: |\n  DeviceEvents\n  | where FileName == 'a'\n"), Some(("=~".to_owned(), 3, 20)));
    assert_eq!(fix("query: \"DeviceEvents | where FileName == 'a'\"\n"), Some(("=~".to_owned(), 1, 39)));
}

#[test]
fn joined_lines_are_told_in_every_style() {
    for (text, line) in [
        ("query: >\n  DeviceEvents // x\n  | where DeviceId == 'a'\n", 2),
        ("query: DeviceEvents // x\n  | where DeviceId == 'a'\n", 1),
        ("query: \"DeviceEvents // x\n  | where DeviceId == 'a'\"\n", 1),
        ("query: |\n  DeviceEvents // x | where DeviceId == 'a'\n", 2),
    ] {
        let found = findings_in(&World::plain(), text);
        let found = found.iter().find(|finding| finding.code == "L038").unwrap_or_else(|| panic!("{text}"));
        assert_eq!(found.place.line, line, "{text}");
    }
}

#[test]
fn a_message_that_names_a_line_names_that_of_the_file() {
    let found = findings_in(
        &World::plain(),
        "id: a\nquery: |\n\n  DeviceEvents\n  | where (DeviceId == 'a'\n    or DeviceId == 'b'\n",
    );
    let bracket = found.iter().find(|finding| finding.code == "KQL004").unwrap();
    assert_eq!(bracket.message, "`)` is missing: `(` is never closed (opened on line 5)");
}
