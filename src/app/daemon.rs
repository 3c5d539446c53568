//! The service: starts everything, waits for a signal, and stops in reverse.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use super::exit::{AppError, Exit};
use super::lease::Lease;
use super::output::Output;
use super::reload::{self, Reloader, Running};
use super::retention;
use super::setup::{self, Tree};
use super::standing::Stand;
use super::systemd;
use super::troubles::Overseer;
use super::upstream::{self, Keeper};
use super::watch::{Watch, Watched};
use crate::engine::bell::Bell;
use crate::engine::dispatcher::{Channels, Dispatcher};
use crate::engine::tenant::Tenants;
use crate::engine::tick::{Reloading, Scheduler};
use crate::model::config::Config;
use crate::model::time::Timestamp;
use crate::model::upstream::Following;
use crate::ports::clock::{SharedClock, SystemClock};
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;

/// How long runs under way may take to end after the signal; systemd's own limit is longer.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How long the first fetch of the hunts may take; git is ended before that.
const FIRST_FETCH: Duration = Duration::from_mins(5);

/// How often it is looked whether database and lock stand at their paths still.
const LOOK: Duration = Duration::from_secs(1);
/// The wait before a database that was deleted is tried to be saved again.
const SAVE_PAUSE: Duration = Duration::from_secs(10);

/// Why a daemon ends by itself.
enum Fault {
    /// The engine or the outbox ended, which neither does unless it is told to.
    Stopped,
    /// Somebody deleted or replaced the database's files.
    Gone(StoreError),
    /// Somebody deleted the lock, and another daemon took it.
    Displaced(AppError),
}

/// What a daemon starts with.
pub struct Start {
    /// The config's file.
    path: PathBuf,
    /// The bytes that it was read from.
    bytes: Vec<u8>,
    /// The config.
    config: Config,
    /// Its hunts.
    tree: Tree,
    /// The state of the hunts folders before they were read.
    stamp: u64,
}

impl Start {
    /// Reads the config and its hunts, and logs what is wrong with them. A repository of hunts is fetched first, where
    /// that wasn't done before; who no longer waits for it ends that.
    pub async fn read(path: &Path, output: Output) -> Result<Self, AppError> {
        let bytes = setup::config_bytes(path)?;
        let (config, findings) = setup::config(path, output)?;
        if config.git.is_some() {
            systemd::starting(FIRST_FETCH);
        }
        upstream::begin(&config).await?;
        let stamp = reload::stamp(config.hunts.clone()).await;
        let tree = setup::tree(&config, |_| true)?;
        reload::log_findings(findings.iter().chain(&tree.findings));
        Ok(Self { path: path.to_owned(), bytes, config, tree, stamp })
    }

    /// The config.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// A daemon that runs.
pub struct Daemon {
    stop: watch::Sender<bool>,
    engine: JoinHandle<usize>,
    outbox: JoinHandle<()>,
    /// What may be cut off at any moment.
    beside: Vec<JoinHandle<()>>,
    bell: Bell,
    store: Store,
    lease: Lease,
    /// How many hunts stood at the start.
    hunts: usize,
    watched: Watched,
}

impl Daemon {
    /// Starts the engine over what was loaded; `hangup` is the signal upon which that is loaded again.
    pub async fn start(start: Start, hangup: Signal, clock: SharedClock) -> Result<Self, AppError> {
        let Start { config, tree, .. } = &start;
        let lease = Lease::take(&config.database)?;
        let store = setup::store(config).await?;
        let stand = standing(&store, config, tree, clock.now()).await?;
        let hunts = stand.all();
        let tenants = setup::tenants(config, &clock)?;
        let channels = watch::Sender::new(Arc::new(setup::channels(config)?));
        setup::tidy(&store, &clock).await?;
        let runner = setup::runner(config, &store, &clock);
        let (vitals, gates) = (runner.vitals.clone(), runner.gates.clone());
        vitals.begin(clock.steady());
        vitals.loaded(setup::counts(&hunts, &tree.findings));
        let dispatcher = Dispatcher {
            store: store.clone(),
            clock: Arc::clone(&clock),
            channels: channels.subscribe(),
            vitals: vitals.clone(),
        };
        let (wake, outbox_bell) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mut scheduler = Scheduler::new(runner, &hunts, &tenants, Arc::clone(&outbox_bell)).await?;
        let bell = Bell::start(Arc::clone(&wake))
            .await
            .map_err(|error| AppError::plain(format!("the scheduler can't start: {error}")))?;
        let (agenda, started) = (scheduler.shared_agenda(), clock.now());
        let heard = channels.subscribe();
        let watched = Watched { vitals, clock, started, store: store.clone(), gates, agenda, channels: heard };
        let (stop, stopped) = watch::channel(false);
        let (orders, new_orders) = mpsc::channel(1);
        let links = Links { tenants, channels, orders, outbox: Arc::clone(&outbox_bell), stopped: stopped.clone() };
        let hunts = hunts.len();
        let beside = keepers(start, stand, &watched, links, hangup);
        let outbox = tokio::spawn(dispatcher.run(outbox_bell, stopped.clone()));
        let engine = tokio::spawn(async move {
            scheduler.run(wake, new_orders, stopped).await;
            scheduler.finish(STOP_LIMIT).await
        });
        Ok(Self { stop, engine, outbox, beside, bell, store, lease, hunts, watched })
    }

