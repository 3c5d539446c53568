//! The agenda, with the time as an argument.

#[path = "../../../tests/support/stub.rs"]
mod stub;

use super::*;
use crate::model::config::{HuntDefaults, Quota};
use crate::model::id::TenantName;
use crate::model::schedule::Schedule;
use crate::model::time::Zone;
use crate::ports::api::AnswerEnd;
use crate::rules::definition::{self, HuntFile};

/// 2026-11-24T10:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_795_514_400);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

fn hunt(schedule: &str, splay: &str) -> Arc<Hunt> {
    let text = format!("id: h\nquery: DeviceInfo\nschedule: '{schedule}'\nsplay: {splay}\n");
    let file = HuntFile { shown: "h.yaml".into(), relative: "h.yaml".into(), bytes: text.into_bytes() };
    let defaults = HuntDefaults { schedule: Schedule::parse("@daily").unwrap(), lookback: HOUR, late: MINUTE };
    Arc::new(definition::load(&[file], &defaults, Zone::UTC).hunts.remove(0))
}

fn tenant() -> Arc<Tenant> {
    let quota = Quota { calls_per_minute: 1, calls_per_hour: 1, concurrent: 1, ..Quota::DEFAULT };
    Arc::new(Tenant { name: TenantName::new("contoso").unwrap(), quota, api: Arc::new(stub::Stub(AnswerEnd::default)) })
}

/// Served up to `from`, with a past in which event time may be missing.
const fn owing(from: Timestamp) -> Served {
    Served { from, owes: true }
}

/// An agenda of one hunt of every minute, served up to `look`.
pub(in crate::engine) fn every_minute(look: Look) -> Agenda {
    let mut agenda = Agenda::new(look);
    agenda.add(hunt("* * * * *", "0s"), tenant(), owing(look.wall));
    agenda
}

/// An agenda of one hunt, its wall clock and its steady clock.
struct Desk {
    agenda: Agenda,
    look: Look,
}

impl Desk {
    /// Served up to `START`.
    fn new(schedule: &str) -> Self {
        Self::of(&hunt(schedule, "0s"), START)
    }

    fn of(hunt: &Arc<Hunt>, last: Timestamp) -> Self {
        let look = Look { wall: START, steady: Duration::ZERO };
        let mut agenda = Agenda::new(look);
        agenda.add(Arc::clone(hunt), tenant(), owing(last));
        Self { agenda, look }
    }

    /// Lets `span` go by on both clocks, and looks.
    fn after(&mut self, span: Duration) -> Vec<Launch> {
        self.look.wall = self.look.wall.plus(span);
        self.look.steady += span;
        self.agenda.look(self.look).1
    }

    /// Sets the wall clock, and looks.
    fn set(&mut self, wall: Timestamp) -> (ClockMove, Vec<Launch>) {
        self.look.wall = wall;
        self.agenda.look(self.look)
    }

    fn wake(&self) -> Timestamp {
        self.agenda.entries[0].wake
    }
}

/// The tick of the one launch.
fn tick(launches: &[Launch]) -> Timestamp {
    assert_eq!(launches.len(), 1, "{launches:?}");
    launches[0].order.due
}

#[test]
fn a_tick_is_launched_once() {
    let mut desk = Desk::new("*/10 * * * *");
    assert!(desk.after(Duration::from_secs(599)).is_empty());
    let due = tick(&desk.after(Duration::from_secs(1)));
    assert_eq!(due, START.plus(MINUTE * 10));
    desk.agenda.done(0, due);
    assert!(desk.after(Duration::from_secs(1)).is_empty());
    assert!(desk.after(MINUTE * 9).is_empty());
    assert_eq!(tick(&desk.after(MINUTE)), START.plus(MINUTE * 20));
}

#[test]
fn a_hunt_under_way_is_not_launched_again_and_its_missed_ticks_are_one_run() {
    let mut desk = Desk::new("*/10 * * * *");
    let first = desk.after(MINUTE * 10);
    assert_eq!(first[0].order.trigger, Trigger::Schedule);
    for _ in 0..35 {
        assert!(desk.after(MINUTE).is_empty());
    }
    desk.agenda.done(0, tick(&first));
    let next = desk.after(MINUTE);
    assert_eq!((tick(&next), next[0].missed), (START.plus(MINUTE * 40), 2));
    assert_eq!(next[0].order.trigger, Trigger::Schedule, "what was missed is caught up behind it");
}

