//! Single values of a hunt: schedules, zones, thresholds and the like.

use std::collections::BTreeMap;

use super::threshold::parse_threshold;
use crate::model::hunt::{Suppress, Threshold};
use crate::model::place::Place;
use crate::model::schedule::{Schedule, ScheduleKind};
use crate::model::time::{Timestamp, Zone};
use crate::rules::check::codes;
use crate::rules::check::nearest::did_you_mean;
use crate::rules::yaml::{self, Node, Problem};

pub(super) fn pick<T: Copy>(key: &str, place: Place, word: &str, choices: &[(&'static str, T)]) -> Result<T, Problem> {
    let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.trim()));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(word, names.iter().copied());
        Problem::new(place, format!("`{key}` takes no `{}`", word.escape_debug()))
            .hint(hint.unwrap_or_else(|| format!("one of {}", names.join(", "))))
    })
}

/// T and four digits, and a dot and three more for a sub-technique.
pub(super) fn is_technique(word: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.chars().all(|c| c.is_ascii_digit());
    let Some(rest) = word.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

/// A schedule that is read, and comes at some time.
pub fn schedule(node: &Node) -> Result<Schedule, Problem> {
    let hint = "write cron of 5 fields (`\"*/30 * * * *\"`), of 6 with seconds first, `@hourly`, or `every 30m`";
    let text = yaml::text(node, "schedule").map_err(|problem| problem.hint(hint))?;
    let schedule = Schedule::parse(&text)
        .map_err(|error| Problem::new(node.place, error.to_string().trim_end_matches('.')).hint(hint))?;
    if let ScheduleKind::Cron(cron) = schedule.kind()
        && cron.find_next_occurrence(&Timestamp::EPOCH.chrono(), false).is_err()
    {
        return Err(Problem::new(node.place, format!("the schedule `{text}` never comes")).hint(hint));
    }
    Ok(schedule)
}

/// A time zone.
pub fn zone(node: &Node) -> Result<Zone, Problem> {
    let text = yaml::text(node, "timezone")?;
    Zone::parse(text.trim()).ok_or_else(|| {
        let hint = did_you_mean(&text, Zone::names());
        Problem::new(node.place, format!("no time zone is named `{}`", text.escape_debug()))
            .hint(hint.unwrap_or_else(|| "names are those of the IANA database, such as Europe/Riga".to_owned()))
    })
}

pub(super) fn threshold(node: &Node) -> Result<Threshold, Problem> {
    let text = yaml::text(node, "threshold")?;
    parse_threshold(&text).ok_or_else(|| {
        Problem::new(node.place, format!("`{}` is no threshold", text.escape_debug()))
            .hint("write an operator and a number in quotation marks: `\">= 5\"`")
    })
}

pub(super) fn suppress(node: &Node) -> Result<Suppress, Problem> {
    let hint = "write `suppress: {for: 24h, by: [DeviceName]}`";
    let entries = yaml::map(node, "suppress").map_err(|problem| problem.hint(hint))?;
    if let Some(entry) = entries.iter().find(|entry| !["for", "by"].contains(&entry.key.as_str())) {
        let message = format!("`suppress` has no key `{}`", entry.key.escape_debug());
        return Err(Problem::new(entry.key_place, message).hint(hint));
    }
    let length = node.get("for").filter(|node| !node.is_null());
    let length = length.ok_or_else(|| Problem::new(node.place, "`suppress` doesn't say for how long").hint(hint))?;
    let (by, _) = node.get("by").map(|by| yaml::word_list(by, "by")).transpose()?.unwrap_or_default();
    let by: Vec<_> = by.into_iter().map(|(_, column)| column).collect();
    let suppress = Suppress { length: yaml::duration(length, "for")?, by };
    if suppress.length.is_zero() || suppress.by.iter().any(String::is_empty) {
        return Err(
            Problem::new(length.place, "`suppress` needs a time above nothing, and columns with names").hint(hint)
        );
    }
    Ok(suppress)
}

pub(super) fn allow(node: &Node) -> Result<BTreeMap<String, String>, Problem> {
    let hint = "write the code and why it is meant so: `allow: {L012: \"the list is short\"}`";
    let mut allowed = BTreeMap::new();
    for entry in yaml::map(node, "allow").map_err(|problem| problem.hint(hint))? {
        let Some(rule) = codes::find(&entry.key) else {
            let message = format!("`{}` is no code of a finding", entry.key.escape_debug());
            let hint = codes::nearest_code(&entry.key).map(|code| format!("did you mean `{code}`?"));
            let list = || "`huntd check --explain` lists all codes".to_owned();
            return Err(Problem::new(entry.key_place, message).hint(hint.unwrap_or_else(list)));
        };
        if !rule.may_be_allowed() {
            let message = format!("`{}` is an error, and can't be allowed: {}", rule.code, rule.title);
            return Err(Problem::new(entry.key_place, message).hint("mend what it finds"));
        }
        let reason = yaml::text(&entry.value, &entry.key).ok().filter(|reason| !reason.trim().is_empty());
        let reason = reason.ok_or_else(|| Problem::new(entry.key_place, "the reason is missing").hint(hint))?;
        allowed.insert(entry.key.clone(), reason);
    }
    Ok(allowed)
}

/// What is wrong with the shape of a unit test; what it means is for who runs it.
pub(super) fn test_problems(test: &Node) -> Vec<Problem> {
    const KEYS: [&str; 4] = ["name", "now", "given", "expect"];
    let Some(entries) = test.entries() else {
        return vec![Problem::new(test.place, format!("a test must be a map, and here is {}", test.kind()))];
    };
    let mut problems = Vec::new();
    for entry in entries.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
        let mut problem = Problem::new(entry.key_place, format!("a test has no key `{}`", entry.key.escape_debug()));
        problem.hint = did_you_mean(&entry.key, KEYS).or_else(|| Some(format!("its keys are {}", KEYS.join(", "))));
        problems.push(problem);
    }
    for key in ["given", "expect"] {
        match test.get(key) {
            None => problems.push(Problem::new(test.place, format!("a test needs `{key}`"))),
            Some(node) if node.entries().is_none() => {
                problems.push(Problem::new(node.place, format!("`{key}` must be a map, and here is {}", node.kind())));
            }
            Some(_) => {}
        }
    }
    let now = test.get("now").and_then(Node::scalar);
    if let (Some(now), Some(node)) = (now, test.get("now"))
        && Timestamp::parse(&now.text).is_none()
    {
        problems.push(Problem::new(node.place, "`now` must be a time such as 2026-01-02T00:00:00Z"));
    }
    problems
}
