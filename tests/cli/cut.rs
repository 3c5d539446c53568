//! Bodies that break off at any byte, and a service that stays unwell: a run is whole or failed, never short.

use std::sync::Arc;
use std::time::Duration;

use huntd::app::setup;
use huntd::engine::runner::{Finished, Order, Runner};
use huntd::model::hunt::Hunt;
use huntd::model::run::{RunStatus, Trigger};
use huntd::model::time::Timestamp;
use huntd::ports::clock::{Clock, ManualClock, SharedClock};
use huntd::rules::config::{Directories, load};
use huntd::sim::scenario::{Fault, Scenario, parse_scenario};
use huntd::sim::simulator::Simulator;

use crate::desk::{HUNT, SECRET, TENANT, TO_FILE, config};
use crate::support::Site;

const ROWS: u64 = 40;

/// The tenant's answer: forty events.
fn scenario(wire: &str) -> Scenario {
    parse_scenario(&format!(
        "{TENANT}wire: {wire}
hunts:
  - name: enc
    match: {{table: DeviceProcessEvents}}
    columns: {{Timestamp: datetime, DeviceId: string, ReportId: long, Command: string}}
    streams: [{{every: 0s, from: -20m, count: {ROWS}, row: {{ReportId: '{{n}}', DeviceId: 'd-{{hash}}', Command: 'powershell -enc {{hash}}'}}}}]
"
    ))
    .unwrap()
}

/// An engine with a clock that only the test moves, against a tenant on the same clock.
struct Engine {
    clock: Arc<ManualClock>,
    simulator: Simulator,
    runner: Runner,
    order: Order,
    _site: Site,
}

impl Engine {
    async fn start(wire: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-11-24T16:00:00Z").unwrap()));
        let (shared, tell): (SharedClock, SharedClock) =
            (Arc::<ManualClock>::clone(&clock), Arc::<ManualClock>::clone(&clock));
        let listen = "127.0.0.1:0".parse().unwrap();
        let simulator = Simulator::start(scenario(wire), listen, Arc::new(move || tell.now()), 7).await.unwrap();
        let site = Site::new();
        site.write("huntd.yaml", config(&simulator.url(), TO_FILE))
            .write("secret", SECRET)
            .write("hunts/enc.yaml", HUNT);
        let path = site.file("huntd.yaml");
        let (config, _) = load(&path, &std::fs::read(&path).unwrap(), &Directories::default()).unwrap();
        let hunt: Hunt = setup::hunts(&config).0.hunts.remove(0);
        let store = setup::store(&config).await.unwrap();
        let tenant = setup::tenants(&config, &shared).unwrap().into_values().next().unwrap();
        let runner = setup::runner(&config, &store, &shared);
        let order = Order {
            hunt: Arc::new(hunt),
            tenant,
            due: clock.now(),
            trigger: Trigger::Schedule,
            window: None,
            as_of: None,
            notify: true,
        };
        Self { clock, simulator, runner, order, _site: site }
    }

    /// Makes a run; whenever it waits, time passes.
    async fn run(&self) -> Finished {
        let run = self.runner.run(&self.order);
        tokio::pin!(run);
        loop {
            tokio::select! {
                biased;
                done = &mut run => return done.unwrap(),
                // A pause for the sockets; the clock that the run waits on is moved by hand.
                () = tokio::time::sleep(Duration::from_millis(15)) => self.clock.advance(Duration::from_secs(5)),
            }
        }
    }

