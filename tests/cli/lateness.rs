//! `list` says what `late` would have been enough.

use crate::desk::{Desk, HUNT, TO_FILE};

/// A desk whose tenant has `count` events that arrived 90 minutes after they happened, and a run that found them.
fn desk(count: u32, late: &str) -> Desk {
    let stream = format!(
        "
hunts:
  - name: enc
    match: {{table: DeviceProcessEvents}}
    columns: {{Timestamp: datetime, DeviceId: string, ReportId: long, Ingested: datetime}}
    streams: [{{every: 1s, from: -40h, count: {count}, late: {{from: {late}, to: {late}}}, row: {{ReportId: '{{n}}', DeviceId: d, Ingested: '{{arrived}}'}}}}]
"
    );
    let desk = Desk::new(&stream, TO_FILE);
    let measuring = HUNT.replace("has '-enc'", "has '-enc' | extend Ingested = ingestion_time()");
    desk.site
        .write("hunts/enc.yaml", measuring.replace("1h", "2d"))
        // It reads the same table, and measures nothing itself.
        .write("hunts/patient.yaml", format!("{HUNT}late: 4h\n"))
        .write("hunts/off.yaml", format!("{HUNT}enabled: false\n"))
        .write(
            "hunts/other.yaml",
            HUNT.replace("DeviceProcessEvents", "DeviceFileEvents").replace("ProcessCommandLine", "FileName"),
        )
        .write("hunts/inventory.yaml", "query: DeviceProcessEvents | where Timestamp > datetime(2026-01-01)\n");
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    desk
}

/// `late` and `late_enough` of each hunt.
fn listed(desk: &Desk) -> Vec<(String, String, Option<String>)> {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let hunts = desk.huntd(&["list", "--json"]).expect(0).objects();
    let of = |hunt: &serde_json::Value| {
        (text(&hunt["hunt"]).unwrap(), text(&hunt["late"]).unwrap(), text(&hunt["late_enough"]))
    };
    hunts.iter().map(of).collect()
}

fn row(hunt: &str, late: &str, enough: Option<&str>) -> (String, String, Option<String>) {
    (hunt.to_owned(), late.to_owned(), enough.map(str::to_owned))
}

#[test]
fn a_late_that_is_too_short_is_said_of_every_hunt_on_the_table() {
    let desk = desk(200, "90m");
    let expected = [
        row("enc", "30m", Some("2h")),
        row("inventory", "30m", None),
        row("off", "30m", Some("2h")),
        row("other", "30m", None),
        row("patient", "4h", Some("2h")),
    ];
    assert_eq!(listed(&desk), expected);
    let said = desk.huntd(&["list"]).expect(0).stderr;
    let line = "enc on contoso: 999 of 1000 rows of DeviceProcessEvents arrived within 2h, and `late` is 30m";
    assert_eq!(said.lines().filter(|line| line.contains("`late`")).collect::<Vec<_>>(), [line], "{said}");
}

#[test]
fn rows_later_than_is_measured_are_said_too() {
    let desk = desk(100, "30h");
    assert_eq!(listed(&desk)[0], row("enc", "30m", None));
    let said = desk.huntd(&["list"]).expect(0).stderr;
    for hunt in ["enc on contoso", "patient on contoso"] {
        let line =
            format!("{hunt}: more than 1 of 1000 rows of DeviceProcessEvents arrived later than 1d, and `late` is ");
        assert!(said.contains(&line), "{said}");
    }
}

#[test]
fn of_a_few_rows_nothing_is_said() {
    let desk = desk(99, "90m");
    assert_eq!(listed(&desk)[0], row("enc", "30m", None));
    assert!(!desk.huntd(&["list"]).expect(0).stderr.contains("`late`"));
}
