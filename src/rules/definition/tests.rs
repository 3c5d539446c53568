use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::config::HuntDefaults;
use crate::model::hit::HitKind;
use crate::model::hunt::{CatchUp, Dialect, FirstRun, Hunt, Severity, Suppress, Threshold, ThresholdOp};
use crate::model::id::{ChannelName, HuntId, TenantName};
use crate::model::place::Level;
use crate::model::schedule::Schedule;
use crate::model::time::Zone;

fn defaults() -> HuntDefaults {
    HuntDefaults {
        schedule: Schedule::parse("@daily").unwrap(),
        lookback: Duration::from_hours(24),
        late: Duration::from_mins(30),
    }
}

fn file(path: &str, text: &str) -> HuntFile {
    HuntFile { shown: format!("hunts/{path}").into(), relative: path.into(), bytes: text.as_bytes().to_vec() }
}

fn load_all(files: &[(&str, &str)]) -> LoadedHunts {
    let files: Vec<_> = files.iter().map(|(path, text)| file(path, text)).collect();
    load(&files, &defaults(), Zone::UTC)
}

/// The one hunt of a text that has no findings.
fn sound(text: &str) -> Hunt {
    let mut loaded = load_all(&[("a.yaml", text)]);
    assert_eq!(loaded.findings, [], "{text}");
    loaded.hunts.remove(0)
}

/// `level code line:column message` of each finding.
fn findings(loaded: &LoadedHunts) -> Vec<String> {
    let line = |f: &crate::model::place::Finding| {
        format!("{} {} {}:{} {}", f.level, f.code, f.place.line, f.place.column, f.message)
    };
    loaded.findings.iter().map(line).collect()
}

fn ids(loaded: &LoadedHunts) -> Vec<&str> {
    loaded.hunts.iter().map(|hunt| hunt.id.as_str()).collect()
}

