//! Files that are deleted or replaced under the running daemon: it ends, says which and what to do, and
//! when that is done, nothing is lost and nothing is told twice.

use std::fs::{copy, exists, remove_file, rename};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::referee::Told;
use crate::stage::Stage;
use crate::support::{Running, Site, wait_for};

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_mins(1);

/// Does both at once: most of their time is a daemon's.
fn both(one: fn(), two: fn()) {
    let (one, two) = (std::thread::spawn(one), std::thread::spawn(two));
    let ended = (one.join(), two.join());
    ended.0.and(ended.1).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
fn a_database_that_is_deleted_alone_or_with_all_beside_it_is_saved() {
    both(a_deleted_database_is_saved_and_gone_on_with, a_folder_emptied_of_the_database_is_the_same);
}

#[test]
fn a_wal_or_a_shared_memory_that_is_deleted_costs_nothing() {
    both(a_deleted_wal_is_brought_in, deleted_shared_memory_is_made_again);
}

/// A stage whose daemon has told a part of the stream.
fn begun() -> (Stage, Running) {
    let stage = Stage::calm(4, "* * * * * *");
    let daemon = stage.daemon();
    wait_for("the first hits", LIMIT, || stage.told_in("hits.jsonl") > 2);
    (stage, daemon)
}

/// The daemon ends by itself, with the exit code of a fault of this machine and these words.
fn ends_saying(stage: &Stage, mut daemon: Running, words: &[&str]) {
    wait_for("the daemon's end", LIMIT, || !daemon.runs());
    let status = daemon.status();
    assert_eq!((status.code(), status.signal()), (Some(2), None), "{}", stage.log());
    let log = stage.log();
    let last = log.rsplit('×').next().unwrap();
    assert!(words.iter().all(|word| last.contains(word)), "{words:?} in {last}");
}

/// A new daemon tells the rest.
fn goes_on(stage: &Stage) {
    let daemon = stage.daemon();
    stage.wait_until_told(LIMIT);
    assert!(daemon.stop().success(), "{}", stage.log());
    let told = Told::of(stage);
    told.each_is_stored_once();
    told.each_is_told();
    // A delivery that was under way at the end comes again, as it does after a kill.
    told.repeats_are_recognisable();
}

fn a_deleted_database_is_saved_and_gone_on_with() {
    let (stage, daemon) = begun();
    let (database, saved) = (stage.site.file("huntd.db"), stage.site.file("huntd.db.saved"));
    remove_file(&database).unwrap();
    ends_saying(&stage, daemon, &["huntd.db was deleted", &format!("mv {} {}", saved.display(), database.display())]);
    // A service manager starts it again at once: it must not begin anew, and tell all once more.
    let refused = stage.site.huntd(&["daemon"]).expect(2);
    assert!(refused.error().contains("huntd.db.saved"), "{}", refused.stderr);
    let refused = stage.site.huntd(&["run", "stream"]).expect(2);
    assert!(refused.error().contains("huntd.db.saved"), "{}", refused.stderr);
    assert!(!exists(&database).unwrap());
    rename(saved, database).unwrap();
    goes_on(&stage);
}

fn a_folder_emptied_of_the_database_is_the_same() {
    let (stage, daemon) = begun();
    for file in ["huntd.db-wal", "huntd.db-shm", "huntd.db", "huntd.db.lock"] {
        remove_file(stage.site.file(file)).unwrap();
    }
    ends_saying(&stage, daemon, &["huntd.db was deleted"]);
    rename(stage.site.file("huntd.db.saved"), stage.site.file("huntd.db")).unwrap();
    goes_on(&stage);
}

#[test]
fn a_replaced_database_is_saved_and_the_other_left_alone() {
    let (stage, daemon) = begun();
    let other = Site::new();
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    other.write("huntd.yaml", config).write("secret", "").write("smtp", "");
    other.write("hunts/other.yaml", "query: DeviceEvents\nschedule: \"@daily\"\n");
    // It fails, for want of a secret, and leaves a database with one run.
    other.huntd(&["run", "other", "--no-notify"]).expect(4);
    let fresh = stage.site.file("restored");
    copy(other.file("huntd.db"), &fresh).unwrap();
    rename(fresh, stage.site.file("huntd.db")).unwrap();
    ends_saying(&stage, daemon, &["huntd.db was replaced by another file", "huntd.db.saved"]);
    let runs = stage.site.huntd(&["--json", "runs"]).expect(0).objects();
    assert_eq!(runs.len(), 1, "nothing was written to the other file: {runs:?}");
    assert_eq!(runs[0]["hunt"], "other");
    rename(stage.site.file("huntd.db.saved"), stage.site.file("huntd.db")).unwrap();
    goes_on(&stage);
}

fn a_deleted_wal_is_brought_in() {
    let (stage, daemon) = begun();
    remove_file(stage.site.file("huntd.db-wal")).unwrap();
    ends_saying(&stage, daemon, &["huntd.db-wal was deleted", "nothing is lost"]);
    goes_on(&stage);
}

fn deleted_shared_memory_is_made_again() {
    let (stage, daemon) = begun();
    remove_file(stage.site.file("huntd.db-shm")).unwrap();
    ends_saying(&stage, daemon, &["huntd.db-shm was deleted", "nothing is lost"]);
    goes_on(&stage);
}

#[test]
fn a_deleted_lock_is_made_again() {
    let (stage, daemon) = begun();
    let lock = stage.site.file("huntd.db.lock");
    remove_file(&lock).unwrap();
    wait_for("the lock", LIMIT, || {
        std::fs::read_to_string(&lock).is_ok_and(|text| text.trim() == daemon.id().to_string())
    });
    let second = stage.site.huntd(&["daemon"]).expect(2);
    assert!(second.error().contains(&format!("process {}", daemon.id())), "{}", second.stderr);
    stage.wait_until_told(LIMIT);
    assert!(daemon.stop().success(), "{}", stage.log());
}
