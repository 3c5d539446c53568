//! Hunts to YAML in huntd's own keys.

use crate::model::hunt::{CatchUp, FirstRun, Hunt};
use crate::model::id::{ChannelName, TenantName, digest};
use crate::model::time::format_duration;
use crate::rules::yaml::{block_text, flow_json, quoted, word};

use super::load::{REPORT, SPLAY, TIMEOUT};

/// Writes a hunt in huntd's own keys, so that [`super::load()`] reads the same hunt. Keys that are
/// at their built-in default are left out, but for those whose default a config may move.
#[must_use]
pub fn print(hunt: &Hunt) -> String {
    let mut out = Lines(String::new());
    words(hunt, &mut out);
    out.key("query", Some(block_text(&hunt.query, 2)));
    timing(hunt, &mut out);
    telling(hunt, &mut out);
    rest(hunt, &mut out);
    out.0
}

/// The first 12 hexadecimal digits of a SHA-256 over the printed hunt: changes with whatever
/// matters to a run, and not with comments, layout or the file's format.
#[must_use]
pub fn version(hunt: &Hunt) -> String {
    hex::encode(digest("huntd hunt v1", &[print(hunt).as_bytes()])).chars().take(12).collect()
}

struct Lines(String);

impl Lines {
    fn key(&mut self, key: &str, value: Option<String>) {
        if let Some(value) = value {
            self.0.push_str(key);
            self.0.push_str(": ");
            self.0.push_str(&value);
            if !self.0.ends_with('\n') {
                self.0.push('\n');
            }
        }
    }
}

fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(word).collect();
    format!("[{}]", words.join(", "))
}

fn filled(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| list(words.iter().map(String::as_str)))
}

fn words(hunt: &Hunt, out: &mut Lines) {
    out.key("id", Some(word(hunt.id.as_str())));
    out.key("name", (hunt.name != hunt.id.as_str()).then(|| quoted(&hunt.name)));
    out.key("description", (!hunt.description.is_empty()).then(|| block_text(&hunt.description, 2)));
    out.key("severity", Some(hunt.severity.to_string()));
    out.key("tactics", filled(&hunt.tactics));
    out.key("techniques", filled(&hunt.techniques));
    out.key("tags", filled(&hunt.tags));
    out.key("owner", hunt.owner.as_deref().map(word));
}

fn timing(hunt: &Hunt, out: &mut Lines) {
    out.key("schedule", Some(quoted(hunt.schedule.as_str())));
    out.key("timezone", Some(word(&hunt.timezone.to_string())));
    out.key("lookback", Some(format_duration(hunt.lookback)));
    out.key("late", Some(format_duration(hunt.late)));
    out.key(
        "catch_up",
        match hunt.catch_up {
            CatchUp::Auto => None,
            CatchUp::Past(past) => Some(format_duration(past)),
            CatchUp::Skip => Some("skip".to_owned()),
        },
    );
    out.key("splay", (hunt.splay != SPLAY).then(|| format_duration(hunt.splay)));
    out.key("timeout", (hunt.timeout != TIMEOUT).then(|| format_duration(hunt.timeout)));
}

fn telling(hunt: &Hunt, out: &mut Lines) {
    out.key("key", hunt.key.as_deref().and_then(filled));
    out.key("ignore", filled(&hunt.ignore));
    out.key("report", (hunt.report != REPORT).then(|| list(hunt.report.iter().map(|kind| kind.as_str()))));
    out.key("threshold", hunt.threshold.map(|threshold| quoted(&threshold.to_string())));
    out.key(
        "suppress",
        hunt.suppress.as_ref().map(|suppress| {
            let by = list(suppress.by.iter().map(String::as_str));
            format!("{{for: {}, by: {by}}}", format_duration(suppress.length))
        }),
    );
    out.key("first_run", (hunt.first_run == FirstRun::Baseline).then(|| "baseline".to_owned()));
    out.key("tenants", hunt.tenants.as_ref().map(|names| list(names.iter().map(TenantName::as_str))));
    out.key("notify", hunt.notify.as_ref().map(|names| list(names.iter().map(ChannelName::as_str))));
    out.key("entities", filled(&hunt.entities));
}

fn rest(hunt: &Hunt, out: &mut Lines) {
    out.key("enabled", (!hunt.enabled).then(|| "false".to_owned()));
    let allow: Vec<_> = hunt.allow.iter().map(|(code, why)| format!("{code}: {}", quoted(why))).collect();
    out.key("allow", (!allow.is_empty()).then(|| format!("{{{}}}", allow.join(", "))));
    if !hunt.tests.is_empty() {
        let tests: Vec<_> = hunt.tests.iter().map(|test| format!("\n  - {}", flow_json(test))).collect();
        out.key("tests", Some(tests.concat()));
    }
    let extra = hunt.extra.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    out.key("extra", (!hunt.extra.is_empty()).then(|| flow_json(&serde_json::Value::Object(extra))));
}
