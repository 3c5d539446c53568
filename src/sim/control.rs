//! `/_sim/…`: what happened, and which events there are, for tests in other processes.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::bodies::{Dialect, Text};
use super::encode;
use super::events::{Found, Question};
use super::http::{Damage, Reply, Request};
use super::moment::{Asked, Moment};
use super::packer::Packing;
use super::scenario::{Framing, Wire, parse_scenario};
use super::state::{State, reply};
use crate::model::time::Timestamp;

/// Answers a request below `/_sim/`.
pub fn answer(state: &State, request: &Request) -> Reply {
    let query: HashMap<String, String> = url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    let text = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_sim/stats") => stats(state),
        ("GET", "/_sim/journal") => journal(state),
        ("GET", "/_sim/events") => events(state, &query),
        ("POST", "/_sim/scenario") => replace(state, &request.body),
        ("POST", "/_sim/tokens/revoke") => {
            state.ledger().tokens.clear();
            Text::new(200, "application/json", "{}")
        }
        _ => failure(404, "no such page: GET stats, journal or events, POST scenario or tokens/revoke"),
    };
    let headers = vec![("content-type".to_owned(), text.content_type.clone())];
    reply(text, headers, Framing::Length, Packing::Plain, Damage::default())
}

fn failure(status: u16, message: &str) -> Text {
    Text::new(status, "application/json", json!({"error": message}).to_string())
}

fn stats(state: &State) -> Text {
    let mut body = Vec::new();
    encode::json(&mut body, &state.ledger().stats);
    Text::new(200, "application/json", body)
}

fn lines(items: impl Iterator<Item = Vec<u8>>) -> Text {
    let mut body = Vec::new();
    for item in items {
        body.extend(item);
        body.push(b'\n');
    }
    Text::new(200, "application/x-ndjson", body)
}

fn journal(state: &State) -> Text {
    lines(state.ledger().journal.iter().map(|entry| {
        let mut line = Vec::new();
        encode::json(&mut line, entry);
        line
    }))
}

/// The events of `hunt` (default: all hunts) with event time from `from` on that have arrived by
/// `until` (default: now), a line each, values as the older API writes them.
fn events(state: &State, query: &HashMap<String, String>) -> Text {
    let scenario = state.scenario();
    let start = state.origin(&scenario);
    let moment = |key: &str, default: Timestamp| match query.get(key).map(|text| Moment::parse(text)) {
        None => Ok(default),
        Some(Some(moment)) => Ok(moment.resolve(start)),
        Some(None) => Err(failure(400, &format!("`{key}` is no time: write RFC 3339, or a span from the start"))),
    };
    let (now, from) = match (moment("until", state.now()), moment("from", Asked::ALL.from)) {
        (Ok(until), Ok(from)) => (until, from),
        (Err(error), _) | (_, Err(error)) => return error,
    };
    let asked = Asked { from, ..Asked::ALL };
    let mut all = Vec::new();
    for (place, hunt) in scenario.hunts.iter().enumerate() {
        if query.get("hunt").is_some_and(|wanted| *wanted != hunt.name) {
            continue;
        }
        let question = Question { start, now, asked, seed: state.seed, shuffle: None, share: None };
        for event in Found::new(&scenario, place, question) {
            let mut row = Vec::new();
            encode::row(&mut row, Dialect::Defender, Wire::default(), &hunt.columns, &event.cells);
            let mut line = Map::new();
            line.insert("hunt".into(), json!(hunt.name));
            line.insert("id".into(), json!(event.id));
            line.insert("at".into(), json!(event.at));
            line.insert("arrived".into(), json!(event.arrived));
            line.insert("row".into(), serde_json::from_slice(&row).unwrap_or(Value::Null));
            all.push(Value::Object(line).to_string().into_bytes());
        }
    }
    lines(all.into_iter())
}

fn replace(state: &State, body: &[u8]) -> Text {
    match parse_scenario(&String::from_utf8_lossy(body)) {
        Ok(scenario) => {
            state.change(|held| *held = scenario);
            Text::new(200, "application/json", "{}")
        }
        Err(error) => failure(400, &error.to_string()),
    }
}