#[test]
fn a_splay_is_waited_for() {
    let hunt = hunt("*/10 * * * *", "2m");
    let mut desk = Desk::of(&hunt, START);
    let start = schedule::start(&hunt, &tenant().name, START.plus(MINUTE * 10));
    let splay = start.since(START.plus(MINUTE * 10));
    assert!(splay > Duration::from_secs(1), "the names give {splay:?}");
    assert!(desk.after(MINUTE * 10).is_empty());
    assert_eq!(desk.wake(), start);
    assert!(desk.after(splay.saturating_sub(Duration::from_millis(1))).is_empty());
    assert_eq!(tick(&desk.after(Duration::from_millis(1))), START.plus(MINUTE * 10));
}

#[test]
fn a_run_put_off_is_tried_again_after_a_minute_with_the_latest_tick() {
    let mut desk = Desk::new("*/10 * * * *");
    desk.after(MINUTE * 10);
    desk.agenda.put_off(0, desk.look.wall);
    assert!(desk.after(Duration::from_secs(59)).is_empty());
    assert_eq!(tick(&desk.after(Duration::from_secs(1))), START.plus(MINUTE * 10));
    desk.agenda.put_off(0, desk.look.wall);
    let later = desk.after(MINUTE * 10);
    assert_eq!((tick(&later), later[0].missed), (START.plus(MINUTE * 20), 1));
}

#[test]
fn a_clock_set_back_by_an_hour_silences_nothing() {
    let mut desk = Desk::new("* * * * *");
    let due = tick(&desk.after(MINUTE));
    desk.agenda.done(0, due);
    let (moved, launches) = desk.set(START.minus(HOUR));
    assert_eq!(moved, ClockMove::SetBack { by: HOUR + MINUTE });
    assert!(launches.is_empty());
    assert_eq!(tick(&desk.after(MINUTE)), START.minus(HOUR).plus(MINUTE));
}

#[test]
fn a_clock_set_back_while_a_run_is_under_way_silences_nothing() {
    let mut desk = Desk::new("* * * * *");
    let due = tick(&desk.after(MINUTE));
    assert!(desk.set(START.minus(HOUR)).1.is_empty());
    desk.agenda.done(0, due);
    assert!(desk.after(Duration::from_secs(1)).is_empty());
    assert_eq!(tick(&desk.after(MINUTE)), START.minus(HOUR).plus(MINUTE));

    let mut desk = Desk::new("* * * * *");
    desk.after(MINUTE);
    desk.agenda.put_off(0, desk.look.wall);
    desk.set(START.minus(HOUR));
    assert_eq!(tick(&desk.after(MINUTE)), START.minus(HOUR).plus(MINUTE), "also one that was put off");
}

#[test]
fn a_clock_put_forward_makes_one_run_of_the_ticks_between() {
    let mut desk = Desk::new("*/10 * * * *");
    let (moved, launches) = desk.set(START.plus(HOUR * 3));
    assert_eq!(moved, ClockMove::JumpedForward { by: HOUR * 3 });
    assert_eq!((tick(&launches), launches[0].missed), (START.plus(HOUR * 3), 17));
}

#[test]
fn a_tick_served_in_the_future_counts_from_now() {
    let mut desk = Desk::of(&hunt("* * * * *", "0s"), START.plus(HOUR * 24 * 365));
    assert_eq!(tick(&desk.after(MINUTE)), START.plus(MINUTE));
}

