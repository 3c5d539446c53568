//! What is a cause, what is news of it, and who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::config::Failures;
use crate::model::id::{ChannelName, HuntId, TenantName};
use crate::model::time::Timestamp;
use crate::model::trouble::{Backlog, Failing, News, OpenTrouble, Trouble, TroubleKind};
use crate::model::upstream::{Following, Ill};

const START: Timestamp = Timestamp::from_seconds(1_795_500_000);
const HOUR: Duration = Duration::from_hours(1);

fn tenant(name: &str) -> TenantName {
    TenantName::new(name).unwrap()
}

fn fails(hunt: &str, on: &str, class: &str, row: u32) -> Failing {
    let hunt = HuntId::new(hunt).unwrap();
    Failing { hunt, tenant: tenant(on), row, class: class.to_owned(), error: format!("{class} it says") }
}

/// The keys of the causes, of tenants with ten hunts each.
fn causes(all: &[Failing]) -> Vec<String> {
    failing(all, &tens(), |_| None).iter().map(Trouble::key).collect()
}

fn tens() -> BTreeMap<TenantName, usize> {
    ["a", "b"].into_iter().map(|name| (tenant(name), 10)).collect()
}

fn settings() -> Failures {
    Failures { to: Vec::new(), after: 3, every: HOUR * 24 }
}

#[test]
fn a_repository_that_is_away_is_counted_and_a_refusal_is_told_at_once() {
    let ill = || Ill { error: "no".to_owned(), hint: "do".to_owned() };
    let of = |following: &Following| -> Vec<(String, u32)> {
        git(following).iter().map(|trouble| (trouble.key(), trouble.failures)).collect()
    };
    assert_eq!(of(&Following::default()), []);
    let away = Following { unseen: Some((4, ill())), ..Following::default() };
    assert_eq!(of(&away), [("git_fails:fetch".to_owned(), 4)]);
    // What was refused stays so while nobody can look.
    let both = Following { refused: Some(ill()), ..away };
    assert_eq!(of(&both), [("git_fails:fetch".to_owned(), 4), ("git_fails:commit".to_owned(), 0)]);
}

#[test]
fn a_tenant_that_is_down_is_one_cause() {
    let of = |class: &str, hunts: usize| -> Vec<Failing> {
        (0..hunts).map(|hunt| fails(&format!("h{hunt}"), "a", class, 3)).collect()
    };
    assert_eq!(causes(&of("sign_in", 10)), ["tenant_fails:a:sign_in"]);
    assert_eq!(causes(&of("secret", 1)), ["tenant_fails:a:secret"], "no hunt is to blame");
    assert_eq!(causes(&of("service", 5)), ["tenant_fails:a:service"], "most of them");
    assert_eq!(causes(&of("timeout", 2)), ["hunt_fails:h0", "hunt_fails:h1"], "the others work");
    assert_eq!(causes(&of("syntax", 10)).len(), 10, "each has its own");
}

#[test]
fn one_reason_is_given_once_whichever_request_met_it() {
    let all: Vec<Failing> = (0..3)
        .map(|n| Failing { error: format!("no [request {n}]; mend it"), ..fails(&format!("h{n}"), "a", "sign_in", 3) })
        .collect();
    assert_eq!(failing(&all, &tens(), |_| None)[0].reasons, ["no [request 0]; mend it"]);
}

#[test]
fn a_hunt_that_fails_everywhere_is_one_cause() {
    let all = [fails("h", "a", "semantic", 1), fails("h", "b", "table_missing", 4), fails("h", "b", "sign_in", 1)];
    assert_eq!(causes(&all), ["tenant_fails:b:sign_in", "hunt_fails:h"]);
    let troubles = failing(&all, &tens(), |hunt| Some(format!("{hunt}@example")));
    let [ref signs_in, ref own] = troubles[..] else { panic!("{troubles:?}") };
    assert_eq!((own.failures, own.owners.as_slice()), (4, ["h@example".to_owned()].as_slice()));
    assert_eq!(own.headline, "h keeps failing on 2 tenants");
    assert_eq!(own.reasons, ["a: semantic it says", "b: table_missing it says"]);
    assert_eq!(signs_in.owners, [""; 0], "the operators' own");
}

/// A ledger of causes, as the store keeps it.
#[derive(Default)]
struct Ledger(Vec<OpenTrouble>);

impl Ledger {
    /// What is told at a look, as `news key` a line.
    fn look(&mut self, now: Vec<Trouble>, at: Timestamp) -> Vec<String> {
        self.look_at(now, &TroubleKind::ALL, at)
    }

    fn look_at(&mut self, now: Vec<Trouble>, judged: &[TroubleKind], at: Timestamp) -> Vec<String> {
        let judged: BTreeSet<TroubleKind> = judged.iter().copied().collect();
        let steps = news(&self.0, now, &judged, &settings(), at);
        let keys: BTreeSet<&String> = steps.iter().map(|step| &step.key).collect();
        self.0.retain(|open| !keys.contains(&open.trouble.key()));
        let said = steps.iter().filter_map(|step| {
            let told = step.tell.as_ref()?;
            Some(format!("{} {}", told.news.as_str(), step.key))
        });
        let said = said.collect();
        self.0.extend(steps.into_iter().filter_map(|step| step.keep));
        said
    }
}

