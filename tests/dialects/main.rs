//! A tenant moves from the older API to Graph, or back, between two runs of the same events: no row is
//! new, changed or gone. Real HTTP to a simulated tenant, a real database, a manual clock.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what surrounds a test may fail it too")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use huntd::app::setup;
use huntd::engine::runner::{Order, Runner};
use huntd::model::config::{ApiKind, Config};
use huntd::model::hit::{Hit, HitKind};
use huntd::model::hunt::Hunt;
use huntd::model::place::Level;
use huntd::model::run::{Run, RunStatus, Trigger};
use huntd::model::time::Timestamp;
use huntd::ports::clock::{Clock, ManualClock, SharedClock};
use huntd::ports::store::{HitFilter, Store};
use huntd::rules::definition::HuntFile;
use huntd::rules::{config, definition};
use huntd::sim::scenario::{Scenario, parse_scenario};
use huntd::sim::simulator::Simulator;

const START: &str = "2026-01-02T00:00:00Z";

/// Events with every kind of value that the two APIs spell differently, and an inventory. A result of
/// the first is all there is in a window, and of the second all there is: so a row that is not
/// recognised is new, and the one that it was is gone.
const EVENTS: &str = r#"
start: 2026-01-02T00:00:00Z
tenants: [{id: t1, domain: t1.example, client_id: app, secret: right}]
hunts:
  - name: events
    match: {table: DeviceProcessEvents}
    columns: &all {Timestamp: datetime, Text: string, Whole: long, Small: int, Part: real, Truth: bool, Id: guid, Bag: dynamic, List: dynamic, Other: datetime}
    rows:
      - {at: -50m, row: {}}
      - at: -40m
        row: &full
          Text: "a \"<b>\u0000 é \U0001F600"
          Whole: 9007199254740993
          Small: -5
          Part: 4.3
          Truth: true
          Id: 6f0b1c7a-52d4-4e0e-9a54-0d3b3f8a2c11
          Bag: {on: true, off: false, none: null, empty: {}, text: "", tags: [], when: "2026-01-01", inner: {made: "2026-01-01T14:34:38Z", list: [1, {deep: [{er: "x"}]}]}}
          List: [x, {type: AadObjectId, when: "2026-01-01"}, [1, 2], null, true]
          Other: 2026-01-01T00:00:00Z
      - {at: 2026-01-01T23:30:00.1234567Z, row: {Text: "2026-01-01T14:34:38Z", Whole: -9223372036854775808, Part: 1.0, Truth: false, Bag: {n: 0}, List: []}}
      - {at: 2026-01-01T23:30:00.5Z, row: {Text: "{}", Whole: 9223372036854775807, Part: 0.1, Truth: false, Bag: {}, List: [1, 2, 3], Other: 2026-01-01T00:00:00.0000001Z}}
      - {at: -10m, row: {Text: "true", Whole: 0, Small: 0, Part: -0.5, Truth: null, Bag: {a: {b: {c: []}}}, List: [{}, [], {a: null}]}}
      - {at: -9m, row: {Text: "false", Whole: 1, Small: 1, Part: 1.0e+300, Truth: true, Bag: {json: "{\"a\": 1}"}, List: ["[1]", "1", 1]}}
  - name: inventory
    match: {table: DeviceTvmSoftwareInventory}
    columns: {Text: string, Whole: long, Truth: bool, Bag: dynamic, Other: datetime}
    rows:
      - {row: {Text: one, Whole: 9007199254740993, Truth: true, Bag: {a: [{b: 1}]}, Other: 2026-01-01T00:00:00Z}}
      - {row: {Text: two, Whole: 9007199254740992, Truth: false, Bag: null, Other: null}}
      - {row: {}}
"#;

const HUNTS: &str = "
id: events
schedule: '@hourly'
lookback: 2h
query: DeviceProcessEvents
---
id: inventory
schedule: '@hourly'
query: DeviceTvmSoftwareInventory
";

/// A simulated tenant, and the engine with its history.
struct Place {
    folder: tempfile::TempDir,
    simulator: Simulator,
    clock: Arc<ManualClock>,
    store: Store,
}

impl Place {
    async fn new(wire: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::parse(START).unwrap()));
        let tell = Arc::clone(&clock);
        let listen = "127.0.0.1:0".parse().unwrap();
        let simulator =
            Simulator::start(scenario(EVENTS, wire), listen, Arc::new(move || tell.now()), 7).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
        Self { folder, simulator, clock, store }
    }

    /// Runs both hunts, an instant later, against the same tenant over one of its APIs.
    async fn run(&self, api: ApiKind) -> [Run; 2] {
        self.clock.advance(Duration::from_mins(1));
        let clock: SharedClock = Arc::<ManualClock>::clone(&self.clock);
        let config = config(self.folder.path(), &self.simulator.url(), api);
        let tenants = setup::tenants(&config, &clock).unwrap();
        let runner = setup::runner(&config, &self.store, &clock);
        let tenant = tenants.values().next().unwrap();
        let mut runs = Vec::new();
        for hunt in hunts(&config) {
            let order = Order {
                hunt: Arc::new(hunt),
                tenant: Arc::clone(tenant),
                due: clock.now(),
                trigger: Trigger::Schedule,
                window: None,
                as_of: None,
                notify: false,
            };
            runs.push(one(&runner, &order).await);
        }
        runs.try_into().unwrap()
    }

    fn change(&self, from: &str, to: &str, wire: &str) {
        let changed = EVENTS.replacen(from, to, 1);
        assert_ne!(changed, EVENTS);
        self.simulator.set(|now| *now = scenario(&changed, wire));
    }
}

