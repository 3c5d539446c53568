use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
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

fn episode(since: &str, last: &str, late: u32) -> Episode {
    Episode { since: at(since), last: at(last), late }
}

#[test]
fn an_overload_is_over_after_an_hour_without_a_late_run() {
    let first = goes_on(None, at("10:00:00"));
    assert_eq!(first, episode("10:00:00", "10:00:00", 1));
    assert_eq!(goes_on(Some(&first), at("10:59:59")), episode("10:00:00", "10:59:59", 2));
    assert_eq!(goes_on(Some(&first), at("11:00:00")), episode("11:00:00", "11:00:00", 1), "another one");
    assert_eq!(goes_on(Some(&first), at("09:30:00")), episode("09:30:00", "09:30:00", 2), "the clock was set back");
    assert_eq!(goes_on(Some(&first), at("09:00:00")), episode("09:00:00", "09:00:00", 1), "by an hour");
    for (now, lasts) in
        [("10:00:00", true), ("10:59:59", true), ("11:00:00", false), ("09:00:01", true), ("09:00:00", false)]
    {
        assert_eq!(lasting(Some(&first), at(now)), lasts.then_some(first), "{now}");
    }
    assert_eq!(lasting(None, at("10:00:00")), None);
}

#[test]
fn late_runs_of_the_overload_are_named_and_of_a_day_at_most() {
    let long = episode("10:00:00", "10:30:00", 9);
    assert_eq!(named_from(&long, at("10:40:00")), at("10:00:00"));
    assert_eq!(named_from(&long, at("10:40:00").plus(DAY)), at("10:40:00"));
    assert_eq!(named_from(&long, at("09:40:00")), at("09:40:00"), "the clock was set back");
}

fn late_hunt(hunt: &str, by: u64, runs: u64) -> LateHunt {
    LateHunt { hunt: HuntId::new(hunt).unwrap(), by: seconds(by), runs }
}

fn waits(hunt: &str, by: u64) -> (HuntId, Duration) {
    (HuntId::new(hunt).unwrap(), seconds(by))
}

/// What is made of a tenant with a default quota.
fn judged(
    episode: Option<Episode>,
    late: Vec<LateHunt>,
    waiting: Vec<(HuntId, Duration)>,
    ledger: &CallLedger,
) -> Option<Trouble> {
    let (tenant, quota) = (TenantName::new("contoso").unwrap(), Quota { calls_per_minute: 1, ..Quota::DEFAULT });
    starved(Facts { tenant: &tenant, quota: &quota, ledger, episode, late, waiting }, at("10:20:00"))
}

#[test]
fn the_worst_hunts_come_first_and_who_waits_counts_too() {
    let lasts = Some(episode("10:00:00", "10:19:00", 9));
    let call = LedgerCall { sent: at("10:19:30"), answered: Some(at("10:19:31")), ran: None, cpu: None };
    let ledger = CallLedger { calls: vec![call], ..CallLedger::default() };
    let late = vec![late_hunt("a", 60, 4), late_hunt("b", 30, 1)];
    let found = judged(lasts, late, vec![waits("b", 90), waits("c", 60), waits("a", 5)], &ledger).unwrap();
    assert_eq!((found.key().as_str(), found.failures), ("quota_starved:contoso", 12));
    assert_eq!(found.headline, "more is due on contoso than its quota lets through: 3 hunts run late");
    let reasons = [
        "full of the quota: calls a minute: 1 of 1",
        "late runs since 2026-11-24T10:00:00Z: 9, and 3 that wait still",
        "b: 1 run late, by 1m30s",
        "a: 4 runs late, by 1m at worst",
        "c: waits still, 1m past its next tick",
    ];
    assert_eq!(found.reasons, reasons);
    let hunts: Vec<String> = found.hunts.iter().map(ToString::to_string).collect();
    assert_eq!(hunts, ["b on contoso", "a on contoso", "c on contoso"]);
    assert!(found.hint.unwrap().contains("`huntd quota --tenant contoso`"));

    let many = (0..25).map(|number| late_hunt(&format!("h{number:02}"), number, 1)).collect();
    let found = judged(lasts, many, Vec::new(), &CallLedger::default()).unwrap();
    assert_eq!((found.hunts.len(), found.reasons.len()), (25, 2 + NAMED + 1));
    assert_eq!(found.reasons[0], "full of the quota: nothing, when this was looked at");
    assert!(found.reasons[2].ends_with("by 24s") && found.reasons[21].ends_with("by 5s"));
    assert_eq!(found.reasons[22], "and 5 more: `huntd list` names them");
}

