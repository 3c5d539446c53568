//! Tables and properties of routing and telling.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::*;
use crate::model::config::Route;
use crate::model::delivery::About;
use crate::model::hit::{Candidate, HitKind, Ordinal};
use crate::model::hunt::{CatchUp, Dialect, FirstRun, Hunt, Severity, Source, Suppress, Threshold, ThresholdOp};
use crate::model::id::{ChannelName, HuntId, RunId, TenantName};
use crate::model::schedule::Schedule;
use crate::model::time::{Timestamp, Zone};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_hours(1);

fn hunt() -> Hunt {
    Hunt {
        id: HuntId::new("endpoint/encoded").unwrap(),
        name: "Encoded".to_owned(),
        description: String::new(),
        severity: Severity::High,
        tactics: Vec::new(),
        techniques: Vec::new(),
        tags: vec!["windows".to_owned()],
        owner: None,
        query: String::new(),
        schedule: Schedule::parse("@daily").unwrap(),
        timezone: Zone::UTC,
        lookback: HOUR,
        late: Duration::ZERO,
        catch_up: CatchUp::Auto,
        key: None,
        ignore: Vec::new(),
        report: vec![HitKind::New, HitKind::Returned],
        threshold: None,
        suppress: None,
        first_run: FirstRun::Notify,
        tenants: None,
        notify: None,
        splay: Duration::ZERO,
        timeout: HOUR,
        enabled: true,
        allow: BTreeMap::default(),
        entities: Vec::new(),
        tests: Vec::new(),
        extra: BTreeMap::default(),
        dialect: Dialect::Huntd,
        source: Source::default(),
    }
}

fn at_least(count: u64) -> Threshold {
    Threshold { op: ThresholdOp::AtLeast, count }
}

fn names(texts: &[&str]) -> Vec<ChannelName> {
    texts.iter().map(|text| ChannelName::new(*text).unwrap()).collect()
}

fn tenant() -> TenantName {
    TenantName::new("contoso").unwrap()
}

fn to(texts: &[&str]) -> Route {
    Route { to: names(texts), ..Route::default() }
}

fn glob(pattern: &str) -> globset::GlobMatcher {
    globset::Glob::new(pattern).unwrap().compile_matcher()
}

#[test]
fn the_first_route_wins_unless_it_continues() {
    let cases: Vec<(&str, Vec<Route>, &[&str])> = vec![
        ("no route", vec![], &[]),
        ("first of two", vec![to(&["a"]), to(&["b"])], &["a"]),
        ("continue", vec![Route { go_on: true, ..to(&["a"]) }, to(&["b"]), to(&["c"])], &["a", "b"]),
        ("each once", vec![Route { go_on: true, ..to(&["a", "b"]) }, to(&["b", "c", "a"])], &["a", "b", "c"]),
        ("severity", vec![Route { severity: vec![Severity::Low], ..to(&["a"]) }, to(&["b"])], &["b"]),
        ("any tag", vec![Route { tags: vec!["mac".into(), "windows".into()], ..to(&["a"]) }], &["a"]),
        ("no such tag", vec![Route { tags: vec!["mac".into()], ..to(&["a"]) }], &[]),
        ("tenant", vec![Route { tenant: vec![TenantName::new("other").unwrap()], ..to(&["a"]) }], &[]),
        ("glob", vec![Route { hunt: Some(glob("endpoint/*")), ..to(&["a"]) }], &["a"]),
        ("other glob", vec![Route { hunt: Some(glob("mail/*")), ..to(&["a"]) }, to(&["b"])], &["b"]),
        (
            "all conditions",
            vec![Route { severity: vec![Severity::High], hunt: Some(glob("mail/*")), ..to(&["a"]) }, to(&["b"])],
            &["b"],
        ),
    ];
    for (what, routes, expected) in cases {
        assert_eq!(channels(&hunt(), &tenant(), &routes), names(expected), "{what}");
    }
}

