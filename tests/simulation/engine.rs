//! huntd's engine over the world: started as the daemon starts it, and brought to rest between two steps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use huntd::engine::dispatcher::{Dispatcher, Work, fixed};
use huntd::engine::gate::Gates;
use huntd::engine::runner::Runner;
use huntd::engine::tenant::{Tenant, Tenants};
use huntd::engine::tick::Scheduler;
use huntd::engine::turns::Turns;
use huntd::engine::vitals::Vitals;
use huntd::model::config::{Failures, Quota, Route};
use huntd::model::hunt::{Hunt, Severity};
use huntd::model::id::{ChannelName, TenantName};
use huntd::model::time::Timestamp;
use huntd::ports::channel::Channel;
use huntd::ports::clock::{Clock, SharedClock};
use huntd::ports::store::Store;
use huntd::rules::kql::schema::Schema;
use huntd::rules::quota;
use huntd::rules::schedule::{self, ClockMove};
use tokio::sync::Notify;

use crate::channel::{CHANNELS, Ear};
use crate::clock::Clocks;
use crate::hunts::TENANTS;
use crate::tenant::Reached;
use crate::world::{PER_HOUR, PER_MINUTE, ROW_LIMIT, World};

/// How many a tenant lets run at a time.
const CONCURRENT: u32 = 3;

/// An engine that runs.
pub(crate) struct Engine {
    pub(crate) store: Store,
    clocks: Arc<Clocks>,
    scheduler: Scheduler,
    dispatcher: Dispatcher,
    work: Work,
    outbox: Arc<Notify>,
    /// Whether a run or a delivery has ended since the outbox was looked at.
    rung: bool,
    /// Tasks that were there before the engine's: the store's own.
    others: usize,
    /// When each hunt is worth a look, by the wall clock.
    ticks: Vec<(Arc<Hunt>, TenantName, Timestamp)>,
    /// When the outbox is, by the wall clock.
    next_delivery: Option<Timestamp>,
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

impl Engine {
    /// Starts it, as the daemon does.
    pub(crate) async fn start(world: &Arc<World>, database: &Path) -> Self {
        let clocks = Arc::clone(&world.clocks);
        let clock: SharedClock = Arc::<Clocks>::clone(&clocks);
        let store = Store::open(database).await.unwrap();
        let others = tasks();
        let now = clock.now();
        // Whoever was there before is dead, though the process is the same.
        store.settle_orphans(now, |_| false).await.unwrap();
        store.move_ledgers(now, |ledger| quota::carry(ledger, ClockMove::Steady, now)).await.unwrap();
        let failures = Failures { to: vec![channel("owners")], after: 3, every: Duration::from_hours(24) };
        let runner = Runner {
            store: store.clone(),
            clock: Arc::clone(&clock),
            routes: routes(),
            failures: Arc::new(failures),
            turns: Turns::default(),
            gates: Gates::default(),
            vitals: Vitals::default(),
            schema: Arc::new(Schema::defender().clone()),
        };
        let (tenants, hunts) = (tenants(world), hunts(world));
        let outbox = Arc::new(Notify::new());
        let scheduler = Scheduler::new(runner, &hunts, &tenants, Arc::clone(&outbox)).await.unwrap();
        let dispatcher =
            Dispatcher { store: store.clone(), clock, channels: fixed(channels(world)), vitals: Vitals::default() };
        let ticks =
            hunts.into_iter().map(|hunt| (Arc::clone(&hunt), hunt.tenants.as_ref().unwrap()[0].clone(), now)).collect();
        let work = Work::default();
        let mut this = Self {
            store,
            clocks,
            scheduler,
            dispatcher,
            work,
            outbox,
            rung: false,
            others,
            ticks,
            next_delivery: Some(now),
        };
        this.lay_out();
        this
    }

    /// The next moment of true time at which something is due by itself.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let ticks = self.ticks.iter().map(|(_, _, at)| *at);
        let wall = ticks.chain(self.next_delivery).min()?;
        Some(self.clocks.true_of(wall).max(self.clocks.true_now()))
    }

    /// Looks at the wall clock anew, after it was set.
    pub(crate) fn lay_out(&mut self) {
        let now = self.clocks.now();
        for (hunt, tenant, at) in &mut self.ticks {
            *at = next_tick(hunt, tenant, now);
        }
        self.next_delivery = Some(now);
    }

