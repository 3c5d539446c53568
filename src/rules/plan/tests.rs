//! Laws of plans, and tables of what they say.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::agenda::{Agenda, MOST_RUNS, Ticks};
use super::catch_up::Behind;
use super::queue::{Played, play};
use super::*;
use crate::model::config::Quota;
use crate::model::cost::Cost;
use crate::model::hunt::{Hunt, Severity};
use crate::model::id::{HuntId, TenantName};
use crate::model::time::{Timestamp, Zone};
use crate::rules::config::default_hunt_defaults;
use crate::rules::definition::{self, HuntFile};
use crate::rules::kql::schema::Schema;
use crate::rules::quota::{HOUR_MARGIN, MINUTE_MARGIN};

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
const START: &str = "2026-11-24T09:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn file(name: &str, text: &str) -> HuntFile {
    HuntFile { shown: PathBuf::from(name), relative: PathBuf::from(name), bytes: text.as_bytes().to_vec() }
}

fn hunts_of(files: &[HuntFile]) -> Vec<PlanHunt> {
    let loaded = definition::load(files, &default_hunt_defaults(), Zone::UTC);
    assert_eq!(loaded.findings.iter().map(|finding| &finding.message).collect::<Vec<_>>(), [""; 0]);
    loaded.hunts.into_iter().map(|hunt| PlanHunt::of(Arc::new(hunt), Schema::defender())).collect()
}

/// Hunts `h000`, `h001` and so on, each with these lines.
fn hunts(each: &[&str]) -> Vec<PlanHunt> {
    let query = "query: DeviceProcessEvents | where FileName has 'x'";
    let files: Vec<HuntFile> = each
        .iter()
        .enumerate()
        .map(|(number, lines)| file(&format!("h{number:03}.yaml"), &format!("{lines}\n{query}\n")))
        .collect();
    hunts_of(&files)
}

fn tenants(per_minute: u32, per_hour: u32, concurrent: u32) -> Vec<PlanTenant> {
    let quota = Quota { calls_per_minute: per_minute, calls_per_hour: per_hour, concurrent, ..Quota::DEFAULT };
    vec![PlanTenant { name: TenantName::new("contoso").unwrap(), quota }]
}

fn costs_of(hunts: &[PlanHunt], cost: Cost) -> Costs {
    let name = TenantName::new("contoso").unwrap();
    hunts.iter().map(|planned| ((planned.hunt.id.clone(), name.clone()), cost)).collect()
}

fn input<'a>(hunts: &'a [PlanHunt], tenants: &'a [PlanTenant], costs: &'a Costs, length: Duration) -> PlanInput<'a> {
    PlanInput { hunts, tenants, costs, from: at(START), length, downtime: HOUR * 72 }
}

fn agenda<'a>(input: &PlanInput<'a>) -> Agenda<'a> {
    Agenda::of(input, &input.tenants[0], &mut Ticks::new(input), &mut MOST_RUNS.clone()).unwrap()
}

fn one(input: &PlanInput<'_>) -> TenantPlan {
    plan(input).unwrap().remove(0)
}

#[test]
fn what_fits_waits_for_nothing() {
    let hunts = hunts(&["schedule: '@hourly'", "schedule: '30 * * * *'", "schedule: every 2h"]);
    let (tenants, costs) = (tenants(45, 1500, 5), Costs::new());
    let plan = one(&input(&hunts, &tenants, &costs, DAY));
    assert_eq!((plan.hunts, plan.guessed, plan.runs, plan.calls), (3, 3, 60, 60));
    assert!(plan.fits && plan.backlogs.is_empty() && plan.late.is_empty());
    assert_eq!(plan.minute.map(|peak| peak.calls), Some(2), "of the full hour that two share");
    assert_eq!(plan.collisions.iter().map(|one| one.hunt.as_str()).collect::<Vec<_>>(), ["h000", "h002"]);
    let none = suggest(&input(&hunts, &tenants, &costs, DAY), &[plan]).unwrap();
    assert_eq!(none.suggestions, []);
}