#[test]
fn a_hunts_own_notify_wins_over_all() {
    let own = Hunt { notify: Some(names(&["x", "y", "x"])), ..hunt() };
    assert_eq!(channels(&own, &tenant(), &[to(&["a"])]), names(&["x", "y"]));
    let silent = Hunt { notify: Some(Vec::new()), ..hunt() };
    assert_eq!(channels(&silent, &tenant(), &[to(&["a"])]), names(&[]));
}

/// A run in a table: what it finds, and what must come of it.
struct Case {
    hunt: Hunt,
    rows: u64,
    first: bool,
    candidates: Vec<Candidate>,
    held: Vec<Ordinal>,
    members: Vec<Ordinal>,
    suppressed: HashMap<[u8; 16], Timestamp>,
}

impl Case {
    fn new(hunt: Hunt, candidates: &[(Ordinal, HitKind)]) -> Self {
        let candidates: Vec<_> = candidates
            .iter()
            .map(|(ordinal, kind)| Candidate { ordinal: *ordinal, kind: *kind, group: None })
            .collect();
        let members = candidates.iter().map(|candidate| candidate.ordinal).collect();
        Self { hunt, rows: 1, first: false, candidates, held: vec![], members, suppressed: HashMap::new() }
    }

    fn tell(&self) -> Telling {
        tell(&Facts {
            hunt: &self.hunt,
            rows: self.rows,
            is_first_complete_run: self.first,
            candidates: &self.candidates,
            members: &self.members.iter().copied().collect(),
            held: &self.held.iter().copied().collect(),
            suppressed: &self.suppressed,
            now: NOW,
        })
    }
}

#[test]
fn only_reported_kinds_are_told() {
    let told = Case::new(hunt(), &[(1, HitKind::Changed), (2, HitKind::New), (3, HitKind::Returned)]).tell();
    assert_eq!(told.verdict, Verdict::NewHits);
    assert_eq!(told.hits, [(2, HitKind::New), (3, HitKind::Returned)]);
    let nothing = Case::new(hunt(), &[(1, HitKind::Changed), (4, HitKind::Gone)]).tell();
    assert_eq!((nothing.verdict, nothing.hits.len()), (Verdict::NothingNew, 0));
    assert!(nothing.held.is_empty());
}

#[test]
fn a_candidate_named_twice_is_told_once() {
    let told = Case::new(hunt(), &[(1, HitKind::New), (1, HitKind::New)]).tell();
    assert_eq!(told.hits, [(1, HitKind::New)]);
}

#[test]
fn a_baseline_tells_nothing_and_holds_nothing() {
    let baseline = Hunt { first_run: FirstRun::Baseline, ..hunt() };
    let first = Case { first: true, ..Case::new(baseline.clone(), &[(1, HitKind::New)]) }.tell();
    assert_eq!((first.verdict, first.hits.len()), (Verdict::Baseline, 0));
    assert!(first.held.is_empty());
    let second = Case::new(baseline, &[(1, HitKind::New)]).tell();
    assert_eq!(second.verdict, Verdict::NewHits);
    let notify = Case { first: true, ..Case::new(hunt(), &[(1, HitKind::New)]) }.tell();
    assert_eq!(notify.verdict, Verdict::NewHits);
}

#[test]
fn a_threshold_holds_back_and_then_tells_all() {
    let hunt = Hunt { threshold: Some(at_least(3)), ..hunt() };
    let below = Case { rows: 2, held: vec![7], ..Case::new(hunt.clone(), &[(1, HitKind::New), (9, HitKind::Gone)]) };
    let held = below.tell();
    assert_eq!((held.verdict, held.hits.len()), (Verdict::BelowThreshold, 0));
    assert_eq!(held.held.iter().collect::<Vec<_>>(), [1, 7]);

    let mut met = Case { rows: 3, held: vec![1, 7, 8], ..Case::new(hunt.clone(), &[(2, HitKind::New)]) };
    met.members = vec![1, 2, 8];
    let told = met.tell();
    assert_eq!(told.hits, [(2, HitKind::New), (1, HitKind::New), (8, HitKind::New)]);
    assert_eq!(told.held.iter().collect::<Vec<_>>(), [7], "not in this result, so still waiting");

    let quiet = Case { rows: 2, ..Case::new(hunt, &[]) }.tell();
    assert_eq!(quiet.verdict, Verdict::NothingNew);
}

