//! The runs that are under way, by name: so that a stop can say what it waits for, and what it cut off.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use super::waiting::Waiting;
use crate::model::id::{HuntId, TenantName};

/// How many runs a line names.
const NAMED: usize = 20;

/// How a run's task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself.
    Over,
    /// Cut off by the stop while it only waited.
    Cut,
}

/// Which run a task makes.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) hunt: HuntId,
    pub(super) tenant: TenantName,
    pub(super) waiting: Waiting,
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.hunt, self.tenant)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    tasks: JoinSet<Ended>,
    names: HashMap<Id, Name>,
}

impl UnderWay {
    /// Starts one.
    pub(super) fn spawn(&mut self, name: Name, run: impl Future<Output = Ended> + Send + 'static) {
        let id = self.tasks.spawn(run).id();
        self.names.insert(id, name);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Forgets those that ended.
    pub(super) fn tidy(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.note(ended);
        }
    }

    /// Waits for all, at most `limit`, and cuts off the rest. Says how many were cut off, those among them that gave
    /// way at the stop because they only waited.
    pub(super) async fn finish(&mut self, limit: Duration) -> usize {
        self.tidy();
        self.tell();
        let mut cut = 0;
        let all = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                cut += usize::from(self.note(ended) == Some(Ended::Cut));
            }
        };
        let all_over = tokio::time::timeout(limit, all).await.is_ok();
        if !all_over {
            cut += self.tasks.len();
            for name in sorted(self.names.values()) {
                let Name { hunt, tenant, .. } = name;
                tracing::warn!(%hunt, %tenant, ?limit, "the run was cut off, as it took longer than a stop waits: nothing of it counts, and it is made again");
            }
            self.tasks.shutdown().await;
            self.names.clear();
        }
        cut
    }

    /// What a stop finds.
    fn tell(&self) {
        let (waiting, calling): (Vec<_>, Vec<_>) = self.names.values().partition(|name| name.waiting.now());
        if calling.is_empty() && waiting.is_empty() {
            return;
        }
        let names: Vec<String> = sorted(calling.iter().copied()).iter().take(NAMED).map(ToString::to_string).collect();
        let more = calling.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (runs, waiting) = (calling.len(), waiting.len());
        tracing::info!(
            runs,
            waiting,
            in_flight = format!("{}{more}", names.join(", ")),
            "the stop waits for the runs in flight; those that only wait are made after the next start"
        );
    }

    /// A panic is said here: its tick was put off when the task was dropped.
    fn note(&mut self, ended: Result<(Id, Ended), JoinError>) -> Option<Ended> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let name = self.names.remove(&id);
        if let Err(error) = &ended {
            let (hunt, tenant) = name.map(|name| (name.hunt, name.tenant)).unzip();
            let (hunt, tenant) = (hunt.map(tracing::field::display), tenant.map(tracing::field::display));
            tracing::error!(hunt, tenant, %error, "a run stopped unexpectedly: nothing of it counts, and it is made again");
        }
        ended.ok().map(|(_, ended)| ended)
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a Name>) -> Vec<&'a Name> {
    let mut names: Vec<&Name> = names.collect();
    names.sort_by_key(|name| (&name.hunt, &name.tenant));
    names
}
