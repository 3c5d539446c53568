//! Holds what others watch huntd by to the metrics that there are: the reference, the alerts, the dashboard.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::fs;

use huntd::rules::metrics::METRICS;
use serde_json::Value;

/// Words of an expression that look like a metric of ours.
fn metrics_of(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("huntd_") || word.starts_with("process_")).map(str::to_owned).collect()
}

/// The labels that an expression asks or sums by: all words before a comparison of labels, and within `by (…)`.
fn labels_of(expression: &str) -> BTreeSet<String> {
    let word = |text: &str| text.trim().trim_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).to_owned();
    let mut found = BTreeSet::new();
    for braces in expression.split('{').skip(1) {
        let inside = braces.split('}').next().unwrap();
        let parts = inside.split(',').map(|part| part.split(['=', '!']).next().unwrap());
        found.extend(parts.map(word));
    }
    for marker in ["by (", "on ("] {
        for list in expression.split(marker).skip(1) {
            found.extend(list.split(')').next().unwrap().split(',').map(word));
        }
    }
    found
}

fn known() -> BTreeSet<String> {
    METRICS.iter().map(|metric| metric.name.to_owned()).collect()
}

/// Each expression names metrics that there are, and labels that one of them has or that Prometheus adds.
fn check(expression: &str) -> BTreeSet<String> {
    let named = metrics_of(expression);
    let unknown: Vec<&String> = named.iter().filter(|name| !known().contains(*name)).collect();
    assert!(unknown.is_empty(), "no such metric: {unknown:?} in {expression}");
    let labels: BTreeSet<&str> = METRICS
        .iter()
        .filter(|metric| named.contains(metric.name))
        .flat_map(|metric| metric.labels.split(','))
        .chain(["job", "instance"])
        .collect();
    let wrong: Vec<String> =
        labels_of(expression).into_iter().filter(|label| !labels.contains(label.as_str())).collect();
    assert!(wrong.is_empty(), "no such label: {wrong:?} in {expression}");
    named
}

#[test]
fn the_reference_lists_every_metric() {
    let page = fs::read_to_string("docs/monitoring.md").unwrap();
    let listed: Vec<&str> =
        page.lines().filter(|line| line.starts_with("| `huntd_") || line.starts_with("| `process_")).collect();
    let labels = |metric: &str| {
        metric
            .split(',')
            .filter(|label| !label.is_empty())
            .map(|label| format!("`{label}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let known: Vec<String> = METRICS
        .iter()
        .map(|metric| format!("| `{}` | {} | {} | {} |", metric.name, metric.kind, labels(metric.labels), metric.help))
        .collect();
    assert_eq!(listed, known);
    for name in metrics_of(&page) {
        // The example of what to drop names the beginning alone.
        assert!(known.iter().any(|line| line.contains(&name)), "{name}");
    }
}

#[test]
fn the_alerts_ask_for_metrics_that_there_are_and_stand_in_the_reference() {
    let text = fs::read_to_string("deploy/prometheus/huntd.rules.yaml").unwrap();
    let rules: Value = serde_saphyr::from_str(&text).unwrap();
    let (mut named, mut asked) = (Vec::new(), BTreeSet::new());
    for group in rules["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            asked.extend(check(rule["expr"].as_str().unwrap()));
            assert!(matches!(rule["labels"]["severity"].as_str(), Some("warning" | "critical")), "{rule}");
            let told = ["summary", "description"].map(|key| rule["annotations"][key].as_str().unwrap().len());
            assert!(told.iter().all(|length| *length > 10), "{rule}");
            named.push(rule["alert"].as_str().unwrap().to_owned());
        }
    }
    // Each is provoked in the tests that promtool runs, where it is.
    let tests = fs::read_to_string("deploy/prometheus/huntd.rules.test.yaml").unwrap();
    for name in &named {
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "no test of {name}");
    }
    let page = fs::read_to_string("docs/monitoring.md").unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `Huntd")?.split('`').next());
    let listed: Vec<String> = rows.map(|row| format!("Huntd{row}")).collect();
    assert_eq!(named, listed);
    for name in ["huntd_engine_alive", "huntd_failures_in_row", "huntd_deliveries", "huntd_disk_free_bytes"] {
        assert!(asked.contains(name), "{name}");
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string("deploy/grafana/huntd.json").unwrap()).unwrap();
    let (mut ids, mut asked, mut places) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id stands once: {panel}");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(x + w <= 24, "{panel}");
        let overlaps = |&[a, b, c, d]: &[u64; 4]| x < a + c && a < x + w && y < b + d && b < y + h;
        assert!(!places.iter().any(overlaps), "it lies over another: {}", panel["title"]);
        places.push([x, y, w, h]);
        // The last value that was known says nothing of now: what stands as one number is asked for now.
        let is_now = matches!(panel["type"].as_str(), Some("stat" | "table"));
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "the one that was chosen on top");
            assert_eq!(target["instant"], is_now, "{}", panel["title"]);
            let expression = target["expr"].as_str().unwrap();
            // A variable is a value, not a label.
            asked.extend(check(&expression.replace("$instance", "x").replace("$tenant", "x")));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(definition) = variable["definition"].as_str() {
            assert!(metrics_of(definition).is_subset(&known()), "{definition}");
        }
    }
    // What isn't drawn is in nobody's sight.
    let hidden = ["huntd_last_commit_timestamp_seconds", "huntd_hunts_unlisted", "huntd_database_readable"];
    let missing: Vec<String> =
        known().difference(&asked).filter(|name| !hidden.contains(&name.as_str())).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A part of the checks above would pass over anything if it read nothing.
#[test]
fn a_wrong_name_is_seen() {
    let expression = "sum by (tenant) (rate(huntd_api_calls_total{outcome!=\"ok\", job=~\".*\"}[5m]))";
    assert_eq!(check(expression), BTreeSet::from(["huntd_api_calls_total".to_owned()]));
    assert_eq!(labels_of(expression), ["job", "outcome", "tenant"].map(str::to_owned).into());
    assert!(std::panic::catch_unwind(|| check("huntd_no_such_metric > 1")).is_err());
    assert!(std::panic::catch_unwind(|| check("sum by (hunt) (huntd_queue_depth)")).is_err());
}
