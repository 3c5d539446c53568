use std::path::PathBuf;

use super::*;
use crate::model::id::ChannelName;
use crate::model::quota::LedgerCall;
use crate::model::time::Zone;
use crate::rules::config::default_hunt_defaults;
use crate::rules::definition::{self, HuntFile};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-24T{text}Z")).unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn hunt(schedule: &str) -> Hunt {
    let text = format!("query: DeviceInfo\nkey: [DeviceId]\nschedule: '{schedule}'\n");
    let file = HuntFile { shown: PathBuf::from("a.yaml"), relative: PathBuf::from("a.yaml"), bytes: text.into_bytes() };
    definition::load(&[file], &default_hunt_defaults(), Zone::UTC).hunts.remove(0)
}

#[test]
fn a_run_is_late_from_the_next_tick_of_its_hunt_on_as_far_as_it_waited() {
    let cases = [
        // Schedule, first tick, began, waited; by how much and how many ticks besides.
        ("* * * * *", "10:00:00", "10:00:59", 59, None),
        ("* * * * *", "10:00:00", "10:01:00", 60, None),
        ("* * * * *", "10:00:00", "10:01:01", 61, Some((1, 1))),
        ("* * * * *", "10:00:00", "10:03:30", 210, Some((150, 3))),
        ("@hourly", "10:00:00", "10:45:00", 2700, None),
        ("@hourly", "10:00:00", "11:10:00", 4200, Some((600, 1))),
        ("every 15m", "10:00:00", "10:31:00", 1860, Some((960, 2))),
        // The machine slept, or the clock was set: no fault of the quota.
        ("* * * * *", "10:00:00", "12:00:00", 0, None),
        ("* * * * *", "10:00:00", "10:30:00", 70, Some((70, 30))),
    ];
    for (schedule, first, began, waited, expected) in cases {
        let found = late(&hunt(schedule), at(first), at(began), seconds(waited));
        let expected = expected.map(|(by, missed)| LateRun { first: at(first), by: seconds(by), missed });
        assert_eq!(found, expected, "{schedule} {first} {began} {waited}");
    }
}

#[test]
fn an_overload_is_over_after_an_hour_without_a_late_run() {
    let first = goes_on(None, at("10:00:00"));
    assert_eq!(first, Episode { since: at("10:00:00"), last: at("10:00:00"), late: 1, told: None });
    let told = Episode { told: Some(at("10:00:00")), ..first };
    let second = goes_on(Some(told), at("10:59:59"));
    assert_eq!((second.since, second.last, second.late, second.told), (first.since, at("10:59:59"), 2, told.told));
    let other = goes_on(Some(told), at("11:00:00"));
    assert_eq!((other.since, other.late, other.told), (at("11:00:00"), 1, told.told), "when it was told stays known");
    let back = goes_on(Some(told), at("09:00:00"));
    assert_eq!((back.since, back.late), (at("09:00:00"), 2), "the clock was set back");
}

#[test]
fn it_is_news_after_some_late_runs_and_again_while_it_lasts() {
    let failures = Failures { to: vec![ChannelName::new("soc").unwrap()], after: 3, every: seconds(7200) };
    let episode =
        |late, told: Option<&str>| Episode { since: at("10:00:00"), last: at("10:30:00"), late, told: told.map(at) };
    for (late, told, now, news, may) in [
        (1, None, "10:30:00", false, true),
        (2, None, "10:30:00", false, true),
        (3, None, "10:30:00", true, true),
        (4, Some("10:30:00"), "10:31:00", false, false),
        (99, Some("10:30:00"), "12:29:59", false, false),
        (99, Some("10:30:00"), "12:30:00", true, true),
        (2, Some("10:30:00"), "12:30:00", false, true),
        (99, Some("10:30:00"), "10:00:00", true, true),
    ] {
        let episode = episode(late, told);
        assert_eq!(is_news(&episode, &failures, at(now)), news, "{late} {told:?} {now}");
        assert_eq!(may_be_news(Some(episode), &failures, at(now)), may, "{late} {told:?} {now}");
    }
    assert!(may_be_news(None, &failures, at("10:00:00")));
    assert_eq!(told_from(&episode(9, None), at("11:00:00")), at("10:00:00"));
    assert_eq!(told_from(&episode(9, Some("10:30:00")), at("11:00:00")), at("10:30:00"));
    assert_eq!(told_from(&episode(9, Some("09:30:00")), at("11:00:00")), at("10:00:00"));
    assert_eq!(told_from(&episode(9, Some("13:30:00")), at("11:00:00")), at("10:00:00"), "told by a clock ahead");
}