#[test]
fn every_key_of_the_reference_is_read() {
    let hunt = sound(
        r#"
id: encoded-powershell
name: Encoded PowerShell
description: What to do
severity: high
tactics: [Execution]
techniques: [T1059.001]
tags: [windows]
owner: blue@example
query: |
  T
schedule: "*/30 * * * *"
timezone: Europe/Riga
lookback: 1h
late: 10m
catch_up: skip
key: [Timestamp, DeviceId]
ignore: [Count]
report: [gone, new]
threshold: ">= 5"
suppress: {for: 24h, by: [DeviceName]}
first_run: baseline
tenants: [contoso]
notify: [soc]
splay: 0
timeout: 1m
enabled: false
allow: {L012: "why"}
entities: [DeviceName]
extra: {x: 1}
tests:
  - {name: t, now: 2026-01-02T00:00:00Z, given: {T: [{A: 1}]}, expect: {count: 1}}
"#,
    );
    assert_eq!(hunt.id.as_str(), "encoded-powershell");
    assert_eq!(hunt.severity, Severity::High);
    assert_eq!(hunt.query, "T\n");
    assert_eq!(hunt.schedule.as_str(), "*/30 * * * *");
    assert_eq!(hunt.timezone.to_string(), "Europe/Riga");
    assert_eq!((hunt.lookback, hunt.late), (Duration::from_hours(1), Duration::from_mins(10)));
    assert_eq!((hunt.catch_up, hunt.first_run, hunt.enabled), (CatchUp::Skip, FirstRun::Baseline, false));
    assert_eq!(hunt.key, Some(vec!["Timestamp".to_owned(), "DeviceId".to_owned()]));
    assert_eq!(hunt.report, [HitKind::New, HitKind::Gone]);
    assert_eq!(hunt.threshold.unwrap().to_string(), ">= 5");
    assert_eq!(hunt.suppress.as_ref().unwrap().by, ["DeviceName"]);
    assert_eq!((hunt.splay, hunt.timeout), (Duration::ZERO, Duration::from_mins(1)));
    assert_eq!(hunt.tests[0]["expect"], json!({"count": 1}));
    assert_eq!(hunt.extra["x"], json!(1));
    assert_eq!(hunt.source.line, 2);
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_reference() {
    let hunt = sound("query: T");
    assert_eq!((hunt.id.as_str(), hunt.name.as_str()), ("a", "a"));
    assert_eq!(hunt.severity, Severity::Medium);
    assert_eq!(hunt.report, [HitKind::New, HitKind::Returned]);
    assert_eq!((hunt.splay, hunt.timeout), (Duration::from_secs(30), Duration::from_mins(3)));
    assert_eq!(
        (hunt.schedule.as_str(), hunt.lookback, hunt.late),
        ("@daily", Duration::from_hours(24), Duration::from_mins(30))
    );
    assert_eq!((hunt.key, hunt.tenants, hunt.notify, hunt.threshold), (None, None, None, None));
    assert!(hunt.enabled);
}

#[test]
fn each_mistake_has_its_finding_and_refuses_the_hunt() {
    for (text, expected) in [
        ("query: T\nshedule: x", "error H002 2:1 `shedule` is no key of a hunt"),
        ("query: \" \"", "error H004 1:1 the hunt has no query"),
        ("name: x", "error H004 1:1 the hunt has no query"),
        ("query: null", "error H004 1:1 the hunt has no query"),
        (
            "query: T\nschedule: \"* * *\"",
            "error H005 2:11 `* * *` is no schedule: cron has 5 fields, or 6 with seconds first, and here are 3",
        ),
        ("query: T\nschedule: 0 0 31 2 *", "error H005 2:11 the schedule `0 0 31 2 *` never comes"),
        ("query: T\ntimezone: Europe/Rgia", "error H006 2:11 no time zone is named `Europe/Rgia`"),
        ("query: T\nlookback: 1 fortnight", "error H003 2:11 `lookback`: `1 fortnight` is no duration"),
        ("query: T\nlookback: 0", "error H003 2:11 `lookback` must be more than nothing"),
        ("query: T\nenabled: maybe", "error H003 2:10 `enabled` must be true or false, and here is a text"),
        ("query: T\nkey: []", "error H015 2:6 `key` names no column"),
        ("query: T\nkey: ['']", "error H003 2:7 an entry of `key` is empty"),
        ("query: T\nreport: [new, old]", "error H010 2:15 `report` takes no `old`"),
        ("query: T\ncatch_up: never", "error H010 2:11 `catch_up` takes no `never`"),
        ("query: T\nthreshold: 5", "error H016 2:12 `5` is no threshold"),
        ("query: T\nsuppress: 24h", "error H017 2:11 `suppress` must be a map, and here is a text"),
        ("query: T\nsuppress: {fro: 24h}", "error H017 2:12 `suppress` has no key `fro`"),
        ("query: T\ntenants: [a b]", "error H003 2:11 tenant `a b` may hold only letters, digits, `.`, `_` and `-`"),
        ("query: T\ntenants: []", "error H003 2:10 `tenants` names no tenant"),
        ("query: T\ntests: [{given: {}}]", "error H018 2:9 a test needs `expect`"),
        ("query: T\nallow: {L012: }", "error H019 2:9 the reason is missing"),
        ("query: T\nallow: {L012: ' '}", "error H019 2:9 the reason is missing"),
        ("query: T\nallow: {L998: why}", "error H019 2:9 `L998` is no code of a finding"),
        (
            "query: T\nallow: {KQL003: why}",
            "error H019 2:9 `KQL003` is an error, and can't be allowed: something else was expected here",
        ),
        ("- query: T", "error H026 1:1 a hunt is a map of keys, and here is a list"),
        ("query: T\nquery: U", "error H001 2:1 `query` stands twice: first in line 1, column 1"),
    ] {
        let loaded = load_all(&[("a.yaml", text)]);
        assert_eq!(findings(&loaded), [expected], "{text}");
        assert_eq!(ids(&loaded), [""; 0], "{text}");
    }
}

#[test]
fn oddities_load_with_a_warning() {
    for (text, expected) in [
        ("query: T\nseverity: Hight", "warning H011 2:11 `Hight` is no severity, and medium is taken"),
        ("query: T\ntactics: Execution", "warning H012 2:10 `tactics` is a list, and here is a single text"),
        ("query: T\ntechniques: [T10]", "warning H013 2:14 `T10` is no ATT&CK technique"),
        ("query: T\ntechniques: [null, T1059]", "warning H012 2:14 an entry of `techniques` is empty, and is left out"),
        ("query: T == '{{x}}'", "warning H014 1:14 the placeholder `{{x}}` is left in the query"),
        ("id: null\nquery: T", "warning H008 1:5 the id is empty; `a` is taken for it"),
        ("id: [1]\nquery: T", "warning H008 1:5 `id` must be a text, and here is a list; `a` is taken for it"),
        ("query: T\nlookback: 90d", "warning H027 2:11 the API's data reaches back only 30d"),
        ("query: T\nkey: [A]\nignore: [A]", "warning H015 3:9 the column `A` is both in `key` and in `ignore`"),
        ("", "warning H026 1:1 the file holds no hunt"),
    ] {
        let loaded = load_all(&[("a.yaml", text)]);
        assert_eq!(findings(&loaded), [expected], "{text}");
        assert_eq!(loaded.hunts.len(), usize::from(!text.is_empty()), "{text}");
    }
    assert_eq!(findings(&load_all(&[("a.yaml", "query: T\ntactics: null\ntechniques: []\nname:\nid: 5")])), [""; 0]);
}

#[test]
fn every_problem_is_found_at_once() {
    let loaded =
        load_all(&[("a.yaml", "shedule: x\ntimezone: x\nlookback: x\nquery: ''\nallow: 5"), ("b.yaml", "a: [")]);
    let codes: Vec<_> = loaded.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["H002", "H006", "H003", "H004", "H019", "H001"]);
}