#[test]
fn a_full_minute_is_a_backlog_and_a_moved_minute_ends_it() {
    let lines = vec!["schedule: '@hourly'\nsplay: 0"; 12];
    let hunts = hunts(&lines);
    let (tenants, costs) = (tenants(5, 1500, 5), Costs::new());
    let input = input(&hunts, &tenants, &costs, Duration::from_hours(3));
    let before = one(&input);
    // Five go out at once, five when these have left the minute, two after these: a minute, its margin and the call.
    let step = MINUTE + MINUTE_MARGIN + Duration::from_secs(2);
    assert!(before.fits);
    assert_eq!((before.overfull, before.backlogs.len()), (3, 3));
    let first = before.backlogs[0];
    assert_eq!((first.from, first.length(), first.most, first.why), (at(START), step * 2, 7, Full::Minute));
    assert_eq!(before.late.iter().map(|late| late.worst).max(), Some(step * 2));
    assert_eq!((before.minute.unwrap().calls, before.at_once.unwrap().calls), (12, 12));

    let suggested = suggest(&input, std::slice::from_ref(&before)).unwrap();
    let moved: Vec<String> =
        suggested.suggestions.iter().map(|one| format!("{} {}", one.hunt, one.change.value())).collect();
    assert_eq!(moved.len(), 8, "four may stay: {moved:?}");
    assert_eq!(moved[0], "h000 1 * * * *");
    let after = &suggested.after[0];
    assert!(after.backlogs.is_empty() && after.minute.unwrap().calls <= 5, "{:?}", after.backlogs);
    assert_eq!(after.runs, before.runs);
}

#[test]
fn intervals_are_parted_by_their_splay() {
    let hunts = hunts(&["schedule: every 30m"; 60]);
    let (tenants, costs) = (tenants(30, 1500, 5), Costs::new());
    let input = input(&hunts, &tenants, &costs, HOUR * 2);
    let before = one(&input);
    let suggested = suggest(&input, std::slice::from_ref(&before)).unwrap();
    assert!(before.backlogged() > Duration::ZERO && suggested.after[0].backlogs.is_empty(), "{suggested:?}");
    assert!(suggested.suggestions.iter().all(|one| matches!(one.change, Move::Splay(_))));
}

