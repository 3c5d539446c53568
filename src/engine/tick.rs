//! What is due now goes to the runners.
//!
//! The bell (tokio-cron-scheduler) and a steady look beside it only wake this; what is due is decided
//! by `rules/schedule` from the last tick that was served, so that no tick is lost or served twice
//! when the bell is late, the machine slept, or the wall clock was set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};

pub use super::agenda::{Agenda, Launch};
use super::catching_up::{After, Behind, pause_after};
use super::clockwatch::Clockwatch;
use super::punctual::Hourly;
use super::runner::{Finished, Order, Runner};
use super::tenant::{Tenant, Tenants};
use super::waiting::Waiting;
use crate::model::hunt::Hunt;
use crate::model::run::RunStatus;
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;
use crate::rules::schedule::Look;
use crate::rules::window::CatchUpPlan;

/// How often the agenda is looked at without the bell.
const STEADY_LOOK: Duration = Duration::from_secs(2);

/// An entry that is being served. Dropped before its run was committed, by an error, a panic or a stop,
/// it leaves the tick unserved: nothing may leave a hunt marked as running for ever.
struct Serving {
    agenda: Arc<Mutex<Agenda>>,
    entry: usize,
    clock: SharedClock,
    done: bool,
}

impl Serving {
    /// `look_behind`: when it is worth a look whether event time is missing.
    fn done(&mut self, tick: Timestamp, look_behind: Option<Timestamp>) {
        self.done = true;
        let mut agenda = self.agenda.lock().unwrap_or_else(PoisonError::into_inner);
        agenda.done(self.entry, tick);
        if let Some(at) = look_behind {
            agenda.look_behind(self.entry, at);
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Once done, the entry may be running again already.
        if !self.done {
            self.agenda.lock().unwrap_or_else(PoisonError::into_inner).put_off(self.entry, self.clock.now());
        }
    }
}

/// An entry whose missed event time is looked at. However that ends, it is looked at again.
struct Catching {
    agenda: Arc<Mutex<Agenda>>,
    entry: usize,
    clock: SharedClock,
    after: After,
}

impl Drop for Catching {
    fn drop(&mut self) {
        let now = self.clock.now();
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).caught_up(self.entry, self.after, now);
    }
}

/// How a run's task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// By itself.
    Over,
    /// Cut off by the stop while it only waited.
    Cut,
}

/// Launches what is due, and keeps the runs that are under way.
pub struct Scheduler {
    runner: Runner,
    agenda: Arc<Mutex<Agenda>>,
    outbox: Arc<Notify>,
    runs: JoinSet<Ended>,
    clockwatch: Clockwatch,
    hourly: Hourly,
    stop: watch::Sender<bool>,
}

impl Scheduler {
    /// Lays out the agenda for every hunt on every tenant that it runs on. A hunt that was never seen
    /// on a tenant counts from now: its first tick is the next one.
    pub async fn new(
        runner: Runner,
        hunts: &[Arc<Hunt>],
        tenants: &Tenants,
        outbox: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let look = look_at(&runner.clock);
        let latest = hunts.iter().map(|hunt| hunt.late).max().unwrap_or_default();
        // Before the agenda, which looks at what is covered.
        let clockwatch = Clockwatch::begin(&runner.store, look, latest).await?;
        let mut agenda = Agenda::new(look);
        let enabled = hunts.iter().filter(|hunt| hunt.enabled);
        let on_each = enabled.flat_map(|hunt| {
            tenants.values().filter(|tenant| hunt.runs_on(&tenant.name)).map(move |tenant| (hunt, tenant))
        });
        let all: Vec<_> = on_each.collect();
        let pairs: Vec<_> = all.iter().map(|(hunt, tenant)| (&hunt.id, &tenant.name)).collect();
        let served = runner.store.served_from_each(&pairs, look.wall).await?;
        for ((hunt, tenant), served) in all.into_iter().zip(served) {
            agenda.add(Arc::clone(hunt), Arc::clone(tenant), served);
        }
        for tenant in tenants.values() {
            let standing = hunts.iter().filter(|hunt| hunt.enabled && hunt.runs_on(&tenant.name));
            runner.gates.of(&tenant.name).stand(standing.map(Arc::clone).collect());
        }
        let agenda = Arc::new(Mutex::new(agenda));
        let stop = watch::Sender::new(false);
        let (runs, hourly) = (JoinSet::new(), Hourly::begin(look.steady));
        Ok(Self { runner, agenda, outbox, runs, clockwatch, hourly, stop })
    }