#[test]
fn allowed_findings_are_not_shown() {
    assert_eq!(findings(&load_all(&[("a.yaml", "query: T\nlookback: 90d\nallow: {H027: \"meant\"}")])), [""; 0]);
    let both = load_all(&[("a.yaml", "query: ''\nallow: {H004: \"no\"}")]);
    assert_eq!(both.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["H004", "H019"]);
}

#[test]
fn the_later_hunt_of_an_id_is_refused_alone() {
    let loaded = load_all(&[
        ("b.yaml", "id: x\nquery: B"),
        ("a.yaml", "\nid: x\nquery: A\n---\nquery: C\n---\nid: x\nquery: D"),
    ]);
    assert_eq!(ids(&loaded), ["x", "a#2"]);
    assert_eq!(loaded.hunts[0].query, "A");
    assert_eq!(
        findings(&loaded),
        [
            "error H009 7:5 the id `x` is taken: hunts/a.yaml has it, line 2",
            "error H009 1:5 the id `x` is taken: hunts/a.yaml has it, line 2"
        ]
    );
    assert_eq!(loaded.findings[1].file, std::path::Path::new("hunts/b.yaml"));
}

#[test]
fn nearer_defaults_win_and_null_undoes_them() {
    let loaded = load_all(&[
        ("_defaults.yaml", "severity: high\nlookback: 2h\nnotify: [soc]\nowner: top"),
        ("sub/_defaults.yaml", "lookback: 3h"),
        ("a.yaml", "query: T"),
        ("sub/deep/b.yaml", "query: T\nnotify: null\nseverity: low"),
        ("sub/c.yaml", "queryPeriod: 5h\nquery: T"),
        ("_draft.yaml", "nonsense"),
    ]);
    assert_eq!(findings(&loaded), [""; 0]);
    let seen: Vec<_> = loaded
        .hunts
        .iter()
        .map(|h| (h.id.as_str(), h.severity, h.lookback.as_secs() / 3600, h.notify.as_ref().map(Vec::len)))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", Severity::High, 2, Some(1)),
            ("sub/c", Severity::High, 5, Some(1)),
            ("sub/deep/b", Severity::Low, 3, None),
        ]
    );
    let spot = &loaded.places[&HuntId::new("sub/c").unwrap()].values["notify[0]"];
    assert_eq!((spot.file.to_str().unwrap(), spot.place.line), ("hunts/_defaults.yaml", 3));
}

