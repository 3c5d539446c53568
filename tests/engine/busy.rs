//! Another process that holds the database for longer than the store waits, after the API has answered.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huntd::engine::runner::{Order, Runner};
use huntd::engine::tenant::Tenant;
use huntd::engine::turns::Turns;
use huntd::model::run::RunStatus;
use huntd::model::time::Timestamp;
use huntd::ports::api::AnswerEnd;
use huntd::ports::clock::{Clock, SharedClock};
use huntd::ports::store::Store;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};

use crate::stage::{Stage, THREE, hunt};
use crate::stub::Stub;

/// A connection that takes the lock and gives it back, on a thread of its own.
struct Other {
    statement: Sender<&'static str>,
    done: Receiver<()>,
}

impl Other {
    fn new(database: std::path::PathBuf) -> Self {
        let ((statement, statements), (tell, done)) = (channel(), channel());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut conn = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
                while let Ok(statement) = statements.recv() {
                    conn.execute(statement).await.unwrap();
                    tell.send(()).unwrap();
                }
            });
        });
        Self { statement, done }
    }

    fn says(&self, statement: &'static str) {
        self.statement.send(statement).unwrap();
        self.done.recv().unwrap();
    }
}

/// A clock at whose looks another process takes the database's lock, and at whose waits it lets go.
struct Meddled {
    clock: SharedClock,
    other: Mutex<Other>,
    /// Looks at the clock until the lock is taken, counted from the answer on; below zero there is none.
    looks: AtomicI64,
    held: AtomicI64,
    /// For how many waits the lock is held.
    waits: i64,
    waited: AtomicU32,
}

#[async_trait::async_trait]
impl Clock for Meddled {
    fn now(&self) -> Timestamp {
        if self.looks.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.other.lock().unwrap().says("BEGIN IMMEDIATE");
            self.held.store(self.waits, Ordering::SeqCst);
        }
        self.clock.now()
    }

    fn steady(&self) -> Duration {
        self.clock.steady()
    }

    async fn wait_until(&self, at: Timestamp) {
        self.clock.wait_until(at).await;
    }

    async fn pass(&self, _: Duration) {
        self.waited.fetch_add(1, Ordering::SeqCst);
        if self.held.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.other.lock().unwrap().says("ROLLBACK");
        }
    }
}

/// A run after whose answer the lock is taken at that look at the clock: calls, waits, whether the lock was met.
async fn run_under_lock(look: i64, waits: i64) -> (u32, u32, Result<RunStatus, String>) {
    let stage = Stage::new(THREE).await;
    let store = Store::open_waiting(&stage.database(), Duration::from_millis(10)).await.unwrap();
    let clock = Arc::new(Meddled {
        clock: Arc::clone(&stage.runner.clock),
        other: Mutex::new(Other::new(stage.database())),
        looks: AtomicI64::new(-1),
        held: AtomicI64::new(0),
        waits,
        waited: AtomicU32::new(0),
    });
    let calls = Arc::new(AtomicU32::new(0));
    let api = {
        let (clock, calls) = (Arc::clone(&clock), Arc::clone(&calls));
        Stub(move || {
            calls.fetch_add(1, Ordering::SeqCst);
            clock.looks.store(look, Ordering::SeqCst);
            AnswerEnd::default()
        })
    };
    let tenant = Tenant { name: stage.tenant.name.clone(), quota: stage.tenant.quota, api: Arc::new(api) };
    let shared: SharedClock = Arc::<Meddled>::clone(&clock);
    let runner = Runner { store, clock: shared, turns: Turns::default(), ..stage.runner.clone() };
    let order = Order { tenant: Arc::new(tenant), ..stage.order(&hunt("h", "")) };
    let ran = runner.run(&order).await.map(|finished| finished.run.status).map_err(|error| error.to_string());
    (calls.load(Ordering::SeqCst), clock.waited.load(Ordering::SeqCst), ran)
}

#[tokio::test]
async fn an_answer_is_kept_while_another_process_holds_the_database() {
    // The answer is entered in the quota's ledger after the first look, and the run committed after the second.
    for look in [0, 1] {
        let (calls, waited, ran) = run_under_lock(look, 3).await;
        assert_eq!((calls, waited, ran), (1, 3, Ok(RunStatus::Ok)), "at look {look}");
    }
    let (calls, waited, ran) = run_under_lock(100, 3).await;
    assert_eq!((calls, waited, ran), (1, 0, Ok(RunStatus::Ok)), "without a lock");
}

#[tokio::test]
async fn a_lock_that_is_never_given_back_ends_the_run_and_says_so() {
    let (calls, waited, ran) = run_under_lock(1, 1_000).await;
    assert_eq!((calls, waited), (1, 9));
    assert!(ran.unwrap_err().contains("is busy: another process holds it"));
}
