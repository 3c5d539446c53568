//! A smaller stage than a play: the engine over the real store, hunts and tenants of the test's own, and nothing that
//! goes wrong but what the tenants do. For questions of who is called when.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huntd::engine::gate::Gates;
use huntd::engine::runner::Runner;
use huntd::engine::tenant::{Tenant, Tenants};
use huntd::engine::tick::Scheduler;
use huntd::engine::turns::Turns;
use huntd::engine::vitals::Vitals;
use huntd::model::config::{Failures, HuntDefaults, Quota};
use huntd::model::failure::ApiFailure;
use huntd::model::hunt::Hunt;
use huntd::model::id::TenantName;
use huntd::model::row::{Column, ColumnType, Schema as Columns};
use huntd::model::schedule::Schedule;
use huntd::model::time::{Timestamp, Zone};
use huntd::ports::api::{AnswerEnd, AnswerPiece, FirstByte, QueryRequest, TenantApi};
use huntd::ports::clock::{Clock, SharedClock};
use huntd::ports::store::Store;
use huntd::rules::definition::{self, HuntFile};
use huntd::rules::kql::schema::Schema;
use tokio::sync::{Notify, mpsc};

use crate::clock::Clocks;
use crate::hunts::asked;
use crate::scale::{HOUR, MINUTE};

/// 2026-11-24T10:00:00Z, at which a quarter hour of the clock begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_795_514_400);
const SECOND: Duration = Duration::from_secs(1);

/// What answers a call.
#[async_trait::async_trait]
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers a call for a hunt, with the CPU that it says the call cost.
    async fn call(&self, hunt: usize) -> Result<Option<Duration>, ApiFailure>;
}

/// A call that was answered with rows, and not with a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) hunt: usize,
    pub(crate) sent: Timestamp,
}

/// A tenant, as huntd reaches it.
pub(crate) struct Line {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) served: Mutex<Vec<Served>>,
}

impl Line {
    pub(crate) fn new(service: Arc<dyn Service>, clocks: &Arc<Clocks>) -> Arc<Self> {
        Arc::new(Self { service, clocks: Arc::clone(clocks), served: Mutex::default() })
    }

    /// Calls the service, and keeps when it was.
    pub(crate) async fn call(&self, hunt: usize) -> Result<Option<Duration>, ApiFailure> {
        let sent = self.clocks.true_now();
        let answer = self.service.call(hunt).await;
        if answer.is_ok() {
            self.served.lock().unwrap().push(Served { hunt, sent });
        }
        answer
    }

    pub(crate) fn served(&self) -> Vec<Served> {
        self.served.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl TenantApi for Line {
    fn takes_timespan(&self) -> bool {
        true
    }

    fn endpoint(&self) -> String {
        "simulation".to_owned()
    }

    async fn sign_in(&self) -> Result<(), ApiFailure> {
        Ok(())
    }

    async fn forget_token(&self) {}

    async fn query(
        &self,
        request: &QueryRequest,
        first_byte: &FirstByte,
        pieces: mpsc::Sender<AnswerPiece>,
    ) -> Result<AnswerEnd, ApiFailure> {
        let answer = self.call(asked(&request.query)).await;
        first_byte.note(self.clocks.steady());
        let cpu = answer?;
        let columns = [("Timestamp", ColumnType::DateTime), ("N", ColumnType::Long)];
        let columns = columns.map(|(name, kind)| Column { name: name.to_owned(), kind });
        assert!(pieces.send(AnswerPiece::Schema(Columns { columns: columns.to_vec() })).await.is_ok());
        Ok(AnswerEnd { cpu, ..AnswerEnd::default() })
    }
}

/// A hunt of the number, with further keys.
pub(crate) fn hunt(number: usize, more: &str) -> Arc<Hunt> {
    let query = format!("DeviceProcessEvents | where FileName == 'h{number:03}'");
    let text = format!("id: h{number:03}\nquery: \"{query}\"\nlookback: 4h\nlate: 30m\nkey: [N]\n{more}\n");
    let path = PathBuf::from(format!("h{number:03}.yaml"));
    let file = HuntFile { shown: path.clone(), relative: path, bytes: text.into_bytes() };
    let schedule = Schedule::parse("@daily").unwrap();
    let defaults = HuntDefaults { schedule, lookback: HOUR, late: MINUTE * 30 };
    let mut loaded = definition::load(&[file], &defaults, Zone::UTC);
    assert_eq!(loaded.hunts.len(), 1, "{:?}", loaded.findings);
    Arc::new(loaded.hunts.remove(0))
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// The engine on its stage.
pub(crate) struct Stand {
    clocks: Arc<Clocks>,
    scheduler: Scheduler,
    /// Tasks that were there before the engine's: the store's own.
    others: usize,
    _folder: tempfile::TempDir,
}

impl Stand {
    /// The engine with these tenants, over a store of its own.
    pub(crate) async fn new(clocks: &Arc<Clocks>, hunts: &[Arc<Hunt>], lines: &[(String, Quota, Arc<Line>)]) -> Self {
        let folder = crate::play::folder();
        let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
        let others = tasks();
        let clock: SharedClock = Arc::<Clocks>::clone(clocks);
        let failures = Arc::new(Failures { to: Vec::new(), after: 3, every: HOUR * 24 });
        let (turns, gates) = (Turns::default(), Gates::default());
        let schema = Arc::new(Schema::defender().clone());
        let (store, routes, vitals) = (store.clone(), Arc::new([]), Vitals::default());
        let runner = Runner { store, clock, routes, failures, turns, gates, schema, vitals };
        let tenant = |(name, quota, line): &(String, Quota, Arc<Line>)| {
            let name = TenantName::new(name.clone()).unwrap();
            (name.clone(), Arc::new(Tenant { name, quota: *quota, api: Arc::<Line>::clone(line) }))
        };
        let tenants: Tenants = lines.iter().map(tenant).collect();
        let scheduler = Scheduler::new(runner, hunts, &tenants, Arc::new(Notify::new())).await.unwrap();
        Self { clocks: Arc::clone(clocks), scheduler, others, _folder: folder }
    }

    /// Lives until `end`, as the daemon does: it looks once a second.
    pub(crate) async fn live(&mut self, end: Timestamp) {
        loop {
            self.scheduler.look().await;
            self.rest().await;
            let second = self.clocks.true_now().plus(SECOND);
            while let Some(next) = self.clocks.next().filter(|next| *next < second.min(end)) {
                self.clocks.go_on_to(next);
                self.clocks.let_go(None);
                self.rest().await;
            }
            if second >= end {
                return;
            }
            self.clocks.go_on_to(second);
        }
    }

    /// Waits until every task waits: for the clock, or for a place.
    async fn rest(&mut self) {
        for _ in 0..60_000 {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            if tasks() == self.others + self.scheduler.queued() + self.clocks.waiting() {
                return;
            }
            tokio::select! {
                () = self.clocks.bell.notified() => {}
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
        panic!("it doesn't come to rest");
    }
}

/// Runs it on a thread of its own, as the clock counts the tasks.
pub(crate) fn alone<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}
