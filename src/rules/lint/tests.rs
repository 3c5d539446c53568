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
        format!("{} {} {}:{}-{} {} [{}]", f.level, f.code, f.place.line, f.place.column, f.place.end_column, f.message, f.hint.as_deref().unwrap_or(""))
    };
    found.iter().map(line).collect()
}

/// An example of a code, as a whole hunt: examples show a query alone, or keys.
fn as_hunt(example: &str) -> String {
    let is_keys = ["query:", "schedule:", "lookback:", "key:", "ignore:"].iter().any(|key| example.starts_with(key));
    let has_query = example.lines().any(|line| line.starts_with("query:"));
    let indented = || example.lines().map(|line| format!("  {line}\n")).collect::<String>();
    match (is_keys, has_query) {
        (true, true) => example.to_owned(),
        (true, false) => format!("{example}\nquery: |\n  DeviceEvents\n"),
        (false, _) => format!("query: |\n{}", indented()),
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
            let found = findings_in(&world, &as_hunt(example));
            if found.iter().any(|finding| finding.code == rule.code) != wanted {
                faults.push(format!("{} (found: {wanted})\n{example}\n{}", rule.code, lines(&found).join("\n")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
