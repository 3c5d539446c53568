//! One hunting call, in either dialect: token, quota, faults, and at last the rows.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::bodies::{Dialect, Text, Trace};
use super::cell::{Cell, Kind, mix};
use super::encode;
use super::events::{Found, Question};
use super::http::{Body, Damage, Reply, Request};
use super::ledger::{Call, Full, JournalEntry};
use super::moment::{Asked, Span, timespan};
use super::packer::Packing;
use super::printing::printed;
use super::rewritten::Reading;
use super::scenario::{Effect, Scenario, SimHunt, SimQuota, SimTenant, Wire, Wording, first_name};
use super::state::{State, headers, packing, reply, trace};
use crate::model::time::Timestamp;

/// Bytes of rows that are made at a time.
const PIECE: usize = 32 * 1024;

/// The dialect that a path belongs to, where it is a hunting call.
#[must_use]
pub fn dialect_of(path: &str) -> Option<Dialect> {
    match path {
        "/v1.0/security/runHuntingQuery" | "/beta/security/runHuntingQuery" => Some(Dialect::Graph),
        "/api/advancedhunting/run" | "/api/advancedqueries/run" => Some(Dialect::Defender),
        _ => None,
    }
}

/// What a request's body says.
struct Ask {
    query: String,
    timespan: Option<String>,
}

/// A call on its way through the checks.
struct Visit<'a> {
    state: &'a State,
    scenario: Arc<Scenario>,
    request: &'a Request,
    trace: Trace,
    now: Timestamp,
    draw: u64,
    ask: Option<Ask>,
}

/// An answer before it is written.
enum Answer {
    Text(Text),
    Rows {
        hunt: usize,
        found: Found,
        rows: u64,
        limit: u64,
        cut: bool,
        cpu: Duration,
    },
    /// One row with the number of rows, which no limit cuts.
    Count {
        hunt: usize,
        count: u64,
        cpu: Duration,
    },
}

/// Answers a hunting call.
pub fn answer(state: &State, request: &Request, dialect: Dialect) -> Reply {
    let (now, draw) = (state.now(), state.draw());
    state.ledger().stats.calls += 1;
    let trace = trace(dialect, request, now, draw);
    let visit =
        Visit { state, scenario: state.scenario(), request, trace, now, draw, ask: ask(dialect, &request.body) };
    let hunt = visit.hunt().map(|(place, hunt)| (place, hunt.name.clone()));
    let tenant = visit.tenant_id();
    let mut damage = Damage { delay: visit.scenario.latency.pick(mix(&[draw, 5])), ..Damage::default() };
    let (answer, spoilt) = visit.decide(tenant.as_deref(), hunt.as_ref().map(|(_, name)| name.as_str()), &mut damage);
    visit.record(&answer, tenant, hunt.map(|(_, name)| name), damage.breaks() || spoilt.is_some());
    visit.write(answer, spoilt.as_ref(), damage)
}

/// Graph takes the keys in either case, the older API only as documented.
fn ask(dialect: Dialect, body: &[u8]) -> Option<Ask> {
    let Value::Object(members) = serde_json::from_slice(body).ok()? else { return None };
    let text = |keys: [&str; 2]| {
        let mut keys = keys.into_iter().take(if dialect == Dialect::Graph { 2 } else { 1 });
        keys.find_map(|key| members.get(key)?.as_str()).map(str::to_owned)
    };
    let query = text(["Query", "query"]).filter(|query| !query.trim().is_empty())?;
    Some(Ask { query, timespan: text(["Timespan", "timespan"]).filter(|_| dialect == Dialect::Graph) })
}

