//! What is due now goes to the runners.
//!
//! The bell (tokio-cron-scheduler) and a steady look beside it only wake this; what is due is decided
//! by `rules/schedule` from the last tick that was served, so that no tick is lost or served twice
//! when the bell is late, the machine slept, or the wall clock was set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::runner::{Order, Runner};
use super::tenant::{Tenant, Tenants};
use crate::model::hunt::Hunt;
use crate::model::run::Trigger;
use crate::model::time::Timestamp;
use crate::ports::store::error::StoreError;
use crate::rules::schedule::{self, ClockStep, Due};

/// One hunt on one tenant, as the agenda holds it.
#[derive(Debug)]
struct Entry {
    hunt: Arc<Hunt>,
    tenant: Arc<Tenant>,
    splay: Duration,
    /// The last tick that was served.
    last: Timestamp,
    /// The first moment at which a look is worth it.
    wake: Timestamp,
    running: bool,
}

/// What a look found due.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The entry, to be handed back by [`Agenda::done`].
    pub entry: usize,
    /// What to run.
    pub order: Order,
    /// Ticks before this one that nobody served: their event time is in this run's window.
    pub missed: u64,
}

/// When each hunt is due on each tenant.
#[derive(Debug)]
pub struct Agenda {
    entries: Vec<Entry>,
    look: (Timestamp, Duration),
}

/// The wait before a tick is tried again whose run could not be committed.
const STORE_PAUSE: Duration = Duration::from_mins(1);

impl Agenda {
    /// An agenda with no entries, looked at first at `now` on the wall clock and `steady` on the
    /// steady one.
    #[must_use]
    pub const fn new(now: Timestamp, steady: Duration) -> Self {
        Self { entries: Vec::new(), look: (now, steady) }
    }

    /// Adds a hunt on a tenant whose last served tick is `last`.
    pub fn add(&mut self, hunt: Arc<Hunt>, tenant: Arc<Tenant>, last: Timestamp) {
        let most = schedule::splay_limit(&hunt.schedule, hunt.timezone, hunt.splay, self.look.0);
        let splay = schedule::splay(&hunt.id, &tenant.name, most);
        // A clock that was set back while huntd was down must not silence a hunt either.
        let last = last.min(self.look.0);
        self.entries.push(Entry { hunt, tenant, splay, last, wake: Timestamp::EPOCH, running: false });
    }

    /// What is due at `now`. Each is marked as running until [`done`](Self::done).
    pub fn look(&mut self, now: Timestamp, steady: Duration) -> Vec<Launch> {
        let step = schedule::clock_step(self.look, (now, steady));
        self.look = (now, steady);
        if let ClockStep::SetBack { by } = step {
            tracing::warn!(by = ?by, "the wall clock was set back: the hunts go on from its new time");
            for entry in &mut self.entries {
                entry.last = entry.last.min(now);
                entry.wake = Timestamp::EPOCH;
            }
        }
        let mut launches = Vec::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if entry.running || entry.wake > now {
                continue;
            }
            match schedule::due(&entry.hunt.schedule, entry.hunt.timezone, entry.last, now.minus(entry.splay)) {
                Due::Nothing { next } => {
                    entry.wake = next.map_or(Timestamp::from_nanos(i64::MAX), |next| next.plus(entry.splay));
                }
                Due::Run { tick, missed, .. } => {
                    entry.running = true;
                    let order = Order {
                        hunt: Arc::clone(&entry.hunt),
                        tenant: Arc::clone(&entry.tenant),
                        due: tick,
                        trigger: Trigger::Schedule,
                        window: None,
                        as_of: None,
                        notify: true,
                    };
                    launches.push(Launch { entry: index, order, missed });
                }
            }
        }
        launches
    }

    /// The run of `tick` was committed.
    pub fn done(&mut self, entry: usize, tick: Timestamp) {
        if let Some(entry) = self.entries.get_mut(entry) {
            (entry.running, entry.wake) = (false, Timestamp::EPOCH);
            entry.last = entry.last.max(tick).min(self.look.0.max(tick));
        }
    }

    /// The run could not be committed: its tick stays unserved, and is tried again a little later.
    pub fn put_off(&mut self, entry: usize, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(entry) {
            (entry.running, entry.wake) = (false, now.plus(STORE_PAUSE));
        }
    }

    /// When the next hunt is due, for people.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.entries.iter().filter(|entry| !entry.running).map(|entry| entry.wake).min()
    }
}

