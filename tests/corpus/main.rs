//! Files as they are found in the wild, read through the real folder reader: every oddity loads or
//! is named, and no file stops another. All fixtures were written for this project.

mod rewriting;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use huntd::adapters::folder;
use huntd::model::hunt::Hunt;
use huntd::model::place::{Finding, Level};
use huntd::model::time::{Zone, format_duration};
use huntd::rules::check::{human, json};
use huntd::rules::config;
use huntd::rules::definition::{self, LoadedHunts, check_names, print};

fn load(name: &str) -> (LoadedHunts, usize) {
    let found = folder::read(Path::new("tests/fixtures/hunts").join(name).as_path());
    assert_eq!(found.findings, []);
    (definition::load(&found.files, &config::default_hunt_defaults(), Zone::UTC), found.files.len())
}

fn source(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn show(findings: &[Finding]) -> String {
    human::render(findings, &source, false)
}

/// What of a hunt the formats differ in.
fn line(hunt: &Hunt) -> String {
    let threshold = hunt.threshold.map_or_else(|| "-".to_owned(), |threshold| threshold.to_string());
    let suppress = hunt.suppress.as_ref().map_or_else(|| "-".to_owned(), |s| format_duration(s.length));
    let mut out = format!("{}\n  {} | {} | {}", hunt.id, hunt.dialect.as_str(), hunt.name, hunt.severity);
    let _infallible = write!(
        out,
        "\n  {} over {}, late {} | threshold {threshold} | suppress {suppress}\n  {:?} {:?} {:?} entities {:?}",
        hunt.schedule,
        format_duration(hunt.lookback),
        format_duration(hunt.late),
        hunt.tactics,
        hunt.techniques,
        hunt.tags,
        hunt.entities,
    );
    let extra: Vec<_> = hunt.extra.keys().map(String::as_str).collect();
    let _infallible = write!(out, "\n  query {:?}\n  extra {}\n", hunt.query, extra.join(" "));
    out
}

#[test]
fn every_oddity_loads() {
    let (loaded, files) = load("sound");
    assert_eq!(files, 16);
    assert!(loaded.findings.iter().all(|finding| finding.level != Level::Error), "{}", show(&loaded.findings));
    let hunts: Vec<_> = loaded.hunts.iter().map(line).collect();
    insta::assert_snapshot!("hunts_that_load", hunts.join("\n"));
    insta::assert_snapshot!("findings_of_hunts_that_load", show(&loaded.findings));
}

#[test]
fn every_mistake_is_named_and_stops_nothing_else() {
    let (loaded, _) = load("broken");
    let ids: Vec<_> = loaded.hunts.iter().map(|hunt| hunt.id.as_str()).collect();
    assert_eq!(ids, ["same", "good", "layer/has-own", "g", "i"]);
    insta::assert_snapshot!("findings_of_hunts_that_are_broken", show(&loaded.findings));
}

#[test]
fn findings_name_places_that_exist() {
    for name in ["sound", "broken"] {
        for finding in load(name).0.findings {
            let text = source(&finding.file).unwrap();
            let line = text.lines().nth(finding.place.line as usize - 1).unwrap_or_default();
            let length = u32::try_from(line.chars().count()).unwrap();
            assert!(finding.place.column <= length + 1, "{finding:?}");
        }
    }
    assert_eq!(json::render(&load("broken").0.findings).lines().count(), load("broken").0.findings.len());
}

#[test]
fn printed_hunts_read_back_the_same() {
    for hunt in load("sound").0.hunts {
        let file = definition::HuntFile {
            shown: PathBuf::from("printed.yaml"),
            relative: PathBuf::from("printed.yaml"),
            bytes: print(&hunt).into_bytes(),
        };
        let mut again = definition::load(&[file], &config::default_hunt_defaults(), Zone::UTC);
        let mut read = again.hunts.remove(0);
        (read.source, read.dialect) = (hunt.source.clone(), hunt.dialect);
        assert_eq!(read, hunt);
    }
}

/// The messages that people meet first, word for word.
#[test]
fn the_first_messages_are_exact() {
    let missing = folder::read(Path::new("tests/fixtures/no-such-folder"));
    insta::assert_snapshot!("hunts_folder_missing", show(&missing.findings));

    let hunts = "query: T\nschedule: \"*/5 * * *\"\ntimezone: Europe/Rga\n---\nid: b\nquery: T\nnotify: [sok]\ntenants: [contso]\n";
    let file = definition::HuntFile {
        shown: PathBuf::from("hunts/a.yaml"),
        relative: PathBuf::from("a.yaml"),
        bytes: hunts.as_bytes().to_vec(),
    };
    let loaded = definition::load(&[file], &config::default_hunt_defaults(), Zone::UTC);
    let text = "tenants: {contoso: {tenant_id: a.example, client_id: b, auth: {client_secret: {env: S}}}}\nchannels: {soc: {log: {}}}\n";
    let (config, warnings) =
        config::load(Path::new("huntd.yaml"), text.as_bytes(), &config::Directories::default()).unwrap();
    assert_eq!(warnings, []);
    let mut findings = loaded.findings.clone();
    findings.extend(check_names(&loaded, &config));
    insta::assert_snapshot!("first_messages_of_hunts", human::render(&findings, &|_| Some(hunts.to_owned()), false));

    let text = format!("{text}timezone: Europe/Rga\nroutes: [{{to: [sok]}}]\nfailures: {{to: [sok]}}\n");
    let findings = config::load(Path::new("huntd.yaml"), text.as_bytes(), &config::Directories::default()).unwrap_err();
    insta::assert_snapshot!("first_messages_of_config", human::render(&findings, &|_| Some(text.clone()), false));
}

/// Two thousand hunts load within seconds even in the tests' unoptimised build.
#[test]
fn many_hunts_load_in_linear_time() {
    let files: Vec<_> = (0..2_000)
        .map(|number| definition::HuntFile {
            shown: PathBuf::from(format!("hunts/{number}.yaml")),
            relative: PathBuf::from(format!("{number}.yaml")),
            bytes: b"query: |\n  T\n  | where x\nlookback: 1h\n".to_vec(),
        })
        .collect();
    let loaded = definition::load(&files, &config::default_hunt_defaults(), Zone::UTC);
    assert_eq!(loaded.hunts.len(), 2_000);
    assert_eq!(loaded.hunts[0].lookback, Duration::from_hours(1));
}
