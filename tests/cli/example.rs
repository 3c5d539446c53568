//! The files of `deploy/`: the example names every key that the config's reader knows, and the unit starts what
//! there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use huntd::model::place::Level;
use huntd::rules::config::{Directories, load};
use serde_json::{Map, Value};

const EXAMPLE: &str = include_str!("../../deploy/huntd.example.yaml");
const UNIT: &str = include_str!("../../deploy/huntd.service");

/// A key that nobody has, and that is near to none.
const BOGUS: &str = "qqqqqqqqqqqqqqqq";

#[test]
fn the_example_is_a_config() {
    let (config, findings) =
        load(Path::new("/etc/huntd/huntd.yaml"), EXAMPLE.as_bytes(), &Directories::default()).unwrap();
    // What isn't served yet is warned of, and nothing else.
    assert!(findings.iter().all(|finding| finding.level == Level::Warning && finding.code == "C008"), "{findings:?}");
    assert_eq!(config.hunts, [Path::new("/etc/huntd/hunts")]);
    assert_eq!((config.tenants.len(), config.channels.len()), (1, 3));
}

/// All maps of a document, by their place; names that a user chose count as `*`.
fn maps(value: &Value, place: &[String], found: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(map) => {
            found.push(place.to_vec());
            for (key, value) in map {
                maps(value, &[place, std::slice::from_ref(key)].concat(), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                maps(value, &[place, &[index.to_string()]].concat(), found);
            }
        }
        _ => {}
    }
}

fn at<'a>(value: &'a mut Value, place: &[String]) -> &'a mut Map<String, Value> {
    let found = place.iter().fold(value, |value, step| match value {
        Value::Array(list) => &mut list[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    });
    found.as_object_mut().unwrap()
}

/// The keys that the reader says a map may have: it names them all when it meets one that it doesn't know. `None`
/// for a map whose keys are a user's own, or that must have one key out of a few.
fn known(example: &Value, place: &[String]) -> Option<BTreeSet<String>> {
    let mut example = example.clone();
    at(&mut example, place).insert(BOGUS.to_owned(), Value::Null);
    let findings =
        load(Path::new("/etc/huntd/huntd.yaml"), example.to_string().as_bytes(), &Directories::default()).err()?;
    let finding = findings.iter().find(|finding| finding.code == "C002" && finding.message.contains(BOGUS))?;
    let keys = finding.hint.as_deref().unwrap().strip_prefix("its keys are ").unwrap();
    Some(keys.split(", ").filter(|key| !key.is_empty()).map(str::to_owned).collect())
}

#[test]
fn the_example_names_every_key() {
    let mut example: Value = serde_saphyr::from_str(EXAMPLE).unwrap();
    let mut places = Vec::new();
    maps(&example, &[], &mut places);
    let (mut wanted, mut there) = (BTreeMap::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for place in places {
        let Some(keys) = known(&example, &place) else { continue };
        // Entries of a list, and tenants, are of one kind: together they show every key.
        let kind: Vec<&str> = place
            .iter()
            .enumerate()
            .map(|(depth, step)| {
                let free = depth == 1 && matches!(place[0].as_str(), "tenants" | "channels" | "routes");
                if free { "*" } else { step.as_str() }
            })
            .collect();
        let kind = kind.join(".");
        there.entry(kind.clone()).or_default().extend(at(&mut example, &place).keys().cloned());
        wanted.insert(kind, keys);
    }
    for (kind, keys) in &wanted {
        let missing: Vec<&String> = keys.difference(&there[kind]).collect();
        assert!(missing.is_empty(), "deploy/huntd.example.yaml doesn't show {missing:?} of `{kind}`");
    }
    let kinds: Vec<&str> = wanted.keys().map(String::as_str).collect();
    let all = [
        "",
        "channels.*.email",
        "channels.*.email.ca",
        "channels.*.file",
        "defaults",
        "failures",
        "heartbeat",
        "retention",
        "routes.*",
        "routes.*.match",
        "schema",
        "tenants.*",
        "tenants.*.quota",
    ];
    for kind in all {
        assert!(kinds.contains(&kind), "the reader was not asked for `{kind}`: {kinds:?}");
    }
    for word in ["{credential: NAME}", "{file: PATH}", "{env: NAME}", "log:"] {
        assert!(EXAMPLE.contains(word), "no {word}");
    }
}

/// The values of a setting of the unit.
fn setting(name: &str) -> Vec<&'static str> {
    UNIT.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

#[test]
fn the_unit_starts_what_there_is() {
    use clap::Parser;
    let start = setting("ExecStart");
    assert_eq!(start.len(), 1);
    let words: Vec<&str> = start[0].split_whitespace().collect();
    assert_eq!(words[0], "/usr/bin/huntd");
    let arguments = huntd::app::args::Arguments::try_parse_from(&words).unwrap();
    assert!(matches!(arguments.verb, huntd::app::args::Verb::Daemon));
    assert_eq!(arguments.config, Path::new("/etc/huntd/huntd.yaml"));
    assert_eq!(setting("Type"), ["notify"], "the daemon says when it is ready");
    assert_eq!(
        (setting("User"), setting("NoNewPrivileges"), setting("ProtectSystem")),
        (vec!["huntd"], vec!["yes"], vec!["strict"])
    );
    // Longer than the daemon's own two waits of 20 s.
    assert_eq!(setting("TimeoutStopSec"), ["60s"]);
    // What it writes is where the unit lets it write.
    let (config, _) = load(Path::new("/etc/huntd/huntd.yaml"), EXAMPLE.as_bytes(), &Directories::default()).unwrap();
    assert!(config.database.starts_with(Path::new("/var/lib").join(setting("StateDirectory")[0])));
    assert!(EXAMPLE.contains(&format!("/var/log/{}/", setting("LogsDirectory")[0])));
    for line in UNIT.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
        let (key, _) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric()), "{line}");
    }
}
