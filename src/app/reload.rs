//! Loads the hunts again while the daemon runs: on SIGHUP, and when their folders change.
//!
//! Promises: a tree is loaded as a whole, when it has come to rest; what is wrong with it changes nothing but itself,
//! and is said; what a reload changes is said, one line a hunt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::exit::AppError;
use super::queries;
use super::setup::{self, Tree};
use super::standing::Stand;
use super::systemd;
use crate::adapters::watch::TreeWatch;
use crate::adapters::{checkout, folder};
use crate::engine::dispatcher::Channels;
use crate::engine::tenant::Tenants;
use crate::engine::tick::{NewOrders, Reloading};
use crate::engine::vitals::Vitals;
use crate::model::config::Config;
use crate::model::id::HuntId;
use crate::model::place::{Finding, Level};
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::rules::config;
use crate::rules::reload::Change;

/// A tree that was at rest for so long is loaded: an editor's save and a checkout are many changes, one after the other.
const REST: Duration = Duration::from_millis(500);
/// A tree that never comes to rest is loaded as it is after so many looks: somebody writes into it all the time.
const MOST_LOOKS: u32 = 120;
/// How often folders are looked at in which no change was heard: a network file system may say nothing.
const SLOW_LOOK: Duration = Duration::from_mins(5);

/// What runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// The config that holds.
    pub config: Config,
    /// The tenants that are asked.
    pub tenants: Tenants,
    /// The hunts.
    pub stand: Stand,
    /// Why the last change was not taken over, and how to mend that; none where it was.
    pub refused: Option<(String, Option<String>)>,
}

/// Loads hunts again.
pub struct Reloader {
    /// The config's file.
    pub path: PathBuf,
    /// The config that holds.
    pub config: Config,
    /// The bytes that it was read from.
    pub bytes: Vec<u8>,
    /// The tenants that are asked.
    pub tenants: Tenants,
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: SharedClock,
    /// To the scheduler.
    pub orders: mpsc::Sender<Reloading>,
    /// To the outbox.
    pub channels: watch::Sender<Arc<Channels>>,
    /// What runs: read by who watches over it.
    pub running: watch::Sender<Arc<Running>>,
    /// The state of the folders that was loaded last.
    pub stamp: u64,
    /// What is told to who watches.
    pub vitals: Vitals,
    /// What was found wrong by then.
    pub told: BTreeSet<String>,
    /// Why the config was not loaded again.
    pub config_refused: Option<AppError>,
    /// Rings when the folders may have changed.
    pub bell: Arc<Notify>,
    /// To be rung when the repository of the hunts is to be looked at.
    pub fetch: Arc<Notify>,
}

/// Why hunts are loaded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Somebody asked for it.
    Asked,
    /// The folders changed.
    Changed,
}

impl Reloader {
    /// Loads whenever `hangup` comes or a folder changes, until it is stopped.
    pub async fn keep(mut self, mut hangup: Signal, mut stopped: watch::Receiver<bool>) {
        let running = Arc::clone(&self.running.borrow());
        if let Err(error) = running.stand.keep(&self.store).await {
            tracing::warn!(%error, "how the hunts stand can't be kept: after a restart, a broken one would not run on");
        }
        let bell = Arc::clone(&self.bell);
        loop {
            // Anew each time, as links may lead elsewhere by now; before the look, so that no change falls between.
            let _watch = self.watch(&bell);
            if self.looks_changed().await {
                self.load(Cause::Changed).await;
                continue;
            }
            tokio::select! {
                // One that nobody can stop any more is stopped.
                _ = async { stopped.wait_for(|stopped| *stopped).await.is_ok() } => return,
                Some(()) = hangup.recv() => {
                    let git = self.config.git.clone();
                    self.load(Cause::Asked).await;
                    // Another repository is looked at anyway, and one failure counts once.
                    if self.config.git == git {
                        self.fetch.notify_one();
                    }
                }
                () = bell.notified() => {}
                () = tokio::time::sleep(SLOW_LOOK) => {}
            }
        }
    }

