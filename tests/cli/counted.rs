//! `replay` and `advise`, over runs of a hunt whose count goes up each time.

use serde_json::json;

use crate::desk::{Desk, TENANT, golden};

/// A hunt without a key, which tells the same three things in each run.
const COUNTED: &str = "query: DeviceProcessEvents | summarize Count = count(), LastSeen = max(Timestamp) by DeviceId, FileName\nschedule: '@hourly'\nlookback: 1h\n";

fn answer(desk: &Desk, run: usize) {
    let row = |device: &str, file: &str| {
        format!(
            "      - {{at: -10m, row: {{DeviceId: {device}, FileName: {file}, Count: {}, LastSeen: 't{run}'}}}}\n",
            run + 3
        )
    };
    let rows = [row("d1", "a.exe"), row("d1", "b.exe"), row("d2", "a.exe")].concat();
    let scenario = format!(
        "{TENANT}hunts:\n  - name: enc\n    match: {{table: DeviceProcessEvents}}\n    columns: {{DeviceId: string, FileName: string, Count: long, LastSeen: string}}\n    rows:\n{rows}"
    );
    desk.simulator.set(|now| *now = huntd::sim::scenario::parse_scenario(&scenario).unwrap());
}

/// A desk after `runs` runs.
fn after(runs: usize) -> Desk {
    let desk = Desk::usual();
    desk.site.write("hunts/enc.yaml", COUNTED);
    for run in 0..runs {
        answer(&desk, run);
        desk.huntd(&["run", "enc"]).expect(0);
    }
    desk
}

#[test]
fn a_history_is_told_again() {
    let desk = after(4);
    golden("replay-as-it-is", &desk.shown(&["replay", "enc"]));
    golden("replay-with-a-key", &desk.shown(&["replay", "enc", "--key", "DeviceId,FileName"]));
    let sum = |arguments: &[&str]| {
        let all = [&["replay", "enc", "--json"], arguments].concat();
        let sum = desk.huntd(&all).expect(0).objects().pop().unwrap();
        assert!(sum["run"].is_null(), "the sums come last");
        (sum["runs"].clone(), sum["told"].clone(), sum["would"].clone(), sum["missing"].clone())
    };
    let figures = |runs: u64, told: u64, would: u64| (json!(runs), json!(told), json!(would), json!(0));
    assert_eq!(sum(&[]), figures(4, 12, 12));
    assert_eq!(sum(&["--key", "DeviceId, FileName"]), figures(4, 12, 3));
    assert_eq!(sum(&["--ignore", "Count,LastSeen"]), figures(4, 12, 3));
    assert_eq!(sum(&["--key", "", "--ignore", ""]), figures(4, 12, 12));
    assert_eq!(sum(&["--since", "7d", "--key", "DeviceId"]), figures(4, 12, 2));
    assert_eq!(desk.huntd(&["replay", "enc", "--json"]).expect(0).objects().len(), 5);
    assert_eq!(desk.huntd(&["runs", "--json"]).expect(0).objects().len(), 4, "nobody was asked");
    golden("replay-no-such-column", &desk.shown(&["replay", "enc", "--key", "DeviceID2"]));
    golden("replay-unknown-hunt", &desk.shown(&["replay", "enk"]));
    // The hunt is gone, its history isn't.
    std::fs::remove_file(desk.site.file("hunts/enc.yaml")).unwrap();
    assert_eq!(sum(&["--key", "DeviceId,FileName"]), figures(4, 12, 3));
}

#[test]
fn a_key_is_suggested_with_its_figures() {
    let desk = after(4);
    golden("advise-ignore", &desk.shown(&["advise", "enc"]));
    let advised = desk.huntd(&["advise", "enc", "--json"]).expect(0).objects().pop().unwrap();
    assert_eq!(advised["yaml"], "ignore: [Count, LastSeen]");
    assert_eq!((&advised["as_is"], &advised["suggested"], &advised["told"]), (&json!(12), &json!(3), &json!(12)));
    // A key that isn't unique.
    desk.site.write("hunts/enc.yaml", format!("{COUNTED}key: [DeviceId]\n"));
    golden("advise-key", &desk.shown(&["advise", "enc"]));
    desk.site.write("hunts/enc.yaml", format!("{COUNTED}key: [DeviceId, FileName]\nignore: [Count, LastSeen]\n"));
    golden("advise-nothing", &desk.shown(&["advise", "enc", "--tenant", "contoso"]));
}

#[test]
fn little_history_suggests_nothing() {
    let desk = after(2);
    golden("advise-little", &desk.shown(&["advise", "enc"]));
}