#[test]
fn a_held_hit_is_told_in_a_kind_that_is_reported() {
    let changed = Hunt { report: vec![HitKind::Changed, HitKind::Gone], ..hunt() };
    let told = Case { held: vec![5], members: vec![5], ..Case::new(changed, &[]) }.tell();
    assert_eq!(told.hits, [(5, HitKind::Changed)]);
    let gone_only = Hunt { report: vec![HitKind::Gone], ..hunt() };
    let told = Case { held: vec![5], members: vec![5], ..Case::new(gone_only, &[]) }.tell();
    assert_eq!(told.hits, []);
}

const A: [u8; 16] = [1; 16];
const B: [u8; 16] = [2; 16];

#[test]
fn a_group_is_told_whole_and_then_rests() {
    let hunt = Hunt { suppress: Some(Suppress { length: HOUR, by: vec!["DeviceName".into()] }), ..hunt() };
    let mut case = Case::new(hunt, &[(1, HitKind::New), (2, HitKind::New), (3, HitKind::New)]);
    case.candidates[0].group = Some(A);
    case.candidates[1].group = Some(A);
    case.candidates[2].group = Some(B);
    case.suppressed = HashMap::from([(B, NOW.plus(HOUR)), (A, NOW)]);
    let told = case.tell();
    assert_eq!(told.verdict, Verdict::NewHits);
    assert_eq!(told.hits, [(1, HitKind::New), (2, HitKind::New)], "A's rest is over at this very moment");
    assert_eq!(told.suppressions, [(A, NOW.plus(HOUR))]);
    assert_eq!(told.suppressed, 1);

    let half = HOUR / 2;
    case.suppressed = HashMap::from([(B, NOW.plus(half)), (A, NOW.plus(HOUR))]);
    let silent = case.tell();
    assert_eq!(silent.verdict, Verdict::Suppressed { until: NOW.plus(half) });
    assert_eq!((silent.suppressed, silent.suppressions.len()), (3, 0));
    assert!(silent.held.is_empty(), "suppressed is not held");
}

#[test]
fn a_rest_longer_than_the_hunt_has_is_over() {
    let hunt = Hunt { suppress: Some(Suppress { length: HOUR, by: vec![] }), ..hunt() };
    let mut case = Case::new(hunt, &[(1, HitKind::New)]);
    for (until, told) in [(NOW.plus(HOUR), 0), (NOW.plus(HOUR + Duration::from_nanos(1)), 1)] {
        case.suppressed = HashMap::from([(GROUP_OF_ALL, until)]);
        assert_eq!(case.tell().hits.len(), told, "{until}");
    }
}

#[test]
fn of_a_failure_each_channel_is_told_once() {
    let planned = plan_trouble(&RunId::new("r").unwrap(), &names(&["a", "b", "a"]), About::Loss);
    let channels: Vec<_> = planned.into_iter().map(|delivery| delivery.channel).collect();
    assert_eq!(channels, names(&["a", "b"]));
}

#[test]
fn without_columns_the_whole_hunt_rests() {
    let hunt = Hunt { suppress: Some(Suppress { length: HOUR, by: vec![] }), ..hunt() };
    let mut case = Case { held: vec![8], ..Case::new(hunt, &[(1, HitKind::New), (2, HitKind::New)]) };
    case.members.push(8);
    let told = case.tell();
    assert_eq!(told.hits.len(), 3);
    assert_eq!(told.suppressions, [(GROUP_OF_ALL, NOW.plus(HOUR))]);
    case.suppressed = told.suppressions.into_iter().collect();
    let silent = case.tell();
    assert_eq!((silent.hits.len(), silent.suppressed), (0, 3));
}

