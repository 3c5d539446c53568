//! A tenant moves from the older API to Graph, or back, between two runs of the same events: no row is
//! new, changed or gone.

use std::ops::ControlFlow;
use std::time::Duration;

use huntd::model::hit::{Hit, HitKind};
use huntd::model::run::Run;
use huntd::ports::store::HitFilter;
use huntd::sim::scenario::parse_scenario;

use crate::lab::{Lab, TENANT};

/// Events with every kind of value that the two APIs spell differently, and an inventory. A result of
/// the first is all there is in a window, and of the second all there is: so a row that is not
/// recognised is new, and the one that it was is gone.
const EVENTS: &str = r#"
shuffle: true
hunts:
  - name: events
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, Text: string, Whole: long, Small: int, Part: real, Truth: bool, Id: guid, Bag: dynamic, List: dynamic, Other: datetime}
    rows:
      - {at: -50m, row: {}}
      - at: -40m
        row:
          Text: "a \"<b>\u0000 é \U0001F600"
          Whole: 9007199254740993
          Small: -5
          Part: 4.3
          Truth: true
          Id: 6f0b1c7a-52d4-4e0e-9a54-0d3b3f8a2c11
          Bag: {on: true, off: false, none: null, empty: {}, text: "", tags: [], when: "2026-01-01", inner: {made: "2026-01-01T14:34:38Z", list: [1, {deep: [{er: "x"}]}]}}
          List: [x, {type: AadObjectId, when: "2026-01-01"}, [1, 2], null, true]
          Other: 2026-01-01T00:00:00Z
      - {at: 2026-11-24T11:30:00.1234567Z, row: {Text: "2026-01-01T14:34:38Z", Whole: -9223372036854775808, Part: 1.0, Truth: false, Bag: {n: 0}, List: []}}
      - {at: 2026-11-24T11:30:00.5Z, row: {Text: "{}", Whole: 9223372036854775807, Part: 0.1, Truth: false, Bag: {}, List: [1, 2, 3], Other: 2026-01-01T00:00:00.0000001Z}}
      - {at: -10m, row: {Text: "true", Whole: 0, Small: 0, Part: -0.5, Truth: null, Bag: {a: {b: {c: []}}}, List: [{}, [], {a: null}]}}
      - {at: -9m, row: {Text: "false", Whole: 1, Small: 1, Part: 1.0e+300, Truth: true, Bag: {json: "{\"a\": 1}"}, List: ["[1]", "1", 1]}}
      - {at: -8m, row: {Text: "", Whole: null, Small: null, Part: 3, Id: null, Bag: null, List: null, Other: 2026-01-01T00:00:00.1234567Z}}
      - {at: -7m, row: {Text: "{\"a\":1}", Whole: 9007199254740992, Bag: {big: 9007199254740995, when: 2026-01-01}, List: [1, two, 3.5, [4]]}}
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

const BOTH: [(&str, &str); 2] = [("defender", "graph"), ("graph", "defender")];

async fn lab(wire: &str) -> Lab {
    Lab::new(&with_wire(EVENTS, wire), HUNTS, "{}").await
}

fn with_wire(events: &str, wire: &str) -> String {
    format!("{events}\nwire: {wire}\n")
}

/// Runs both hunts, a minute later, over one of the tenant's APIs.
async fn run(lab: &mut Lab, api: &str) -> [Run; 2] {
    lab.clock.advance(Duration::from_mins(1));
    lab.speak(api);
    let runs: [Run; 2] = lab.run_each().await.try_into().unwrap();
    let errors = runs.each_ref().map(|run| run.error.as_deref());
    assert_eq!(errors, [None; 2], "{api}");
    runs
}

fn change(lab: &Lab, from: &str, to: &str, wire: &str) {
    let changed = EVENTS.replacen(from, to, 1);
    assert_ne!(changed, EVENTS);
    let scenario = parse_scenario(&format!("{TENANT}{}", with_wire(&changed, wire))).unwrap();
    lab.simulator.set(|now| *now = scenario);
}