/// Launches what is due, and keeps the runs that are under way.
pub struct Scheduler {
    runner: Runner,
    agenda: Arc<Mutex<Agenda>>,
    permits: Vec<(Arc<Tenant>, Arc<Semaphore>)>,
    outbox: Arc<Notify>,
    runs: JoinSet<()>,
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
        let now = runner.clock.now();
        let mut agenda = Agenda::new(now, runner.clock.steady());
        for hunt in hunts.iter().filter(|hunt| hunt.enabled) {
            for tenant in tenants.values().filter(|tenant| hunt.runs_on(&tenant.name)) {
                let last = runner.store.first_seen_track(&hunt.id, &tenant.name, now).await?;
                agenda.add(Arc::clone(hunt), Arc::clone(tenant), last);
            }
        }
        let permits = tenants
            .values()
            .map(|tenant| (Arc::clone(tenant), Arc::new(Semaphore::new(tenant.quota.concurrent.max(1) as usize))))
            .collect();
        Ok(Self { runner, agenda: Arc::new(Mutex::new(agenda)), permits, outbox, runs: JoinSet::new() })
    }

    /// Launches what is due now, and says how many runs that are.
    pub fn look(&mut self) -> usize {
        let (now, steady) = (self.runner.clock.now(), self.runner.clock.steady());
        let launches = self.agenda.lock().unwrap_or_else(PoisonError::into_inner).look(now, steady);
        let count = launches.len();
        for launch in launches {
            self.launch(launch);
        }
        while self.runs.try_join_next().is_some() {}
        count
    }

    fn launch(&mut self, launch: Launch) {
        let Launch { entry, order, missed } = launch;
        if missed > 0 {
            tracing::info!(hunt = %order.hunt.id, tenant = %order.tenant.name, missed, "ticks were missed: this run's window covers them");
        }
        let permits = self.permits.iter().find(|(tenant, _)| Arc::ptr_eq(tenant, &order.tenant));
        let permits = permits.map(|(_, permits)| Arc::clone(permits));
        let (runner, agenda, outbox) = (self.runner.clone(), Arc::clone(&self.agenda), Arc::clone(&self.outbox));
        self.runs.spawn(async move {
            let _permit = match &permits {
                // The semaphore is never closed, so an error can't come.
                Some(permits) => permits.acquire().await.ok(),
                None => None,
            };
            let done = runner.run(&order).await;
            let now = runner.clock.now();
            let mut agenda = agenda.lock().unwrap_or_else(PoisonError::into_inner);
            match done {
                Ok(_) => {
                    agenda.done(entry, order.due);
                    outbox.notify_one();
                }
                Err(error) => {
                    let hint = error.hint().unwrap_or("");
                    tracing::error!(hunt = %order.hunt.id, tenant = %order.tenant.name, %error, hint, "the run could not be committed: nothing of it counts, and it is made again");
                    agenda.put_off(entry, now);
                }
            }
        });
    }

    /// Waits until the runs under way are over, at most `limit`; cuts off the rest and says how many.
    pub async fn finish(&mut self, limit: Duration) -> usize {
        let all = async { while self.runs.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_ok() {
            return 0;
        }
        let rest = self.runs.len();
        self.runs.shutdown().await;
        rest
    }

    /// Looks whenever the bell rings, until told to stop.
    pub async fn run(&mut self, bell: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        loop {
            self.look();
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

/// How often the agenda is looked at without the bell.
const STEADY_LOOK: Duration = Duration::from_secs(2);