    fn watch(&self, bell: &Arc<Notify>) -> Option<TreeWatch> {
        // The bell is rung too when a commit is taken.
        if setup::unfetched(&self.config).is_some() {
            return None;
        }
        TreeWatch::start(&self.config.hunts, Arc::clone(bell))
            .inspect_err(|error| {
                let every = SLOW_LOOK.as_secs();
                tracing::warn!(%error, every, "changes in the hunts folders can't be heard: they are looked at every few minutes, and on SIGHUP");
            })
            .ok()
    }

    /// Whether the folders are in another state than the one that was loaded; once they have come to rest.
    async fn looks_changed(&self) -> bool {
        let mut last = stamp(self.config.hunts.clone()).await;
        if last == self.stamp {
            return false;
        }
        for _ in 0..MOST_LOOKS {
            tokio::time::sleep(REST).await;
            let now = stamp(self.config.hunts.clone()).await;
            if now == last && !self.config.hunts.iter().any(|folder| checkout::is_busy(folder)) {
                break;
            }
            last = now;
        }
        last != self.stamp
    }

    async fn load(&mut self, cause: Cause) {
        systemd::reloading();
        let done = match cause {
            Cause::Asked => self.load_config(),
            Cause::Changed => Ok(()),
        };
        if let Err(error) = &done {
            let hint = error.hint().unwrap_or("");
            tracing::error!(%error, hint, "the config is not loaded again: the one before holds");
        }
        let hunts = self.load_hunts().await;
        if let Err(error) = &hunts {
            let hint = error.hint().unwrap_or("");
            tracing::error!(%error, hint, "the hunts are not loaded again: those from before run on");
        }
        let config = match cause {
            Cause::Asked => done.err(),
            // Nobody has looked whether it is well by now.
            Cause::Changed => self.config_refused.take(),
        };
        let refused = config.as_ref().or(hunts.as_ref().err());
        let refused = refused.map(|error| (error.to_string(), error.hint().map(str::to_owned)));
        let stand = match hunts {
            Ok(stand) => stand,
            Err(_) => self.running.borrow().stand.clone(),
        };
        self.config_refused = config;
        let config = self.config.clone();
        let _old =
            self.running.send_replace(Arc::new(Running { config, tenants: self.tenants.clone(), stand, refused }));
        systemd::ready();
    }

    /// Takes the config from its file, where that has changed. An error leaves all as it is.
    fn load_config(&mut self) -> Result<(), AppError> {
        let bytes = setup::config_bytes(&self.path)?;
        if bytes == self.bytes {
            return Ok(());
        }
        let (new, findings) = config::load(&self.path, &bytes, &setup::directories()).map_err(|findings| {
            log_findings(&findings);
            AppError::new(format!("{} has errors", self.path.display()), "see `huntd check`")
        })?;
        log_findings(&findings);
        let channels = setup::channels(&new)?;
        let mut tenants = setup::tenants(&new, &self.clock)?;
        for (name, tenant) in &mut tenants {
            // What it knows of the tenant, such as a token, is worth keeping.
            if self.config.tenants.get(name) == new.tenants.get(name)
                && let Some(before) = self.tenants.get(name)
            {
                *tenant = Arc::clone(before);
            }
        }
        let fixed = self.unchangeable(&new);
        if !fixed.is_empty() {
            tracing::warn!(
                keys = fixed.join(", "),
                "these keys of the config take effect with the next start of huntd"
            );
        }
        let _old = self.channels.send_replace(Arc::new(channels));
        (self.tenants, self.bytes) = (tenants, bytes);
        let database = std::mem::take(&mut self.config.database);
        self.config = new;
        self.config.keep_database(database);
        tracing::info!(config = %self.path.display(), "the config is loaded again");
        Ok(())
    }

