//! What the connections share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bodies::{Dialect, Text, Trace};
use super::cell::{guid, mix};
use super::http::{Body, Damage, Reply, Request};
use super::ledger::{Call, Ledger, meets};
use super::packer::Packing;
use super::scenario::{Compression, Effect, Framing, Scenario};
use crate::model::time::Timestamp;

/// Tells the simulator's time.
pub type NowFn = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the connections share.
pub struct State {
    /// The scenario in force. Held only while it is read or replaced.
    scenario: Mutex<Arc<Scenario>>,
    /// Never held over an await.
    ledger: Mutex<Ledger>,
    now: NowFn,
    started: Timestamp,
    /// Decides all that chance decides.
    pub seed: u64,
    requests: AtomicU64,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("started", &self.started).field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl State {
    /// Begins at what `now` says.
    #[must_use]
    pub fn new(scenario: Scenario, now: NowFn, seed: u64) -> Self {
        let started = now();
        Self {
            scenario: Mutex::new(Arc::new(scenario)),
            ledger: Mutex::default(),
            now,
            started,
            seed,
            requests: AtomicU64::new(0),
        }
    }

    /// The simulator's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The scenario in force.
    #[must_use]
    pub fn scenario(&self) -> Arc<Scenario> {
        Arc::clone(&self.scenario.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the scenario; the faults' counts begin anew.
    pub fn change(&self, change: impl FnOnce(&mut Scenario)) {
        let mut held = self.scenario.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut held));
        self.ledger().forget_strikes();
    }

    /// The instant that the scenario's relative times count from.
    #[must_use]
    pub fn origin(&self, scenario: &Scenario) -> Timestamp {
        scenario.origin(self.started)
    }

    /// The ledger.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no other request gets, the same in each life of the same seed.
    #[must_use]
    pub fn draw(&self) -> u64 {
        mix(&[self.seed, self.requests.fetch_add(1, Ordering::Relaxed), 11])
    }

    /// What the scenario's faults do to this call.
    #[must_use]
    pub fn effects(&self, scenario: &Scenario, call: &Call<'_>) -> Vec<Effect> {
        let mut ledger = self.ledger();
        let mut effects = Vec::new();
        for (place, fault) in scenario.faults.iter().enumerate().filter(|(place, _)| meets(scenario, *place, call)) {
            let number = ledger.strike(place);
            let on = &fault.on;
            let counted = on.calls.is_empty() || on.calls.contains(&number);
            let early = on.first.is_none_or(|first| number <= first);
            let drawn = chance(mix(&[self.seed, place as u64, number, 13])) < on.probability;
            if counted && early && drawn {
                effects.push(fault.does.clone());
            }
        }
        effects
    }
}

/// A number from 0 up to, but not including, 1.
fn chance(draw: u64) -> f64 {
    let bits = u32::try_from(draw >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// The ids of one request.
#[must_use]
pub fn trace(dialect: Dialect, request: &Request, now: Timestamp, draw: u64) -> Trace {
    let request_id = guid(draw);
    let client = request.header("client-request-id").map_or_else(|| request_id.clone(), str::to_owned);
    Trace { dialect, now, request_id, client_request_id: client }
}

/// How the client may be sent a body.
#[must_use]
pub fn packing(dialect: Dialect, wanted: Compression, request: &Request) -> Packing {
    let accepted = request.header("accept-encoding").unwrap_or_default().to_ascii_lowercase();
    let takes = |name: &str| accepted.split(',').any(|part| part.split(';').next().unwrap_or_default().trim() == name);
    match (wanted, dialect) {
        (Compression::Auto, Dialect::Defender) | (Compression::Deflate, _) if takes("deflate") => Packing::Deflate,
        (Compression::Auto | Compression::Gzip, _) if takes("gzip") => Packing::Gzip,
        _ => Packing::Plain,
    }
}

/// The headers that each answer of a dialect has.
#[must_use]
pub fn headers(trace: &Trace, content_type: &str) -> Vec<(String, String)> {
    let date = trace.now.chrono().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut headers = vec![("date".to_owned(), date), ("content-type".to_owned(), content_type.to_owned())];
    if trace.dialect == Dialect::Graph {
        headers.push(("request-id".to_owned(), trace.request_id.clone()));
        headers.push(("client-request-id".to_owned(), trace.client_request_id.clone()));
        headers.push((
            "x-ms-ags-diagnostic".to_owned(),
            r#"{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"SIM00000000"}}"#.to_owned(),
        ));
    }
    headers
}

/// An answer out of a text.
#[must_use]
pub fn reply(
    text: Text,
    mut headers: Vec<(String, String)>,
    framing: Framing,
    packing: Packing,
    damage: Damage,
) -> Reply {
    if let Some(wait) = text.retry_after {
        headers.push(("retry-after".to_owned(), wait));
    }
    Reply { status: text.status, headers, body: Body::Whole(text.body), framing, packing, damage }
}
