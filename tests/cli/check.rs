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

/// Runs under `timeout`, so that a hang is a failed test and no hung one.
fn bounded(site: &Site, arguments: &[&str]) -> Printed {
    let mut command = std::process::Command::new("timeout");
    command.arg(Duration::from_secs(20).as_secs().to_string()).arg(crate::support::binary()).arg("check");
    printed(command.args(arguments).current_dir(site.path()).env("NO_COLOR", "1").env("COLUMNS", "100"))
}
