//! Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code scanning.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::codes::{self, Rule};
use crate::model::place::{Finding, Level, Place};

/// One log with one run.
#[must_use]
pub fn render(findings: &[Finding]) -> String {
    let codes: BTreeSet<_> = findings.iter().map(|finding| finding.code).collect();
    let rules: Vec<_> = codes.iter().map(|code| rule(code)).collect();
    let index = |code: &str| codes.iter().position(|known| *known == code);
    let results: Vec<_> = findings.iter().map(|finding| result(finding, index(finding.code))).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "huntd",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "note",
    }
}

/// What there is to say of a code, once a log.
fn rule(code: &str) -> Value {
    let Some(rule) = codes::find(code) else { return json!({"id": code}) };
    json!({
        "id": code,
        "shortDescription": {"text": sentence(rule.title)},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.text(), "markdown": markdown(rule)},
        "defaultConfiguration": {"level": level(rule.level)},
    })
}

/// With a capital and a full stop, as the standard wants descriptions.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn markdown(rule: &Rule) -> String {
    let mut out = rule.why.to_owned();
    for (word, example) in [("Wrong", rule.wrong), ("Right", rule.right)] {
        if !example.is_empty() {
            out.extend(["\n\n", word, ":\n\n```\n", example, "\n```"]);
        }
    }
    out
}

fn result(finding: &Finding, index: Option<usize>) -> Value {
    let text = match &finding.hint {
        Some(hint) => format!("{}\n{hint}", finding.message),
        None => finding.message.clone(),
    };
    let artifact = artifact(finding);
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": level(finding.level),
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region(finding.place)}}],
    });
    if let (Some(fix), Some(map)) = (&finding.fix, result.as_object_mut()) {
        let replacement = json!({"deletedRegion": region(fix.place), "insertedContent": {"text": fix.text}});
        let change = json!({"artifactLocation": artifact, "replacements": [replacement]});
        let description = finding.hint.as_deref().unwrap_or(&finding.message);
        map.insert("fixes".to_owned(), json!([{"description": {"text": description}, "artifactChanges": [change]}]));
    }
    result
}

/// Where the file is: relative to the sources' root, as it was given.
fn artifact(finding: &Finding) -> Value {
    let uri = uri(&finding.file.to_string_lossy());
    if finding.file.is_absolute() { json!({"uri": uri}) } else { json!({"uri": uri, "uriBaseId": "%SRCROOT%"}) }
}

fn region(place: Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase()
}

/// A path as a reference of RFC 3986: relative paths stay relative.
fn uri(path: &str) -> String {
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 0xf)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::place::Edit;
    use crate::rules::check::sample;

    #[test]
    fn a_log_has_what_the_standard_asks_for() {
        let mut with_fix = sample();
        (with_fix.code, with_fix.level) = ("L030", Level::Info);
        with_fix.fix = Some(Edit { place: Place::in_line(2, 12, 14), text: "=~".to_owned() });
        let log: Value = serde_json::from_str(&render(&[with_fix, sample(), sample()])).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["H005", "L030"], "each rule once");
        for rule in rules {
            for text in ["shortDescription", "fullDescription", "help"] {
                assert!(rule[text]["text"].as_str().unwrap().ends_with(['.', '\n']), "{rule}");
            }
        }
        assert_eq!(rules[0]["defaultConfiguration"]["level"], "error");
        let results = run["results"].as_array().unwrap();
        let indexes: Vec<_> = results.iter().map(|result| result["ruleIndex"].as_u64().unwrap()).collect();
        assert_eq!(indexes, [1, 0, 0]);
        assert_eq!((results[0]["level"].as_str(), results[1]["level"].as_str()), (Some("note"), Some("error")));
        let location = &results[1]["locations"][0]["physicalLocation"];
        let artifact = json!({"uri": "hunts/a%2Cb.yaml", "uriBaseId": "%SRCROOT%"});
        assert_eq!(location["artifactLocation"], artifact);
        assert_eq!(location["region"], json!({"startLine": 2, "startColumn": 11, "endLine": 2, "endColumn": 16}));
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        assert!(results[1].get("fixes").is_none());
        let change = &results[0]["fixes"][0]["artifactChanges"][0];
        assert_eq!(change["artifactLocation"], artifact);
        assert_eq!(change["replacements"][0]["insertedContent"]["text"], "=~");
        assert_eq!(change["replacements"][0]["deletedRegion"]["endColumn"], 14);
    }

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("/a b/é.yaml"), "file:///a%20b/%C3%A9.yaml");
        assert_eq!(uri("a:b.yaml"), "a%3Ab.yaml");
    }
}