async fn one(runner: &Runner, order: &Order) -> Run {
    let run = runner.run(order).await.unwrap().run;
    assert_eq!(run.status, RunStatus::Ok, "{:?}", run.error);
    run
}

fn scenario(events: &str, wire: &str) -> Scenario {
    parse_scenario(&format!("{events}\nwire: {wire}\n")).unwrap()
}

fn config(folder: &Path, url: &str, api: ApiKind) -> Config {
    std::fs::write(folder.join("secret"), "right").unwrap();
    let text = serde_json::json!({
        "hunts": "hunts",
        "database": "huntd.db",
        "tenants": {"contoso": {
            "api": api.as_str(), "tenant_id": "t1.example", "client_id": "app",
            "auth": {"client_secret": {"file": "secret"}}, "login_url": url, "api_url": url,
        }},
        "channels": {"journal": {"log": {}}},
        "routes": [{"to": ["journal"]}],
    });
    let read = config::load(&folder.join("huntd.yaml"), text.to_string().as_bytes());
    read.unwrap_or_else(|findings| panic!("{findings:?}")).0
}

fn hunts(config: &Config) -> Vec<Hunt> {
    let file = HuntFile {
        shown: PathBuf::from("hunts/both.yaml"),
        relative: PathBuf::from("both.yaml"),
        bytes: HUNTS.as_bytes().to_vec(),
    };
    let loaded = definition::load(&[file], &config.defaults, config.timezone);
    assert!(loaded.findings.iter().all(|finding| finding.level != Level::Error), "{:?}", loaded.findings);
    loaded.hunts
}

/// Rows, and what is said of them: new, changed, gone, returned.
fn counts(runs: &[Run; 2]) -> [[u64; 5]; 2] {
    runs.each_ref().map(|run| [run.rows, run.new, run.changed, run.gone, run.returned])
}

const BOTH: [(ApiKind, ApiKind); 2] = [(ApiKind::Defender, ApiKind::Graph), (ApiKind::Graph, ApiKind::Defender)];

#[tokio::test]
async fn a_switch_of_the_api_makes_no_row_new() {
    // What the older API is seen or thought to do, and what either may do.
    let wires = [
        "{}",
        "{older_bools: true}",
        "{older_text: true}",
        "{older_bools: true, older_text: true, sparse: true, schema_last: true}",
        "{sidecars: false}",
    ];
    for wire in wires {
        for (before, after) in BOTH {
            let place = Place::new(wire).await;
            assert_eq!(counts(&place.run(before).await), [[6, 6, 0, 0, 0], [3, 3, 0, 0, 0]], "{wire}");
            for api in [after, before, after] {
                let runs = place.run(api).await;
                assert_eq!(counts(&runs), [[6, 0, 0, 0, 0], [3, 0, 0, 0, 0]], "{wire}: {before:?}, then {api:?}");
            }
            assert_eq!(place.store.check().await.unwrap(), [] as [&str; 0]);
        }
    }
}

#[tokio::test]
async fn a_value_that_is_another_is_new_all_the_same() {
    // The last digit of a long over 2^53, which a double can't hold, and other small things.
    let changes = [
        ("9007199254740993", "9007199254740992"),
        ("9223372036854775807", "9223372036854775806"),
        ("Truth: true", "Truth: false"),
        ("a \\\"<b>", "A \\\"<b>"),
        ("deep: [{er: \"x\"}]", "deep: [{er: \"y\"}]"),
        ("00.1234567Z", "00.1234568Z"),
        ("Bag: {n: 0}", "Bag: {n: false}"),
        ("List: [1, 2, 3]", "List: [1, 3, 2]"),
        ("Text: \"{}\"", "Text: \"\""),
    ];
    for (from, to) in changes {
        for (before, after) in BOTH {
            let wire = "{older_bools: true}";
            let place = Place::new(wire).await;
            place.run(before).await;
            place.change(from, to, wire);
            let runs = place.run(after).await;
            assert_eq!(counts(&runs), [[6, 1, 0, 1, 0], [3, 0, 0, 0, 0]], "{from}, then {to}");
        }
    }
}

#[tokio::test]
async fn what_is_stored_is_what_the_api_said() {
    let place = Place::new("{}").await;
    for api in [ApiKind::Defender, ApiKind::Graph] {
        place.run(api).await;
    }
    place.change("9007199254740993", "9007199254740995", "{}");
    place.run(ApiKind::Graph).await;
    let mut rows = Vec::new();
    let keep = |hit: Hit| {
        rows.push((hit.kind, hit.row.get().to_owned()));
        ControlFlow::Continue(())
    };
    place.store.hits(&HitFilter::default(), keep).await.unwrap();
    let told = |kind, part: &str| rows.iter().filter(|(of, row)| *of == kind && row.contains(part)).count();
    assert_eq!(told(HitKind::New, "\"Whole\":9007199254740993,"), 2);
    assert_eq!(told(HitKind::New, "\"Whole\":9007199254740995,"), 1);
    assert_eq!(told(HitKind::Gone, "\"Whole\":9007199254740993,"), 1);
    assert!(rows.iter().all(|(_, row)| !row.contains("@odata")), "{rows:?}");
}
