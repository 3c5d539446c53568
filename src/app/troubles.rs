//! Watches over huntd's own work: looks at what is known, and has told what is news of it.
//!
//! What is trouble, and when it is news, is decided by `rules/trouble`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::doctor::files::Secrets;
use super::doctor::network::Network;
use super::reload::Running;
use super::setup::Loaded;
use super::standing::Stand;
use crate::adapters::machine;
use crate::engine::gate::Gates;
use crate::engine::punctual;
use crate::engine::tick::Agenda;
use crate::model::config::{ChannelKind, Config, Tenant};
use crate::model::hunt::Hunt;
use crate::model::id::{ChannelName, HuntId, TenantName};
use crate::model::time::Timestamp;
use crate::model::trouble::{News, Overdue, Trouble, TroubleKind, Warning};
use crate::model::upstream::Following;
use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;
use crate::ports::store::{Look, Store};
use crate::rules::trouble::{self, Channels};

/// Between two looks.
const LOOK: Duration = Duration::from_mins(1);
/// Between two looks at what changes slowly.
const SLOW_LOOK: Duration = Duration::from_hours(24);
/// A hunt that has found nothing for so long is told of.
const SILENT: Duration = Duration::from_hours(90 * 24);
/// So many of the last results are looked at.
const RESULTS: u32 = 60;

/// What changes slowly.
const OF_SLOW_LOOKS: [TroubleKind; 2] = [TroubleKind::NeverFired, TroubleKind::CertificateExpires];
/// What a look judges by the database alone: a command without a daemon does no more.
const OF_RUNS: [TroubleKind; 2] = [TroubleKind::TenantFails, TroubleKind::HuntFails];

/// Watches over huntd's own work.
pub struct Overseer {
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: SharedClock,
    /// What runs.
    pub running: watch::Receiver<Arc<Running>>,
    /// How it stands with the repository of the hunts.
    pub following: watch::Receiver<Following>,
    /// When each hunt is due.
    pub agenda: Arc<Mutex<Agenda>>,
    /// The queues before its tenants.
    pub gates: Gates,
    /// Rings when there is something to send.
    pub outbox: Arc<Notify>,
}

impl Overseer {
    /// Looks until it is stopped; at once where hunts or config were loaded again, or the repository of the hunts was
    /// lost or found.
    pub async fn keep(mut self, mut stopped: watch::Receiver<bool>) {
        let (mut last, mut slow) = (self.clock.now(), None);
        loop {
            let now = self.clock.now();
            let is_slow = slow.is_none_or(|slow: Timestamp| now.since(slow) >= SLOW_LOOK || now < slow);
            match self.look(last, now, is_slow).await {
                Ok(()) => {
                    last = now;
                    slow = if is_slow { Some(now) } else { slow };
                }
                Err(error) => tracing::warn!(%error, "trouble can't be looked at: the next look is in a minute"),
            }
            tokio::select! {
                _ = async { stopped.wait_for(|stopped| *stopped).await.is_ok() } => return,
                Ok(()) = self.running.changed() => {}
                Ok(()) = self.following.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn look(&mut self, last: Timestamp, now: Timestamp, is_slow: bool) -> Result<(), StoreError> {
        let running = Arc::clone(&self.running.borrow_and_update());
        let mut judged: BTreeSet<TroubleKind> = TroubleKind::ALL.into_iter().collect();
        let orders = Orders { config: &running.config, stand: &running.stand };
        let mut all = of_runs(&self.store, orders).await?;
        all.extend(trouble::broken(running.stand.broken().map(|(hunt, broken)| (hunt.as_ref(), broken))));
        all.extend(trouble::unloaded(&running.stand.unloaded));
        all.extend(trouble::reload(running.refused.as_ref()));
        let following = self.following.borrow_and_update().clone();
        all.extend(trouble::git(&following));
        if !following.seen {
            judged.remove(&TroubleKind::GitFails);
        }
        all.extend(trouble::overdue(&self.overdue(now), now));
        let queue = (&self.gates, &self.clock);
        all.extend(punctual::starved(&self.store, queue, &running.tenants, |hunt, on| orders.runs(hunt, on)).await?);
        all.extend(trouble::deliveries(&self.store.backlogs(now).await?, now));
        all.extend(self.room(&running.config));
        let ahead = running.tenants.iter().filter_map(|(name, tenant)| Some((name.clone(), tenant.api.clock_ahead()?)));
        all.extend(trouble::clock(&ahead.collect()));
        all.extend(trouble::secrets(&secrets(&running.config), now));
        all.extend(self.results(&running, last).await?);
        if is_slow {
            let silent = self.store.never_fired(now.minus(SILENT)).await?;
            let standing: Vec<HuntId> =
                silent.into_iter().filter(|hunt| running.stand.hunts.contains_key(hunt)).collect();
            all.extend(trouble::never_fired(&standing, SILENT));
            let network = Network::new(&running.config, &Secrets::new(), Arc::clone(&self.clock));
            all.extend(trouble::certificates(&network.lasting().await, &self.store.troubles().await?));
        } else {
            for kind in OF_SLOW_LOOKS {
                judged.remove(&kind);
            }
        }
        let told = note(&self.store, &running.config, &all, &judged, now).await?;
        if !told.is_empty() {
            self.outbox.notify_one();
        }
        Ok(())
    }

    fn overdue(&self, now: Timestamp) -> Vec<Overdue> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).overdue(now, trouble::OVERDUE)
    }

    fn room(&self, config: &Config) -> Vec<Trouble> {
        let room = machine::room(self.store.path());
        let mut all = trouble::database(room.database.unwrap_or_default(), config.retention.size);
        all.extend(room.free.zip(room.size).into_iter().flat_map(|(free, size)| trouble::disk(free, size)));
        all
    }

    /// What the results of hunts say: of those that ran since the last look, and of those that were trouble by then.
    async fn results(&self, running: &Running, last: Timestamp) -> Result<Vec<Trouble>, StoreError> {
        let mut looked_at: BTreeSet<(HuntId, TenantName)> =
            self.store.ran_since(last.minus(LOOK)).await?.into_iter().collect();
        for open in self.store.troubles().await? {
            if open.trouble.kind == TroubleKind::RowsMissing {
                let names = open.trouble.hunts.iter().filter_map(|hunt| {
                    Some((HuntId::new(&hunt.hunt).ok()?, TenantName::new(hunt.tenant.as_ref()?).ok()?))
                });
                looked_at.extend(names);
            }
        }
        let mut all = Vec::new();
        for (hunt, tenant) in looked_at {
            let Some(one) = running.stand.hunts.get(&hunt) else { continue };
            if !one.hunt.enabled || !one.hunt.runs_on(&tenant) {
                continue;
            }
            let rows = self.store.rows_lately(&hunt, &tenant, RESULTS).await?;
            all.extend(trouble::rows_missing(&one.hunt, &tenant, &rows));
            if let Some([before, now]) = self.store.columns_lately(&hunt, &tenant).await? {
                all.extend(trouble::columns(&one.hunt, &tenant, &before, &now));
            }
        }
        Ok(all)
    }
}

/// Which hunts are to run where: asked of what stands, as lists of ten thousand each minute would cost more than the look.
#[derive(Clone, Copy)]
struct Orders<'a> {
    config: &'a Config,
    stand: &'a Stand,
}