#[test]
fn it_is_there_as_long_as_runs_are_late_or_wait_to_be() {
    use crate::model::quota::Block;
    let (lasts, one) = (Some(episode("10:00:00", "10:19:00", 1)), || vec![late_hunt("a", 60, 1)]);
    let free = CallLedger::default();
    assert_eq!(judged(None, Vec::new(), Vec::new(), &free), None);
    assert_eq!(judged(lasts, Vec::new(), Vec::new(), &free), None, "its hunts run no longer");
    let found = judged(lasts, one(), Vec::new(), &free).unwrap();
    assert_eq!(found.headline, "more is due on contoso than its quota lets through: 1 hunt runs late");
    assert_eq!(found.failures, 1);
    // No run ends where the quota lets nothing through.
    let found = judged(None, Vec::new(), vec![waits("b", 90), waits("c", 60)], &free).unwrap();
    assert_eq!((found.failures, found.hunts.len(), found.reasons.len()), (2, 2, 3));
    let block = |reason| {
        let block = Block { until: at("10:30:00"), reason, said: "no".to_owned() };
        CallLedger { block: Some(block), ..CallLedger::default() }
    };
    assert_eq!(judged(None, Vec::new(), vec![waits("b", 90)], &block(BlockReason::Access)), None, "not for the quota");
    assert!(judged(None, Vec::new(), vec![waits("b", 90)], &block(BlockReason::Cpu)).is_some());
    assert_eq!(judged(lasts, one(), vec![waits("b", 90)], &block(BlockReason::Access)).unwrap().failures, 1);
}

proptest! {
    /// Whatever the pauses between late runs: each of an hour or more ends one, and its runs are counted; it goes on for
    /// an hour after its last one.
    #[test]
    fn a_pause_of_an_hour_parts_two_overloads(pauses in proptest::collection::vec(prop_oneof![1..3_600_u64, 3_600..90_000_u64], 0..40)) {
        let mut now = at("00:00:00");
        let mut last = goes_on(None, now);
        for pause in &pauses {
            let goes = *pause < 3_600;
            now = now.plus(seconds(*pause));
            prop_assert_eq!(lasting(Some(&last), now).is_some(), goes);
            let next = goes_on(Some(&last), now);
            let expected = if goes { (last.since, last.late + 1) } else { (now, 1) };
            prop_assert_eq!((next.since, next.late, next.last), (expected.0, expected.1, now));
            last = next;
        }
        prop_assert!(named_from(&last, now) >= last.since && named_from(&last, now) <= now);
    }

    /// Each hunt that is late or waits is named once among the hunts, and the first twenty with by how much, in falling
    /// order; late runs and those to be are all counted.
    #[test]
    fn nobody_is_left_out_and_nobody_named_twice(
        late in proptest::collection::btree_map(0..40_u32, (1..9_000_u64, 1..9_u64), 0..40),
        waiting in proptest::collection::btree_map(0..40_u32, 1..9_000_u64, 0..40),
        runs in 1..1_000_u32,
    ) {
        let all: BTreeMap<u32, u64> = late.iter().map(|(hunt, (by, _))| (*hunt, *by)).chain(waiting.clone()).fold(
            BTreeMap::new(),
            |mut all, (hunt, by)| { let worst = all.entry(hunt).or_insert(by); *worst = by.max(*worst); all },
        );
        let found = judged(
            Some(episode("10:00:00", "10:19:00", runs)),
            late.iter().map(|(hunt, (by, runs))| late_hunt(&format!("h{hunt}"), *by, *runs)).collect(),
            waiting.iter().map(|(hunt, by)| waits(&format!("h{hunt}"), *by)).collect(),
            &CallLedger::default(),
        );
        prop_assert_eq!(found.is_some(), !all.is_empty());
        let Some(found) = found else { return Ok(()) };
        prop_assert_eq!(found.failures, runs + u32::try_from(waiting.len()).unwrap());
        let named: Vec<u32> = found.hunts.iter().map(|one| one.hunt[1..].parse().unwrap()).collect();
        let mut sorted = named.clone();
        sorted.sort_unstable();
        prop_assert_eq!(&sorted, &all.keys().copied().collect::<Vec<_>>());
        prop_assert!(named.windows(2).all(|two| all[&two[0]] >= all[&two[1]]));
        let lines = found.reasons.iter().filter(|line| line.starts_with('h')).count();
        prop_assert_eq!(lines, all.len().min(NAMED));
        prop_assert_eq!(found.reasons.last().unwrap().starts_with("and "), all.len() > NAMED);
    }
}

#[test]
fn what_is_full_is_named() {
    use crate::model::quota::Block;
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
    let under_way = LedgerCall { answered: None, ran: None, ..call(10) };
    let one = Quota { concurrent: 1, ..quota };
    assert_eq!(full(&one, &ledger(vec![under_way]), now), ["calls at a time: 1 of 1"]);
    assert_eq!(full(&one, &ledger(vec![]), now), [""; 0]);
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
