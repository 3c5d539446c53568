//! What each test stands on: a clock, a simulated tenant, a store, a runner and channels.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use huntd::adapters::api::{ClientOptions, client_with};
use huntd::engine::dispatcher::{Channels, Dispatcher, fixed};
use huntd::engine::gate::Gates;
use huntd::engine::runner::{Finished, Order, Runner};
use huntd::engine::tenant::{Tenant, Tenants};
use huntd::engine::tick::Scheduler;
use huntd::engine::turns::Turns;
use huntd::engine::vitals::Vitals;
use huntd::model::config::{self, ApiKind, Auth, Cloud, Failures, HuntDefaults, Quota, Route};
use huntd::model::hunt::Hunt;
use huntd::model::id::{ChannelName, TenantName};
use huntd::model::run::{Run, Trigger};
use huntd::model::schedule::Schedule;
use huntd::model::secret::SecretSource;
use huntd::model::time::{Timestamp, Zone};
use huntd::ports::channel::Channel;
use huntd::ports::clock::{Clock, SharedClock};
use huntd::ports::store::{RunFilter, Store, Track};
use huntd::rules::definition::{self, HuntFile};
use huntd::rules::kql::schema::Schema;
use huntd::sim::scenario::parse_scenario;
use huntd::sim::simulator::Simulator;
use tokio::sync::Notify;

use crate::clock::TestClock;
use crate::recorder::Recorder;

/// 2026-11-24T10:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_795_514_400);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const QUOTA: Quota = Quota::DEFAULT;

/// Three events before the start, found by the query of [`Stage::hunt`].
pub(crate) const THREE: &str = "
hunts:
  - name: h
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, N: long, Name: string}
    rows:
      - {at: -20m, row: {N: 1, Name: a}}
      - {at: -15m, row: {N: 2, Name: b}}
      - {at: -10m, row: {N: 3, Name: c}}
";

