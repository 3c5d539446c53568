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
use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;
use crate::rules::quota;
use crate::rules::schedule::{self, ClockMove, Due, Look};

/// One hunt on one tenant, as the agenda holds it.
#[derive(Debug)]
struct Entry {
    hunt: Arc<Hunt>,
    tenant: Arc<Tenant>,
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
    look: Look,
}

impl Entry {
    fn launch(&mut self, entry: usize, now: Timestamp) -> Option<Launch> {
        // A run that was under way when the clock was set back hands in a tick of the old time.
        self.last = schedule::resume(self.last, now);
        match schedule::due(&self.hunt.schedule, self.hunt.timezone, self.last, now) {
            Due::Nothing { next } => {
                let never = Timestamp::from_nanos(i64::MAX);
                self.wake = next.map_or(never, |next| schedule::start(&self.hunt, &self.tenant.name, next));
                None
            }
            Due::Run { tick, missed, .. } => {
                let start = schedule::start(&self.hunt, &self.tenant.name, tick);
                if start > now {
                    self.wake = start;
                    return None;
                }
                self.running = true;
                let order = Order {
                    hunt: Arc::clone(&self.hunt),
                    tenant: Arc::clone(&self.tenant),
                    due: tick,
                    trigger: Trigger::Schedule,
                    window: None,
                    as_of: None,
                    notify: true,
                };
                Some(Launch { entry, order, missed })
            }
        }
    }
}

/// The wait before a tick is tried again whose run could not be committed.
const STORE_PAUSE: Duration = Duration::from_mins(1);

impl Agenda {
    /// An agenda with no entries.
    #[must_use]
    pub const fn new(look: Look) -> Self {
        Self { entries: Vec::new(), look }
    }

    /// Adds a hunt on a tenant whose last served tick is `last`.
    pub fn add(&mut self, hunt: Arc<Hunt>, tenant: Arc<Tenant>, last: Timestamp) {
        // The clock may have been set back while huntd was down.
        let last = schedule::resume(last, self.look.wall);
        self.entries.push(Entry { hunt, tenant, last, wake: Timestamp::EPOCH, running: false });
    }

    /// What is due at this look, and what the wall clock did since the one before. Each launch is marked
    /// as running until [`done`](Self::done).
    pub fn look(&mut self, look: Look) -> (ClockMove, Vec<Launch>) {
        let (moved, now) = (schedule::moved(self.look, look), look.wall);
        self.look = look;
        if moved != ClockMove::Steady {
            for entry in &mut self.entries {
                entry.last = schedule::resume(entry.last, now);
                entry.wake = Timestamp::EPOCH;
            }
        }
        let entries = self.entries.iter_mut().enumerate().filter(|(_, entry)| !entry.running && entry.wake <= now);
        (moved, entries.filter_map(|(index, entry)| entry.launch(index, now)).collect())
    }

    /// The run of `tick` was committed.
    pub fn done(&mut self, entry: usize, tick: Timestamp) {
        if let Some(entry) = self.entries.get_mut(entry) {
            (entry.running, entry.wake) = (false, Timestamp::EPOCH);
            entry.last = tick;
        }
    }

    /// The run could not be committed: its tick stays unserved, and is tried again a little later.
    pub fn put_off(&mut self, entry: usize, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(entry).filter(|entry| entry.running) {
            (entry.running, entry.wake) = (false, now.plus(STORE_PAUSE));
        }
    }

    /// When the next hunt is due, for people.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.entries.iter().filter(|entry| !entry.running).map(|entry| entry.wake).min()
    }
}

/// An entry that is being served. Dropped before its run was committed, by an error, a panic or a stop,
/// it leaves the tick unserved: nothing may leave a hunt marked as running for ever.
struct Serving {
    agenda: Arc<Mutex<Agenda>>,
    entry: usize,
    clock: SharedClock,
}

impl Serving {
    fn done(&self, tick: Timestamp) {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).done(self.entry, tick);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).put_off(self.entry, self.clock.now());
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
        let mut agenda = Agenda::new(Look { wall: now, steady: runner.clock.steady() });
        for hunt in hunts.iter().filter(|hunt| hunt.enabled) {
            for tenant in tenants.values().filter(|tenant| hunt.runs_on(&tenant.name)) {
                let last = runner.store.served_from(&hunt.id, &tenant.name, now).await?;
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
    pub async fn look(&mut self) -> usize {
        let look = Look { wall: self.runner.clock.now(), steady: self.runner.clock.steady() };
        let (moved, launches) = self.agenda.lock().unwrap_or_else(PoisonError::into_inner).look(look);
        if moved != ClockMove::Steady {
            tracing::warn!(?moved, "the wall clock was set, or the machine slept: the hunts go on from its new time");
            if let Err(error) =
                self.runner.store.move_ledgers(look.wall, |ledger| quota::carry(ledger, moved, look.wall)).await
            {
                tracing::error!(%error, "the quota's ledger could not be moved with the clock");
            }
        }
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
            let serving = Serving { agenda, entry, clock: SharedClock::clone(&runner.clock) };
            match runner.run(&order).await {
                Ok(_) => {
                    serving.done(order.due);
                    outbox.notify_one();
                }
                Err(error) => {
                    let hint = error.hint().unwrap_or("");
                    tracing::error!(hunt = %order.hunt.id, tenant = %order.tenant.name, %error, hint, "the run could not be committed: nothing of it counts, and it is made again");
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

/// How often the agenda is looked at without the bell.
const STEADY_LOOK: Duration = Duration::from_secs(2);
