//! `huntd check`: each format on a broken tree, and files that nobody should read.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use crate::desk::{HUNT, TO_FILE, config, golden, shown};
use crate::support::{Printed, Site, printed};

/// A tree with one sound hunt, and most of what can be wrong.
fn broken() -> Site {
    let site = Site::new();
    site.write("huntd.yaml", config("http://127.0.0.1:9", TO_FILE))
        .write("hunts/sound.yaml", HUNT)
        .write("hunts/cron.yaml", "query: |\n  DeviceEvents\nschedule: '61 * * * *'\n")
        .write("hunts/key.yaml", "query: DeviceEvents\nlookbak: 1h\nseverity: urgent\n")
        .write("hunts/no-query.yaml", "id: nothing\nschedule: '@daily'\n")
        .write("hunts/no-yaml.yaml", "query: [unclosed\n")
        .write("hunts/same.yaml", "id: sound\nquery: DeviceEvents\n");
    site
}

/// `check` as a hunts repository's CI runs it: in its folder, without a config.
fn in_repository(site: &Site, arguments: &[&str]) -> Printed {
    let mut command = std::process::Command::new(crate::support::binary());
    command.arg("check").args(arguments).current_dir(site.path());
    printed(command.env("HUNTD_CONFIG", "/nonexistent/huntd.yaml").env("NO_COLOR", "1").env("COLUMNS", "100"))
}

#[test]
fn each_format_says_the_same() {
    let site = broken();
    for format in ["human", "json", "github", "sarif"] {
        let printed = in_repository(&site, &["hunts", "--format", format]).expect(1);
        golden(&format!("check-{format}"), &shown(&site, &printed));
    }
    let json = in_repository(&site, &["hunts", "--format", "json"]);
    let also = in_repository(&site, &["hunts", "--json"]);
    assert_eq!(json.stdout, also.stdout);
    let wanted = ["file", "line", "column", "end_line", "end_column", "severity", "code", "message", "hint", "hunt"];
    for finding in json.objects() {
        let keys: Vec<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, wanted);
        assert!(finding["file"].as_str().unwrap().starts_with("hunts/"), "as it was given: {finding}");
    }
}

#[test]
fn a_sound_tree_is_no_finding() {
    let site = broken();
    let sound = in_repository(&site, &["hunts/sound.yaml"]).expect(0);
    assert_eq!((sound.stdout.as_str(), sound.stderr.as_str()), ("", "1 hunt, 0 errors, 0 warnings\n"));
    let strict = in_repository(&site, &["hunts/sound.yaml", "--strict"]);
    strict.expect(0);
}

#[test]
fn each_hunt_is_of_a_kind() {
    let site = Site::new();
    site.write("hunts/a.yaml", "query: DeviceEvents | project DeviceId\n");
    site.write("hunts/b.yaml", "query: DeviceEvents | where Timestamp > ago(2d) | project DeviceId\n");
    site.write("hunts/c.yaml", "query: DeviceEvents | where Timestamp > datetime(2026-01-01) | project DeviceId\n");
    site.write("hunts/d.yaml", "query: DeviceTvmSoftwareInventory | project DeviceId\n");
    let told = in_repository(&site, &["hunts", "-v"]).expect(0);
    let kinds = "a: huntd gives the window
b: its own time: asked as of the run, and looks back 2d
c: fixed times: the same at any time
d: no time at all: what there is now
4 hunts, 0 errors, 0 warnings
";
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", kinds));
    let quiet = in_repository(&site, &["hunts"]).expect(0);
    assert_eq!(quiet.stderr, "4 hunts, 0 errors, 0 warnings\n");
    for format in ["json", "sarif", "github"] {
        let (with, without) = (
            in_repository(&site, &["hunts", "-v", "--format", format]),
            in_repository(&site, &["hunts", "--format", format]),
        );
        assert_eq!((with.stdout, with.stderr), (without.stdout, without.stderr), "{format}");
    }
}

#[test]
fn warnings_count_when_one_is_strict() {
    let site = Site::new();
    site.write("hunts/odd.yaml", "query: DeviceEvents\nschedule: '@daily'\nseverity: urgent\n");
    in_repository(&site, &["hunts"]).expect(0);
    let printed = in_repository(&site, &["hunts", "--strict"]).expect(1);
    assert!(printed.stderr.contains("1 hunt, 0 errors, 1 warning\n"), "{}", printed.stderr);
}

