//! A config, a hunts folder or a database that can't be used: exit 2, and a message that says how to mend it.

use crate::desk::{Desk, HUNT, TO_FILE, config, golden, shown};
use crate::support::{Site, wait_for};

/// A site whose tenant is nowhere: nothing here may call it.
fn offline(rest: &str) -> Site {
    let site = Site::new();
    site.write("huntd.yaml", config("http://127.0.0.1:9", rest)).write("hunts/enc.yaml", HUNT);
    site
}

/// A command fails as configuration does, and its words are the snapshot's.
fn refused(name: &str, site: &Site, arguments: &[&str]) {
    let printed = site.huntd(arguments).expect(2);
    assert_eq!(printed.stdout, "");
    golden(name, &shown(site, &printed));
}

#[test]
fn there_is_no_config() {
    let site = Site::new();
    for verb in [&["list"][..], &["daemon"], &["check"], &["run", "enc"], &["hits"], &["runs"], &["deliveries"]] {
        refused("no-config", &site, verb);
    }
}

#[test]
fn the_hunts_folder_is_missing_or_no_folder() {
    let site = offline(TO_FILE);
    std::fs::remove_dir_all(site.file("hunts")).unwrap();
    refused("hunts-folder-missing", &site, &["run", "enc"]);
    refused("hunts-folder-missing", &site, &["daemon"]);
    site.write("hunts", "no folder");
    refused("hunts-folder-is-a-file", &site, &["run", "enc"]);
}

#[test]
fn no_hunt_loads() {
    let site = offline(TO_FILE);
    std::fs::remove_file(site.file("hunts/enc.yaml")).unwrap();
    refused("no-hunts", &site, &["daemon"]);
}

#[test]
fn a_schedule_is_wrong() {
    let site = offline(TO_FILE);
    site.write("hunts/enc.yaml", HUNT.replace("@hourly", "61 * * * *"));
    refused("bad-cron-in-a-hunt", &site, &["run", "enc", "--dry-run"]);
    let site = offline(&format!("{TO_FILE}defaults: {{schedule: \"0 0 31 2 *\"}}\n"));
    refused("bad-cron-in-the-config", &site, &["run", "enc", "--dry-run"]);
}

#[test]
fn a_zone_is_wrong() {
    let site = offline(&format!("{TO_FILE}timezone: Europe/Rigga\n"));
    refused("bad-zone-in-the-config", &site, &["list"]);
    let site = offline(TO_FILE);
    site.write("hunts/enc.yaml", format!("{HUNT}timezone: Europe/Rigga\n"));
    refused("bad-zone-in-a-hunt", &site, &["run", "enc", "--dry-run"]);
}

#[test]
fn a_channel_is_unknown() {
    let site = offline("channels: {hits: {file: {path: hits.jsonl}}}\nroutes: [{to: [hitz]}]\n");
    refused("unknown-channel-in-a-route", &site, &["list"]);
    let site = offline(TO_FILE);
    site.write("hunts/enc.yaml", format!("{HUNT}notify: [hitz]\n"));
    let printed = site.huntd(&["check"]).expect(1);
    golden("unknown-channel-in-a-hunt", &shown(&site, &printed));
}

#[test]
fn the_database_is_not_there_yet() {
    let site = offline(TO_FILE);
    for verb in [&["hits"][..], &["runs"], &["deliveries"], &["show", "abc"]] {
        refused("no-database", &site, verb);
    }
    assert!(!site.file("huntd.db").exists(), "who only looks makes none");
    site.huntd(&["list"]).expect(0);
    assert!(!site.file("huntd.db").exists());
}

#[test]
fn the_databases_folder_is_not_there() {
    let site = offline(TO_FILE);
    site.write("huntd.yaml", config("http://127.0.0.1:9", TO_FILE).replace("huntd.db", "state/huntd.db"));
    refused("no-database-folder", &site, &["run", "enc"]);
}

#[test]
fn the_database_is_no_database() {
    let site = offline(TO_FILE);
    site.write("huntd.db", "this is a text, and long enough to have a header's length if it were one.\n".repeat(20));
    refused("no-database-file", &site, &["hits"]);
    refused("no-database-file", &site, &["run", "enc"]);
}

#[test]
fn the_database_is_of_a_newer_version() {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc"]).expect(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions, Connection, Executor};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(desk.site.file("huntd.db"));
        let mut database = options.connect().await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)";
        database.execute(newer).await.unwrap();
        database.close().await.unwrap();
    });
    for verb in [&["hits"][..], &["run", "enc"], &["list"], &["daemon"]] {
        let printed = desk.huntd(verb).expect(2);
        let known = "and this huntd knows versions up to ";
        let text = shown(&desk.site, &printed);
        let (before, after) = text.split_once(known).unwrap();
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        golden("newer-database", &format!("{before}{known}N{after}"));
    }
}

#[test]
fn a_second_daemon_is_refused() {
    let desk = Desk::usual();
    let first = desk.site.start(&["daemon"], "first.log");
    let log = || std::fs::read_to_string(desk.site.file("first.log")).unwrap_or_default();
    wait_for("the daemon", std::time::Duration::from_secs(20), || log().contains("huntd runs"));
    let printed = desk.huntd(&["daemon"]).expect(2);
    assert!(printed.error().contains(&format!("(process {})", first.id())), "{}", printed.error());
    golden("second-daemon", &shown(&desk.site, &printed));
    // A manual run beside it is no daemon, and fine.
    desk.huntd(&["run", "enc"]).expect(0);
    assert_eq!(first.stop().code(), Some(0));
    assert!(log().contains("stopped"));
}

/// systemd makes the folder, and says where it is.
#[test]
fn a_database_that_is_not_named_lies_in_the_services_folder() {
    let desk = Desk::usual();
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", config.replace("database: huntd.db\n", "")).write("state/mark", "");
    let mut command = desk.site.command(&["run", "enc"]);
    crate::support::printed(command.env("STATE_DIRECTORY", desk.site.file("state"))).expect(0);
    assert!(desk.site.file("state/huntd.db").exists() && !desk.site.file("huntd.db").exists());
}