    /// Launches what is due now, and says how many runs that are.
    pub async fn look(&mut self) -> usize {
        let look = look_at(&self.runner.clock);
        self.clockwatch.carry(&self.runner.store, look).await;
        self.hourly.look(&self.runner.gates, look.steady);
        let (_, mut launches) = self.agenda.lock().unwrap_or_else(PoisonError::into_inner).look(look);
        let count = launches.len();
        // What matters most comes first into the queue.
        launches.sort_by_key(|launch| std::cmp::Reverse(launch.order.hunt.severity));
        for launch in launches {
            self.launch(launch);
        }
        // After all that is due: what was missed waits for it.
        let behind = self.agenda.lock().unwrap_or_else(PoisonError::into_inner).behind(look.wall);
        for (entry, behind) in behind {
            self.catch_up(entry, behind);
        }
        while let Some(ended) = self.runs.try_join_next() {
            note(ended);
        }
        self.runner.vitals.looked(self.runner.clock.steady());
        count
    }

    /// What it looks at, for who watches.
    #[must_use]
    pub fn shared_agenda(&self) -> Arc<Mutex<Agenda>> {
        Arc::clone(&self.agenda)
    }

    /// How many runs are under way, those that wait among them.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.runs.len()
    }

    /// How many of the runs under way wait for others to end: for the quota of their tenant, or for their hunt's turn.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.runner.gates.waiting() + self.runner.turns.waiting()
    }

    fn launch(&mut self, launch: Launch) {
        let Launch { entry, order, missed } = launch;
        if missed > 0 {
            tracing::info!(hunt = %order.hunt.id, tenant = %order.tenant.name, missed, "ticks were missed: their event time is caught up after this run");
        }
        let (runner, outbox) = (self.runner.clone(), Arc::clone(&self.outbox));
        let (agenda, clock) = (Arc::clone(&self.agenda), Arc::clone(&runner.clock));
        let serving = Serving { agenda, entry, clock, done: false };
        let stop = self.stop.subscribe();
        self.runs.spawn(async move {
            let waiting = Waiting::new(true);
            tokio::select! {
                biased;
                () = serve(&runner, &order, &waiting, serving, &outbox) => Ended::Over,
                () = stopped(stop, &waiting) => Ended::Cut,
            }
        });
    }

    fn catch_up(&mut self, entry: usize, behind: Behind) {
        let (runner, outbox) = (self.runner.clone(), Arc::clone(&self.outbox));
        let (agenda, clock) = (Arc::clone(&self.agenda), Arc::clone(&runner.clock));
        let mut catching = Catching { agenda, entry, clock, after: After::Failed };
        let stop = self.stop.subscribe();
        self.runs.spawn(async move {
            let waiting = Waiting::new(true);
            tokio::select! {
                biased;
                () = step(&runner, &behind, &waiting, &mut catching, &outbox) => Ended::Over,
                // No tick hangs on it: what is missing is named again after the next start.
                () = stopped(stop, &waiting) => Ended::Over,
            }
        });
    }

    /// Stops: cuts off the runs that only wait, and waits for those that are in a call, at most `limit`.
    /// Says how many were cut off: nothing of them counts, and their ticks stay unserved.
    pub async fn finish(&mut self, limit: Duration) -> usize {
        self.stop.send_replace(true);
        let mut cut = 0;
        let all = async {
            while let Some(ended) = self.runs.join_next().await {
                cut += usize::from(note(ended) == Some(Ended::Cut));
            }
        };
        let all_over = tokio::time::timeout(limit, all).await.is_ok();
        let rest = self.runs.len();
        if !all_over {
            self.runs.shutdown().await;
        }
        cut + rest
    }

    /// Looks whenever the bell rings, until told to stop.
    pub async fn run(&mut self, bell: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        loop {
            self.look().await;
            tokio::select! {
                () = bell.notified() => {}
                // The steady look: the bell hangs on the wall clock, and is silent after it was set back.
                () = tokio::time::sleep(STEADY_LOOK) => {}
                changed = stop.changed() => {
                    if changed.is_err() || *stop.borrow() {
                        return;
                    }
                }
            }
        }
    }
}