#[test]
fn a_schedule_without_a_tick_is_asked_once_and_again_only_after_the_clock_was_set() {
    // A hunt's file can't say it; the agenda is not to rely on that.
    let schedule = Schedule::parse("0 0 31 2 *").unwrap();
    let hunt = Arc::new(Hunt { schedule, ..(*hunt("@daily", "0s")).clone() });
    let mut desk = Desk::of(&hunt, START);
    let never = Timestamp::from_nanos(i64::MAX);
    assert!(desk.after(MINUTE).is_empty());
    assert_eq!(desk.wake(), never);
    assert!(desk.after(HOUR * 24 * 300).is_empty());
    assert_eq!(desk.wake(), never);
    assert!(desk.set(START.minus(HOUR)).1.is_empty());
    assert_eq!(desk.wake(), never, "asked, and found without a tick again");
    assert_eq!(desk.agenda.next(), Some(never));
}

#[test]
fn what_isnt_on_the_agenda_is_nobodys() {
    let mut desk = Desk::new("* * * * *");
    desk.agenda.done(7, START);
    desk.agenda.put_off(7, START);
    desk.agenda.put_off(0, START.plus(HOUR));
    assert!(!desk.after(MINUTE).is_empty(), "one that doesn't run can't be put off");
}

#[test]
fn what_owes_no_event_time_is_not_looked_at() {
    let look = Look { wall: START, steady: Duration::ZERO };
    for owes in [false, true] {
        let mut agenda = Agenda::new(look);
        agenda.add(hunt("* * * * *", "0s"), tenant(), Served { from: START, owes });
        assert_eq!(agenda.behind(START).len(), usize::from(owes));
        assert_eq!(agenda.look(Look { wall: START.plus(MINUTE), steady: MINUTE }).1.len(), 1);
    }
}

#[test]
fn event_time_is_looked_at_when_it_is_time_and_not_before() {
    let mut agenda = Agenda::new(Look { wall: START, steady: Duration::ZERO });
    agenda.add(hunt("@daily", "0s"), tenant(), owing(START));
    agenda.add(hunt("@daily", "0s"), tenant(), Served { from: START, owes: false });
    let at = |hours: u32| START.plus(HOUR * hours);
    let looked_at =
        |agenda: &mut Agenda, hours: u32| agenda.behind(at(hours)).into_iter().map(|(n, _)| n).collect::<Vec<_>>();
    assert_eq!(looked_at(&mut agenda, 0), [0]);
    agenda.caught_up(0, After::LookAt(at(5)), at(0));
    assert_eq!((looked_at(&mut agenda, 4), looked_at(&mut agenda, 5)), (vec![], vec![0]));
    agenda.caught_up(0, After::Nothing, at(5));
    assert_eq!(looked_at(&mut agenda, 90), [0; 0]);
    agenda.look_behind(1, at(10));
    agenda.look_behind(0, at(12));
    assert_eq!((looked_at(&mut agenda, 9), looked_at(&mut agenda, 11)), (vec![], vec![1]));
    agenda.caught_up(1, After::Nothing, at(11));
    assert_eq!((looked_at(&mut agenda, 11), looked_at(&mut agenda, 12)), (vec![], vec![0]));
    agenda.caught_up(0, After::Again, at(12));
    assert_eq!(looked_at(&mut agenda, 12), [0]);
}

/// A clock that is set brings all that is known to be missing forward.
#[test]
fn a_clock_that_is_set_hides_no_missed_event_time() {
    let mut desk = Desk::of(&hunt("@daily", "0s"), START);
    assert_eq!(desk.agenda.behind(START).len(), 1);
    desk.agenda.caught_up(0, After::LookAt(START.plus(HOUR * 9)), START);
    assert_eq!(desk.agenda.behind(START).len(), 0);
    desk.agenda.look(Look { wall: START.minus(HOUR), steady: MINUTE });
    assert_eq!(desk.agenda.behind(START.minus(HOUR)).len(), 1);
}

fn named(id: &str, schedule: &str) -> Arc<Hunt> {
    let mut hunt = Arc::unwrap_or_clone(hunt(schedule, "0s"));
    hunt.id = HuntId::new(id).unwrap();
    Arc::new(hunt)
}

impl Desk {
    /// Loads other hunts, all on the one tenant; new ones are served up to now.
    fn load(&mut self, hunts: &[Arc<Hunt>]) {
        let pairs: Vec<Pair> = hunts.iter().map(|hunt| (Arc::clone(hunt), tenant())).collect();
        let unknown = self.agenda.unknown(&pairs);
        self.agenda.lay_out(&pairs);
        for (hunt, tenant) in unknown {
            self.agenda.add(hunt, tenant, owing(self.look.wall));
        }
    }

