//! `list` says which runs began after their next tick, for want of quota.

use std::time::Duration;

use huntd::ports::clock::{Clock, SystemClock};
use sqlx::{ConnectOptions, Connection};

use crate::desk::Desk;

/// A desk with a run by hand, whose database says that so many of a day's scheduled runs were late, the worst by
/// so many milliseconds, a number of hours ago.
fn desk(rows: &[(u32, u32, u32, u64)]) -> Desk {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc"]).expect(0);
    let now = SystemClock::new().now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = desk.site.file("huntd.db");
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        for (runs, late, millis, hours) in rows {
            let hour = Duration::from_hours(1);
            let hour = now.minus(Duration::from_hours(*hours)).floor_to(hour).nanos();
            let add = format!(
                "INSERT INTO spending (hour, track, trigger, runs, calls, api_nanos, cpu_runs, cpu_nanos, rows, late_runs, late_nanos) \
                 SELECT {hour}, track, 'schedule', {runs}, {runs}, 0, 0, 0, 0, {late}, {millis}000000 FROM track"
            );
            sqlx::query(sqlx::AssertSqlSafe(add)).execute(&mut conn).await.unwrap();
        }
        conn.close().await.unwrap();
    });
    desk
}

/// `late_runs`, `late_of` and `late_by_s`.
fn listed(desk: &Desk) -> (u64, Option<u64>, u64) {
    let hunt = desk.huntd(&["list", "--json"]).expect(0).objects().remove(0);
    (hunt["late_runs"].as_u64().unwrap(), hunt["late_of"].as_u64(), hunt["late_by_s"].as_u64().unwrap())
}

#[test]
fn late_runs_of_a_day_are_listed_with_the_worst() {
    let desk = desk(&[(10, 3, 95_000, 0), (20, 1, 30_500, 5), (30, 0, 0, 6), (40, 40, 999_000, 26)]);
    assert_eq!(listed(&desk), (4, Some(60), 95));
    let printed = desk.huntd(&["list"]).expect(0);
    assert!(printed.stdout.lines().next().unwrap().trim_end().ends_with("LATE BY"), "{}", printed.stdout);
    assert!(printed.stdout.lines().nth(1).unwrap().trim_end().ends_with("1m35s"), "{}", printed.stdout);
    let line = "enc on contoso: 4 of 60 runs of the last day waited for the quota past their next tick, by 1m35s at worst: see `huntd plan`";
    assert!(printed.stderr.lines().any(|said| said == line), "{}", printed.stderr);
}

#[test]
fn where_no_run_was_late_nothing_is_said() {
    let desk = desk(&[(30, 0, 0, 1), (40, 40, 999_000, 26)]);
    assert_eq!(listed(&desk), (0, None, 0));
    let printed = desk.huntd(&["list"]).expect(0);
    assert!(!printed.stdout.contains("LATE BY") && !printed.stderr.contains("next tick"), "{}", printed.stdout);
    let run = desk.huntd(&["runs", "--json"]).expect(0).objects().remove(0);
    assert_eq!((run["late_ms"].as_u64(), &run["first_due"]), (Some(0), &run["due"]));
}