fn cause(row: u32) -> Vec<Trouble> {
    failing(&[fails("h", "a", "syntax", row)], &tens(), |_| None)
}

#[test]
fn a_cause_is_told_after_a_row_then_at_its_time_and_once_when_it_is_over() {
    let mut ledger = Ledger::default();
    let none = [""; 0];
    assert_eq!(ledger.look(cause(1), START), none);
    assert_eq!(ledger.look(cause(2), START.plus(HOUR)), none);
    assert_eq!(ledger.look(cause(3), START.plus(HOUR * 2)), ["begins hunt_fails:h"]);
    assert_eq!(ledger.look(cause(9), START.plus(HOUR * 25)), none);
    assert_eq!(ledger.look(cause(30), START.plus(HOUR * 26)), ["goes_on hunt_fails:h"]);
    assert_eq!(ledger.look(Vec::new(), START.plus(HOUR * 27)), ["ends hunt_fails:h"]);
    assert_eq!(ledger.look(Vec::new(), START.plus(HOUR * 28)), none);
    assert_eq!(ledger.look(cause(1), START.plus(HOUR * 29)), none, "a new row");
    assert_eq!(ledger.look(Vec::new(), START.plus(HOUR * 30)), none, "of what was never told no end is");
}

#[test]
fn what_is_not_judged_is_neither_over_nor_told() {
    let mut ledger = Ledger::default();
    ledger.look(cause(3), START);
    assert_eq!(ledger.look_at(Vec::new(), &[TroubleKind::DiskFills], START.plus(HOUR)), [""; 0]);
    assert_eq!(ledger.0.len(), 1);
    assert_eq!(ledger.look(Vec::new(), START.plus(HOUR * 2)), ["ends hunt_fails:h"]);
}

#[test]
fn a_hunt_that_a_larger_cause_stops_has_not_recovered() {
    let mut ledger = Ledger::default();
    ledger.look(cause(3), START);
    let down: Vec<Failing> = (0..10).map(|n| fails(&format!("h{n}"), "a", "sign_in", 3)).collect();
    let with = [down, vec![fails("h", "a", "sign_in", 4)]].concat();
    let told = ledger.look(failing(&with, &tens(), |_| None), START.plus(HOUR));
    assert_eq!(told, ["begins tenant_fails:a:sign_in"]);
}

#[test]
fn a_hunt_that_runs_late_has_recovered_all_the_same() {
    let starved = || {
        let trouble = Trouble { kind: TroubleKind::QuotaStarved, subject: "a".to_owned(), ..cause(3).remove(0) };
        vec![trouble]
    };
    let mut ledger = Ledger::default();
    ledger.look(cause(3), START);
    let told = ledger.look(starved(), START.plus(HOUR));
    assert_eq!(told, ["ends hunt_fails:h", "begins quota_starved:a"], "late runs are sound ones");
    // A hunt that fails isn't late any more, and what it fails of is told.
    assert_eq!(ledger.look(cause(3), START.plus(HOUR * 2)), ["begins hunt_fails:h"]);
    assert_eq!(ledger.look(starved(), START.plus(HOUR * 3)), ["ends hunt_fails:h", "begins quota_starved:a"]);
    assert_eq!(ledger.look(Vec::new(), START.plus(HOUR * 4)), ["ends quota_starved:a"]);
}

#[test]
fn an_event_is_told_once() {
    let mut ledger = Ledger::default();
    let changed = || {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        vec![columns(&hunt(), &tenant("a"), &names(&["A", "B"]), &names(&["A", "C"])).unwrap()]
    };
    assert_eq!(changed()[0].reasons, ["gone: B", "new: C"]);
    assert_eq!(ledger.look(changed(), START).len(), 1);
    assert_eq!(ledger.look(changed(), START.plus(HOUR * 48)), [""; 0]);
    assert_eq!(ledger.look(Vec::new(), START.plus(HOUR * 49)), [""; 0]);
}

fn hunt() -> crate::model::hunt::Hunt {
    let defaults = crate::model::config::HuntDefaults {
        schedule: crate::model::schedule::Schedule::parse("@daily").unwrap(),
        lookback: HOUR,
        late: HOUR,
    };
    let bytes = b"id: h\nquery: T\nowner: blue@example\n".to_vec();
    let file = crate::rules::definition::HuntFile { shown: "h.yaml".into(), relative: "h.yaml".into(), bytes };
    crate::rules::definition::load(&[file], &defaults, crate::model::time::Zone::UTC).hunts.remove(0)
}

