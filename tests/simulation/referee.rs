//! The referee: knows every event, and holds what was stored and told against that.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use huntd::model::delivery::DeliveryState;
use huntd::model::hit::HitKind;
use huntd::model::limits::DATA_AGE;
use huntd::model::run::{Run, RunStatus, Trigger};
use huntd::model::time::{Timestamp, Window};
use huntd::ports::store::{DeliveryFilter, HitFilter, RunFilter, Store};
use huntd::rules::schedule::{self, Due};

use crate::events::Event;
use crate::features::{KEEPS_FIRST_WINDOW, SPLITS, STEPS_OWN_TIME};
use crate::hunts::{Kind, Spec};
use crate::scale::{DAY, HOUR, MINUTE, Scale};
use crate::world::{Call, Outcome, PER_HOUR, PER_MINUTE, Seen, World};

/// What the referee says of a play.
pub(crate) struct Verdict {
    pub(crate) seed: u64,
    pub(crate) scale: Scale,
    /// A number for the whole story and what the store holds at its end.
    pub(crate) hash: u64,
    pub(crate) lines: Vec<String>,
    pub(crate) violations: Vec<String>,
    pub(crate) counts: Counts,
}

impl Verdict {
    /// Of a play that didn't come to its end.
    pub(crate) fn broken(seed: u64, scale: Scale, violation: String) -> Self {
        Self { seed, scale, hash: 0, lines: Vec::new(), violations: vec![violation], counts: Counts::default() }
    }
}

/// What there was to judge.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) starts: usize,
    pub(crate) calls: usize,
    pub(crate) runs: usize,
    pub(crate) events: usize,
    /// Events that had to be found.
    pub(crate) promised: usize,
    pub(crate) stored: usize,
    pub(crate) told: usize,
    /// Notices that were taken more than once.
    pub(crate) repeats: usize,
}

/// What the store holds at the end.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) runs: Vec<Run>,
    /// The hunt and the number of the event, of each hit that was said to be new.
    pub(crate) new: Vec<(usize, u64)>,
    /// Hunts' events on channels whose delivery was given up, as it was three days old.
    pub(crate) given_up: BTreeSet<(String, u64)>,
}

/// Reads what the store holds, and judges.
pub(crate) async fn judge(world: &World, store: &Store) -> (Verdict, Kept) {
    let kept = read(store).await;
    let mut seen = world.seen();
    let end = world.scale.end();
    for run in &kept.runs {
        let (status, window) = (run.status, run.window.map(|window| window.timespan()));
        let text = format!(
            "{} kept: due {} as of {} {status} {window:?} new {} {}",
            run.hunt,
            run.due,
            run.as_of,
            run.new,
            run.trigger.as_str()
        );
        seen.story.say(end, &text);
    }
    for (hunt, event) in &kept.new {
        seen.story.say(end, &format!("h{hunt:03} kept: e{event}"));
    }
    let court = Court::new(world, &seen, &kept);
    let (violations, promised) = court.violations();
    let distinct: BTreeSet<(&str, &str)> =
        seen.told.iter().map(|told| (told.channel, told.delivery.as_str())).collect();
    let counts = Counts {
        starts: seen.starts.len(),
        calls: seen.calls.len(),
        runs: kept.runs.len(),
        events: world.events.iter().map(Vec::len).sum(),
        promised,
        stored: kept.new.len(),
        told: seen.told.len(),
        repeats: seen.told.len() - distinct.len(),
    };
    let lines = seen.story.lines().to_vec();
    (Verdict { seed: world.seed, scale: world.scale, hash: seen.story.hash(), lines, violations, counts }, kept)
}

fn event_number(row: &str) -> u64 {
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    row["EventId"].as_str().unwrap().trim_start_matches('e').parse().unwrap()
}