#[test]
fn a_delivery_a_channel_and_none_for_nothing() {
    let run = RunId::derive("20261124T161300Z", &[b"x"]);
    let told = Case::new(hunt(), &[(1, HitKind::New)]).tell();
    let deliveries = plan(&run, &names(&["a", "b"]), &told);
    assert_eq!(deliveries.len(), 2);
    assert_ne!(deliveries[0].delivery, deliveries[1].delivery);
    assert_eq!(deliveries[0].hits, told.hits);
    assert_eq!(plan(&run, &names(&["a", "b"]), &told), deliveries, "derived, not drawn");
    assert_eq!(plan(&run, &names(&["a"]), &Case::new(hunt(), &[]).tell()), []);
    assert_eq!(plan(&run, &[], &told), []);
}

/// One run: how many rows, and each hit's kind and whether the result holds it.
type Step = (u64, Vec<(Ordinal, HitKind, bool)>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop::sample::select(HitKind::ALL.to_vec());
    let hits = prop::collection::vec((0_u32..12, kind, any::<bool>()), 0..8);
    prop::collection::vec((0_u64..6, hits), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever was a candidate of a reported kind and can be told later is told as soon as a run
    /// meets the threshold while it is there; and no run tells a hit twice.
    #[test]
    fn nothing_is_lost_and_nothing_told_twice(
        steps in steps(),
        count in 0_u64..5,
        report in prop::sample::subsequence(HitKind::ALL.to_vec(), 1..=4),
    ) {
        let hunt = Hunt { threshold: Some(at_least(count)), report: report.clone(), ..hunt() };
        let mut held = RoaringBitmap::new();
        let mut waiting: BTreeSet<Ordinal> = BTreeSet::new();
        for (rows, hits) in steps {
            let candidates: Vec<_> =
                hits.iter().map(|(ordinal, kind, _)| Candidate { ordinal: *ordinal, kind: *kind, group: None }).collect();
            let present = hits.iter().filter(|(_, kind, there)| *there && *kind != HitKind::Gone);
            let members: RoaringBitmap = present.map(|(ordinal, ..)| *ordinal).collect();
            let told = tell(&Facts {
                hunt: &hunt,
                rows,
                is_first_complete_run: false,
                candidates: &candidates,
                members: &members,
                held: &held,
                suppressed: &HashMap::new(),
                now: NOW,
            });
            let ordinals: BTreeSet<Ordinal> = told.hits.iter().map(|(ordinal, _)| *ordinal).collect();
            prop_assert_eq!(ordinals.len(), told.hits.len(), "a hit told twice in one run");
            prop_assert!(told.hits.iter().all(|(_, kind)| report.contains(kind)), "a kind that nobody asked for");
            prop_assert_eq!(told.verdict == Verdict::NewHits, !told.hits.is_empty());

            // The first word on a hit counts; what is said of it again in the same run is dropped.
            let mut first = BTreeSet::new();
            let news = candidates.iter().filter(|c| report.contains(&c.kind) && first.insert(c.ordinal));
            let can_wait = |c: &&Candidate| c.kind != HitKind::Gone;
            if rows >= count {
                let must: Vec<_> = news.map(|c| c.ordinal).collect();
                prop_assert!(must.iter().all(|ordinal| ordinals.contains(ordinal)), "a candidate was missed");
                let late: Vec<_> = waiting.iter().filter(|ordinal| members.contains(**ordinal)).collect();
                prop_assert!(late.iter().all(|ordinal| ordinals.contains(ordinal)), "a held hit was missed");
                waiting.retain(|ordinal| !ordinals.contains(ordinal));
            } else {
                prop_assert!(told.hits.is_empty());
                waiting.extend(news.filter(can_wait).map(|c| c.ordinal));
            }
            let next: BTreeSet<Ordinal> = told.held.iter().collect();
            prop_assert_eq!(&next, &waiting);
            held = told.held;
        }
    }
}