    /// What it shows of itself.
    #[must_use]
    pub fn watched(&self) -> Watched {
        self.watched.clone()
    }

    /// Stops: nothing new begins, runs under way may end, the outbox finishes what it is sending.
    pub async fn stop(self) {
        let (store, _lease) = self.halt().await;
        if let Err(error) = store.close().await {
            tracing::warn!(%error, "the database could not be closed: nothing of it is lost");
        }
    }

    /// Stops all but the store.
    async fn halt(self) -> (Store, Lease) {
        self.watched.vitals.stopping();
        let _told = self.stop.send(true).is_ok();
        self.bell.stop().await;
        match self.engine.await {
            Ok(0) => {}
            Ok(cut) => tracing::warn!(cut, "runs were cut off: nothing of them counts, and they are made again"),
            Err(error) => tracing::error!(%error, "the engine stopped unexpectedly"),
        }
        if tokio::time::timeout(STOP_LIMIT, self.outbox).await.is_err() {
            tracing::warn!("a delivery was cut off: it is sent again after the next start");
        }
        // Each has ended but for a step that something holds up; nothing of that stays, and it is made again.
        for task in &self.beside {
            task.abort();
        }
        (self.store, self.lease)
    }

    /// Resolves when the daemon can't go on.
    async fn failed(&mut self) -> Fault {
        tokio::select! {
            _ = &mut self.engine => Fault::Stopped,
            _ = &mut self.outbox => Fault::Stopped,
            fault = displaced(&self.store, &mut self.lease) => fault,
        }
    }

    /// Ends over files that are gone: stops, and brings what the database held to where it can be found.
    async fn abandon(self, gone: StoreError, signals: &mut Signals) -> AppError {
        tracing::error!(error = %gone, "the daemon stops: what it would write from now on would be lost");
        let (store, _lease) = self.halt().await;
        // What is gone by now may be more than what was missed first.
        let gone = store.look().err().unwrap_or(gone);
        let is_database = matches!(&gone, StoreError::Gone { path, file, .. } if file == path);
        let saved = if is_database { save(&store, signals).await } else { None };
        let closed = store.close().await.is_ok();
        let path = store.path().display();
        match saved {
            Some(copy) => AppError::new(
                format!("{gone}; what it held stands in {}", copy.display()),
                format!(
                    "to go on with it: `mv {} {path}`; stop huntd before you move or delete its files",
                    copy.display()
                ),
            ),
            None if closed && !is_database => AppError::new(
                format!("{gone}; what it held was brought into the database, and nothing is lost"),
                format!("start huntd again, and leave {path}-wal and {path}-shm alone while it runs"),
            ),
            None => gone.into(),
        }
    }
}

/// What runs at the start; an error where that is nothing.
async fn standing(store: &Store, config: &Config, tree: &Tree, now: Timestamp) -> Result<Stand, AppError> {
    let stand = Stand::begin(store, config, &tree.hunts, &tree.findings, now).await?;
    for (hunt, fault) in stand.broken() {
        let (hunt, file, line) = (&hunt.id, fault.file.display(), fault.line);
        tracing::error!(%hunt, %file, line, error = fault.message, "the hunt is broken: its last good version runs on");
    }
    if stand.hunts.is_empty() { Err(no_hunts(config)) } else { Ok(stand) }
}

/// The ends of what the parts of a daemon hear of each other by.
struct Links {
    tenants: Tenants,
    channels: watch::Sender<Arc<Channels>>,
    orders: mpsc::Sender<Reloading>,
    outbox: Arc<Notify>,
    stopped: watch::Receiver<bool>,
}

/// Starts what goes on beside the engine: retention, loading again, and looking at trouble.
fn keepers(start: Start, stand: Stand, watched: &Watched, links: Links, hangup: Signal) -> Vec<JoinHandle<()>> {
    let Watched { store, clock, vitals, agenda, gates, .. } = watched.clone();
    let Links { tenants, channels, orders, outbox, stopped } = links;
    let told = start.tree.findings.iter().map(reload::finding_key).collect();
    let Start { path, bytes, config, stamp, .. } = start;
    let retention =
        retention::keep(store.clone(), Arc::clone(&clock), config.retention, retention::HOURLY, stopped.clone());
    let running = watch::Sender::new(Arc::new(Running {
        config: config.clone(),
        tenants: tenants.clone(),
        stand,
        refused: None,
    }));
    let (bell, fetch) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let keeper = Keeper {
        clock: Arc::clone(&clock),
        running: running.subscribe(),
        following: watch::Sender::new(Following::default()),
        asked: Arc::clone(&fetch),
        taken: Arc::clone(&bell),
        unfit: None,
    };
    let overseer = Overseer {
        store: store.clone(),
        clock: Arc::clone(&clock),
        running: running.subscribe(),
        following: keeper.following.subscribe(),
        agenda,
        gates,
        outbox,
    };
    let reloader = Reloader {
        path,
        config,
        bytes,
        tenants,
        store,
        clock,
        orders,
        channels,
        running,
        config_refused: None,
        bell,
        fetch,
        vitals,
        stamp,
        told,
    };
    vec![
        tokio::spawn(retention),
        tokio::spawn(reloader.keep(hangup, stopped.clone())),
        tokio::spawn(overseer.keep(stopped.clone())),
        tokio::spawn(keeper.keep(stopped)),
    ]
}

/// Saves a database that is gone. As long as that fails, the process holds what there is: it tries until
/// it succeeds or a signal comes.
async fn save(store: &Store, signals: &mut Signals) -> Option<PathBuf> {
    loop {
        match store.save().await {
            Ok(saved) => return saved,
            Err(error) => {
                let hint = error.hint().unwrap_or("");
                tracing::error!(%error, hint, "the database is gone, and what it held can't be saved yet: a stop now would lose it");
            }
        }
        tokio::select! {
            () = signals.stop() => return None,
            () = tokio::time::sleep(SAVE_PAUSE) => {}
        }
    }
}

/// Resolves when the database's files are no longer in place, or another daemon took the lock.
async fn displaced(store: &Store, lease: &mut Lease) -> Fault {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(gone) = store.look() {
            return Fault::Gone(gone);
        }
        if let Err(other) = lease.keep() {
            return Fault::Displaced(other);
        }
    }
}