#[test]
fn a_broken_default_refuses_only_who_would_take_it() {
    let loaded = load_all(&[
        ("_defaults.yaml", "lookback: x\nid: 5\nwrong: 1\ntactics: one"),
        ("a.yaml", "query: T"),
        ("b.yaml", "query: T\nlookback: 1h"),
    ]);
    assert_eq!(ids(&loaded), ["b"]);
    let codes: Vec<_> = loaded.findings.iter().map(|f| (f.file.to_str().unwrap(), f.code, f.level)).collect();
    assert_eq!(
        codes,
        [
            ("hunts/_defaults.yaml", "H003", Level::Error),
            ("hunts/_defaults.yaml", "H024", Level::Error),
            ("hunts/_defaults.yaml", "H002", Level::Error),
            ("hunts/_defaults.yaml", "H012", Level::Warning),
            ("hunts/a.yaml", "H025", Level::Error),
        ]
    );
    let loaded = load_all(&[("sub/_defaults.yaml", "a: ["), ("a.yaml", "query: T"), ("sub/b.yaml", "query: T")]);
    assert_eq!(ids(&loaded), ["a"]);
}

#[test]
fn sentinel_rules_are_hunts_as_they_stand() {
    let hunt = sound(
        r"
id: 00000000-0000-0000-0000-000000000001
name: A rule
description: 'Text'
severity: Low
status: Available
requiredDataConnectors: []
queryFrequency: 1h
queryPeriod: PT14H
triggerOperator: gt
triggerThreshold: 3
tactics: [Execution]
relevantTechniques: [T1059]
query: |
  T
entityMappings:
  - entityType: Host
    fieldMappings:
      - {identifier: FullName, columnName: DeviceName}
      - {identifier: Other, columnName: DeviceId}
  - entityType: Account
    fieldMappings: [{identifier: Name, columnName: DeviceName}]
suppressionDuration: PT5H
suppressionEnabled: true
version: 1.0
kind: Scheduled
",
    );
    assert_eq!(hunt.dialect, Dialect::Sentinel);
    assert_eq!((hunt.schedule.as_str(), hunt.lookback), ("every 1h", Duration::from_hours(14)));
    assert_eq!(hunt.threshold, Some(Threshold { op: ThresholdOp::MoreThan, count: 3 }));
    assert_eq!(hunt.techniques, ["T1059"]);
    assert_eq!(hunt.entities, ["DeviceName", "DeviceId"]);
    assert_eq!(hunt.suppress, Some(Suppress { length: Duration::from_hours(5), by: Vec::new() }));
    assert_eq!(hunt.extra.keys().collect::<Vec<_>>(), ["kind", "requiredDataConnectors", "status", "version"]);
}

#[test]
fn sentinel_oddities() {
    let hunt =
        sound("Id: abc\nDisplayName: The name\nDescription: d\nInputEntityType: Host\nTactics: [Execution]\nQuery: T");
    assert_eq!((hunt.id.as_str(), hunt.name.as_str(), hunt.query.as_str()), ("abc", "The name", "T"));
    let nrt = sound("kind: NRT\nquery: T");
    assert_eq!((nrt.schedule.as_str(), nrt.lookback), ("every 5m", Duration::from_hours(1)));
    let plain =
        sound("relevantTechniques: null\ntriggerOperator: GreaterThan\ntriggerThreshold: 0\nentityMappings:\nquery: T");
    assert_eq!((plain.threshold, plain.suppress), (None, None));
    let off = sound("suppressionDuration: 5h\nsuppressionEnabled: false\nquery: T");
    assert_eq!(off.suppress, None);
    let mixed = sound("queryFrequency: 1h\nschedule: '@hourly'\nquery: T");
    assert_eq!(mixed.schedule.as_str(), "@hourly");
    for (text, expected) in [
        (
            "queryPeriod: 1h\nnovel: 1\nquery: T",
            "info H022 2:1 `novel` isn't known to huntd: it is kept, and has no effect",
        ),
        (
            "triggerOperator: about\nquery: T",
            "warning H023 1:18 `triggerOperator` can't be read, so no threshold holds",
        ),
        (
            "queryPeriod: 1h\ntags: [{Schema: x}]\nquery: T",
            "warning H023 2:8 a tag is a map: each of its pairs is read as a tag `key=value`",
        ),
        ("relevantTechniques: T1059\nquery: T", "warning H012 1:21 `techniques` is a list, and here is a single text"),
        ("kind: NRT\nschedule: '@hourly'\nquery: T", "error H002 1:1 `kind` is no key of a hunt"),
        ("queryFrequency: soon\nquery: T", "error H005 1:17 `every soon` is no schedule: `soon` is no duration"),
    ] {
        let loaded = load_all(&[("a.yaml", text)]);
        assert_eq!(findings(&loaded), [expected], "{text}");
        assert_eq!(loaded.hunts.is_empty(), expected.starts_with("error"), "{text}");
    }
}