impl Orders<'_> {
    fn hunt(&self, hunt: &HuntId) -> Option<&Hunt> {
        self.stand.hunts.get(hunt).map(|one| one.hunt.as_ref()).filter(|hunt| hunt.enabled)
    }

    fn runs(&self, hunt: &HuntId, tenant: &TenantName) -> bool {
        let is_asked = self.config.tenants.get(tenant).is_some_and(|tenant| tenant.enabled);
        is_asked && self.hunt(hunt).is_some_and(|hunt| hunt.runs_on(tenant))
    }

    fn owner(&self, hunt: &HuntId) -> Option<String> {
        self.hunt(hunt)?.owner.clone()
    }

    /// How many hunts are to run on each tenant.
    fn counts(&self) -> BTreeMap<TenantName, usize> {
        let hunts = || self.stand.hunts.values().filter(|one| one.hunt.enabled);
        let count = |tenant: &Tenant| {
            if tenant.enabled { hunts().filter(|one| one.hunt.runs_on(&tenant.name)).count() } else { 0 }
        };
        self.config.tenants.values().map(|tenant| (tenant.name.clone(), count(tenant))).collect()
    }
}

async fn of_runs(store: &Store, orders: Orders<'_>) -> Result<Vec<Trouble>, StoreError> {
    let mut all = store.failing().await?;
    // What runs no longer is no trouble, whatever its last run came to.
    all.retain(|one| orders.runs(&one.hunt, &one.tenant));
    Ok(trouble::failing(&all, &orders.counts(), |hunt| orders.owner(hunt)))
}

/// Looks at what runs by hand came to: a site without a daemon is told of failures too.
pub async fn look_at_runs(store: &Store, loaded: &Loaded, now: Timestamp) -> Result<(), StoreError> {
    let Loaded { config, hunts: loads, findings } = loaded;
    // What a daemon runs in its last good version is trouble as before.
    let stand = Stand::begin(store, config, loads, findings, now).await?;
    let all = of_runs(store, Orders { config, stand: &stand }).await?;
    note(store, config, &all, &OF_RUNS.into_iter().collect(), now).await?;
    Ok(())
}

async fn note(
    store: &Store,
    config: &Config,
    all: &[Trouble],
    judged: &BTreeSet<TroubleKind>,
    at: Timestamp,
) -> Result<Vec<Warning>, StoreError> {
    let look = Look { judged, failures: &config.failures, channels: &channels(config), at };
    let told = store.note_troubles(all, look).await?;
    for Warning { trouble, news, since, .. } in &told {
        let (kind, reasons) = (trouble.kind.as_str(), trouble.reasons.join("; "));
        let hint = trouble.hint.as_deref().unwrap_or("");
        match news {
            News::Begins | News::GoesOn => tracing::error!(kind, %since, error = reasons, hint, "{}", trouble.headline),
            News::Ends => tracing::info!(kind, %since, "over: {}", trouble.headline),
        }
    }
    Ok(told)
}

/// Who may be told.
fn channels(config: &Config) -> Channels {
    let is_mail = |name: &&ChannelName| matches!(config.channels.get(*name), Some(ChannelKind::Email(_)));
    let operators = config.failures.to.clone();
    let mail = operators.iter().find(is_mail).or_else(|| config.channels.keys().find(is_mail)).cloned();
    Channels { operators, mail }
}

/// The secrets whose end the config says.
fn secrets(config: &Config) -> Vec<(String, Timestamp)> {
    let tenants = config.tenants.values().filter(|tenant| tenant.enabled);
    let of = |tenant: &Tenant| Some((format!("the secret of {}", tenant.name), tenant.secret_expires?));
    tenants.filter_map(of).collect()
}
