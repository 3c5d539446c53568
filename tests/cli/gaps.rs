//! `gaps`: what isn't covered, why, and what will be done.

use std::time::Duration;

use huntd::model::time::Timestamp;
use huntd::ports::clock::{Clock, SystemClock};
use sqlx::{ConnectOptions, Connection};

use crate::desk::Desk;

const DAY: Duration = Duration::from_hours(24);

/// A desk whose hunt was served an hour ago, with stretches of so many days before now, each with its fate.
fn desk(stretches: &[(u32, u32, &str)]) -> (Desk, Timestamp) {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc"]).expect(0);
    let now = SystemClock::new().now();
    let ago = |days: u32| now.minus(DAY * days).nanos();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = desk.site.file("huntd.db");
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        let served = now.minus(Duration::from_hours(1)).nanos();
        let track = "UPDATE track SET origin = ?1, last_due = ?2 WHERE hunt = 'enc'";
        sqlx::query(track).bind(ago(40)).bind(served).execute(&mut conn).await.unwrap();
        sqlx::query("DELETE FROM coverage").execute(&mut conn).await.unwrap();
        for (from, to, fate) in stretches {
            let why = (*fate != "covered").then_some("a reason");
            let add = "INSERT INTO coverage (track, start, stop, fate, run, why) \
                       SELECT track, ?1, ?2, ?3, 'r1', ?4 FROM track WHERE hunt = 'enc'";
            let add = sqlx::query(add).bind(ago(*from)).bind(ago(*to)).bind(*fate).bind(why);
            add.execute(&mut conn).await.unwrap();
        }
        conn.close().await.unwrap();
    });
    (desk, now)
}

#[test]
fn what_is_open_lost_and_left_out_is_listed_with_its_reason() {
    let (desk, now) = desk(&[(40, 31, "lost"), (31, 6, "covered"), (5, 4, "skipped"), (4, 0, "covered")]);
    let gaps = desk.huntd(&["gaps", "--json"]).expect(0).objects();
    let states: Vec<&str> = gaps.iter().map(|gap| gap["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["lost", "open", "skipped"]);
    let open = &gaps[1];
    let at = |days: u32| serde_json::Value::from(now.minus(DAY * days).to_string());
    assert_eq!((&open["hunt"], &open["tenant"]), (&"enc".into(), &"contoso".into()));
    assert_eq!((&open["from"], &open["to"]), (&at(6), &at(5)));
    assert_eq!(open["why"], "no run asked for it: huntd, the hunt or the tenant was off");
    assert_eq!(open["next"], "one run behind live work asks for it");
    assert_eq!((&gaps[0]["why"], &gaps[0]["run"]), (&"a reason".into(), &"r1".into()));
    assert_eq!(desk.huntd(&["gaps", "--all", "--json"]).expect(0).objects().len(), 5);
    assert_eq!(desk.huntd(&["gaps", "other*", "--json"]).expect(0).objects().len(), 0);

    desk.huntd(&["gaps", "--check"]).expect(1);
    let shown = desk.huntd(&["gaps"]).expect(0).stdout;
    let words = ["HUNT", "LENGTH", "enc", "contoso", "9d", "1d", "lost", "open", "skipped", "a reason"];
    assert!(words.iter().all(|word| shown.contains(word)), "{shown}");
    let listed = desk.huntd(&["list"]).expect(0).stderr;
    assert!(listed.contains("enc on contoso: 1d of event time not covered yet, 9d of event time lost"), "{listed}");
}

#[test]
fn nothing_open_is_said_and_passes_the_check() {
    let (desk, _) = desk(&[(40, 0, "covered")]);
    let said = desk.huntd(&["gaps", "--check"]).expect(0);
    assert_eq!((said.stdout.as_str(), said.stderr.trim()), ("", "no gaps: all event time that is owed is covered"));
}