async fn read(store: &Store) -> Kept {
    let mut runs = store.runs(&RunFilter::default()).await.unwrap();
    runs.reverse();
    let mut new = Vec::new();
    let filter = HitFilter { kind: Some(HitKind::New), ..HitFilter::default() };
    store
        .hits(&filter, |hit| {
            new.push((hit.hunt.trim_start_matches('h').parse().unwrap(), event_number(hit.row.get())));
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    new.sort_unstable();
    let mut given_up = BTreeSet::new();
    let filter = DeliveryFilter { state: Some(DeliveryState::Failed), limit: None };
    for delivery in store.deliveries(&filter).await.unwrap() {
        let notice = store.notice(&delivery.delivery).await.unwrap();
        given_up
            .extend(notice.hits.iter().map(|hit| (delivery.channel.to_string(), event_number(hit.unwrap().row.get()))));
    }
    Kept { runs, new, given_up }
}

/// All that is held against each other.
pub(crate) struct Court<'a> {
    world: &'a World,
    seen: &'a Seen,
    kept: &'a Kept,
    /// Runs by hunt, in the order of their commits.
    runs: Vec<Vec<&'a Run>>,
    calls: Vec<Vec<&'a Call>>,
}

impl<'a> Court<'a> {
    pub(crate) fn new(world: &'a World, seen: &'a Seen, kept: &'a Kept) -> Self {
        let mut runs = vec![Vec::new(); world.hunts.len()];
        for run in &kept.runs {
            let hunt: usize = run.hunt.as_str().trim_start_matches('h').parse().unwrap();
            runs[hunt].push(run);
        }
        let mut calls = vec![Vec::new(); world.hunts.len()];
        for call in &seen.calls {
            calls[call.hunt].push(call);
        }
        Self { world, seen, kept, runs, calls }
    }

    /// What was broken, and how many events had to be found.
    pub(crate) fn violations(&self) -> (Vec<String>, usize) {
        let mut found = Vec::new();
        let promised = self.each_is_stored(&mut found);
        self.each_is_told(&mut found);
        self.nothing_is_told_that_never_happened(&mut found);
        self.quota_is_kept(&mut found);
        self.no_tick_is_run_twice(&mut found);
        (found, promised)
    }

    fn each_is_stored(&self, found: &mut Vec<String>) -> usize {
        let mut stored: BTreeMap<u64, u32> = BTreeMap::new();
        for (hunt, number) in &self.kept.new {
            *stored.entry(*number).or_default() += 1;
            match self.world.event(*number) {
                Some(event) if event.hunt == *hunt => {}
                _ => found.push(format!("h{hunt:03} has stored e{number}, which never happened there")),
            }
        }
        let mut promised = 0;
        for (hunt, events) in self.world.events.iter().enumerate() {
            let spec = &self.world.hunts[hunt];
            let promise = self.promise(spec);
            for event in events {
                let times = stored.get(&event.number).copied().unwrap_or(0);
                let must = promise.as_ref().is_some_and(|promise| self.is_promised(spec, event, promise));
                promised += usize::from(must);
                if times > 1 {
                    found.push(self.tell(event, &format!("is stored {times} times")));
                } else if times == 0 && must {
                    found.push(self.tell(event, "had to be found, and isn't stored"));
                } else if times == 0
                    && let Some(run) = self.claims(spec, event)
                {
                    let text =
                        format!("isn't stored, and run {} as of {} says that it covers its time", run.run, run.as_of);
                    found.push(self.tell(event, &text));
                }
            }
        }
        promised
    }

    /// From when on, and up to when, events of a hunt have to be found; none where nothing is promised.
    fn promise(&self, spec: &Spec) -> Option<Window> {
        let own = matches!(spec.kind, Kind::OwnTime(_));
        if spec.skips || own && !STEPS_OWN_TIME {
            return None;
        }
        // Nothing is promised of what lies before the first run, nor, yet, before the first that was complete.
        let live = |run: &&&Run| run.trigger == Trigger::Schedule;
        let counts = |run: &&&Run| live(run) && (KEEPS_FIRST_WINDOW || run.status == RunStatus::Ok);
        let first = self.runs[spec.number].iter().find(counts)?;
        let end = self.world.scale.end();
        let hunt = spec.at(end);
        let Due::Run { tick, .. } =
            schedule::due(&hunt.schedule, hunt.timezone, end.minus(DAY * 15), end.minus(HOUR * 3))
        else {
            return None;
        };
        let from = spec.at(self.world.scale.start()).lookback + spec.late;
        Some(Window { from: first.as_of.minus(from), to: tick })
    }

    fn is_promised(&self, spec: &Spec, event: &Event, promise: &Window) -> bool {
        let in_time = event.arrives.since(event.at) <= spec.late && event.arrives <= promise.to;
        if !in_time || !promise.contains(event.at) {
            return false;
        }
        let after = |call: &Call| call.answered >= event.arrives && call.window.contains(event.at);
        let calls = &self.calls[spec.number];
        let whole = calls.iter().find(|call| after(call) && matches!(call.outcome, Outcome::Whole { .. }));
        let cut = calls.iter().any(|call| after(call) && call.outcome == Outcome::Cut);
        // It can't be had any more: too old when the first answer came, or cut and not to be split.
        let too_old = whole.is_some_and(|call| event.at < call.answered.minus(DATA_AGE));
        let splits = SPLITS && spec.kind == Kind::Windowed;
        !too_old && (whole.is_some() || !cut || splits)
    }

    /// A run that says that it covers an event which had arrived by then.
    fn claims(&self, spec: &Spec, event: &Event) -> Option<&Run> {
        let covers = |run: &&&Run| {
            let (Some(window), Some(began)) = (run.window, self.true_time(run.started)) else { return false };
            let own = match spec.kind {
                Kind::OwnTime(span) => event.at > run.as_of.minus(span),
                Kind::Windowed | Kind::Grouped => true,
            };
            let old = event.at < began.plus(HOUR).minus(DATA_AGE);
            run.status == RunStatus::Ok && event.arrives <= began && window.contains(event.at) && own && !old
        };
        self.runs[spec.number].iter().find(covers).copied()
    }

    /// The true time at which the wall clock showed `wall`; none where it did twice or never.
    fn true_time(&self, wall: Timestamp) -> Option<Timestamp> {
        let mut stretches = vec![(self.world.scale.start(), 0)];
        stretches.extend(&self.seen.clock_set);
        let ends = stretches.iter().skip(1).map(|(at, _)| *at).chain([self.world.scale.end().plus(DAY)]);
        let fits = stretches.iter().zip(ends).filter_map(|((from, ahead), to)| {
            let at = Timestamp::from_nanos(wall.nanos() - ahead);
            (*from <= at && at < to).then_some(at)
        });
        let fits: Vec<Timestamp> = fits.collect();
        if let [at] = fits[..] { Some(at) } else { None }
    }

    fn each_is_told(&self, found: &mut Vec<String>) {
        let mut told: BTreeMap<(u64, &str), BTreeSet<&str>> = BTreeMap::new();
        for notice in &self.seen.told {
            for event in &notice.events {
                told.entry((*event, notice.channel)).or_default().insert(&notice.delivery);
            }
        }
        for (hunt, number) in &self.kept.new {
            let Some(event) = self.world.event(*number) else { continue };
            for channel in &self.world.hunts[*hunt].channels {
                let given_up = self.kept.given_up.contains(&((*channel).to_owned(), *number));
                if !told.contains_key(&(*number, *channel)) && !given_up {
                    found.push(self.tell(&event, &format!("is stored, and `{channel}` was never told")));
                }
            }
        }
        for ((number, channel), deliveries) in told.iter().filter(|(_, deliveries)| deliveries.len() > 1) {
            if let Some(event) = self.world.event(*number) {
                found.push(self.tell(&event, &format!("was told to `{channel}` by {} deliveries", deliveries.len())));
            }
        }
    }

    fn nothing_is_told_that_never_happened(&self, found: &mut Vec<String>) {
        for notice in &self.seen.told {
            for number in &notice.events {
                let known = self.world.event(*number);
                if known.is_none_or(|event| event.hunt != notice.hunt || event.arrives > notice.at) {
                    found.push(format!(
                        "`{}` was told of e{number} at {}, before or without its happening",
                        notice.channel, notice.at
                    ));
                }
            }
        }
    }

    fn quota_is_kept(&self, found: &mut Vec<String>) {
        for tenant in 0..crate::hunts::TENANTS.len() {
            let calls = self.seen.calls.iter().filter(|call| call.tenant == tenant);
            let mut times: Vec<Timestamp> = calls.map(|call| call.counted.min(call.answered)).collect();
            times.sort_unstable();
            for (length, limit) in [(MINUTE, PER_MINUTE), (HOUR, PER_HOUR)] {
                let ends = times.iter().skip(limit as usize);
                if let Some((from, _)) = times.iter().zip(ends).find(|(from, to)| to.since(**from) < length) {
                    found.push(format!("tenant {tenant} saw more than {limit} calls in {length:?} from {from} on"));
                }
            }
        }
    }

    fn no_tick_is_run_twice(&self, found: &mut Vec<String>) {
        for runs in &self.runs {
            let mut seen: BTreeSet<Timestamp> = BTreeSet::new();
            for run in runs.iter().filter(|run| run.trigger == Trigger::Schedule) {
                // A clock that was set back passes its ticks a second time.
                let twice = !seen.insert(run.due);
                let again = self.seen.clock_set.iter().any(|(at, _)| {
                    let set = Window { from: at.minus(DAY), to: at.plus(DAY) };
                    set.contains(run.due)
                });
                if twice && !again {
                    found.push(format!("{}'s tick {} was run twice", run.hunt, run.due));
                }
            }
        }
    }

    /// What there is to know of an event.
    fn tell(&self, event: &Event, what: &str) -> String {
        let spec = &self.world.hunts[event.hunt];
        let mut text = format!(
            "e{} of h{:03} {what}\n  it happened at {} and arrived at {}, {:?} later; late: {:?}, {:?}",
            event.number,
            event.hunt,
            event.at,
            event.arrives,
            event.arrives.since(event.at),
            spec.late,
            spec.kind,
        );
        let near = |run: &&&Run| run.finished >= event.at.minus(DAY) && run.started <= event.arrives.plus(DAY * 8);
        for run in self.runs[event.hunt].iter().filter(near).take(12) {
            let window = run.window.map(|window| format!("{}..{}", window.from, window.to)).unwrap_or_default();
            let holds = if run.window.is_some_and(|window| window.contains(event.at)) { "holds it" } else { "" };
            let (due, started, status, error) = (run.due, run.started, run.status, run.error.as_deref().unwrap_or(""));
            let line = format!("\n  run due {due} started {started} {status} {window} {holds} {error}");
            text.push_str(&line);
        }
        let id = format!(" h{:03} ", event.hunt);
        let close = |line: &&String| {
            let at = line.split(' ').next().and_then(Timestamp::parse);
            let close = at.is_some_and(|at| at >= event.at.minus(HOUR) && at <= event.arrives.plus(DAY * 2));
            close && (line.contains(&id) || line.contains("Clock") || line.contains("huntd"))
        };
        for line in self.seen.story.lines().iter().filter(close).take(30) {
            text.push_str("\n    ");
            text.push_str(line);
        }
        text
    }
}