#[test]
fn custom_detection_rules_are_hunts_as_they_stand() {
    let rule = |schedule: &str| {
        sound(&format!(
            r#"{{"@odata.type": "x", "id": "7506", "displayName": "A rule", "isEnabled": false,
            "queryCondition": {{"queryText": "T\n| where x", "lastModifiedDateTime": null}},
            "schedule": {schedule},
            "detectionAction": {{"alertTemplate": {{"title": "t", "description": "d", "severity": "low",
              "category": "Execution", "mitreTechniques": ["T1059"],
              "impactedAssets": [{{"@odata.type": "y", "identifier": "deviceId"}}]}}, "responseActions": []}}}}"#
        ))
    };
    let hunt = rule(r#"{"period": "12H", "nextRunDateTime": "2026-01-01T00:00:00Z"}"#);
    assert_eq!(hunt.dialect, Dialect::CustomDetection);
    assert_eq!((hunt.name.as_str(), hunt.query.as_str(), hunt.enabled), ("A rule", "T\n| where x", false));
    assert_eq!((hunt.schedule.as_str(), hunt.lookback), ("every 12h", Duration::from_hours(48)));
    assert_eq!((hunt.severity, hunt.entities.as_slice()), (Severity::Low, ["DeviceId".to_owned()].as_slice()));
    assert_eq!((hunt.tactics, hunt.techniques), (vec!["Execution".to_owned()], vec!["T1059".to_owned()]));
    assert_eq!(rule(r#"{"period": "24H"}"#).lookback, Duration::from_hours(30 * 24));
    let beta = rule(r#"{"frequency": "PT1H", "lookback": "P1D"}"#);
    assert_eq!((beta.schedule.as_str(), beta.lookback), ("every 1h", Duration::from_hours(24)));
    assert_eq!(rule(r#"{"period": "0"}"#).schedule.as_str(), "every 5m");
}

fn span(most: u64) -> impl Strategy<Value = Duration> {
    (1..most).prop_map(Duration::from_secs)
}

fn some_words() -> impl Strategy<Value = Vec<String>> {
    vec("[A-Za-z][A-Za-z0-9 :#'\"é_-]{0,10}[A-Za-z]", 0..4)
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e9_f64..1e9).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            btree_map("[a-z<: ]{1,8}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().filter(|(k, _)| k != "<<").collect())),
        ]
    })
}

prop_compose! {
    fn texts()(
        id in "[a-zA-Z0-9#&()/\\[\\]: é'\"-]{0,20}[a-z]".prop_map(|id| id.trim().to_owned()),
        name in "[^ \t\n\r\u{b}\u{c}\u{85}\u{a0}\\p{Z}]([ -~é]{0,20}[!-~])?",
        description in any::<String>(),
        owner in option::of("[a-z@.]{1,20}"),
        query in "[A-Z][ -~\n\t]{0,80}",
        words in vec(some_words(), 5),
        ignore in some_words(),
        allow in btree_map(prop::sample::select(vec!["L001", "L012", "L038", "H014", "KQL030"]).prop_map(str::to_owned), "[a-z\"]{1,10}", 0..3),
        extra in btree_map("[a-z]{1,8}", any_json(), 0..3),
        tests in vec(any_json(), 0..3),
    ) -> Hunt {
        let mut hunt = super::load::blank(HuntId::new(id).unwrap(), &defaults(), Zone::UTC);
        hunt.name = name;
        hunt.description = description;
        hunt.owner = owner;
        hunt.query = query;
        [hunt.tactics, hunt.techniques, hunt.tags, hunt.entities] = [0, 1, 2, 3].map(|i| words[i].clone());
        hunt.key = Some(words[4].clone()).filter(|key| !key.is_empty());
        hunt.ignore = ignore;
        hunt.allow = allow;
        hunt.extra = extra;
        hunt.tests = tests.into_iter().map(|given| json!({"given": {"T": given}, "expect": {"count": 1}})).collect();
        hunt
    }
}

prop_compose! {
    fn hunts()(
        texts in texts(),
        schedule in prop::sample::select(vec!["*/30 * * * *", "5 */5 * * * *", "@hourly", "every 1h10m", "every PT1H"]),
        zone in prop::sample::select(vec!["UTC", "Europe/Riga", "America/Argentina/Buenos_Aires", "Etc/GMT+3"]),
        spans in (span(9_000_000), span(90_000), span(900), span(900)),
        flags in any::<[bool; 4]>(),
        severity in prop::sample::select(Severity::ALL.to_vec()),
        report in prop::sample::subsequence(HitKind::ALL.to_vec(), 1..=4),
        threshold in option::of((prop::sample::select(vec![ThresholdOp::AtLeast, ThresholdOp::MoreThan, ThresholdOp::AtMost, ThresholdOp::FewerThan, ThresholdOp::Exactly, ThresholdOp::Not]), any::<u64>())),
        suppress in option::of((span(90_000), some_words())),
        tenants in option::of(vec("[a-z0-9][a-z.-]{0,9}", 1..3)),
        notify in option::of(vec("[a-z0-9][a-z.-]{0,9}", 0..3)),
    ) -> Hunt {
        Hunt {
            schedule: Schedule::parse(schedule).unwrap(),
            timezone: Zone::parse(zone).unwrap(),
            lookback: spans.0, late: spans.1, splay: spans.2, timeout: spans.3,
            catch_up: if flags[0] { CatchUp::Auto } else { CatchUp::Skip },
            first_run: if flags[1] { FirstRun::Notify } else { FirstRun::Baseline },
            enabled: flags[2],
            severity, report,
            threshold: threshold.map(|(op, count)| Threshold { op, count }),
            suppress: suppress.map(|(length, by)| Suppress { length, by }),
            tenants: tenants.map(|names| names.into_iter().map(|n| TenantName::new(n).unwrap()).collect()),
            notify: notify.map(|names| names.into_iter().map(|n| ChannelName::new(n).unwrap()).collect()),
            ..texts
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn printing_and_reading_keeps_a_hunt(hunt in hunts()) {
        let text = print(&hunt);
        let mut loaded = load_all(&[("other.yaml", &text)]);
        prop_assert!(loaded.findings.iter().all(|f| f.level != Level::Error), "{}\n{:?}", text, loaded.findings);
        let mut read = loaded.hunts.remove(0);
        read.source = hunt.source.clone();
        prop_assert_eq!(&read, &hunt, "{}", text);
        prop_assert_eq!(version(&read), version(&hunt));
    }

    #[test]
    fn nothing_that_a_file_holds_panics(text in "((query|id|key|tests|extra|queryPeriod|entityMappings|queryCondition|schedule|allow|suppress|tags|report): [a-z0-9\\[\\]{}: ',]{0,12}\n){0,6}") {
        let loaded = load_all(&[("a.yaml", &text)]);
        prop_assert!(!loaded.hunts.is_empty() || !loaded.findings.is_empty());
    }
}