#[test]
fn the_worst_hunts_come_first_and_who_waits_counts_too() {
    let late = |hunt: &str, by, runs| LateHunt { hunt: hunt.to_owned(), by: seconds(by), runs };
    let waits = |hunt: &str, by| (HuntId::new(hunt).unwrap(), seconds(by));
    let episode = Episode { since: at("10:00:00"), last: at("10:20:00"), late: 9, told: None };
    let found = overload(
        &episode,
        vec![late("a", 60, 4), late("b", 30, 2)],
        &[waits("b", 90), waits("c", 60), waits("a", 5)],
        vec!["calls a minute: 2 of 2".to_owned()],
        at("10:20:00"),
    );
    assert_eq!(found.hunts, [late("b", 90, 2), late("a", 60, 4), late("c", 60, 0)]);
    assert_eq!((found.more, found.count(), found.lasts), (0, 3, seconds(1200)));
    let many = (0..25).map(|number| late(&format!("h{number:02}"), number, 1)).collect();
    let found = overload(&episode, many, &[], Vec::new(), at("10:20:00"));
    assert_eq!((found.hunts.len(), found.more, found.count()), (20, 5, 25));
    assert_eq!((found.hunts[0].hunt.as_str(), found.hunts[19].hunt.as_str()), ("h24", "h05"));
}

#[test]
fn what_is_full_is_named() {
    use crate::model::quota::{Block, BlockReason};
    let now = at("10:05:00");
    let call = |ago| {
        let sent = now.minus(seconds(ago));
        LedgerCall { sent, answered: Some(sent.plus(seconds(1))), ran: Some(seconds(1)), cpu: None }
    };
    let quota = Quota { calls_per_minute: 2, calls_per_hour: 100, concurrent: 5, ..Quota::DEFAULT };
    let ledger = |calls: Vec<LedgerCall>| CallLedger { calls, ..CallLedger::default() };
    assert_eq!(full(&quota, &ledger(vec![]), now), [""; 0]);
    assert_eq!(full(&quota, &ledger(vec![call(10)]), now), [""; 0], "half of the minute");
    assert_eq!(full(&quota, &ledger(vec![call(20), call(10)]), now), ["calls a minute: 2 of 2"]);
    let one = Quota { concurrent: 1, ..quota };
    assert_eq!(full(&one, &ledger(vec![]), now), ["calls at a time: 1 of 1"], "the one that was just answered");
    let most = Quota { running_per_hour: Some(seconds(2)), cpu_per_cycle: Some(seconds(2)), ..quota };
    let both = ["CPU of the quarter hour: 2s of 2s", "the running time is spent, until 2026-11-24T11:04:43Z"];
    assert_eq!(full(&most, &ledger(vec![call(200), call(100)]), now)[..1], both[..1]);
    let said = full(&most, &ledger(vec![call(200), call(100)]), now);
    assert!(said[1].starts_with("the running time is spent, until 2026-11-24T11:0"), "{said:?}");
    let block = Block { until: at("10:15:05"), reason: BlockReason::Cpu, said: "processing resources".to_owned() };
    let blocked = CallLedger { block: Some(block), ..CallLedger::default() };
    let expected = ["the tenant is blocked until 2026-11-24T10:15:05Z (cpu): processing resources"];
    assert_eq!(full(&quota, &blocked, now), expected);
    assert_eq!(full(&quota, &blocked, at("10:16:00")), [""; 0]);
}