/// As [`THREE`] with one event every minute from two hours before the start on.
pub(crate) const STREAM: &str = "
hunts:
  - name: h
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, N: long, Name: string}
    streams:
      - {every: 1m, from: -2h, late: {from: 0s, to: 25m}, row: {N: \"{n}\", Name: \"x\"}}
";

pub(crate) struct Stage {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) simulator: Simulator,
    pub(crate) runner: Runner,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) soc: Arc<Recorder>,
    pub(crate) owners: Arc<Recorder>,
    pub(crate) folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new(scenario: &str) -> Self {
        Self::with(scenario, QUOTA, "right").await
    }

    pub(crate) async fn with(scenario: &str, quota: Quota, secret: &'static str) -> Self {
        let clock = Arc::new(TestClock::new(START));
        let tenant = "tenants: [{id: t1, client_id: app, secret: right, token_life: 1h}]\n";
        let scenario = parse_scenario(&format!("start: {START}\n{tenant}{scenario}")).unwrap();
        // The service knows the time, whatever huntd's clock is set to.
        let now = Arc::clone(&clock);
        let listen = "127.0.0.1:0".parse().unwrap();
        let simulator =
            Simulator::start(scenario, listen, Arc::new(move || START.plus(now.steady())), 7).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
        let shared: SharedClock = Arc::<TestClock>::clone(&clock);
        let routes = Arc::new([Route { to: vec![channel("soc")], ..Route::default() }]);
        let failures = Failures { to: vec![channel("owners")], after: 3, every: Duration::from_hours(24) };
        let (failures, turns, gates) = (Arc::new(failures), Turns::default(), Gates::default());
        let schema = Arc::new(Schema::defender().clone());
        let runner = Runner { store, clock: shared, routes, failures, turns, gates, schema, vitals: Vitals::default() };
        let tenant = tenant_of(&simulator, quota, secret, &runner.clock);
        let (soc, owners) = (Recorder::new("soc"), Recorder::new("owners"));
        Self { clock, simulator, runner, tenant, soc, owners, folder }
    }

    /// Another tenant entry over the same simulated tenant and name.
    pub(crate) fn tenant(&self, quota: Quota, secret: &'static str) -> Arc<Tenant> {
        tenant_of(&self.simulator, quota, secret, &self.runner.clock)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("huntd.db")
    }

    /// The database opened once more, as another process would.
    pub(crate) async fn other_runner(&self) -> Runner {
        let store = Store::open(&self.database()).await.unwrap();
        Runner { store, turns: Turns::default(), gates: Gates::default(), ..self.runner.clone() }
    }

    pub(crate) fn order(&self, hunt: &Arc<Hunt>) -> Order {
        Order {
            hunt: Arc::clone(hunt),
            tenant: Arc::clone(&self.tenant),
            due: self.clock.now(),
            trigger: Trigger::Schedule,
            window: None,
            as_of: None,
            notify: true,
        }
    }

    pub(crate) async fn run(&self, hunt: &Arc<Hunt>) -> Finished {
        self.runner.run(&self.order(hunt)).await.unwrap()
    }

    pub(crate) async fn by_hand(&self, hunt: &Arc<Hunt>) -> Finished {
        self.runner.run(&Order { trigger: Trigger::Manual, ..self.order(hunt) }).await.unwrap()
    }

    pub(crate) fn channels(&self) -> Arc<Channels> {
        let all: [Arc<dyn Channel>; 2] = [Arc::<Recorder>::clone(&self.soc), Arc::<Recorder>::clone(&self.owners)];
        Arc::new(all.into_iter().map(|channel| (channel.name().clone(), channel)).collect::<BTreeMap<_, _>>())
    }

    pub(crate) fn dispatcher(&self) -> Dispatcher {
        Dispatcher {
            store: self.runner.store.clone(),
            clock: Arc::clone(&self.runner.clock),
            channels: fixed(self.channels()),
            vitals: self.runner.vitals.clone(),
        }
    }

    pub(crate) async fn drain(&self) -> usize {
        self.dispatcher().drain().await.unwrap()
    }

    pub(crate) async fn scheduler(&self, hunts: &[Arc<Hunt>]) -> Scheduler {
        let tenants = Tenants::from([(self.tenant.name.clone(), Arc::clone(&self.tenant))]);
        Scheduler::new(self.runner.clone(), hunts, &tenants, Arc::new(Notify::new())).await.unwrap()
    }

    pub(crate) async fn track(&self, hunt: &Hunt) -> Track {
        self.runner.store.track(&hunt.id, &self.tenant.name).await.unwrap()
    }

    /// All runs, oldest first.
    pub(crate) async fn runs(&self) -> Vec<Run> {
        let mut runs = self.runner.store.runs(&RunFilter::default()).await.unwrap();
        runs.reverse();
        runs
    }

    /// Changes the faults of the simulated tenant.
    pub(crate) fn faults(&self, yaml: &str) {
        let text = format!("tenants: [{{id: t1, client_id: app, secret: right}}]\nfaults: {yaml}\n");
        let faults = parse_scenario(&text).unwrap().faults;
        self.simulator.set(|scenario| scenario.faults = faults);
    }
}

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn tenant_of(simulator: &Simulator, quota: Quota, secret: &'static str, clock: &SharedClock) -> Arc<Tenant> {
    let url: url::Url = simulator.url().parse().unwrap();
    let name = TenantName::new("contoso").unwrap();
    let tenant = config::Tenant {
        name: name.clone(),
        api: ApiKind::Graph,
        cloud: Cloud::Public,
        tenant_id: "t1".to_owned(),
        client_id: "app".to_owned(),
        auth: Auth::ClientSecret(SecretSource::Env("SECRET".to_owned())),
        login_url: Some(url.clone()),
        api_url: Some(url),
        quota,
        secret_expires: None,
        canary: false,
        enabled: true,
    };
    let env = move |_: &str| Some(OsString::from(secret));
    let options = ClientOptions { env: Arc::new(env), ..ClientOptions::default() };
    Arc::new(Tenant { name, quota, api: client_with(&tenant, Arc::clone(clock), options).unwrap() })
}

/// A hunt of that id, with further keys.
pub(crate) fn hunt(id: &str, more: &str) -> Arc<Hunt> {
    let text = format!(
        "id: {id}\nquery: \"DeviceProcessEvents | where Name != '{id}'\"\nschedule: '*/10 * * * *'\nlookback: 1h\nlate: 30m\nkey: [N]\nsplay: 0s\n{more}\n"
    );
    parse(&text)
}

/// A hunt as it is written.
pub(crate) fn parse(text: &str) -> Arc<Hunt> {
    let path = PathBuf::from("h.yaml");
    let file = HuntFile { shown: path.clone(), relative: path, bytes: text.as_bytes().to_vec() };
    let defaults =
        HuntDefaults { schedule: Schedule::parse("@daily").unwrap(), lookback: HOUR, late: Duration::from_mins(30) };
    let loaded = definition::load(&[file], &defaults, Zone::UTC);
    let mut hunts = loaded.hunts;
    assert_eq!(hunts.len(), 1, "{:?}", loaded.findings);
    Arc::new(hunts.remove(0))
}
