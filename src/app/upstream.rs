//! Follows the repository that the hunts come from: fetches the branch, has `rules/upstream` say whether what it holds is
//! taken, tries whether that can run, and swaps the tree in use. Loading it is `reload`'s.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::exit::AppError;
use super::reload::Running;
use super::setup::{self, Tree};
use crate::adapters::upstream::{Repository, UpstreamError};
use crate::model::config::Config;
use crate::model::upstream::{Following, Ill, Upstream};
use crate::ports::clock::SharedClock;
use crate::rules::upstream::{Step, decide, short};

/// Between two looks where there is nothing to look at.
const IDLE: Duration = Duration::from_hours(1);

/// What a look came to.
enum Looked {
    /// What is in use is what the branch holds.
    Same,
    /// Another commit is in use now.
    Taken(String),
    /// What the branch holds isn't taken. A commit of which no hunt could run is named.
    Refused(Ill, Option<String>),
}

/// Looks once. `fits` says whether the hunts folder of a tree can run.
fn look(
    upstream: &Upstream,
    unfit: Option<&(String, Ill)>,
    fits: impl FnOnce(&Path) -> Result<(), Ill>,
    stop: &dyn Fn() -> bool,
) -> Result<Looked, UpstreamError> {
    let repository = Repository::new(upstream, stop);
    let seen = repository.look()?;
    let branch = &upstream.branch;
    match decide(seen.relation, seen.signed.as_deref()) {
        Step::Stay => Ok(Looked::Same),
        Step::Refuse(refusal) => {
            let error = format!("branch {branch} of {} at {}: {refusal}", upstream.url, short(&seen.commit));
            let hint = refusal.hint(&repository.source().display().to_string());
            Ok(Looked::Refused(Ill { error, hint }, None))
        }
        Step::Take => {
            // It would come to the same.
            if let Some((commit, ill)) = unfit
                && *commit == seen.commit
            {
                return Ok(Looked::Refused(ill.clone(), Some(seen.commit)));
            }
            let tree = repository.lay(&seen.commit)?;
            if let Err(ill) = fits(&upstream.hunts_in(&tree)) {
                let error = format!("branch {branch} of {} at {}: {}", upstream.url, short(&seen.commit), ill.error);
                return Ok(Looked::Refused(Ill { error, ..ill }, Some(seen.commit)));
            }
            repository.swap(&seen.commit)?;
            Ok(Looked::Taken(seen.commit))
        }
    }
}