#[test]
fn rows_are_missed_where_there_always_were_some() {
    let rows = |empty: usize, filled: usize| [vec![0; empty], vec![5; filled], vec![0; 9]].concat();
    let missing = |empty, filled| rows_missing(&hunt(), &tenant("a"), &rows(empty, filled)).is_some();
    assert!(missing(3, 20) && missing(9, 40));
    assert!(!missing(2, 40), "it may be chance");
    assert!(!missing(3, 19), "too young");
    assert!(!missing(0, 40));
    assert_eq!(rows_missing(&hunt(), &tenant("a"), &rows(3, 20)).unwrap().owners, ["blue@example"]);
}

#[test]
fn thresholds_are_where_they_are_said_to_be() {
    const GIB: u64 = 1 << 30;
    for (free, all, is) in [
        (GIB / 2 - 1, 4 * GIB, true),
        (GIB / 2, 4 * GIB, false),
        (GIB, 21 * GIB, true),
        (11 * GIB, 1000 * GIB, false),
        (9 * GIB, 1000 * GIB, true),
    ] {
        assert_eq!(!disk(free, all).is_empty(), is, "{free} of {all}");
    }
    assert!(database(90, Some(100)).len() == 1 && database(89, Some(100)).is_empty() && database(90, None).is_empty());
    let skew = |seconds: i64| clock(&BTreeMap::from([(tenant("a"), seconds * 1_000_000_000)]));
    assert!(skew(120).is_empty() && skew(-120).is_empty());
    assert_eq!(skew(121)[0].reasons, ["it is 2m1s ahead of the clock of a"]);
    assert_eq!(skew(-3600)[0].reasons, ["it is 1h behind the clock of a"]);
    let day = Duration::from_hours(24);
    let ends = |left: u32| secrets(&[("the secret of a".to_owned(), START.plus(day * left))], START);
    assert!(ends(22).is_empty());
    assert_eq!(ends(21)[0].headline, "the secret of a expires in 21 days");
    assert_eq!(ends(0)[0].headline, "the secret of a has expired");
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

#[test]
fn operators_and_owners_are_told_and_no_channel_of_itself() {
    let channels =
        Channels { operators: vec![channel("soc"), channel("chat"), channel("soc")], mail: Some(channel("soc")) };
    let told = |trouble: Trouble, channels: &Channels| -> Vec<String> {
        let steps = news(&[], vec![trouble], &BTreeSet::new(), &settings(), START);
        let warning = steps[0].tell.clone().unwrap();
        let one = |(channel, warning): (ChannelName, _)| {
            let warning: crate::model::trouble::Warning = warning;
            warning.owner.map_or(channel.to_string(), |owner| format!("{channel} for {owner}"))
        };
        plan(&warning, channels).into_iter().map(one).collect()
    };
    let own = failing(&[fails("h", "a", "syntax", 3)], &tens(), |_| Some("blue@example".to_owned())).remove(0);
    assert_eq!(told(own.clone(), &channels), ["soc", "chat", "soc for blue@example"]);
    assert_eq!(told(own, &Channels { mail: None, ..channels.clone() }), ["soc", "chat"]);
    let backlog = |name: &str| Backlog { channel: channel(name), waiting: 2, failed: 1, oldest: START, error: None };
    let stuck = |name: &str| deliveries(&[backlog(name)], START.plus(HOUR)).remove(0);
    assert_eq!(stuck("soc").reasons, ["2 wait, the oldest for 1h; 1 were given up"]);
    assert_eq!(told(stuck("soc"), &channels), ["chat"]);
    let only = Channels { operators: vec![channel("soc")], mail: None };
    assert_eq!(told(stuck("soc"), &only), ["soc"], "better late than never");
}

proptest! {
    /// Whatever comes and goes: a cause begins before it goes on or ends, ends once, and two notices of it within
    /// `every` are a beginning and an end.
    #[test]
    fn each_cause_has_one_life(looks in proptest::collection::vec((proptest::collection::btree_set(0_u8..3, 0..3), 0_u32..6), 1..40)) {
        let (mut ledger, mut told): (Ledger, BTreeMap<String, (News, Timestamp)>) = Default::default();
        for (look, (there, row)) in looks.iter().enumerate() {
            let at = START.plus(HOUR * 5 * u32::try_from(look).unwrap());
            let all: Vec<Failing> = there.iter().map(|n| fails(&format!("h{n}"), "a", "syntax", *row)).collect();
            for said in ledger.look(failing(&all, &tens(), |_| None), at) {
                let (news, key) = said.split_once(' ').unwrap();
                let last = told.get(key).map(|(news, _)| *news);
                let news = match news { "begins" => News::Begins, "goes_on" => News::GoesOn, _ => News::Ends };
                match news {
                    News::Begins => prop_assert!(matches!(last, None | Some(News::Ends))),
                    News::GoesOn => prop_assert!(matches!(last, Some(News::Begins | News::GoesOn))
                        && at.since(told[key].1) >= settings().every),
                    News::Ends => prop_assert!(matches!(last, Some(News::Begins | News::GoesOn))),
                }
                told.insert(key.to_owned(), (news, at));
            }
        }
        prop_assert!(ledger.look(Vec::new(), START.plus(HOUR * 1000)).iter().all(|said| said.starts_with("ends ")));
        prop_assert!(ledger.0.is_empty());
    }
}