/// Resolves once there is a stop, and the run only waits.
async fn stopped(mut stop: watch::Receiver<bool>, waiting: &Waiting) {
    // The scheduler's end is a stop too.
    let _stopped = stop.wait_for(|stop| *stop).await.is_ok();
    waiting.waits().await;
}

fn not_committed(hunt: &Hunt, tenant: &Tenant, error: &StoreError) {
    let mend = error.hint().unwrap_or("");
    tracing::error!(hunt = %hunt.id, tenant = %tenant.name, %error, hint = mend, "the run could not be committed: nothing of it counts, and it is made again");
}

/// Looks at what was missed, and makes one step.
async fn step(runner: &Runner, behind: &Behind, waiting: &Waiting, catching: &mut Catching, outbox: &Notify) {
    let made = async {
        // A look that finds nothing costs no call, and must not wait for one.
        if let Some(after) = behind.nothing_to_ask(runner).await? {
            return Ok(after);
        }
        behind.step(runner, waiting).await
    };
    match made.await {
        Ok(after) => {
            catching.after = after;
            outbox.notify_one();
        }
        Err(error) => not_committed(&behind.hunt, &behind.tenant, &error),
    }
}

/// Makes one run, and marks its tick as served when it was committed.
async fn serve(runner: &Runner, order: &Order, waiting: &Waiting, mut serving: Serving, outbox: &Notify) {
    match runner.run_noting(order, waiting).await {
        Ok(finished) => {
            serving.done(finished.run.due, look_behind_at(runner, order, &finished));
            outbox.notify_one();
        }
        Err(error) => not_committed(&order.hunt, &order.tenant, &error),
    }
}

/// When it is worth a look whether event time is missing, after a live run.
fn look_behind_at(runner: &Runner, order: &Order, finished: &Finished) -> Option<Timestamp> {
    let now = runner.clock.now();
    let behind = Behind { hunt: Arc::clone(&order.hunt), tenant: Arc::clone(&order.tenant), most: None };
    let at = match behind.plan(&finished.coverage, Some(finished.run.due), &runner.schema, now) {
        CatchUpPlan::Nothing => return None,
        CatchUpPlan::Wait(at) => at,
        CatchUpPlan::Ask(_) => now,
    };
    match finished.run.status {
        RunStatus::Ok | RunStatus::Partial => Some(at),
        RunStatus::Failed => finished.may_pass.then(|| at.max(now.plus(pause_after(1)))),
    }
}

/// A panic is said here: its tick was put off when the task was dropped.
fn note(ended: Result<Ended, JoinError>) -> Option<Ended> {
    if let Err(error) = &ended {
        tracing::error!(%error, "a run stopped unexpectedly: nothing of it counts, and it is made again");
    }
    ended.ok()
}

fn look_at(clock: &SharedClock) -> Look {
    Look { wall: clock.now(), steady: clock.steady() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::clock::ManualClock;

    fn serving(agenda: &Arc<Mutex<Agenda>>) -> Serving {
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH));
        Serving { agenda: Arc::clone(agenda), entry: 0, clock, done: false }
    }

    #[tokio::test]
    async fn a_run_that_only_waits_is_seen_to_wait() {
        let waiting = Waiting::new(false);
        let other = waiting.clone();
        let seen = tokio::spawn(async move { other.waits().await });
        tokio::task::yield_now().await;
        assert!(!seen.is_finished());
        waiting.set(true);
        seen.await.unwrap();
    }

    #[test]
    fn what_was_served_is_not_put_off_when_it_is_launched_again_meanwhile() {
        let start = Timestamp::from_seconds(1_795_514_400);
        let look = |minutes: i64| Look {
            wall: Timestamp::from_nanos(start.nanos() + minutes * 60_000_000_000),
            steady: Duration::from_mins(minutes.unsigned_abs()),
        };
        let agenda = Arc::new(Mutex::new(super::super::agenda::tests::every_minute(look(0))));
        assert_eq!(agenda.lock().unwrap().look(look(1)).1.len(), 1);
        drop(serving(&agenda));
        assert_eq!(agenda.lock().unwrap().look(look(2)).1.len(), 1, "dropped: put off, and due again");
        let mut served = serving(&agenda);
        served.done(look(2).wall, None);
        assert_eq!(agenda.lock().unwrap().look(look(3)).1.len(), 1);
        drop(served);
        assert_eq!(agenda.lock().unwrap().look(look(4)).1.len(), 0, "and under way until that one is done");
    }
}