/// Rows, and what is said of them: new, changed, gone, returned.
fn counts(runs: &[Run; 2]) -> [[u64; 5]; 2] {
    runs.each_ref().map(|run| [run.rows, run.new, run.changed, run.gone, run.returned])
}

#[tokio::test]
async fn a_switch_of_the_api_makes_no_row_new() {
    // What the older API is seen or thought to do, and what either may do.
    let wires = [
        "{}",
        "{older_bools: true}",
        "{older_text: true}",
        "{older_bools: true, older_text: true, sparse: true, schema_last: true}",
        "{sidecars: false}",
        "{sidecars: false, sparse: true}",
    ];
    for wire in wires {
        for (before, after) in BOTH {
            let mut lab = lab(wire).await;
            assert_eq!(counts(&run(&mut lab, before).await), [[8, 8, 0, 0, 0], [3, 3, 0, 0, 0]], "{wire}");
            for api in [after, before, after] {
                let runs = run(&mut lab, api).await;
                assert_eq!(counts(&runs), [[8, 0, 0, 0, 0], [3, 0, 0, 0, 0]], "{wire}: {before}, then {api}");
            }
            assert_eq!(lab.store.check().await.unwrap(), [] as [&str; 0]);
            let paths: Vec<String> = lab.simulator.journal().iter().map(|call| call.path.clone()).collect();
            assert_ne!(paths.first(), paths.last(), "all calls went to one API");
        }
    }
}

#[tokio::test]
async fn a_value_that_is_another_is_new_all_the_same() {
    // The last digit of a long over 2^53, which a double can't hold, and other small things.
    let changes = [
        ("9007199254740993", "9007199254740992"),
        ("9223372036854775807", "9223372036854775806"),
        ("big: 9007199254740995", "big: 9007199254740996"),
        ("Truth: true", "Truth: false"),
        ("a \\\"<b>", "A \\\"<b>"),
        ("deep: [{er: \"x\"}]", "deep: [{er: \"y\"}]"),
        ("30:00.1234567Z", "30:00.1234568Z"),
        ("Bag: {n: 0}", "Bag: {n: false}"),
        ("List: [1, 2, 3]", "List: [1, 3, 2]"),
        ("Text: \"{}\"", "Text: \"\""),
    ];
    for (from, to) in changes {
        for (before, after) in BOTH {
            let wire = "{older_bools: true}";
            let mut lab = lab(wire).await;
            run(&mut lab, before).await;
            change(&lab, from, to, wire);
            let runs = run(&mut lab, after).await;
            assert_eq!(counts(&runs), [[8, 1, 0, 1, 0], [3, 0, 0, 0, 0]], "{from}, then {to}");
        }
    }
}

#[tokio::test]
async fn what_is_stored_is_what_the_api_said() {
    let mut lab = lab("{}").await;
    for api in ["defender", "graph"] {
        run(&mut lab, api).await;
    }
    change(&lab, "9007199254740993", "9007199254740995", "{}");
    run(&mut lab, "graph").await;
    let mut rows = Vec::new();
    let keep = |hit: Hit| {
        rows.push((hit.kind, hit.row.get().to_owned()));
        ControlFlow::Continue(())
    };
    lab.store.hits(&HitFilter::default(), keep).await.unwrap();
    let told = |kind, part: &str| rows.iter().filter(|(of, row)| *of == kind && row.contains(part)).count();
    assert_eq!(told(HitKind::New, "\"Whole\":9007199254740993,"), 2);
    assert_eq!(told(HitKind::New, "\"Whole\":9007199254740995,"), 1);
    assert_eq!(told(HitKind::Gone, "\"Whole\":9007199254740993,"), 1);
    assert!(rows.iter().all(|(_, row)| !row.contains("@odata")), "{rows:?}");
}