#[test]
fn a_broken_config_is_shown_whole() {
    let site = Site::new();
    site.write("hunts/sound.yaml", HUNT).write(
        "huntd.yaml",
        "hunt: hunts\ntimezone: Mars/Base\ntenants:\n  contoso:\n    tenant_id: x\n    auth: {client_secret: plain-text-secret}\nchannels:\n  soc: {mail: {}}\nroutes:\n  - {to: [sox]}\n",
    );
    let printed = site.huntd(&["check"]).expect(1);
    assert!(!printed.stdout.contains("plain-text"), "a secret that stands in the config isn't shown");
    golden("check-config", &shown(&site, &printed));
    let refused = site.huntd(&["list"]).expect(2);
    assert!(!refused.stderr.contains("plain-text"));
    golden("broken-config", &shown(&site, &refused));
}

#[test]
fn files_that_nobody_should_read_are_refused_soon() {
    let site = Site::new();
    site.write("hunts/sound.yaml", HUNT);
    symlink(site.file("hunts"), site.file("hunts/loop")).unwrap();
    std::fs::File::create(site.file("hunts/large.yaml")).unwrap().set_len(100 << 20).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(site.file("hunts/pipe.yaml")).status().unwrap().success());
    symlink("/dev/zero", site.file("hunts/zero.yaml")).unwrap();
    let mut bomb = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for (one, next) in ('a'..'i').zip('b'..='i') {
        writeln!(bomb, "{next}: &{next} [{}]", vec![format!("*{one}"); 9].join(", ")).unwrap();
    }
    site.write("hunts/bomb.yaml", bomb);
    site.write("hunts/deep.yaml", format!("query: {}\n", "[".repeat(100_000)));
    let printed = bounded(&site, &["hunts"]).expect(1);
    golden("check-stubborn", &shown(&site, &printed));
}

#[test]
fn each_code_explains_itself() {
    let site = Site::new();
    let printed = in_repository(&site, &["--explain", "l012"]).expect(0);
    golden("check-explain", &shown(&site, &printed));
    let list = in_repository(&site, &["--explain"]).expect(0);
    assert!(list.stdout.lines().count() > 80 && list.stdout.contains("\nL012    warning  "), "{}", list.stdout);
    let object = in_repository(&site, &["--explain", "KQL011", "--json"]).objects().remove(0);
    assert_eq!((object["code"].as_str(), object["severity"].as_str()), (Some("KQL011"), Some("error")));
    golden("check-explain-unknown", &shown(&site, &in_repository(&site, &["--explain", "L0012"]).expect(2)));
}

#[test]
fn a_query_is_read_in_the_world_that_is_named() {
    let site = Site::new();
    site.write("hunts/ours.yaml", "query: |\n  OurTable\n  | where Compter == 'a'\nkey: [Computer]\n")
        .write("tables.tsv", "# ours\nOurTable\tComputer\tstring\n")
        .write("broken.tsv", "OurTable Computer\n");
    let codes = |arguments: &[&str], exit| {
        let printed = in_repository(&site, &[arguments, &["--format", "json"]].concat()).expect(exit);
        let line = |finding: &serde_json::Value| {
            format!(
                "{} {} {}",
                finding["severity"].as_str().unwrap(),
                finding["code"].as_str().unwrap(),
                finding["line"]
            )
        };
        printed.objects().iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(codes(&["hunts"], 1), ["error KQL010 2"]);
    assert_eq!(codes(&["hunts", "--workspace"], 0), ["warning KQL031 2"]);
    assert_eq!(codes(&["hunts", "--schema", "tables.tsv"], 1), ["error KQL011 3"]);
    assert_eq!(codes(&["hunts", "--workspace", "--schema", "broken.tsv"], 1)[0], "error C017 1");
    assert_eq!(codes(&["hunts", "--workspace", "--schema", "gone.tsv"], 1)[0], "error C017 1");
    let config = config("http://127.0.0.1:9", TO_FILE) + "schema: {tables: {OurTable: {Computer: string}}}\n";
    site.write("huntd.yaml", config);
    let printed = site.huntd(&["check"]).expect(1);
    golden("check-query", &shown(&site, &printed));
}

/// Runs under `timeout`, so that a hang is a failed test and no hung one.
fn bounded(site: &Site, arguments: &[&str]) -> Printed {
    let mut command = std::process::Command::new("timeout");
    command.arg(Duration::from_secs(20).as_secs().to_string()).arg(crate::support::binary()).arg("check");
    printed(command.args(arguments).current_dir(site.path()).env("NO_COLOR", "1").env("COLUMNS", "100"))
}
