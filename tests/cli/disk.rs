//! A disk that is full or can't be written: said exactly, nothing lost, and the same command goes on afterwards.
//!
//! Each test mounts a small disk of its own (`tests/support/mounts.rs`).

use crate::desk::{Desk, HUNT, TO_FILE, golden};
use crate::mounts;
use crate::support::{Printed, printed};

/// A stream of rows too many for the small disk, in the hunt `many`.
const MANY: &str = "
hunts:
  - name: many
    match: {table: DeviceEvents}
    columns: {Timestamp: datetime, DeviceId: string, ReportId: long, Command: string}
    streams: [{every: 0s, from: -20m, count: 3000, row: {ReportId: '{n}', DeviceId: 'd-{hash}', Command: '{hash}{hash}{hash}{hash}'}}]
  - name: enc
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, DeviceId: string, ReportId: long, Command: string}
    base: {DeviceId: d1}
    rows:
      - {at: -30m, row: {ReportId: 1, Command: a}}
      - {at: -20m, row: {ReportId: 2, Command: b}}
";

fn desk() -> Desk {
    let desk = Desk::new(MANY, TO_FILE);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site
        .write("huntd.yaml", config.replace("database: huntd.db", "database: disk/huntd.db"))
        .write("hunts/many.yaml", HUNT.replace("DeviceProcessEvents", "DeviceEvents"));
    std::fs::create_dir(desk.site.file("disk")).unwrap();
    desk
}

/// Runs a script in a name space where mounts are its own.
fn script(desk: &Desk, text: &str) -> Option<Printed> {
    mounts::script(&desk.site, text).map(|mut command| printed(&mut command))
}

fn told(desk: &Desk, printed: &Printed) -> String {
    crate::desk::shown(&desk.site, printed)
}

#[test]
fn a_full_disk_loses_nothing() {
    let desk = desk();
    let ended = script(
        &desk,
        "mount -t tmpfs -o size=1m tmpfs disk
         $HUNTD run enc >first
         dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
         set +e
         $HUNTD run many; echo \"exit $?\"
         $HUNTD run enc >again; echo \"exit $?\"
         rm disk/fill
         mount -o remount,size=40m disk
         $HUNTD run many >after; echo \"exit $?\"
         $HUNTD run many >same; echo \"exit $?\"
         $HUNTD hits --json >hits; echo \"exit $?\"
         $HUNTD deliveries --json >deliveries",
    );
    let Some(ended) = ended else { return };
    golden("disk-full", &told(&desk, &ended));
    let read = |name: &str| std::fs::read_to_string(desk.site.file(name)).unwrap();
    assert!(read("first").contains("2 rows, 2 new"), "{}", read("first"));
    assert!(read("after").contains("3000 rows, 3000 new"), "{}", read("after"));
    assert!(read("same").contains("3000 rows, 0 new"), "{}", read("same"));
    assert_eq!(read("hits").lines().count(), 3002);
    assert_eq!(read("hits.jsonl").lines().count(), 3002, "each is told once");
    assert!(read("deliveries").lines().all(|line| line.contains("\"state\":\"sent\"")), "{}", read("deliveries"));
}

#[test]
fn a_disk_full_from_the_start_is_said() {
    let desk = desk();
    let ended = script(
        &desk,
        "mount -t tmpfs -o size=256k tmpfs disk
         dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
         set +e
         $HUNTD run enc; echo \"exit $?\"
         $HUNTD daemon; echo \"exit $?\"
         rm disk/fill
         mount -o remount,size=40m disk
         $HUNTD run enc >after; echo \"exit $?\"",
    );
    let Some(ended) = ended else { return };
    golden("disk-full-from-the-start", &told(&desk, &ended));
    assert!(std::fs::read_to_string(desk.site.file("after")).unwrap().contains("2 rows, 2 new"));
}

#[test]
fn a_disk_that_cannot_be_written_is_said() {
    let desk = desk();
    let ended = script(
        &desk,
        "mount -t tmpfs -o size=20m tmpfs disk
         mount -o remount,ro disk
         set +e
         $HUNTD run enc; echo \"exit $?\"
         $HUNTD daemon; echo \"exit $?\"
         mount -o remount,rw disk
         $HUNTD run enc >first; echo \"exit $?\"
         mount -o remount,ro disk
         $HUNTD run enc; echo \"exit $?\"
         mount -o remount,rw disk
         $HUNTD run enc >after; echo \"exit $?\"
         $HUNTD hits --json >hits; echo \"exit $?\"",
    );
    let Some(ended) = ended else { return };
    golden("disk-read-only", &told(&desk, &ended));
    let read = |name: &str| std::fs::read_to_string(desk.site.file(name)).unwrap();
    assert!(read("first").contains("2 rows, 2 new") && read("after").contains("2 rows, 0 new"));
    assert_eq!(read("hits").lines().count(), 2);
}

#[test]
fn a_history_on_a_read_only_disk_can_be_read() {
    let desk = desk();
    let ended = script(
        &desk,
        "mount -t tmpfs -o size=20m tmpfs disk
         $HUNTD run enc >first
         $HUNTD hits >before
         mount -o remount,ro disk
         set +e
         $HUNTD hits; echo \"exit $?\"
         $HUNTD runs; echo \"exit $?\"
         $HUNTD list; echo \"exit $?\"
         $HUNTD show $(cut -d' ' -f1 first | head -n 1) >shown; echo \"exit $?\"
         $HUNTD deliveries; echo \"exit $?\"
         $HUNTD deliveries retry --all; echo \"exit $?\"
         $HUNTD run enc --dry-run >dry; echo \"exit $?\"
         $HUNTD hits >after 2>&1
         mount -o remount,rw disk
         printf 'what a process that was killed had not yet brought in' >disk/huntd.db-wal
         mount -o remount,ro disk
         $HUNTD hits; echo \"exit $?\"",
    );
    let Some(ended) = ended else { return };
    golden("disk-read-only-history", &told(&desk, &ended));
    let read = |name: &str| std::fs::read_to_string(desk.site.file(name)).unwrap();
    assert_eq!(read("before").lines().count(), 2);
    assert!(read("after").starts_with(&read("before")), "{}", read("after"));
    assert!(read("shown").contains("2 new"), "{}", read("shown"));
}
