//! The simulated tenant, asked over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what surrounds a test may fail it too"
)]

mod client;
mod control;
mod dialects;
mod faults;
mod quota;
mod token;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use client::{Answer, Client};
use huntd::model::time::Timestamp;
use huntd::sim::scenario::{Scenario, parse_scenario};
use huntd::sim::simulator::Simulator;

const GRAPH: &str = "/v1.0/security/runHuntingQuery";
const OLDER: &str = "/api/advancedhunting/run";
const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";
const OLDER_SCOPE: &str = "https://api.security.microsoft.com/.default";

/// 2026-01-02T00:00:00Z: where every test's clock begins.
const START: i64 = 1_767_312_000;

/// A simulator with a clock that only the test moves.
struct Tenant {
    simulator: Simulator,
    clock: Arc<AtomicI64>,
}

fn scenario(rest: &str) -> Scenario {
    let tenant = "tenants: [{id: t1, domain: t1.example, client_id: app, secret: right, expired_secret: old, token_life: 10m}]\n";
    parse_scenario(&format!("{tenant}{rest}")).unwrap()
}

impl Tenant {
    async fn start(rest: &str) -> Self {
        Self::with(scenario(rest), 7).await
    }

    async fn with(scenario: Scenario, seed: u64) -> Self {
        let clock = Arc::new(AtomicI64::new(START * 1000));
        let read = Arc::clone(&clock);
        let now = Arc::new(move || Timestamp::from_nanos(read.load(Ordering::Relaxed) * 1_000_000));
        let simulator = Simulator::start(scenario, "127.0.0.1:0".parse().unwrap(), now, seed).await.unwrap();
        Self { simulator, clock }
    }

    fn advance(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    async fn client(&self) -> Client {
        Client::connect(&self.simulator).await
    }

    async fn form(&self, form: &str) -> Answer {
        self.client().await.call("POST", "/t1/oauth2/v2.0/token", &[], form).await
    }

    async fn token(&self, scope: &str) -> String {
        let scope = scope.replace(':', "%3A").replace('/', "%2F");
        let form = format!("client_id=app&client_secret=right&grant_type=client_credentials&scope={scope}");
        let answer = self.form(&form).await;
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
    }

    /// Asks with a fresh token, on a connection of its own, without packing.
    async fn ask(&self, path: &str, body: &str) -> Answer {
        let token = self.token(if path == GRAPH { GRAPH_SCOPE } else { OLDER_SCOPE }).await;
        let bearer = format!("Bearer {token}");
        self.client().await.call("POST", path, &[("Authorization", &bearer)], body).await
    }

    /// The `N` column of what Graph finds.
    async fn numbers(&self, body: &str) -> Vec<i64> {
        let answer = self.ask(GRAPH, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["results"].as_array().unwrap().iter().map(|row| row["N"].as_i64().unwrap()).collect()
    }
}