/// Takes the branch before the hunts are loaded for the first time. Where a tree is there from before, that is used:
/// a start needs no network.
pub async fn begin(config: &Config) -> Result<(), AppError> {
    let Some(upstream) = config.git.clone() else { return Ok(()) };
    if let Some(commit) = Repository::new(&upstream, &|| false).current() {
        tracing::info!(commit, url = upstream.url, "the hunts are of the commit that was taken last");
        return Ok(());
    }
    // Set when who waits for this gives up.
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let (config, is_stopped) = (config.clone(), Arc::clone(&stop.0));
    let git = upstream.clone();
    let looked = blocking(move || {
        let fits = |hunts: &Path| {
            let tree = load(&config, &git, hunts)?;
            if tree.hunts.is_empty() { Err(none_loads(&git)) } else { Ok(()) }
        };
        look(&git, None, fits, &|| is_stopped.load(Ordering::Relaxed))
    });
    match looked.await? {
        Ok(Looked::Taken(commit)) => {
            tracing::info!(
                commit,
                url = upstream.url,
                branch = upstream.branch,
                "the hunts are taken from the repository"
            );
            Ok(())
        }
        Ok(Looked::Same) => Ok(()),
        Ok(Looked::Refused(ill, _)) => Err(AppError::new(format!("there are no hunts: {}", ill.error), ill.hint)),
        Err(error) => {
            let message = format!("there are no hunts: {} can't be taken from: {error}", upstream.url);
            Err(AppError::new(message, error.hint()))
        }
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// That nothing loads from the tree in use.
pub(super) fn no_hunts(upstream: &Upstream) -> AppError {
    let ill = none_loads(upstream);
    let commit = Repository::new(upstream, &|| false).current().unwrap_or_default();
    AppError::new(format!("{} at {}: {}", upstream.url, short(&commit), ill.error), ill.hint)
}

fn none_loads(upstream: &Upstream) -> Ill {
    let place = if upstream.folder.as_os_str().is_empty() {
        "it".to_owned()
    } else {
        format!("its folder {}", upstream.folder.display())
    };
    Ill {
        error: format!("no hunt loads from {place}"),
        hint: "see what is wrong with `huntd check` in a clone of it, or name the folder of the hunts with `folder` of `git:`".to_owned(),
    }
}

/// The hunts of a tree that isn't in use, as if it were: under the paths that they will have.
fn load(config: &Config, upstream: &Upstream, hunts: &Path) -> Result<Tree, Ill> {
    let there = Config { hunts: vec![hunts.to_owned()], ..config.clone() };
    let mut tree = setup::tree(&there, |_| false).map_err(|error| Ill {
        error: error.to_string(),
        hint: "name the folder of the hunts with `folder` of `git:`, below the repository's root".to_owned(),
    })?;
    let current = upstream.hunts();
    let moved = |file: &Path| file.strip_prefix(hunts).ok().map(|below| current.join(below));
    for hunt in &mut tree.hunts {
        if let Some(file) = moved(&hunt.source.file) {
            Arc::make_mut(hunt).source.file = file;
        }
    }
    for finding in &mut tree.findings {
        if let Some(file) = moved(&finding.file) {
            finding.file = file;
        }
    }
    Ok(tree)
}

/// Follows the branch while the daemon runs.
pub struct Keeper {
    /// The clock.
    pub clock: SharedClock,
    /// What runs, with the config that holds.
    pub running: watch::Receiver<Arc<Running>>,
    /// How it stands: read by who watches over it.
    pub following: watch::Sender<Following>,
    /// Rings when somebody wants the branch looked at.
    pub asked: Arc<Notify>,
    /// Rung when another tree is in use.
    pub taken: Arc<Notify>,
    /// The commit that was tried last and could not run, and why.
    pub unfit: Option<(String, Ill)>,
}

impl Keeper {
    /// Looks at once and then every so often, until it is stopped; at once too where somebody asks or the config says
    /// another repository.
    pub async fn keep(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let running = Arc::clone(&self.running.borrow_and_update());
            let every = if let Some(upstream) = &running.config.git {
                self.look(upstream, &running, &stopped).await;
                upstream.every
            } else {
                self.publish(Following { seen: true, ..Following::default() });
                IDLE
            };
            let wait = tokio::time::sleep(every);
            tokio::pin!(wait);
            loop {
                tokio::select! {
                    _ = async { stopped.wait_for(|stopped| *stopped).await.is_ok() } => return,
                    () = self.asked.notified() => {
                        // What could not run may do so with another config.
                        self.unfit = None;
                        break;
                    }
                    () = &mut wait => break,
                    // A load of the hunts, of which there is one after each swap, is no reason to look.
                    Ok(()) = self.running.changed() => {
                        if self.running.borrow_and_update().config.git != running.config.git {
                            self.unfit = None;
                            break;
                        }
                    }
                }
            }
        }
    }

    async fn look(&mut self, upstream: &Upstream, running: &Arc<Running>, stopped: &watch::Receiver<bool>) {
        let (git, unfit, now) = (upstream.clone(), self.unfit.clone(), self.clock.now());
        let (running, stopped) = (Arc::clone(running), stopped.clone());
        let looked = blocking(move || {
            let fits = |hunts: &Path| {
                let tree = load(&running.config, &git, hunts)?;
                let refused = running.stand.reload(&tree, now).err();
                refused
                    .map_or(Ok(()), |refusal| Err(Ill { error: refusal.to_string(), hint: refusal.hint().to_owned() }))
            };
            look(&git, unfit.as_ref(), fits, &|| *stopped.borrow())
        });
        let before = self.following.borrow().clone();
        let (seen, url, branch) = (true, &upstream.url, &upstream.branch);
        match looked.await {
            Ok(Ok(Looked::Same)) => {
                tracing::debug!(url, branch, "the hunts' branch holds nothing new");
                self.unfit = None;
                self.publish(Following { seen, ..Following::default() });
            }
            Ok(Ok(Looked::Taken(commit))) => {
                tracing::info!(commit, url, branch, "another commit of the hunts is taken");
                self.unfit = None;
                self.publish(Following { seen, ..Following::default() });
                self.taken.notify_one();
            }
            Ok(Ok(Looked::Refused(ill, unfit))) => {
                if before.refused.as_ref() != Some(&ill) {
                    let Ill { error, hint } = &ill;
                    tracing::error!(error, hint, "the hunts' branch is not taken: the commit from before runs on");
                }
                self.unfit = unfit.map(|commit| (commit, ill.clone()));
                self.publish(Following { seen, unseen: None, refused: Some(ill) });
            }
            Ok(Err(UpstreamError::Stopped)) => {}
            Ok(Err(error)) => {
                self.unseen(before, Ill { error: format!("{url}, branch {branch}: {error}"), hint: error.hint() });
            }
            Err(error) => self.unseen(before, Ill { error: error.to_string(), hint: String::new() }),
        }
    }

    /// The branch could not be seen: what was refused before is still so, as far as is known.
    fn unseen(&self, before: Following, ill: Ill) {
        let failures = before.unseen.map_or(1, |(failures, _)| failures.saturating_add(1));
        let Ill { error, hint } = &ill;
        tracing::warn!(error, hint, failures, "the hunts' repository can't be seen: the commit from before runs on");
        self.publish(Following { unseen: Some((failures, ill)), ..before });
    }

    fn publish(&self, following: Following) {
        self.following.send_if_modified(|before| {
            let is_other = *before != following;
            *before = following;
            is_other
        });
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| AppError::plain(format!("looking at the repository stopped: {error}")))
}
