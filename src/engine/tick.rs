//! What is due now goes to the runners.
//!
//! The bell (tokio-cron-scheduler) and a steady look beside it only wake this; what is due is decided
//! by `rules/schedule` from the last tick that was served, so that no tick is lost or served twice
//! when the bell is late, the machine slept, or the wall clock was set.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};

pub use super::agenda::{Agenda, Launch, Pair};
use super::catching_up::{After, Behind, pause_after};
use super::clockwatch::Clockwatch;
use super::punctual::Hourly;
use super::runner::{Finished, Order, Runner};
use super::tenant::{Tenant, Tenants};
use super::under_way::{Ended, Name, UnderWay};
use super::waiting::Waiting;
use crate::model::config::{Failures, Route};
use crate::model::hunt::Hunt;
use crate::model::run::RunStatus;
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;
use crate::rules::kql::schema::Schema;
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

/// What a scheduler goes on with after a reload.
#[derive(Clone)]
pub struct NewOrders {
    /// The hunts; those that aren't among them begin nothing any more.
    pub hunts: Vec<Arc<Hunt>>,
    /// The tenants.
    pub tenants: Tenants,
    /// Who is told of what.
    pub routes: Arc<[Route]>,
    /// Who is told of trouble.
    pub failures: Arc<Failures>,
    /// The tables and columns by which queries are understood.
    pub schema: Arc<Schema>,
}

/// New orders on their way to a scheduler that runs.
pub struct Reloading {
    /// The orders.
    pub orders: NewOrders,
    /// Told once they are taken, or why they aren't: then all is as it was.
    pub answer: oneshot::Sender<Result<(), StoreError>>,
}

/// Launches what is due, and keeps the runs that are under way.
pub struct Scheduler {
    runner: Runner,
    agenda: Arc<Mutex<Agenda>>,
    outbox: Arc<Notify>,
    runs: UnderWay,
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
        // Before the agenda, which looks at what is covered.
        let clockwatch = Clockwatch::begin(&runner.store, look, latest(hunts)).await?;
        let agenda = Arc::new(Mutex::new(Agenda::new(look)));
        let stop = watch::Sender::new(false);
        let (runs, hourly) = (UnderWay::default(), Hourly::begin(look.steady));
        let mut this = Self { runner, agenda, outbox, runs, clockwatch, hourly, stop };
        this.lay_out(hunts, tenants).await?;
        Ok(this)
    }

    /// Goes on with other hunts, tenants and means, from the next look on. Runs under way end as they began; what isn't
    /// touched goes on where it stood. After an error all is as it was.
    pub async fn reload(&mut self, orders: &NewOrders) -> Result<(), StoreError> {
        self.lay_out(&orders.hunts, &orders.tenants).await?;
        self.clockwatch.expect_late(latest(&orders.hunts));
        let NewOrders { routes, failures, schema, .. } = orders;
        self.runner.routes = Arc::clone(routes);
        self.runner.failures = Arc::clone(failures);
        self.runner.schema = Arc::clone(schema);
        Ok(())
    }

    async fn lay_out(&mut self, hunts: &[Arc<Hunt>], tenants: &Tenants) -> Result<(), StoreError> {
        let enabled = hunts.iter().filter(|hunt| hunt.enabled);
        let on_each = enabled.flat_map(|hunt| {
            let tenants = tenants.values().filter(|tenant| hunt.runs_on(&tenant.name));
            tenants.map(move |tenant| (Arc::clone(hunt), Arc::clone(tenant)))
        });
        let pairs: Vec<Pair> = on_each.collect();
        let unknown = self.agenda().unknown(&pairs);
        let names: Vec<_> = unknown.iter().map(|(hunt, tenant)| (&hunt.id, &tenant.name)).collect();
        let served = self.runner.store.served_from_each(&names, self.runner.clock.now()).await?;
        let mut agenda = self.agenda();
        agenda.lay_out(&pairs);
        for ((hunt, tenant), served) in unknown.into_iter().zip(served) {
            agenda.add(hunt, tenant, served);
        }
        drop(agenda);
        for tenant in tenants.values() {
            let standing = hunts.iter().filter(|hunt| hunt.enabled && hunt.runs_on(&tenant.name));
            self.runner.gates.of(&tenant.name).stand(standing.map(Arc::clone).collect());
        }
        Ok(())
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Launches what is due now, and says how many runs that are.
    pub async fn look(&mut self) -> usize {
        let look = look_at(&self.runner.clock);
        self.clockwatch.carry(&self.runner.store, look).await;
        self.hourly.look(&self.runner.gates, look.steady);
        let (_, mut launches) = self.agenda().look(look);
        let count = launches.len();
        // What matters most comes first into the queue.
        launches.sort_by_key(|launch| std::cmp::Reverse(launch.order.hunt.severity));
        for launch in launches {
            self.launch(launch);
        }
        // After all that is due: what was missed waits for it.
        let behind = self.agenda().behind(look.wall);
        for (entry, behind) in behind {
            self.catch_up(entry, behind);
        }
        self.runs.tidy();
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
        let (stop, waiting) = (self.stop.subscribe(), Waiting::new(true));
        self.runs.spawn(name(&order.hunt, &order.tenant, &waiting), async move {
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
        let (stop, waiting) = (self.stop.subscribe(), Waiting::new(true));
        self.runs.spawn(name(&behind.hunt, &behind.tenant, &waiting), async move {
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
        self.runs.finish(limit).await
    }

    /// Looks whenever the bell rings, and takes new orders, until told to stop.
    pub async fn run(
        &mut self,
        bell: Arc<Notify>,
        mut orders: mpsc::Receiver<Reloading>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            self.look().await;
            tokio::select! {
                Some(Reloading { orders, answer }) = orders.recv() => {
                    // Who asked may be gone by now.
                    let _heard = answer.send(self.reload(&orders).await).is_ok();
                }
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

fn name(hunt: &Hunt, tenant: &Tenant, waiting: &Waiting) -> Name {
    Name { hunt: hunt.id.clone(), tenant: tenant.name.clone(), waiting: waiting.clone() }
}

fn latest(hunts: &[Arc<Hunt>]) -> Duration {
    hunts.iter().map(|hunt| hunt.late).max().unwrap_or_default()
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
