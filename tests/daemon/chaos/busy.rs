//! Another process that holds the database's lock again and again, for seconds each time, while the daemon
//! and `huntd run` work: nothing is lost, nothing is told twice, and neither gives up.
//!
//! The store waits 30 s for a lock. A longer one (`HUNTD_CHAOS_LOCK=40`) lets writes fail: what an answer brought is
//! written again and again, a run that has asked nothing yet is made again a minute later, as its tick stays unserved,
//! and what was sent is marked later.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::referee::Told;
use crate::stage::{Stage, number, pause};
use crate::support::wait_for;

/// The lock that no other write gets past, held so many times for so long, with a gap after each in which
/// few writes find room.
fn storm(database: PathBuf, times: u32, span: Duration) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            for _ in 0..times {
                let options = SqliteConnectOptions::new().filename(&database).busy_timeout(Duration::from_mins(2));
                let mut conn = options.connect().await.unwrap();
                sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
                pause(span);
                sqlx::query("ROLLBACK").execute(&mut conn).await.unwrap();
                conn.close().await.unwrap();
                pause(Duration::from_millis(150));
            }
        });
    })
}

#[test]
fn locks_held_by_others_lose_nothing() {
    let span = number("HUNTD_CHAOS_LOCK", 2);
    let stage = Stage::calm(6, "* * * * * *");
    let daemon = stage.daemon();
    wait_for("the first hits", Duration::from_mins(1), || stage.told_in("hits.jsonl") > 2);
    let storm = storm(stage.site.file("huntd.db"), 3, Duration::from_secs(span));
    // It waits for the lock as the daemon does; only one that is held for too long ends it, and says so.
    let mut by_hand = 0;
    while !storm.is_finished() {
        let ran = stage.site.huntd(&["run", "stream"]);
        let refused = ran.code == 2 && ran.error().contains("is busy: another process holds it");
        assert!(ran.code == 0 || (refused && span > 25), "{ran:?}");
        by_hand += usize::from(ran.code == 0);
    }
    storm.join().unwrap();
    stage.wait_until_told(Duration::from_mins(4));
    assert!(daemon.stop().success(), "{}", stage.log());
    let told = Told::of(&stage);
    told.each_is_stored_once();
    told.each_is_told();
    told.repeats_are_recognisable();
    told.none_is_told_twice();
    let log = stage.log();
    if span > 30 {
        let met = ["could not be committed", "can't be written yet"].iter().any(|text| log.contains(text));
        assert!(met, "no write met the lock for longer than it waits: {log}");
    } else {
        assert!(by_hand > 0 && !log.contains("is busy"), "{log}");
    }
}
