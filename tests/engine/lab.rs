//! A lab: the engine with a clock that the test holds, over a real store, real HTTP, and the simulated tenant.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use huntd::app::output::Output;
use huntd::app::setup::{self, Loaded};
use huntd::engine::dispatcher::Dispatcher;
use huntd::engine::runner::{Finished, Order, Runner};
use huntd::engine::tenant::Tenants;
use huntd::model::config::Config;
use huntd::model::hunt::Hunt;
use huntd::model::place::Level;
use huntd::model::run::{Run, Trigger};
use huntd::model::time::Timestamp;
use huntd::ports::clock::{Clock, ManualClock, SharedClock};
use huntd::ports::store::Store;
use huntd::sim::scenario::parse_scenario;
use huntd::sim::simulator::Simulator;

/// The lab.
pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) simulator: Simulator,
    pub(crate) loaded: Loaded,
    pub(crate) store: Store,
    pub(crate) tenants: Tenants,
    pub(crate) runner: Runner,
}

/// The tenant of every scenario here.
pub(crate) const TENANT: &str = "tenants: [{id: 11111111-1111-4111-a111-111111111111, domain: lab.example, client_id: lab-app, secret: lab-secret, token_life: 30d}]\n";

/// When the lab's time begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::parse("2026-11-24T12:00:00Z").unwrap()
}

impl Lab {
    /// A lab whose tenant plays `scenario` (without its tenants), with the hunts of one file, and `quota` as huntd
    /// knows it.
    pub(crate) async fn new(scenario: &str, hunts: &str, quota: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(start()));
        let now = Arc::clone(&clock);
        let scenario = parse_scenario(&format!("{TENANT}{scenario}")).unwrap_or_else(|error| panic!("{error}"));
        let listen = "127.0.0.1:0".parse().unwrap();
        let simulator = Simulator::start(scenario, listen, Arc::new(move || now.now()), 1).await.unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::create_dir(folder.path().join("hunts")).unwrap();
        write("secret", "lab-secret");
        write("hunts/hunt.yaml", hunts);
        write("huntd.yaml", &config(&simulator.url(), quota, "graph"));
        let loaded = load(&folder);
        let store = Store::open(&loaded.config.database).await.unwrap();
        let (tenants, runner) = engine(&loaded.config, &store, &clock);
        Self { folder, clock, simulator, loaded, store, tenants, runner }
    }

    /// Speaks the other dialect from now on: the same tenant, the same database.
    pub(crate) fn speak(&mut self, api: &str) {
        self.speak_with(api, "{}");
    }

    /// As [`speak`](Self::speak), with a quota.
    pub(crate) fn speak_with(&mut self, api: &str, quota: &str) {
        let text = config(&self.simulator.url(), quota, api);
        std::fs::write(self.folder.path().join("huntd.yaml"), text).unwrap();
        self.loaded = load(&self.folder);
        (self.tenants, self.runner) = engine(&self.loaded.config, &self.store, &self.clock);
    }

    /// Closes the store and opens it again, as after a restart.
    pub(crate) async fn restart(&mut self) {
        self.store.close().await.unwrap();
        self.store = Store::open(&self.loaded.config.database).await.unwrap();
        (self.tenants, self.runner) = engine(&self.loaded.config, &self.store, &self.clock);
    }

    /// An order for the first hunt, due now.
    pub(crate) fn order(&self, trigger: Trigger) -> Order {
        self.order_of(&self.loaded.hunts[0], trigger)
    }

    fn order_of(&self, hunt: &Arc<Hunt>, trigger: Trigger) -> Order {
        Order {
            hunt: Arc::clone(hunt),
            tenant: Arc::clone(self.tenants.values().next().unwrap()),
            due: self.clock.now(),
            trigger,
            window: None,
            as_of: None,
            notify: true,
        }
    }

    /// Runs the first hunt now, as its schedule would. Time passes while it waits.
    pub(crate) async fn run(&self) -> Finished {
        let order = self.order(Trigger::Schedule);
        self.pass(self.runner.run(&order)).await.unwrap()
    }

    /// Runs every hunt now, one after the other.
    pub(crate) async fn run_each(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for hunt in &self.loaded.hunts {
            let order = self.order_of(hunt, Trigger::Schedule);
            runs.push(self.pass(self.runner.run(&order)).await.unwrap().run);
        }
        runs
    }

    /// Lets time pass until `work` is done: a second whenever nothing moves by itself.
    pub(crate) async fn pass<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        for _ in 0..200_000 {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_millis(15)) => self.clock.advance(Duration::from_secs(1)),
            }
        }
        panic!("the work doesn't end");
    }

    /// What the clock shows.
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The outbox's sender.
    pub(crate) fn dispatcher(&self) -> Dispatcher {
        let clock: SharedClock = Arc::<ManualClock>::clone(&self.clock);
        setup::dispatcher(&self.loaded.config, &self.store, &clock).unwrap()
    }

    /// The lines of the file channel.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join("hits.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn load(folder: &tempfile::TempDir) -> Loaded {
    let loaded = setup::load(&folder.path().join("huntd.yaml"), Output { json: true, terminal: false }).unwrap();
    assert!(loaded.findings.iter().all(|finding| finding.level != Level::Error), "{:?}", loaded.findings);
    loaded
}

fn engine(config: &Config, store: &Store, clock: &Arc<ManualClock>) -> (Tenants, Runner) {
    let clock: SharedClock = Arc::<ManualClock>::clone(clock);
    (setup::tenants(config, &clock).unwrap(), setup::runner(config, store, &clock))
}

fn config(url: &str, quota: &str, api: &str) -> String {
    format!(
        "database: huntd.db
tenants:
  lab: {{api: {api}, tenant_id: lab.example, client_id: lab-app, auth: {{client_secret: {{file: secret}}}}, login_url: {url}, api_url: {url}, quota: {quota}}}
channels:
  hits: {{file: {{path: hits.jsonl}}}}
  second: {{file: {{path: second.jsonl}}}}
routes: [{{to: [hits]}}]
failures: {{to: [second], after: 3, every: 24h}}
"
    )
}