impl Visit<'_> {
    fn hunt(&self) -> Option<(usize, &SimHunt)> {
        self.scenario.hunt_for(&self.ask.as_ref()?.query)
    }

    /// The tenant that the token belongs to.
    fn tenant_id(&self) -> Option<String> {
        let token = self.request.header("authorization")?.strip_prefix("Bearer ")?;
        self.state.ledger().bearer(token, self.trace.dialect, self.now).map(str::to_owned)
    }

    /// The answer, and which fault spoils its rows.
    fn decide(&self, tenant: Option<&str>, hunt: Option<&str>, damage: &mut Damage) -> (Answer, Option<Effect>) {
        let Some(tenant) = tenant.and_then(|id| self.scenario.tenant(id)) else {
            return (Answer::Text(self.trace.unauthorized()), None);
        };
        let quota = self.scenario.quota_of(tenant);
        let full = self.state.ledger().enter(&tenant.id, quota, self.now);
        if let Some(refusal) = self.refused(tenant) {
            return (Answer::Text(refusal), None);
        }
        if let Some(full) = full {
            return (Answer::Text(self.throttled(quota, full)), None);
        }
        let start = self.state.origin(&self.scenario);
        let call = Call { token: false, hunt, tenant: Some(&tenant.id), start, now: self.now };
        let mut spoilt = None;
        for effect in self.state.effects(&self.scenario, &call) {
            match damage.take(effect) {
                None => {}
                Some(rows @ (Effect::ErrorMember | Effect::NotJson | Effect::Empty)) => spoilt = spoilt.or(Some(rows)),
                Some(other) => {
                    if let Some(text) = self.fault(other, tenant, quota) {
                        return (Answer::Text(text), None);
                    }
                }
            }
        }
        (self.rows(&tenant.id).unwrap_or_else(Answer::Text), spoilt)
    }

    /// Why this tenant's app isn't served at all.
    fn refused(&self, tenant: &SimTenant) -> Option<Text> {
        let needed = match (self.trace.dialect, self.request.path.as_str()) {
            (Dialect::Graph, _) => "ThreatHunting.Read.All",
            (Dialect::Defender, "/api/advancedqueries/run") => "AdvancedQuery.Read.All",
            (Dialect::Defender, _) => "AdvancedHunting.Read.All",
        };
        if !tenant.licensed {
            return Some(self.trace.unlicensed());
        }
        (!tenant.roles.iter().any(|role| role == needed)).then(|| self.trace.forbidden(needed, &tenant.roles))
    }

    fn throttled(&self, quota: &SimQuota, full: Full) -> Text {
        let seconds = |wait: Duration| u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
        let header = |wait: Duration| quota.retry_after.then(|| seconds(wait));
        let (limit, per, wait) = match full {
            Full::Cpu(wait) => return self.trace.throttled_cpu(wait, header(wait)),
            Full::Minute(wait) => (quota.calls_per_minute, "00:01:00", wait),
            Full::Hour(wait) => (quota.calls_per_hour, "01:00:00", wait),
        };
        match quota.wording {
            Wording::Classic => self.trace.throttled(limit, per, header(wait)),
            Wording::Newer => self.trace.throttled_newer(limit, per, seconds(wait), header(wait)),
            Wording::Gateway => self.trace.throttled_gateway(header(wait)),
        }
    }

    fn fault(&self, effect: Effect, tenant: &SimTenant, quota: &SimQuota) -> Option<Text> {
        let trace = &self.trace;
        Some(match effect {
            Effect::UnknownError => trace.unknown_error(500),
            Effect::InternalError => trace.error(
                500,
                "InternalServerError",
                "An unexpected error occurred during query execution. Please try again in a few minutes.",
            ),
            Effect::BadGateway => Text::gateway_page(502, "Bad Gateway"),
            Effect::Unavailable => Text::gateway_page(503, "Service Unavailable"),
            Effect::GatewayTimeout => trace.unknown_error(504),
            Effect::LimitsExceeded => trace.limits_exceeded(),
            Effect::ResultSize => trace.result_size(),
            Effect::SyntaxError => trace.syntax(),
            Effect::SemanticError => trace.unknown_column(),
            Effect::ThrottledMinute => self.throttled(quota, Full::Minute(Duration::from_secs(8))),
            Effect::ThrottledHour => self.throttled(quota, Full::Hour(Duration::from_secs(95))),
            Effect::ThrottledCpu => self.throttled(quota, Full::Cpu(Duration::from_secs(754))),
            Effect::ThrottledGateway(Span(wait)) => trace.throttled_gateway(Some(wait.as_secs())),
            Effect::Unauthorized => trace.unauthorized(),
            Effect::Unlicensed => trace.unlicensed(),
            Effect::Forbidden => trace.forbidden("ThreatHunting.Read.All", &tenant.roles),
            Effect::Answer { status, body, content_type, retry_after } => {
                Text { status, content_type, retry_after, body: body.into_bytes() }
            }
            _ => return None,
        })
    }

    fn rows(&self, tenant: &str) -> Result<Answer, Text> {
        let ask = self.ask.as_ref().ok_or_else(|| self.trace.bad_body())?;
        let asked = match &ask.timespan {
            Some(text) => timespan(text, self.now).ok_or_else(|| self.trace.bad_timespan(text))?,
            None => Asked::ALL,
        };
        let Some((place, hunt)) = self.hunt() else {
            return printed(&ask.query).map_or_else(
                || Err(self.trace.unknown_table(first_name(&ask.query))),
                |columns| Ok(Answer::Text(self.printed(columns))),
            );
        };
        let oldest = Asked { from: self.now.minus(self.scenario.data_age.0), to: Asked::ALL.to };
        let reading = Reading::of(&ask.query, "Timestamp");
        let asked = asked.and(oldest).and(reading.asked);
        // An open end means now.
        let length = Asked { to: asked.to.min(self.now), ..asked }.length();
        let cpu = hunt.cost(length);
        self.state.ledger().spend(tenant, cpu, self.now);
        if hunt.longest_window.is_some_and(|longest| length > longest.0) {
            return Err(self.trace.limits_exceeded());
        }
        let question = Question {
            start: self.state.origin(&self.scenario),
            now: self.now,
            asked,
            seed: self.state.seed,
            shuffle: self.scenario.shuffle.then(|| mix(&[self.draw, 7])),
            share: reading.share,
        };
        let found = Found::new(&self.scenario, place, question);
        let total = found.total();
        if reading.counted {
            return Ok(Answer::Count { hunt: place, count: total, cpu });
        }
        if hunt.most_rows.is_some_and(|most| total > most) {
            return Err(self.trace.result_size());
        }
        let limit = hunt.row_limit.unwrap_or(self.scenario.row_limit);
        Ok(Answer::Rows { hunt: place, found, rows: total.min(limit), limit, cut: total > limit, cpu })
    }

    /// The answer to a `print`, which needs no table.
    fn printed(&self, printed: Vec<(String, Kind, Cell)>) -> Text {
        let (columns, cells): (Vec<_>, Vec<_>) =
            printed.into_iter().map(|(name, kind, cell)| ((name, kind), cell)).unzip();
        let dialect = self.trace.dialect;
        let mut body = encode::opening(dialect, 1, Duration::ZERO);
        body.extend(encode::schema(dialect, &columns));
        body.push(b',');
        body.extend_from_slice(encode::rows_key(dialect));
        encode::row(&mut body, dialect, self.scenario.wire, &columns, &cells);
        body.extend_from_slice(b"]}");
        Text::new(200, "application/json; charset=utf-8", body)
    }

    fn record(&self, answer: &Answer, tenant: Option<String>, hunt: Option<String>, damaged: bool) {
        let (status, rows, cut) = match answer {
            Answer::Text(text) => (text.status, 0, false),
            Answer::Rows { rows, cut, .. } => (200, *rows, *cut),
            Answer::Count { .. } => (200, 1, false),
        };
        let (query, timespan) = match &self.ask {
            Some(ask) => (ask.query.clone(), ask.timespan.clone()),
            None => (String::new(), None),
        };
        self.state.ledger().record(JournalEntry {
            at: self.now,
            path: self.request.path.clone(),
            dialect: self.trace.dialect,
            tenant,
            hunt,
            query,
            timespan,
            status,
            rows,
            cut,
            damaged,
        });
    }

    fn write(&self, answer: Answer, spoilt: Option<&Effect>, damage: Damage) -> Reply {
        let wire = self.scenario.wire;
        let packed = packing(self.trace.dialect, wire.compression, self.request);
        let content_type = match self.trace.dialect {
            Dialect::Graph => {
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
            }
            Dialect::Defender => "application/json; charset=utf-8",
        };
        let (hunt, source, rows, limit, cpu) = match (answer, spoilt) {
            (Answer::Text(text), _) => {
                let packed = if text.content_type.starts_with("text/") { Packing::Plain } else { packed };
                let headers = headers(&self.trace, &text.content_type);
                return reply(text, headers, wire.framing, packed, damage);
            }
            (Answer::Rows { .. } | Answer::Count { .. }, Some(Effect::NotJson | Effect::Empty)) => {
                let body = if spoilt == Some(&Effect::Empty) {
                    ""
                } else {
                    "<html><body>The service is being moved</body></html>"
                };
                let text = Text::new(200, content_type, body);
                return reply(text, headers(&self.trace, content_type), wire.framing, packed, damage);
            }
            (Answer::Rows { hunt, found, rows, limit, cpu, .. }, _) => {
                (hunt, Source::Events(Box::new(found)), rows, limit, cpu)
            }
            (Answer::Count { hunt, count, cpu }, _) => (hunt, Source::Count(Some(count)), 1, 1, cpu),
        };
        let pieces = Pieces {
            scenario: Arc::clone(&self.scenario),
            hunt,
            dialect: self.trace.dialect,
            wire,
            source,
            left: limit,
            stage: Stage::Opening,
            rows,
            cpu,
            error_member: spoilt == Some(&Effect::ErrorMember),
        };
        Reply {
            status: 200,
            headers: headers(&self.trace, content_type),
            body: Body::Pieces(Box::new(pieces)),
            framing: wire.framing,
            packing: packed,
            damage,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    FirstRow,
    Rows,
    Done,
}

/// Where rows come from.
enum Source {
    Events(Box<Found>),
    /// One row, once.
    Count(Option<u64>),
}

impl Source {
    /// The cells of the next row.
    fn next(&mut self) -> Option<Vec<Cell>> {
        match self {
            Self::Events(found) => found.next().map(|event| event.cells),
            Self::Count(count) => count.take().map(|count| vec![Cell::Whole(i64::try_from(count).unwrap_or(i64::MAX))]),
        }
    }

    /// The columns of a hunt's rows, or of their count.
    fn columns(&self, hunt: &SimHunt) -> Vec<(String, Kind)> {
        match self {
            Self::Events(_) => hunt.columns.clone(),
            Self::Count(_) => vec![("Count".to_owned(), Kind::Long)],
        }
    }
}

/// A body of rows, made as it is sent.
struct Pieces {
    scenario: Arc<Scenario>,
    hunt: usize,
    dialect: Dialect,
    wire: Wire,
    source: Source,
    left: u64,
    stage: Stage,
    rows: u64,
    /// What the answer says that it cost.
    cpu: Duration,
    error_member: bool,
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let scenario = Arc::clone(&self.scenario);
        let hunt = scenario.hunts.get(self.hunt)?;
        let columns = self.source.columns(hunt);
        let mut out = Vec::with_capacity(PIECE);
        if self.stage == Stage::Done {
            return None;
        }
        if self.stage == Stage::Opening {
            out = encode::opening(self.dialect, self.rows, self.cpu);
            if !self.wire.schema_last {
                out.extend(encode::schema(self.dialect, &columns));
                out.push(b',');
            }
            out.extend_from_slice(encode::rows_key(self.dialect));
            self.stage = Stage::FirstRow;
        }
        while out.len() < PIECE {
            let cells = if self.left == 0 { None } else { self.source.next() };
            let Some(cells) = cells else {
                self.close(&mut out, &columns);
                break;
            };
            self.left -= 1;
            if self.stage == Stage::Rows {
                out.push(b',');
            }
            self.stage = Stage::Rows;
            encode::row(&mut out, self.dialect, self.wire, &columns, &cells);
        }
        Some(out)
    }
}

impl Pieces {
    fn close(&mut self, out: &mut Vec<u8>, columns: &[(String, Kind)]) {
        out.push(b']');
        if self.wire.schema_last {
            out.push(b',');
            out.extend(encode::schema(self.dialect, columns));
        }
        if self.error_member {
            out.extend_from_slice(
                br#","error":{"code":"PartialError","message":"There were some errors when processing your query."}"#,
            );
        }
        out.push(b'}');
        self.stage = Stage::Done;
    }
}