    /// The keys that have another value in `new`, and that can't be changed while huntd runs.
    fn unchangeable(&self, new: &Config) -> Vec<&'static str> {
        let old = &self.config;
        let keys = [
            ("database", old.database != new.database),
            ("listen", old.listen != new.listen),
            ("heartbeat", old.heartbeat != new.heartbeat),
            ("retention", old.retention != new.retention),
        ];
        keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
    }

    /// Loads the hunts, and has them run; after an error those from before do.
    async fn load_hunts(&mut self) -> Result<Stand, AppError> {
        // What changes while it is read is seen by the next look.
        self.stamp = stamp(self.config.hunts.clone()).await;
        let config = self.config.clone();
        let running = Arc::clone(&self.running.borrow());
        if let Some(git) = setup::unfetched(&config) {
            // No fault: the branch is looked at next, and a failure of that is told as such.
            tracing::info!(url = git.url, "the hunts are still to be fetched: those from before run on");
            self.order(&running.stand).await?;
            return Ok(running.stand.clone());
        }
        let tree = blocking(move || setup::tree(&config, |_| true)).await?;
        let (after, changes) = running
            .stand
            .reload(&tree, self.clock.now())
            .map_err(|refusal| AppError::new(refusal.to_string(), refusal.hint()))?;
        // To be tried again by the next look.
        self.order(&after).await.inspect_err(|_| self.stamp = !self.stamp)?;
        if let Err(error) = after.keep(&self.store).await {
            tracing::warn!(%error, "how the hunts stand can't be kept: after a restart, a broken one would not run on");
        }
        self.tell(&tree, &after, &changes);
        Ok(after)
    }

    /// Sends the scheduler on with what stands.
    async fn order(&self, stand: &Stand) -> Result<(), AppError> {
        let orders = NewOrders {
            hunts: stand.all(),
            tenants: self.tenants.clone(),
            routes: self.config.routes.clone().into(),
            failures: Arc::new(self.config.failures.clone()),
            schema: Arc::new(queries::world(&self.config).0.schema),
        };
        let (answer, answered) = oneshot::channel();
        let stops = || AppError::plain("huntd stops");
        self.orders.send(Reloading { orders, answer }).await.map_err(|_| stops())?;
        Ok(answered.await.map_err(|_| stops())??)
    }

    /// Says what changed, and what is newly wrong.
    fn tell(&mut self, tree: &Tree, stand: &Stand, changes: &BTreeMap<HuntId, Change>) {
        let new = |finding: &&Finding| !self.told.contains(&finding_key(finding));
        log_findings(tree.findings.iter().filter(new));
        self.told = tree.findings.iter().map(finding_key).collect();
        self.vitals.loaded(setup::counts(&stand.all(), &tree.findings));
        for (hunt, change) in changes {
            let fault = stand.hunts.get(hunt).and_then(|one| one.broken.as_ref());
            if let Some(fault) = fault {
                let (file, line, author) = (fault.file.display(), fault.line, fault.author.as_deref());
                tracing::error!(%hunt, %file, line, author, error = fault.message, "the hunt is broken: its last good version runs on");
            } else {
                tracing::info!(%hunt, "the hunt is {}", change.as_str());
            }
        }
        let count = |kind: Change| changes.values().filter(|change| **change == kind).count();
        tracing::info!(
            hunts = stand.hunts.len(),
            added = count(Change::Added),
            changed = count(Change::Changed),
            removed = count(Change::Removed),
            broken = stand.broken().count(),
            "the hunts are loaded again"
        );
    }
}

/// What tells a finding from the others that were told.
#[must_use]
pub fn finding_key(finding: &Finding) -> String {
    format!("{}:{}:{}", finding.file.display(), finding.code, finding.message)
}

/// Says what was found, each at its level.
pub fn log_findings<'a>(findings: impl IntoIterator<Item = &'a Finding>) {
    for finding in findings {
        let (file, line, code) = (finding.file.display(), finding.place.line, finding.code);
        let hint = finding.hint.as_deref().unwrap_or("");
        match finding.level {
            Level::Error => tracing::error!(%file, line, code, hint, "{}", finding.message),
            Level::Warning => tracing::warn!(%file, line, code, hint, "{}", finding.message),
            Level::Info => tracing::debug!(%file, line, code, hint, "{}", finding.message),
        }
    }
}

/// The state of folders.
pub async fn stamp(folders: Vec<PathBuf>) -> u64 {
    // None but a panic keeps it from being told; then the folders look changed, and loading them says why.
    tokio::task::spawn_blocking(move || folder::stamp(&folders)).await.unwrap_or_default()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| AppError::plain(format!("loading stopped: {error}")))?
}
