//! The service: starts everything, waits for a signal, and stops in reverse.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::exit::{AppError, Exit};
use super::lease::Lease;
use super::output::Output;
use super::setup::{self, Loaded};
use crate::engine::bell::Bell;
use crate::engine::tick::Scheduler;
use crate::model::place::Level;
use crate::ports::clock::{SharedClock, SystemClock};
use crate::ports::store::Store;

/// How long runs under way may take to end after the signal; systemd's own limit is longer.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A daemon that runs.
pub struct Daemon {
    stop: watch::Sender<bool>,
    engine: JoinHandle<usize>,
    outbox: JoinHandle<()>,
    bell: Bell,
    store: Store,
    _lease: Lease,
}

impl Daemon {
    /// Starts the engine over what was loaded.
    pub async fn start(loaded: &Loaded, clock: SharedClock) -> Result<Self, AppError> {
        let config = &loaded.config;
        let lease = Lease::take(&config.database)?;
        let store = setup::store(config).await?;
        let tenants = setup::tenants(config, &clock)?;
        let dispatcher = setup::dispatcher(config, &store, &clock)?;
        setup::tidy(&store, &clock).await?;
        let runner = setup::runner(config, &store, &clock);
        let (wake, outbox_bell) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mut scheduler = Scheduler::new(runner, &loaded.hunts, &tenants, Arc::clone(&outbox_bell)).await?;
        let bell = Bell::start(Arc::clone(&wake))
            .await
            .map_err(|error| AppError::plain(format!("the scheduler can't start: {error}")))?;
        let (stop, stopped) = watch::channel(false);
        let outbox = tokio::spawn(dispatcher.run(outbox_bell, stopped.clone()));
        let engine = tokio::spawn(async move {
            scheduler.run(wake, stopped).await;
            scheduler.finish(STOP_LIMIT).await
        });
        Ok(Self { stop, engine, outbox, bell, store, _lease: lease })
    }

    /// Stops: nothing new begins, runs under way may end, the outbox finishes what it is sending.
    pub async fn stop(self) {
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
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the database could not be closed: nothing of it is lost");
        }
    }

    /// Resolves when the engine or the outbox ended by itself, which is a fault.
    async fn failed(&mut self) {
        tokio::select! {
            _ = &mut self.engine => {}
            _ = &mut self.outbox => {}
        }
    }
}

/// `huntd daemon`.
pub async fn run(path: &Path, output: Output) -> Result<Exit, AppError> {
    // Before all else: a signal that comes while it starts ends it as any other does.
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return Err(AppError::plain("can't listen for signals"));
    };
    let loaded = setup::load_and_read(path, output)?;
    for finding in &loaded.findings {
        let (file, line, code) = (finding.file.display(), finding.place.line, finding.code);
        let hint = finding.hint.as_deref().unwrap_or("");
        match finding.level {
            Level::Error => tracing::error!(%file, line, code, hint, "{}", finding.message),
            Level::Warning => tracing::warn!(%file, line, code, hint, "{}", finding.message),
            Level::Info => tracing::debug!(%file, line, code, hint, "{}", finding.message),
        }
    }
    if loaded.hunts.is_empty() {
        return Err(no_hunts(&loaded));
    }
    let mut daemon = Daemon::start(&loaded, Arc::new(SystemClock::new())).await?;
    tracing::info!(hunts = loaded.hunts.len(), tenants = loaded.config.tenants.len(), "huntd runs");
    notify(&[sd_notify::NotifyState::Ready]);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = daemon.failed() => return Err(AppError::plain("the engine stopped unexpectedly: see the log")),
    }
    tracing::info!("stopping");
    notify(&[sd_notify::NotifyState::Stopping]);
    daemon.stop().await;
    tracing::info!("stopped");
    Ok(Exit::Done)
}

fn no_hunts(loaded: &Loaded) -> AppError {
    let folders: Vec<String> = loaded.config.hunts.iter().map(|folder| folder.display().to_string()).collect();
    AppError::new(
        format!("no hunt loads from {}", folders.join(", ")),
        "see what is wrong with `huntd check`, or name the folder with `hunts:` in the config",
    )
}

/// Tells systemd; without systemd it does nothing.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
