//! `hits --where`, `--columns`, `--limit` and `--format`: asking the past.

use std::process::Command;

use huntd::sim::scenario::parse_scenario;

use crate::desk::{Desk, EVENTS, TENANT, TO_FILE, golden, shown};
use crate::support::printed;

/// Four events, with all that a filter can ask for.
const MANY: &str = "
hunts:
  - name: enc
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, DeviceId: string, ReportId: long, DeviceName: string, AccountName: string, FolderPath: string, Command: string, AdditionalFields: dynamic}
    base: {DeviceId: d1, Command: \"powershell -enc AA==\"}
    rows:
      - {at: -40m, row: {ReportId: 1, DeviceName: srv-01, AccountName: svc, FolderPath: 'C:\\Program Files\\a.exe', AdditionalFields: {IsElevated: true, Level: 7}}}
      - {at: -30m, row: {ReportId: 9007199254740993, DeviceName: SRV-02, AccountName: anna, FolderPath: 'C:\\Windows\\cmd.exe', AdditionalFields: {IsElevated: false, Level: 12}}}
      - {at: -20m, row: {ReportId: 3, DeviceName: ws-03, AccountName: anna, Command: \"=cmd|' /C calc'!A0\"}}
      - {at: -10m, row: {ReportId: 40, DeviceName: ws-04, AccountName: \"O'Brien, Bob\", Command: \"\\e[31mred\\e]0;title\\a\"}}
";

fn desk() -> Desk {
    let desk = Desk::new(MANY, TO_FILE);
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    desk
}

/// The names of the devices of the hits that pass.
fn devices(desk: &Desk, arguments: &[&str]) -> String {
    let printed = desk.huntd(&[&["hits", "--json"], arguments].concat()).expect(0);
    let names = printed.objects().into_iter().map(|hit| hit["row"]["DeviceName"].as_str().unwrap().to_owned());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn hits_are_filtered_by_any_column() {
    let desk = desk();
    for (expressions, expected) in [
        (&["DeviceName=srv-* AND AccountName!=svc"][..], "SRV-02"),
        (&["DeviceName==srv-*"], "srv-01"),
        (&["AdditionalFields.IsElevated=true"], "srv-01"),
        (&["additionalfields.level>9 OR ReportId=40"], "SRV-02 ws-04"),
        (&["AdditionalFields=\"\""], "ws-03 ws-04"),
        (&["ReportId>9007199254740992"], "SRV-02"),
        (&[r#"FolderPath="C:\Program Files\*""#], "srv-01"),
        (&["Timestamp>ago(25m)"], "ws-03 ws-04"),
        (&["AccountName IN (anna, 'O''Brien, Bob')", "NOT DeviceName~^ws-0[34]$"], "SRV-02"),
        (&["DeviceName=ws-*", "Command=*calc*"], "ws-03"),
        (&["severity>=high AND kind=new AND hunt=e* AND tenant=contoso", "ReportId<5"], "srv-01 ws-03"),
        (&["severity<high"], ""),
    ] {
        let arguments: Vec<&str> = expressions.iter().flat_map(|text| ["--where", text]).collect();
        assert_eq!(devices(&desk, &arguments), expected, "{expressions:?}");
    }
    golden("hits-where", &desk.shown(&["hits", "--where", "AccountName=anna"]));
}

#[test]
fn a_limit_counts_the_newest_of_what_passes() {
    let desk = desk();
    for (arguments, expected) in [
        (&["--limit", "2"][..], "ws-03 ws-04"),
        (&["--limit", "2", "--where", "DeviceName=*s*"], "ws-03 ws-04"),
        (&["--limit", "1", "--where", "DeviceName=srv-*"], "SRV-02"),
        (&["--limit", "9", "--where", "AccountName=svc"], "srv-01"),
        (&["--limit", "0"], ""),
    ] {
        assert_eq!(devices(&desk, arguments), expected, "{arguments:?}");
    }
    let csv = desk.huntd(&["hits", "--format", "csv", "--limit", "1", "--columns", "DeviceName"]).expect(0);
    assert_eq!(csv.stdout, "DeviceName\r\nws-04\r\n");
}

#[test]
fn slips_are_pointed_at() {
    let desk = desk();
    for (name, arguments) in [
        ("where-no-and", &["--where", r"FolderPath=C:\Program Files\*"][..]),
        ("where-nothing", &["--where", ""]),
        ("where-second", &["--where", "a=b", "--where", "severity=hihg"]),
        ("columns-gap", &["--columns", "DeviceName,,AccountName"]),
        ("columns-with-json", &["--json", "--columns", "DeviceName"]),
        ("columns-with-format-json", &["--format", "json", "--columns", "DeviceName"]),
        ("format-unknown", &["--format", "xml"]),
    ] {
        let text = desk.shown(&[&["hits"], arguments].concat());
        assert!(text.starts_with("exit 2\n"), "{name}: {text}");
        golden(&format!("hits-{name}"), &text);
    }
    let printed = desk.huntd(&["hits", "--json", "--where", "DeviceNmae=srv-*"]).expect(0);
    assert_eq!(printed.stdout, "");
    assert_eq!(printed.stderr, "no hit has a column `DeviceNmae`; did you mean `DeviceName`?\n");
    for format in ["csv", "table"] {
        let printed = desk.huntd(&["hits", "--format", format, "--columns", "DeviceName,AcountName"]).expect(0);
        let note = "no hit has a column `AcountName`; did you mean `AccountName`?\n";
        assert!(printed.stderr.ends_with(note), "{format}: {}", printed.stderr);
    }
}

#[test]
fn csv_has_every_column_and_computes_nothing() {
    let desk = desk();
    // A second run brings rows with a column more.
    let more = MANY.replace("AdditionalFields: dynamic}", "AdditionalFields: dynamic, Later: string}");
    let row = "      - {at: -5m, row: {ReportId: 5, DeviceName: ws-05, Later: late}}\n";
    let scenario = parse_scenario(&format!("{TENANT}{more}{row}")).unwrap();
    desk.simulator.set(|now| *now = scenario);
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);

    let printed = desk.huntd(&["hits", "--format", "csv"]).expect(0);
    assert_eq!(printed.stderr, "");
    let mut reader = csv::Reader::from_reader(printed.stdout.as_bytes());
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(head[..9], ["hit", "hunt", "tenant", "kind", "run", "first_seen", "last_seen", "severity", "Timestamp"]);
    assert_eq!(head.last().unwrap(), "Later");
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |name: &str| head.iter().position(|head| head == name).unwrap();
    let values = |name: &str| records.iter().map(|record| record[column(name)].to_owned()).collect::<Vec<_>>();
    assert_eq!(values("DeviceName"), ["srv-01", "SRV-02", "ws-03", "ws-04", "ws-05"]);
    assert_eq!(values("ReportId"), ["1", "9007199254740993", "3", "40", "5"]);
    assert_eq!(values("Later"), ["", "", "", "", "late"]);
    assert_eq!(values("Command")[2], "'=cmd|' /C calc'!A0");
    assert!(values("AdditionalFields")[0].contains("\"Level\""), "{:?}", values("AdditionalFields"));

    let chosen = ["hits", "--format", "csv", "--columns", "AccountName,kind,AdditionalFields.Level", "--where"];
    let printed = desk.huntd(&[&chosen[..], &["AccountName!=''"]].concat()).expect(0);
    let lines =
        ["AccountName,kind,AdditionalFields.Level", "svc,new,7", "anna,new,12", "anna,new,", "\"O'Brien, Bob\",new,"];
    assert_eq!(printed.stdout, lines.map(|line| format!("{line}\r\n")).concat());
    let none = desk.huntd(&["hits", "--format", "csv", "--where", "AccountName=nobody"]).expect(0);
    assert_eq!(none.stdout, "hit,hunt,tenant,kind,run,first_seen,last_seen,severity\r\n");
}

#[test]
fn a_table_keeps_to_the_terminal() {
    let desk = desk();
    let table = |columns: &str, arguments: &[&str]| {
        let mut command = desk.site.command(&[&["hits", "--format", "table"], arguments].concat());
        printed(command.env("COLUMNS", columns)).expect(0)
    };
    let narrow = table("90", &[]);
    assert!(narrow.stdout.lines().all(|line| line.chars().count() <= 90), "{}", narrow.stdout);
    assert!(narrow.stderr.contains("more columns: choose with `--columns`"), "{}", narrow.stderr);
    let chosen = table("60", &["--columns", "hit,DeviceName,FolderPath,Command"]);
    golden("hits-table-60", &shown(&desk.site, &chosen));
    golden("hits-table-chosen", &desk.shown(&["hits", "--columns", "kind,ReportId,AdditionalFields.Level,Command"]));
    for text in [&narrow.stdout, &table("400", &[]).stdout, &table("400", &["--columns", "Command"]).stdout] {
        assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{}", text.escape_debug());
    }
    let json = desk.huntd(&["hits", "--format", "json"]).expect(0);
    assert_eq!(json.stdout, desk.huntd(&["hits", "--json"]).expect(0).stdout);
}

/// Each expression of the reference is one, and a shell hands it on as it stands there.
#[test]
fn the_references_expressions_are_read() {
    let desk = Desk::new(EVENTS, TO_FILE);
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    let page = std::fs::read_to_string("docs/history.md").unwrap();
    let rows = page.split("<!-- expressions -->").nth(1).unwrap().split("<!-- /expressions -->").next().unwrap();
    let expressions: Vec<&str> =
        rows.lines().filter_map(|line| line.strip_prefix("| `")?.split("` |").next()).collect();
    assert!(expressions.len() > 15, "{expressions:?}");
    let arguments: Vec<&str> = expressions.iter().flat_map(|text| ["--where", text]).collect();
    desk.huntd(&[&["hits", "--json"], arguments.as_slice()].concat()).expect(0);
    let help = desk.huntd(&["help", "hits"]).expect(0).stdout;
    for text in [page, help] {
        let examples: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("huntd hits")).collect();
        assert!(examples.len() >= 6, "{examples:?}");
        for example in examples {
            let line = example.replacen("huntd hits", "\"$HUNTD\" -c huntd.yaml hits", 1);
            let mut shell = Command::new("sh");
            shell.args(["-c", &line]).current_dir(desk.site.path());
            printed(shell.env("HUNTD", crate::support::binary()).env_remove("HUNTD_CONFIG")).expect(0);
        }
    }
}
