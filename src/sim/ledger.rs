//! All that changes while the simulator runs: tokens, rolling counts, fault counters, the journal.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::Serialize;

use super::bodies::Dialect;
use super::scenario::{Scenario, SimQuota};
use crate::model::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const CYCLE: Duration = Duration::from_mins(15);
/// Requests that the journal keeps; the oldest go first.
const JOURNAL: usize = 10_000;

/// What the simulator has counted since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SimStats {
    /// Hunting calls received, refused ones too.
    pub calls: u64,
    /// Tokens given out.
    pub tokens: u64,
    /// Calls for a token that were refused.
    pub tokens_refused: u64,
    /// Hunting calls answered with 200 and a sound body.
    pub answered_ok: u64,
    /// Hunting calls whose answer a fault broke on its way, or whose body it spoilt.
    pub damaged: u64,
    /// Hunting calls answered with 401.
    pub answered_401: u64,
    /// Hunting calls answered with 429.
    pub answered_429: u64,
    /// Hunting calls answered with any other 4xx.
    pub answered_4xx: u64,
    /// Hunting calls answered with 5xx.
    pub answered_5xx: u64,
    /// Answers that were cut at the row limit.
    pub cut: u64,
    /// Rows sent.
    pub rows: u64,
    /// Connections accepted.
    pub connections: u64,
    /// The most hunting calls of one tenant in any rolling minute.
    pub peak_per_minute: u64,
    /// The most hunting calls of one tenant in any rolling hour.
    pub peak_per_hour: u64,
    /// The most hunting calls at a time.
    pub peak_concurrent: u64,
    /// CPU of all calls, in milliseconds.
    pub cpu_ms: u64,
    /// The most CPU of one tenant's calls in any quarter hour of the clock, in milliseconds.
    pub peak_cpu_ms: u64,
}

/// One hunting call, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalEntry {
    /// When it was received.
    pub at: Timestamp,
    /// The path.
    pub path: String,
    /// The API spoken.
    pub dialect: Dialect,
    /// The tenant, where the token names one.
    pub tenant: Option<String>,
    /// The scenario's hunt, where one matches.
    pub hunt: Option<String>,
    /// The query, as it came.
    pub query: String,
    /// The `Timespan`, as it came.
    pub timespan: Option<String>,
    /// The answer's status.
    pub status: u16,
    /// Rows in the answer.
    pub rows: u64,
    /// Whether rows were cut off without a word.
    pub cut: bool,
    /// Whether a fault broke the answer on its way or spoilt its body.
    pub damaged: bool,
}

/// A token that was given out.
#[derive(Debug, Clone)]
pub struct Token {
    /// The tenant's id.
    pub tenant: String,
    /// The API that it is for.
    pub dialect: Dialect,
    /// From this instant on it isn't taken.
    pub ends: Timestamp,
}

/// Which limit a call has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Calls in a minute; the time until one is free.
    Minute(Duration),
    /// Calls in an hour; the time until one is free.
    Hour(Duration),
    /// CPU; the time until the next quarter hour.
    Cpu(Duration),
}

/// One tenant's spending.
#[derive(Debug, Default)]
struct Spending {
    /// Calls that count against the quota, in the last hour.
    counted: VecDeque<Timestamp>,
    /// All calls of the last hour.
    received: VecDeque<Timestamp>,
    /// The quarter hour that `cpu` was spent in.
    cycle: Option<Timestamp>,
    cpu: Duration,
    /// CPU since the simulator's start.
    cpu_total: Duration,
}

/// What changes while the simulator runs.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Counts so far.
    pub stats: SimStats,
    /// The last requests.
    pub journal: VecDeque<JournalEntry>,
    /// Tokens by their text.
    pub tokens: HashMap<String, Token>,
    spending: HashMap<String, Spending>,
    struck: HashMap<usize, u64>,
    /// Hunting calls being answered now.
    pub in_flight: u64,
}

