//! What a simulated tenant holds, and how it misbehaves.

mod embedded;
mod fault;
mod parse;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::embedded::{DEMO_RUNS, demo_scenario, stress_scenario};
pub use self::fault::{Effect, Fault, On};
pub use self::parse::{ScenarioError, parse_scenario};
use super::cell::Kind;
use super::moment::{Moment, Span, Spread};
use super::rewritten::original;
use crate::model::time::Timestamp;

/// A scenario, as its file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The instant that relative times count from; the simulator's start where none is given.
    #[serde(default)]
    pub start: Option<Moment>,
    /// The tenants that the token endpoint knows.
    pub tenants: Vec<SimTenant>,
    /// What each tenant may spend.
    #[serde(default)]
    pub quota: SimQuota,
    /// Rows at which an answer is cut without a word.
    #[serde(default = "row_limit")]
    pub row_limit: u64,
    /// How long each answer takes.
    #[serde(default)]
    pub latency: Spread,
    /// How far back data reaches; also what a request without a window means.
    #[serde(default = "data_age")]
    pub data_age: Span,
    /// Whether rows come in another order each time.
    #[serde(default)]
    pub shuffle: bool,
    /// How answers are written.
    #[serde(default)]
    pub wire: Wire,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What the queries find; the first that matches a query answers it.
    #[serde(default)]
    pub hunts: Vec<SimHunt>,
}

/// 100,000: advanced hunting limits (Microsoft Learn; read 2026-11-24).
fn row_limit() -> u64 {
    100_000
}

/// Thirty days: the same page.
fn data_age() -> Span {
    Span(Duration::from_hours(720))
}

/// A tenant and its one app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimTenant {
    /// The tenant's GUID.
    pub id: String,
    /// Its domain, taken in place of the GUID.
    #[serde(default)]
    pub domain: Option<String>,
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub secret: String,
    /// A secret that the service knows as expired.
    #[serde(default)]
    pub expired_secret: Option<String>,
    /// What `expires_in` says.
    #[serde(default = "token_life")]
    pub token_life: Span,
    /// How much earlier than promised a token stops working.
    #[serde(default)]
    pub expires_early: Span,
    /// The app's roles; a call needs the one of its API.
    #[serde(default = "roles")]
    pub roles: Vec<String>,
    /// The scopes taken; none means Microsoft's own for either API.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether the tenant has Defender at all.
    #[serde(default = "yes")]
    pub licensed: bool,
    /// A quota of its own.
    #[serde(default)]
    pub quota: Option<SimQuota>,
}

fn token_life() -> Span {
    Span(Duration::from_secs(3599))
}

fn roles() -> Vec<String> {
    vec!["ThreatHunting.Read.All".to_owned(), "AdvancedHunting.Read.All".to_owned()]
}

const fn yes() -> bool {
    true
}

/// What a tenant may spend, counted as calls are received.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimQuota {
    /// Calls in a rolling minute; a call that is a minute old no longer counts.
    pub calls_per_minute: u32,
    /// Calls in a rolling hour.
    pub calls_per_hour: u32,
    /// CPU in each quarter hour by the clock; none for no limit. The call that goes over it is still answered.
    pub cpu_per_cycle: Option<Span>,
    /// CPU that people and other tools spend in each quarter hour, evenly.
    pub cpu_of_others: Span,
    /// Whether refused calls count too.
    pub count_refused: bool,
    /// Which of the service's texts a refusal has.
    pub wording: Wording,
    /// Whether a refusal has the header Retry-After.
    pub retry_after: bool,
}

impl Default for SimQuota {
    /// 45 calls a minute and 1,500 an hour (Learn: Graph overview, run-advanced-query-api).
    fn default() -> Self {
        Self {
            calls_per_minute: 45,
            calls_per_hour: 1500,
            cpu_per_cycle: None,
            cpu_of_others: Span(Duration::ZERO),
            count_refused: false,
            wording: Wording::Classic,
            retry_after: false,
        }
    }
}

/// The text of a 429 for calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wording {
    /// `maximum allowed 45 per 00:01:00`, without a wait.
    #[default]
    Classic,
    /// `Maximum allowed 45 per 00:01:00 for the key …. You can send requests again in 8 seconds.`
    Newer,
    /// Graph's gateway: `TooManyRequests`, which names no window.
    Gateway,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the file that stands for itself")]
pub struct Wire {
    /// How the end of a body is told.
    pub framing: Framing,
    /// Whether bodies are packed.
    pub compression: Compression,
    /// Graph's `Name@odata.type` keys.
    pub sidecars: bool,
    /// Rows before the schema.
    pub schema_last: bool,
    /// Leaves keys of null cells out.
    pub sparse: bool,
    /// Bools of the older API as `true` and `false` in place of 1 and 0.
    pub older_bools: bool,
    /// Dynamics of the older API as JSON text in place of JSON.
    pub older_text: bool,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            framing: Framing::Chunked,
            compression: Compression::Auto,
            sidecars: true,
            schema_last: false,
            sparse: false,
            older_bools: false,
            older_text: false,
        }
    }
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// Transfer-Encoding: chunked.
    #[default]
    Chunked,
    /// Content-Length.
    Length,
    /// By the end of the connection.
    Close,
}