/// What ends a daemon in good order.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, AppError> {
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => Ok(Self { terminate, interrupt }),
            _ => Err(AppError::plain("can't listen for signals")),
        }
    }

    /// Resolves when one comes.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// `huntd daemon`.
pub async fn run(path: &Path, output: Output) -> Result<Exit, AppError> {
    // Before all else: a signal that comes while it starts ends it as any other does.
    let mut signals = Signals::listen()?;
    let hangup = signal(SignalKind::hangup()).map_err(|_| AppError::plain("can't listen for signals"))?;
    let start = tokio::select! {
        start = Start::read(path, output) => start?,
        () = signals.stop() => return Ok(Exit::Done),
    };
    let config = start.config().clone();
    let daemon = Daemon::start(start, hangup, Arc::new(SystemClock::new())).await?;
    let mut watch = Watch::new(&config, daemon.watched())?;
    tracing::info!(hunts = daemon.hunts, tenants = config.tenants.len(), "huntd runs");
    systemd::ready();
    watch.start();
    let ended = live(daemon, &mut signals).await;
    // Last: whoever asks while it stops is told so.
    watch.stop().await;
    ended
}

/// Lives until a signal comes or it can't go on, and stops.
async fn live(mut daemon: Daemon, signals: &mut Signals) -> Result<Exit, AppError> {
    let fault = tokio::select! {
        () = signals.stop() => None,
        fault = daemon.failed() => Some(fault),
    };
    if let Some(fault) = fault {
        systemd::stopping();
        return Err(match fault {
            Fault::Stopped => AppError::plain("the engine stopped unexpectedly: see the log"),
            Fault::Gone(gone) => daemon.abandon(gone, signals).await,
            Fault::Displaced(other) => {
                daemon.stop().await;
                other
            }
        });
    }
    tracing::info!("stopping");
    systemd::stopping();
    daemon.stop().await;
    tracing::info!("stopped");
    Ok(Exit::Done)
}

fn no_hunts(config: &Config) -> AppError {
    if let Some(git) = &config.git {
        return upstream::no_hunts(git);
    }
    let folders: Vec<String> = config.hunts.iter().map(|folder| folder.display().to_string()).collect();
    AppError::new(
        format!("no hunt loads from {}", folders.join(", ")),
        "see what is wrong with `huntd check`, or name the folder with `hunts:` in the config",
    )
}
