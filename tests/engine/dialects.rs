//! Moving a tenant from the older API to Graph, or back, makes no hit new.

use crate::lab::Lab;

/// Every kind of value whose spelling differs: strings (empty too), bools, nulls, longs over 2^53, dynamics (bags, nested,
/// arrays of objects, empty), whole-second datetimes, reals, guids.
const SCENARIO: &str = r#"
shuffle: true
hunts:
  - name: all
    match: {contains: [dialect-marker]}
    columns: {Timestamp: datetime, Seen: datetime, DeviceId: string, Text: string, Flag: bool, Big: long, Small: int, Share: real, Id: guid, Bag: dynamic, List: dynamic, ReportId: long}
    rows:
      - {at: -20m, row: {DeviceId: d1, Text: "", Flag: true, Big: 9007199254740993, Small: 7, Share: 0.5, Id: 0c4d9a1e-7b52-4368-80a1-d7c95e3b42f6, Bag: {a: {b: [1, 2], c: true}, n: null}, List: [{type: ip, id: 1}, {type: host}], ReportId: 1}}
      - {at: -10m, row: {DeviceId: d2, Text: "x\u0000y \u00fc", Flag: false, Big: -9223372036854775808, Small: 0, Share: 3, Id: null, Bag: {}, List: [], Seen: 2026-11-20T08:00:00Z, ReportId: 2}}
      - {at: -5m12s, row: {DeviceId: d3, Text: null, Flag: null, Big: null, Small: null, Share: null, Bag: null, List: null, Seen: 2026-11-20T08:00:00.1234567Z, ReportId: 3}}
      - {at: -4m, row: {DeviceId: d4, Text: "{\"a\":1}", Flag: true, Big: 9007199254740992, Bag: {big: 9007199254740993, when: 2025-10-06}, List: [1, "two", 3.5, [4]], ReportId: 4}}
"#;

const HUNT: &str = "query: DeviceEvents | where AdditionalFields has \"dialect-marker\"\nlookback: 1h\nsplay: 0\n";

#[tokio::test]
async fn from_the_older_api_to_graph_no_row_is_new() {
    moved("defender", "graph", SCENARIO).await;
}

#[tokio::test]
async fn from_graph_to_the_older_api_no_row_is_new() {
    moved("graph", "defender", SCENARIO).await;
}

#[tokio::test]
async fn however_the_older_api_spells_bools_and_dynamics() {
    for wire in [
        "wire: {older_bools: true}",
        "wire: {older_text: true}",
        "wire: {older_bools: true, older_text: true}",
        "wire: {sidecars: false, sparse: true}",
    ] {
        moved("defender", "graph", &format!("{wire}{SCENARIO}")).await;
    }
}

async fn moved(from: &str, to: &str, scenario: &str) {
    let mut lab = Lab::new(scenario, HUNT, "{}").await;
    lab.speak(from);
    let first = lab.run().await.run;
    assert_eq!((first.rows, first.new, first.error), (4, 4, None));
    lab.speak(to);
    let second = lab.run().await.run;
    assert_eq!(
        (second.rows, second.new, second.changed, second.gone, second.error),
        (4, 0, 0, 0, None),
        "{from} to {to}"
    );
    let dialects: Vec<String> = lab.simulator.journal().iter().map(|call| call.path.clone()).collect();
    assert_ne!(dialects[0], dialects[1], "both calls went to one API");
}

#[tokio::test]
async fn a_value_that_differs_is_new_in_the_other_dialect_too() {
    let mut lab = Lab::new(SCENARIO, HUNT, "{}").await;
    lab.speak("defender");
    assert_eq!(lab.run().await.run.new, 4);
    let changed = SCENARIO.replacen("Big: 9007199254740993", "Big: 9007199254740992", 1);
    let scenario = huntd::sim::scenario::parse_scenario(&format!("{}{changed}", crate::lab::TENANT)).unwrap();
    lab.simulator.set(|all| all.hunts = scenario.hunts);
    lab.speak("graph");
    assert_eq!(lab.run().await.run.new, 1);
}
