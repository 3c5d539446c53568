//! `db`: a check that finds what was damaged, a copy that is whole, and retention at once.

use std::os::unix::fs::PermissionsExt;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::desk::{Desk, TO_FILE, config};

/// Changes the database behind huntd's back.
pub(crate) fn change(desk: &Desk, statements: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = desk.site.file("huntd.db");
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        for statement in statements {
            sqlx::query(AssertSqlSafe(*statement)).execute(&mut conn).await.unwrap();
        }
        conn.close().await.unwrap();
    });
}

#[test]
fn a_check_says_what_is_wrong_and_what_to_do() {
    let desk = Desk::usual();
    assert!(desk.huntd(&["db", "check"]).expect(2).stderr.contains("there is no history yet"));
    desk.huntd(&["run", "enc"]).expect(0);
    let sound = desk.huntd(&["db", "check"]).expect(0);
    assert_eq!((sound.stdout.as_str(), sound.stderr.as_str()), ("", "the database is sound\n"));
    assert_eq!(desk.huntd(&["db", "check", "--json"]).expect(0).stdout, "");

    change(&desk, &["UPDATE run SET new = 7", "UPDATE block SET body = x'00'"]);
    let wrong = desk.huntd(&["db", "check"]).expect(1);
    let lines: Vec<&str> = wrong.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", wrong.stdout);
    assert!(lines[0].starts_with("block 1: ") && lines[0].contains("(restore a backup, or go on without"), "{lines:?}");
    let said = "it says 7 new, 0 changed, 0 gone, 0 returned, and its steps 3 new, 0 changed, 0 gone, 0 returned";
    assert!(lines[1].starts_with("run ") && lines[1].contains(said), "{lines:?}");
    assert_eq!(wrong.stderr, "2 complaints\n");
    let objects = desk.huntd(&["db", "check", "--json"]).expect(1).objects();
    assert_eq!(objects.len(), 2);
    assert!(objects.iter().all(|one| one["complaint"].is_string() && one["mend"].is_string()), "{objects:?}");

    std::fs::write(desk.site.file("huntd.db"), "no database, but long enough to be one".repeat(40)).unwrap();
    let broken = desk.huntd(&["db", "check"]).expect(1);
    assert!(
        broken.stdout.contains("the file can't be opened") && broken.stdout.contains("backup"),
        "{}",
        broken.stdout
    );
}

#[test]
fn a_backup_is_a_database_and_overwrites_nothing() {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc"]).expect(0);
    let said = desk.huntd(&["db", "backup", "copy.db"]).expect(0);
    assert!(said.stdout.starts_with("copy.db: ") && said.stdout.contains(" kB, in "), "{}", said.stdout);
    let copy = desk.site.file("copy.db");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = desk.huntd(&["db", "backup", "copy.db"]).expect(2);
    assert!(again.stderr.contains("copy.db is there already") && again.stderr.contains("never"), "{}", again.stderr);
    let nowhere = desk.huntd(&["db", "backup", "nowhere/copy.db"]).expect(2);
    assert!(nowhere.stderr.contains("nowhere/copy.db"), "{}", nowhere.stderr);
    let told = &desk.huntd(&["db", "backup", "other.db", "--json"]).expect(0).objects()[0];
    assert_eq!(told["bytes"], desk.site.file("other.db").metadata().unwrap().len());
    assert!(told["took_ms"].is_u64(), "{told}");
    let parts = std::fs::read_dir(desk.site.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0);

    let hits = desk.huntd(&["hits", "--json"]).expect(0).stdout;
    std::fs::rename(copy, desk.site.file("huntd.db")).unwrap();
    assert_eq!(desk.huntd(&["hits", "--json"]).expect(0).stdout, hits);
    desk.huntd(&["db", "check"]).expect(0);
}

#[test]
fn prune_takes_what_is_past_its_retention_and_nothing_is_told_again() {
    let desk = Desk::usual();
    desk.site.write("huntd.yaml", config(&desk.simulator.url(), &format!("{TO_FILE}retention: {{runs: 10d}}\n")));
    for _ in 0..3 {
        desk.huntd(&["run", "enc"]).expect(0);
    }
    assert_eq!(desk.huntd(&["db", "prune"]).expect(0).stdout.lines().next().unwrap(), NOTHING);
    change(&desk, &["UPDATE run SET started = started - 864000000000000 * 2"]);
    // The first stays for its rows, which are in the last result, and the last one too.
    let gone = desk.huntd(&["db", "prune"]).expect(0);
    assert!(gone.stdout.starts_with("gone: 0 blocks of rows, 1 run, 0 old versions of hunts\n"), "{}", gone.stdout);
    assert!(gone.stdout.contains("given back to the file system: "), "{}", gone.stdout);
    assert_eq!(gone.stderr, "");
    let told = &desk.huntd(&["db", "prune", "--json"]).expect(0).objects()[0];
    assert_eq!((&told["blocks"], &told["runs"], &told["gives_back"]), (&0.into(), &0.into(), &true.into()));
    assert!(desk.huntd(&["run", "enc"]).expect(0).stdout.contains("3 rows, 0 new"));
    desk.huntd(&["db", "check"]).expect(0);

    // As a huntd of before made it.
    change(&desk, &["PRAGMA auto_vacuum = NONE", "VACUUM"]);
    let old = desk.huntd(&["db", "prune"]).expect(0);
    assert!(old.stderr.contains("`huntd db backup NEW`"), "{}", old.stderr);
}

const NOTHING: &str = "gone: 0 blocks of rows, 0 runs, 0 old versions of hunts";