    /// The length of the answer on the wire.
    async fn length(&self, packed: bool) -> u64 {
        let client = reqwest::Client::builder().no_gzip().no_deflate().build().unwrap();
        let url = self.simulator.url();
        let form = [
            ("client_id", "22222222-2222-4222-a222-222222222222"),
            ("client_secret", SECRET),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let token = client.post(format!("{url}/11111111-1111-4111-a111-111111111111/oauth2/v2.0/token")).form(&form);
        let token: serde_json::Value =
            serde_json::from_slice(&token.send().await.unwrap().bytes().await.unwrap()).unwrap();
        let ask = client
            .post(format!("{url}/v1.0/security/runHuntingQuery"))
            .bearer_auth(token["access_token"].as_str().unwrap())
            .header("accept-encoding", if packed { "gzip" } else { "identity" })
            .header("content-type", "application/json")
            .body(serde_json::json!({"Query": "DeviceProcessEvents"}).to_string());
        ask.send().await.unwrap().bytes().await.unwrap().len() as u64
    }

    fn fault(&self, fault: &serde_json::Value) {
        let fault: Fault = serde_json::from_value(fault.clone()).unwrap();
        self.simulator.set(|scenario| scenario.faults = vec![fault]);
    }
}

/// Every way that a body's end is told, packed and not.
const WIRES: [(&str, bool); 5] = [
    ("{framing: chunked, compression: none}", false),
    ("{framing: length, compression: none}", false),
    ("{framing: close, compression: none}", false),
    ("{framing: chunked, compression: gzip}", true),
    ("{framing: close, compression: gzip}", true),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_is_never_the_whole() {
    let mut random = fastrand::Rng::with_seed(20_261_124);
    for (wire, packed) in WIRES {
        let engine = Engine::start(wire).await;
        let length = engine.length(packed).await;
        // The first and the last byte, and eight in between.
        let cuts = [0, length - 1].into_iter().chain(std::iter::repeat_with(|| random.u64(1..length)).take(8));
        let mut told = 0;
        for cut in cuts.collect::<Vec<_>>() {
            let case = format!("{wire}, cut after {cut} of {length}");
            // Every call meets it: the run fails, says so, and takes nothing for granted.
            engine.fault(&serde_json::json!({"does": {"cut_body": cut}}));
            let failed = engine.run().await.run;
            let damaged = engine.simulator.journal().last().unwrap().damaged;
            assert!(damaged, "{case}: the fault must strike");
            assert_eq!(failed.status, RunStatus::Failed, "{case}");
            assert_eq!((failed.rows, failed.new, failed.gone), (0, 0, 0), "{case}");
            assert!((2..=4).contains(&failed.calls), "{case}: {} calls", failed.calls);
            assert!(failed.error.is_some(), "{case}");
            // The first call meets it: asked again, the answer is whole.
            engine.fault(&serde_json::json!({"on": {"first": 1}, "does": {"cut_body": cut}}));
            let whole = engine.run().await.run;
            assert_eq!((whole.status, whole.rows, whole.calls), (RunStatus::Ok, ROWS, 2), "{case}: {:?}", whole.error);
            told += whole.new;
        }
        assert_eq!(told, ROWS, "{wire}: nothing is lost, and nothing is told twice");
        engine.simulator.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_stays_unwell_is_asked_four_times_and_no_more() {
    let (again, asks) = ("the next one covers the same event time", "the next one asks again");
    for (fault, trigger, next) in [
        ("internal_error", Trigger::Schedule, again),
        ("unknown_error", Trigger::Manual, asks),
        ("unavailable", Trigger::CatchUp, again),
    ] {
        let mut engine = Engine::start("{}").await;
        engine.order.trigger = trigger;
        engine.fault(&serde_json::json!({"does": fault}));
        let before = engine.clock.now();
        let failed = engine.run().await.run;
        assert_eq!((failed.status, failed.calls), (RunStatus::Failed, 4), "{fault}: {:?}", failed.error);
        assert_eq!(engine.simulator.stats().calls, 4, "{fault}");
        let waited = engine.clock.now().since(before);
        // The clock runs on while the machine works: from above only a wait of another kind is told.
        assert!((Duration::from_secs(130)..Duration::from_hours(1)).contains(&waited), "{fault}: {waited:?}");
        let error = failed.error.unwrap();
        assert!(error.contains("HTTP 50"), "{error}");
        assert!(error.contains("the service"), "it says whose fault it is: {error}");
        assert!(!error.contains("tries again"), "it was given up: {error}");
        assert!(error.ends_with(&format!("; this run has given up, and {next}")), "{error}");
        engine.simulator.set(|scenario| scenario.faults.clear());
        let whole = engine.run().await.run;
        assert_eq!((whole.status, whole.new), (RunStatus::Ok, ROWS), "{fault}: nothing is lost");
        engine.simulator.stop().await;
    }
}