impl Ledger {
    /// Enters a call of `tenant` and says which limit it meets, if any. A call is counted when it is
    /// received, whatever becomes of it; one that is exactly a minute old is out of the minute.
    pub fn enter(&mut self, tenant: &str, quota: &SimQuota, now: Timestamp) -> Option<Full> {
        let spending = self.spending.entry(tenant.to_owned()).or_default();
        forget(&mut spending.received, now);
        forget(&mut spending.counted, now);
        spending.received.push_back(now);
        let stats = &mut self.stats;
        stats.peak_per_minute = stats.peak_per_minute.max(within(&spending.received, now, MINUTE) as u64);
        stats.peak_per_hour = stats.peak_per_hour.max(spending.received.len() as u64);
        let full = spending.full(quota, now);
        if full.is_none() || quota.count_refused {
            spending.counted.push_back(now);
        }
        full
    }

    /// Enters what a call cost.
    pub fn spend(&mut self, tenant: &str, cpu: Duration, now: Timestamp) {
        let spending = self.spending.entry(tenant.to_owned()).or_default();
        spending.turn(now);
        spending.cpu += cpu;
        spending.cpu_total += cpu;
        self.stats.peak_cpu_ms = self.stats.peak_cpu_ms.max(millis(spending.cpu));
        self.stats.cpu_ms = millis(self.spending.values().map(|spending| spending.cpu_total).sum());
    }

    /// Counts a call that meets a fault's other conditions, and gives its number, from 1.
    pub fn strike(&mut self, fault: usize) -> u64 {
        let count = self.struck.entry(fault).or_default();
        *count += 1;
        *count
    }

    /// Begins the faults' counts anew, as the scenario has changed.
    pub fn forget_strikes(&mut self) {
        self.struck.clear();
    }

    /// Enters an answered call.
    pub fn record(&mut self, entry: JournalEntry) {
        let stats = &mut self.stats;
        match entry.status {
            _ if entry.damaged => stats.damaged += 1,
            200 => stats.answered_ok += 1,
            401 => stats.answered_401 += 1,
            429 => stats.answered_429 += 1,
            400..=499 => stats.answered_4xx += 1,
            _ => stats.answered_5xx += 1,
        }
        stats.rows += entry.rows;
        stats.cut += u64::from(entry.cut);
        if self.journal.len() >= JOURNAL {
            self.journal.pop_front();
        }
        self.journal.push_back(entry);
    }

    /// The token's tenant, if it is known, for that API and still good.
    #[must_use]
    pub fn bearer(&self, token: &str, dialect: Dialect, now: Timestamp) -> Option<&str> {
        let known = self.tokens.get(token)?;
        (known.dialect == dialect && now < known.ends).then_some(known.tenant.as_str())
    }
}

impl Spending {
    fn full(&mut self, quota: &SimQuota, now: Timestamp) -> Option<Full> {
        if let Some(limit) = quota.cpu_per_cycle {
            self.turn(now);
            let began = now.floor_to(CYCLE);
            let others = quota.cpu_of_others.0.mul_f64(now.since(began).div_duration_f64(CYCLE));
            if self.cpu.saturating_add(others) >= limit.0 {
                return Some(Full::Cpu(began.plus(CYCLE).since(now)));
            }
        }
        if let Some(wait) = wait(&self.counted, now, HOUR, quota.calls_per_hour) {
            return Some(Full::Hour(wait));
        }
        wait(&self.counted, now, MINUTE, quota.calls_per_minute).map(Full::Minute)
    }