/// Whether bodies are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As Accept-Encoding allows: gzip on Graph, deflate before gzip on the older API.
    #[default]
    Auto,
    /// As Accept-Encoding allows, gzip only.
    Gzip,
    /// As Accept-Encoding allows, deflate only.
    Deflate,
    /// Never.
    None,
}

/// What a query finds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimHunt {
    /// A name, for the journal and for faults.
    pub name: String,
    /// The queries that it answers.
    #[serde(rename = "match")]
    pub matches: Match,
    /// The answer's columns, in order: name to KQL type.
    #[serde(deserialize_with = "parse::columns")]
    pub columns: Vec<(String, Kind)>,
    /// Single events.
    #[serde(default)]
    pub rows: Vec<SimRow>,
    /// Events that come on and on.
    #[serde(default)]
    pub streams: Vec<Stream>,
    /// Values that rows and streams have where they say nothing else.
    #[serde(default)]
    pub base: Map<String, Value>,
    /// CPU that one call costs.
    #[serde(default = "cpu")]
    pub cpu: Span,
    /// CPU besides, for each hour of event time that is asked for.
    #[serde(default)]
    pub cpu_per_hour: Span,
    /// A row limit of its own.
    #[serde(default)]
    pub row_limit: Option<u64>,
    /// A window longer than this is preempted ("exceeded the allowed limits").
    #[serde(default)]
    pub longest_window: Option<Span>,
    /// More rows than this are too many bytes ("exceeded the allowed result size").
    #[serde(default)]
    pub most_rows: Option<u64>,
}

fn cpu() -> Span {
    Span(Duration::from_millis(50))
}

/// Which queries a hunt answers: those that meet all that is said here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The whole text, blanks at both ends aside.
    pub query: Option<String>,
    /// The first name that is no `let` and no comment.
    pub table: Option<String>,
    /// Texts that all stand in the query.
    pub contains: Vec<String>,
}

/// One event. Without a time it is part of an inventory, which no window narrows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimRow {
    /// Event time.
    #[serde(default)]
    pub at: Option<Moment>,
    /// When queries begin to find it; event time where nothing is said, or ever since.
    #[serde(default)]
    pub arrives: Option<Moment>,
    /// When queries stop to find it.
    #[serde(default)]
    pub leaves: Option<Moment>,
    /// How often it stands in one answer.
    #[serde(default = "once")]
    pub copies: u32,
    /// The columns' values; a missing one is null, but `Timestamp` is the event time.
    #[serde(default)]
    pub row: Map<String, Value>,
}

const fn once() -> u32 {
    1
}

/// Events that come on and on; never held in memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Event time of the first; the scenario's start where nothing is said.
    #[serde(default)]
    pub from: Option<Moment>,
    /// Time from one to the next; zero puts all at the same instant.
    pub every: Span,
    /// How many there are; needed where `every` is zero.
    #[serde(default)]
    pub count: Option<u64>,
    /// How long after their event time they arrive.
    #[serde(default)]
    pub late: Spread,
    /// The columns' values, in which `{n}`, `{hash}`, `{at}` and `{arrived}` are filled in.
    #[serde(default)]
    pub row: Map<String, Value>,
}

impl SimHunt {
    /// The CPU of a call that asks for so much event time.
    #[must_use]
    pub fn cost(&self, window: Duration) -> Duration {
        let more = self.cpu_per_hour.0.as_secs_f64() * (window.as_secs_f64() / 3600.0);
        self.cpu.0.saturating_add(Duration::try_from_secs_f64(more).unwrap_or_default())
    }
}

impl Scenario {
    /// The instant that relative times count from, for a simulator that started at `started`.
    #[must_use]
    pub fn origin(&self, started: Timestamp) -> Timestamp {
        self.start.map_or(started, |moment| moment.resolve(started))
    }

    /// The hunt that answers `query`, with its place in the list.
    #[must_use]
    pub fn hunt_for(&self, query: &str) -> Option<(usize, &SimHunt)> {
        self.hunts.iter().enumerate().find(|(_, hunt)| hunt.matches.takes(query))
    }

    /// The tenant of that GUID or domain.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&SimTenant> {
        self.tenants.iter().find(|tenant| {
            tenant.id.eq_ignore_ascii_case(name)
                || tenant.domain.as_deref().is_some_and(|domain| domain.eq_ignore_ascii_case(name))
        })
    }

    /// What that tenant may spend.
    #[must_use]
    pub fn quota_of<'a>(&'a self, tenant: &'a SimTenant) -> &'a SimQuota {
        tenant.quota.as_ref().unwrap_or(&self.quota)
    }
}

impl Match {
    fn takes(&self, query: &str) -> bool {
        // What a client writes into a query makes it no other.
        let original = original(query);
        self.query.as_deref().is_none_or(|text| text.trim() == query.trim() || text.trim() == original)
            && self.table.as_deref().is_none_or(|table| table == first_name(query))
            && self.contains.iter().all(|text| query.contains(text) || original.contains(text))
    }
}

/// The first name of `query` that stands in no comment and begins no `let` statement: its table, for
/// the queries that scenarios are made for.
#[must_use]
pub fn first_name(query: &str) -> &str {
    let mut rest = query.trim_start();
    loop {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
        } else if rest.starts_with("let ") {
            rest = rest.split_once(';').map_or("", |(_, after)| after).trim_start();
        } else {
            break;
        }
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}