    /// Launches what is due and sends what there is to send, until nothing more moves at this moment.
    pub(crate) async fn look(&mut self) {
        loop {
            let launched = self.scheduler.look().await;
            let now = self.clocks.now();
            for (hunt, tenant, at) in self.ticks.iter_mut().filter(|(_, _, at)| *at <= now) {
                *at = next_tick(hunt, tenant, now);
            }
            self.rest().await;
            let due = self.next_delivery.is_some_and(|at| at <= now);
            if !std::mem::take(&mut self.rung) && !due {
                if launched == 0 {
                    return;
                }
                continue;
            }
            let before = tasks();
            self.dispatcher.launch(&mut self.work).await.unwrap();
            if tasks() == before && self.next_delivery.is_none() {
                continue;
            }
            self.rest().await;
            let next = self.store.next_delivery_at().await.unwrap();
            // What is claimed or can't be sent now is due at a moment that may be past already.
            self.next_delivery = next.map(|at| at.max(now.plus(Duration::from_secs(5))));
        }
    }

    /// Waits until every task waits: for the clock, or for a place. The store's threads are idle then, and
    /// what comes next hangs on nothing but the order in which the clock lets go.
    pub(crate) async fn rest(&mut self) {
        for _ in 0..60_000 {
            self.settle().await;
            if tasks() == self.others + self.scheduler.queued() + self.clocks.waiting() {
                return;
            }
            tokio::select! {
                () = self.clocks.bell.notified() => {}
                () = self.outbox.notified() => self.rung = true,
                Some(done) = self.work.next() => { done.unwrap(); self.rung = true; }
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
        let (queued, waiting) = (self.scheduler.queued(), self.clocks.waiting());
        panic!("it doesn't come to rest: {} tasks, {queued} in the queue, {waiting} waiting", tasks() - self.others);
    }

    async fn settle(&mut self) {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        while let Some(Some(done)) = self.work.next().now_or_never() {
            done.unwrap();
            self.rung = true;
        }
        self.rung |= self.outbox.notified().now_or_never().is_some();
    }

    /// Ends it as the daemon ends after SIGTERM: runs in a call may end, the outbox is emptied.
    pub(crate) async fn stop(mut self) -> Store {
        let limit = Duration::from_mins(10);
        loop {
            let finish = self.scheduler.finish(limit);
            tokio::pin!(finish);
            let over = tokio::select! {
                biased;
                _ = &mut finish => true,
                () = rest_without_queue(&self.clocks, self.others) => false,
            };
            if over {
                break;
            }
            self.clocks.let_go(None);
        }
        while tasks() > self.others {
            while let Some(Some(_)) = self.work.next().now_or_never() {}
            rest_without_queue(&self.clocks, self.others).await;
            self.clocks.let_go(None);
        }
        self.end().await
    }

    /// Kills it: nothing of what was under way goes on. The clock's waits end with it.
    pub(crate) async fn kill(self) -> Store {
        self.end().await
    }

    async fn end(self) -> Store {
        let Self { store, scheduler, dispatcher, work, .. } = self;
        drop((scheduler, dispatcher, work));
        store.close().await.unwrap();
        while tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store
    }
}

/// Waits until all tasks wait for the clock, or there are none.
async fn rest_without_queue(clocks: &Clocks, others: usize) {
    loop {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        if tasks() == others + clocks.waiting() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn next_tick(hunt: &Hunt, tenant: &TenantName, now: Timestamp) -> Timestamp {
    let tick = schedule::next(&hunt.schedule, hunt.timezone, now).expect("every schedule goes on");
    schedule::start(hunt, tenant, tick)
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

/// As `hunts::Spec::channels` has it.
fn routes() -> Arc<[Route]> {
    let high = Route { severity: vec![Severity::High], to: vec![channel("soc")], go_on: true, ..Route::default() };
    Arc::new([high, Route { to: vec![channel("hits")], ..Route::default() }])
}

fn channels(world: &Arc<World>) -> Arc<BTreeMap<ChannelName, Arc<dyn Channel>>> {
    let all = CHANNELS.iter().chain(&["owners"]);
    Arc::new(all.map(|name| (channel(name), Ear::new(name, world) as Arc<dyn Channel>)).collect())
}

fn tenants(world: &Arc<World>) -> Tenants {
    let quota = Quota {
        calls_per_minute: PER_MINUTE,
        calls_per_hour: PER_HOUR,
        concurrent: CONCURRENT,
        row_limit: ROW_LIMIT,
        ..Quota::DEFAULT
    };
    let now = world.clocks.true_now();
    let tenant = |(index, name): (usize, &&str)| {
        let name = TenantName::new(*name).unwrap();
        let older = world.faults.is_older(index, now);
        let api = Arc::new(Reached { world: Arc::clone(world), tenant: index, older });
        (name.clone(), Arc::new(Tenant { name, quota, api }))
    };
    TENANTS.iter().enumerate().map(tenant).collect()
}

fn hunts(world: &World) -> Vec<Arc<Hunt>> {
    let now = world.clocks.true_now();
    world.hunts.iter().map(|spec| Arc::clone(spec.at(now))).collect()
}