    /// The hunts that a look after `span` launches, each with its query.
    fn launched(&mut self, span: Duration) -> Vec<String> {
        let mut all: Vec<String> = self.after(span).iter().map(|one| one.order.hunt.id.to_string()).collect();
        all.sort();
        all
    }
}

#[test]
fn a_reload_resets_nothing_that_it_does_not_touch() {
    let mut desk = Desk::of(&named("a", "*/10 * * * *"), START);
    desk.after(MINUTE);
    let wake = START.plus(MINUTE * 10);
    assert_eq!(desk.wake(), wake);
    desk.load(&[named("a", "*/10 * * * *"), named("b", "*/5 * * * *")]);
    assert_eq!(desk.launched(MINUTE), [""; 0]);
    assert_eq!(desk.wake(), wake, "as it was");
    assert_eq!(desk.launched(MINUTE * 3), ["b"]);
    assert_eq!(desk.launched(MINUTE * 5), ["a"], "b is still under way");
}

#[test]
fn a_removed_hunt_begins_nothing_more_and_a_new_one_takes_its_place() {
    let mut desk = Desk::of(&named("a", "* * * * *"), START);
    assert_eq!(desk.launched(MINUTE), ["a"]);
    desk.load(&[named("b", "* * * * *")]);
    assert_eq!(desk.launched(MINUTE), ["b"]);
    assert_eq!(desk.agenda.entries.len(), 2, "the run of a is under way");
    desk.agenda.done(0, desk.look.wall);
    assert_eq!(desk.launched(MINUTE), [""; 0]);
    desk.load(&[named("b", "* * * * *"), named("c", "* * * * *")]);
    assert_eq!(desk.agenda.entries.len(), 2, "the place of a is free");
    assert_eq!(desk.launched(MINUTE), ["c"]);
}

#[test]
fn a_hunt_that_comes_back_while_its_run_is_under_way_does_not_overlap_itself() {
    let mut desk = Desk::of(&named("a", "* * * * *"), START);
    assert_eq!(desk.launched(MINUTE), ["a"]);
    desk.load(&[named("b", "@daily")]);
    desk.load(&[named("a", "* * * * *"), named("b", "@daily")]);
    assert_eq!(desk.launched(MINUTE), [""; 0], "still under way");
    desk.agenda.done(0, desk.look.wall);
    assert_eq!(desk.launched(MINUTE), ["a"]);
}

#[test]
fn another_schedule_takes_effect_with_its_next_tick() {
    let mut desk = Desk::of(&named("a", "@daily"), START);
    desk.after(MINUTE);
    desk.load(&[named("a", "*/10 * * * *")]);
    assert_eq!(desk.launched(Duration::ZERO), [""; 0], "none of the new schedule is owed for the time before");
    assert_eq!(desk.launched(MINUTE * 9), ["a"]);
}

#[test]
fn what_is_removed_is_not_caught_up() {
    let mut desk = Desk::of(&named("a", "@daily"), START);
    desk.load(&[named("b", "@daily")]);
    let behind = desk.agenda.behind(START);
    assert_eq!(behind.iter().map(|(_, behind)| behind.hunt.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn who_watches_sees_when_each_is_due_and_since_when_one_runs() {
    let mut desk = Desk::new("*/10 * * * *");
    let due = |desk: &Desk| desk.agenda.due().map(|(_, _, at)| at).collect::<Vec<_>>();
    assert_eq!(due(&desk), [None], "before the first look");
    assert!(desk.after(MINUTE).is_empty());
    let tick = START.plus(10 * MINUTE);
    assert_eq!(due(&desk), [Some(tick)]);
    let launch = desk.after(10 * MINUTE).remove(0);
    assert_eq!(due(&desk), [Some(tick)], "it runs, and was due then");
    desk.agenda.done(launch.entry, launch.order.due);
    desk.after(MINUTE);
    assert_eq!(due(&desk), [Some(tick.plus(10 * MINUTE))]);
}