#[test]
fn what_cannot_fit_is_said_and_high_severity_comes_first() {
    let lines: Vec<String> = (0..6)
        .map(|number| format!("schedule: every 1m\nsplay: 0\nseverity: {}", if number == 5 { "high" } else { "low" }))
        .collect();
    let hunts = hunts(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let (tenants, costs) = (tenants(3, 1500, 5), Costs::new());
    let plan = one(&input(&hunts, &tenants, &costs, HOUR));
    assert!(!plan.fits);
    let merged: Vec<u32> = plan.late.iter().map(|late| late.merged).collect();
    assert!(merged.len() == 6 && merged.iter().all(|merged| *merged > 0), "everyone loses: {:?}", plan.late);
    assert!(plan.late.iter().all(|late| late.worst < MINUTE * 5), "and nobody starves: {:?}", plan.late);
    let input = input(&hunts, &tenants, &costs, HOUR);
    let agenda = agenda(&input);
    let calls = play(&agenda, Behind::default()).calls;
    let tracks: Vec<usize> = calls.iter().map(|call| agenda.runs[call.run].track).collect();
    assert_eq!(tracks[0], 5, "the high one is first of its moment");
    let made = |track: usize| tracks.iter().filter(|other| **other == track).count();
    let made: Vec<usize> = (0..6).map(made).collect();
    assert!(made.iter().all(|made| *made >= 25), "half of sixty for each: {made:?}");
}

#[test]
fn a_long_run_is_waited_for_and_its_next_tick_merged() {
    let hunts = hunts(&["schedule: every 1m\nsplay: 0"]);
    let (tenants, mut costs) = (tenants(45, 1500, 5), Costs::new());
    let long =
        Cost { runs: 3, calls: 1.0, api: Duration::from_secs(150), cpu: Some(Duration::from_secs(2)), rows: 1.0 };
    costs.extend(costs_of(&hunts, long));
    let input = input(&hunts, &tenants, &costs, Duration::from_mins(10));
    let plan = one(&input);
    assert_eq!(plan.guessed, 0);
    assert!(!plan.fits);
    let calls = play(&agenda(&input), Behind::default()).calls;
    assert!(calls.windows(2).all(|two| two[0].answered <= two[1].sent), "it never overlaps itself: {calls:?}");
    let cpu = plan.cpu.unwrap();
    assert_eq!((cpu.runs, cpu.known, cpu.cpu), (10, 10, Duration::from_secs(20)));
}

#[test]
fn slow_calls_wait_for_those_under_way() {
    let hunts = hunts(&["schedule: '@hourly'\nsplay: 0"; 4]);
    let tenants = tenants(45, 1500, 1);
    let slow = Cost { runs: 1, calls: 2.0, api: MINUTE * 2, cpu: None, rows: 0.0 };
    let costs = costs_of(&hunts, slow);
    let plan = one(&input(&hunts, &tenants, &costs, HOUR));
    assert_eq!((plan.calls, plan.at_once.unwrap().calls), (8, 4));
    assert_eq!(
        plan.backlogs.iter().map(|jam| (jam.length(), jam.why)).collect::<Vec<_>>(),
        [(MINUTE * 6, Full::AtOnce)]
    );
    // Its two calls are one run: who is under way ends first, as its start is the earliest.
    assert_eq!(plan.late.iter().map(|late| late.worst).max(), Some(MINUTE * 6));
}

#[test]
fn catching_up_takes_a_wide_call_or_steps() {
    let query = |text: &str| format!("query: {text}\n");
    let files = [
        file("window.yaml", &format!("schedule: '@hourly'\nlookback: 1h\n{}", query("DeviceProcessEvents"))),
        file(
            "back.yaml",
            &format!("schedule: '@hourly'\nlate: 0\n{}", query("DeviceProcessEvents | where Timestamp > ago(4h)")),
        ),
        file(
            "skip.yaml",
            &format!("schedule: '@hourly'\nlookback: 1h\ncatch_up: skip\n{}", query("DeviceProcessEvents")),
        ),
        file("daily.yaml", &format!("schedule: '@daily'\nlookback: 30d\n{}", query("DeviceProcessEvents"))),
    ];
    let (hunts, tenants, costs) = (hunts_of(&files), tenants(45, 1500, 5), Costs::new());
    let input = input(&hunts, &tenants, &costs, DAY);
    let caught = one(&input).catch_up;
    // 72 hours less the four of the live run, four hours a step; and one window.
    assert_eq!((caught.hunts, caught.calls), (2, 17 + 1));
    assert!(caught.takes.is_some_and(|takes| takes >= Duration::from_secs(34) && takes < MINUTE * 2), "{caught:?}");
    let short = one(&PlanInput { downtime: MINUTE * 30, ..input }).catch_up;
    assert_eq!((short.calls, short.takes), (0, Some(Duration::ZERO)));
}

#[test]
fn too_many_runs_are_refused_and_not_laid_out() {
    let hunts = hunts(&["schedule: every 1s"]);
    let (tenants, costs) = (tenants(45, 1500, 5), Costs::new());
    assert_eq!(plan(&input(&hunts, &tenants, &costs, DAY * 31)), Err(PlanError::TooManyRuns));
}

#[test]
fn changes_are_named_by_what_they_mean() {
    let before = hunts_of(&[
        file("a.yaml", "query: T\nschedule: '@daily'\n"),
        file("b.yaml", "query: T\n"),
        file("c.yaml", "query: T\ndescription: old\n"),
        file("gone.yaml", "query: T\n"),
    ]);
    let after = hunts_of(&[
        file("a.yaml", "query: T\nschedule: '@hourly'\nkey: [X]\n"),
        file("b.yaml", "query: T | take 1\n"),
        file("c.yaml", "query: T\ndescription: new\n"),
        file("new.yaml", "query: T\n"),
    ]);
    let of = |hunts: &[PlanHunt]| hunts.iter().map(|planned| Hunt::clone(&planned.hunt)).collect::<Vec<_>>();
    let changes = compare(&of(&before), &of(&after));
    let said: Vec<String> =
        changes.iter().map(|one| format!("{} {:?} {:?}", one.hunt, one.kinds, one.details)).collect();
    assert_eq!(
        said,
        [
            "a [Rescheduled, Rekeyed] [\"schedule: @daily -> @hourly\", \"key: every column -> X\"]",
            "b [Requeried] [\"query\"]",
            "gone [Removed] []",
            "new [Added] [\"schedule: @daily\"]",
        ]
    );
}

/// What a file becomes under a change; `None` where it can't be edited.
fn changed(text: &str, change: &Move) -> Option<String> {
    let files = [file("x.yaml", text)];
    let hunts = hunts_of(&files);
    let last = hunts.last().unwrap();
    let suggestion = Suggestion { hunt: last.hunt.id.clone(), change: change.clone(), now: String::new() };
    let by_id: BTreeMap<&HuntId, &Hunt> = hunts.iter().map(|planned| (&planned.hunt.id, &*planned.hunt)).collect();
    let (patched, left) = patch(&files, &by_id, &[suggestion]);
    assert_eq!(patched.is_empty(), !left.is_empty());
    patched.first().map(|file| super::diff::edited(file.text, &file.edits))
}

#[test]
fn files_keep_their_comments_and_their_style() {
    use crate::model::schedule::Schedule;
    let minute = Move::Schedule(Schedule::parse("7-59/30 * * * *").unwrap());
    let splay = Move::Splay(Duration::from_mins(5));
    let cases = [
        (
            "schedule: \"*/30 * * * *\"   # half\nquery: T\n",
            &minute,
            "schedule: \"7-59/30 * * * *\"   # half\nquery: T\n",
        ),
        ("schedule: '*/30 * * * *'\nquery: T\n", &minute, "schedule: '7-59/30 * * * *'\nquery: T\n"),
        ("schedule: 0 * * * *\r\nquery: T\r\n", &minute, "schedule: 7-59/30 * * * *\r\nquery: T\r\n"),
        ("# ä\nid: ä # x\nquery: |\n  T\n", &minute, "# ä\nid: ä # x\nschedule: \"7-59/30 * * * *\"\nquery: |\n  T\n"),
        ("query: |\n  T\nseverity: low", &splay, "query: |\n  T\nseverity: low\nsplay: 5m"),
        ("query: |\n  T\n", &splay, "splay: 5m\nquery: |\n  T\n"),
        ("splay: 0s # none\nquery: T\n", &splay, "splay: 5m # none\nquery: T\n"),
        ("{query: T}\n", &splay, "{splay: 5m, query: T}\n"),
        ("{\n  \"query\": \"T\"\n}\n", &splay, "{\n  \"splay\": \"5m\", \"query\": \"T\"\n}\n"),
        ("id: a\nquery: T\n---\nid: b\nquery: T\n", &splay, "id: a\nquery: T\n---\nid: b\nsplay: 5m\nquery: T\n"),
    ];
    for (text, change, expected) in cases {
        assert_eq!(changed(text, change).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_page_escapes_what_a_repository_says() {
    let evil = "id: \"<script>alert(1)</script> & 'x'\"\nschedule: '@hourly'\nsplay: 0\nquery: T\n";
    let files: Vec<HuntFile> =
        (0..8).map(|number| file(&format!("{number}.yaml"), &evil.replace("(1)", &format!("({number})")))).collect();
    let (hunts, tenants, costs) = (hunts_of(&files), tenants(2, 1500, 5), Costs::new());
    let input = input(&hunts, &tenants, &costs, HOUR * 2);
    let plans = plan(&input).unwrap();
    let page = html(&plans, &suggest(&input, &plans).unwrap());
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#39;x&#39;"), "{page}");
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    assert!(page.contains("Suggestions"));
}

#[test]
fn a_picture_of_text_keeps_to_its_width() {
    let hunts = hunts(&["schedule: '@hourly'", "schedule: every 5m"]);
    let (tenants, costs) = (tenants(1, 1500, 5), Costs::new());
    let plans = plan(&input(&hunts, &tenants, &costs, DAY * 3)).unwrap();
    for width in [40, 60, 80, 200] {
        let text = text(&plans, &Suggested::default(), Page { width, colour: false });
        let bars: Vec<&str> = text.lines().filter(|line| line.matches('|').count() == 2).collect();
        assert_eq!(bars.len(), 18, "{text}");
        let widths: HashSet<Option<usize>> = bars.iter().map(|line| line.rfind('|')).collect();
        assert!(bars.iter().all(|line| line.chars().count() <= width), "{width}\n{text}");
        assert!(!text.contains('\u{1b}') && !widths.is_empty());
    }
}

const SCHEDULES: [&str; 9] = [
    "'@hourly'",
    "'*/5 * * * *'",
    "'*/15 * * * *'",
    "'0 9-11 * * *'",
    "every 7m",
    "every 90s",
    "'30 */2 * * *'",
    "'* * * * *'",
    "'0,20 * * * *'",
];

type Made = (Vec<PlanHunt>, Costs);

fn some_hunts(most: usize) -> impl Strategy<Value = Made> {
    let hunt = (0..SCHEDULES.len(), 0_u64..120, 0_usize..4, 1.0_f64..3.0, 0_u64..100_000);
    prop::collection::vec(hunt, 1..most).prop_map(|made| {
        let lines: Vec<String> = made
            .iter()
            .map(|(schedule, splay, severity, ..)| {
                format!("schedule: {}\nsplay: {splay}s\nseverity: {}", SCHEDULES[*schedule], Severity::ALL[*severity])
            })
            .collect();
        let hunts = hunts(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let tenant = TenantName::new("contoso").unwrap();
        let costs = hunts.iter().zip(&made).map(|(planned, (.., calls, api))| {
            let cost = Cost { runs: 1, calls: *calls, api: Duration::from_millis(*api), cpu: None, rows: 0.0 };
            ((planned.hunt.id.clone(), tenant.clone()), cost)
        });
        let costs = costs.collect();
        (hunts, costs)
    })
}

/// The most calls that have a place at a time, counted one by one.
fn most(played: &Played, tail: Duration) -> usize {
    let holds = |sent: Timestamp| {
        let calls = played.calls.iter();
        calls.filter(|other| other.sent <= sent && sent < other.answered.plus(tail)).count()
    };
    played.calls.iter().map(|call| holds(call.sent)).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_queue_never_exceeds_a_window(
        (hunts, costs) in some_hunts(8), minute in 1_u32..8, hour in 5_u32..60, concurrent in 1_u32..4,
    ) {
        let tenants = tenants(minute, hour, concurrent);
        let input = input(&hunts, &tenants, &costs, HOUR + MINUTE * 20);
        let agenda = agenda(&input);
        let played = play(&agenda, Behind::default());
        prop_assert!(most(&played, MINUTE + MINUTE_MARGIN) <= minute as usize);
        prop_assert!(most(&played, HOUR + HOUR_MARGIN) <= hour as usize);
        prop_assert!(most(&played, Duration::ZERO) <= concurrent as usize);
        // Each run is made whole, and once, or merged.
        let mut calls: HashMap<usize, u32> = HashMap::new();
        for call in &played.calls {
            *calls.entry(call.run).or_default() += 1;
        }
        for (run, calls) in &calls {
            prop_assert_eq!(agenda.runs[*run].calls, *calls);
            prop_assert!(played.calls.iter().all(|call| call.run != *run || call.sent >= agenda.runs[*run].start));
        }
        let merged: u32 = played.waits.iter().map(|waits| waits.merged).sum();
        prop_assert_eq!(calls.len() + merged as usize, agenda.runs.len());
    }

    #[test]
    fn every_run_is_planned_once((hunts, _) in some_hunts(8), first in 1_u64..200, second in 1_u64..200) {
        let (tenants, costs) = (tenants(45, 1500, 5), Costs::new());
        let runs = |from: Timestamp, minutes: u64| {
            let input = PlanInput { from, ..input(&hunts, &tenants, &costs, MINUTE * u32::try_from(minutes).unwrap()) };
            let agenda = agenda(&input);
            agenda.runs.iter().map(|run| (run.track, run.tick, run.start)).collect::<Vec<_>>()
        };
        let whole = runs(at(START), first + second);
        let parts = [runs(at(START), first), runs(at(START).plus(Duration::from_secs(first * 60)), second)].concat();
        prop_assert_eq!(whole.iter().collect::<HashSet<_>>().len(), whole.len());
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn a_suggestion_never_makes_a_peak_worse((hunts, costs) in some_hunts(20), minute in 2_u32..12) {
        let tenants = tenants(minute, 1500, 3);
        let input = input(&hunts, &tenants, &costs, HOUR * 2);
        let before = plan(&input).unwrap();
        let suggested = suggest(&input, &before).unwrap();
        prop_assert_eq!(suggested.after.is_empty(), suggested.suggestions.is_empty());
        let told: HashSet<_> = suggested.suggestions.iter().map(|one| &one.hunt).collect();
        prop_assert_eq!(told.len(), suggested.suggestions.len(), "a hunt is moved once");
        for (before, after) in before.iter().zip(&suggested.after) {
            prop_assert!(after.minute.unwrap().calls <= before.minute.unwrap().calls);
            prop_assert!(after.backlogged() <= before.backlogged());
            prop_assert!(after.fits || !before.fits);
        }
    }
}