    /// Begins the CPU count anew when the quarter hour has turned.
    fn turn(&mut self, now: Timestamp) {
        let cycle = Some(now.floor_to(CYCLE));
        if self.cycle != cycle {
            self.cycle = cycle;
            self.cpu = Duration::ZERO;
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn forget(calls: &mut VecDeque<Timestamp>, now: Timestamp) {
    while calls.front().is_some_and(|first| now.since(*first) >= HOUR) {
        calls.pop_front();
    }
}

fn within(calls: &VecDeque<Timestamp>, now: Timestamp, span: Duration) -> usize {
    calls.iter().rev().take_while(|at| now.since(**at) < span).count()
}

/// How long until one more call fits, if none does now.
fn wait(calls: &VecDeque<Timestamp>, now: Timestamp, span: Duration, limit: u32) -> Option<Duration> {
    let (used, limit) = (within(calls, now, span), limit as usize);
    if used < limit {
        return None;
    }
    // The call that must grow old: the `limit`-th from the end; with a limit of nothing, none ever does.
    let blocking = calls.len().checked_sub(limit).and_then(|place| calls.get(place)).copied().unwrap_or(now);
    Some(blocking.plus(span).since(now))
}

/// Whether `fault` of the scenario strikes here, apart from its counts.
#[must_use]
pub fn meets(scenario: &Scenario, fault: usize, call: &Call<'_>) -> bool {
    let Some(on) = scenario.faults.get(fault).map(|fault| &fault.on) else { return false };
    on.token == call.token
        && on.hunt.as_deref().is_none_or(|hunt| call.hunt == Some(hunt))
        && on.tenant.as_deref().is_none_or(|tenant| call.tenant == Some(tenant))
        && on.from.is_none_or(|from| from.resolve(call.start) <= call.now)
        && on.to.is_none_or(|to| call.now < to.resolve(call.start))
}

/// What faults look at of a call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Whether it is for a token.
    pub token: bool,
    /// The scenario's hunt.
    pub hunt: Option<&'a str>,
    /// The tenant's id.
    pub tenant: Option<&'a str>,
    /// The scenario's start.
    pub start: Timestamp,
    /// When it was received.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_rolling_minute_frees_a_call_when_it_is_a_minute_old() {
        let quota = SimQuota { calls_per_minute: 2, calls_per_hour: 100, ..SimQuota::default() };
        let mut ledger = Ledger::default();
        let mut enter = |millis| ledger.enter("t", &quota, at(millis));
        assert_eq!(enter(0), None);
        assert_eq!(enter(30_000), None);
        assert_eq!(enter(59_999), Some(Full::Minute(Duration::from_millis(1))));
        assert_eq!(enter(60_000), None, "the first is a minute old, and the refused one doesn't count");
        assert_eq!(enter(60_001), Some(Full::Minute(Duration::from_millis(29_999))));
        assert_eq!(ledger.enter("other", &quota, at(60_002)), None, "each tenant has its own");
        assert_eq!(ledger.stats.peak_per_minute, 4, "refused calls are seen, though");
    }

    #[test]
    fn refused_calls_can_count_too() {
        let quota = SimQuota { calls_per_minute: 1, count_refused: true, ..SimQuota::default() };
        let mut ledger = Ledger::default();
        assert_eq!(ledger.enter("t", &quota, at(0)), None);
        assert_eq!(ledger.enter("t", &quota, at(50_000)), Some(Full::Minute(Duration::from_secs(10))));
        assert_eq!(ledger.enter("t", &quota, at(60_000)), Some(Full::Minute(Duration::from_secs(50))));
    }

    #[test]
    fn the_hour_and_the_cpu_have_limits_of_their_own() {
        let quota = SimQuota {
            calls_per_minute: 100,
            calls_per_hour: 2,
            cpu_per_cycle: Some(crate::sim::moment::Span(Duration::from_secs(10))),
            ..SimQuota::default()
        };
        let mut ledger = Ledger::default();
        assert_eq!(ledger.enter("t", &quota, at(0)), None);
        assert_eq!(ledger.enter("t", &quota, at(1_000)), None);
        assert_eq!(ledger.enter("t", &quota, at(2_000)), Some(Full::Hour(Duration::from_secs(3598))));
        ledger.spend("t", Duration::from_secs(10), at(3_000));
        assert_eq!(ledger.enter("t", &quota, at(4_000)), Some(Full::Cpu(Duration::from_secs(896))));
        assert_eq!(ledger.enter("t", &quota, at(3_600_000)), None);
    }
}
