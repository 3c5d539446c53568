//! The outbox: claim, send, mark.
//!
//! Promises: a delivery is marked only after its channel took it, so that a crash repeats it and
//! never loses it; a channel that is down or slow delays no other; what can't be delivered for three
//! days is `failed` and stays visible.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::model::delivery::Delivery;
use crate::model::id::ChannelName;
use crate::model::time::Timestamp;
use crate::ports::channel::{Channel, SendError};
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::remedy;

/// All channels, by name.
pub type Channels = BTreeMap<ChannelName, Arc<dyn Channel>>;

/// Sends what the outbox holds.
#[derive(Clone)]
pub struct Dispatcher {
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: SharedClock,
    /// The channels of the config.
    pub channels: Arc<Channels>,
}

/// How long a claim holds: longer than any channel takes for one notice, so that a delivery isn't
/// sent twice at a time; short enough that one claimed by a killed process is soon taken up again.
const CLAIM: Duration = Duration::from_mins(5);
/// Deliveries claimed at a time for one channel: each waits for those before it, within the claim.
const AT_A_TIME: usize = 4;
/// The longest wait between two looks into the outbox: another process may have put something in.
const LOOK: Duration = Duration::from_secs(5);
/// The wait after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(10);

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The channel took it.
    Sent,
    /// It is tried again then.
    Later(Timestamp),
    /// Given up.
    Failed,
}

impl Dispatcher {
    /// Sends all that is due on one channel now, and says how many attempts were made.
    pub async fn drain(&self, channel: &ChannelName) -> Result<usize, StoreError> {
        let mut attempts = 0;
        loop {
            let claimed = self.store.claim_deliveries(channel, self.clock.now(), CLAIM, AT_A_TIME).await?;
            if claimed.is_empty() {
                return Ok(attempts);
            }
            for delivery in &claimed {
                self.deliver(delivery).await?;
                attempts += 1;
            }
        }
    }

    /// Sends all that is due on every channel now, side by side.
    pub async fn drain_all(&self) -> Result<usize, StoreError> {
        let mut tasks = JoinSet::new();
        for channel in self.store.waiting_channels(self.clock.now()).await? {
            let this = self.clone();
            tasks.spawn(async move { this.drain(&channel).await });
        }
        let mut attempts = 0;
        while let Some(done) = tasks.join_next().await {
            if let Ok(done) = done {
                attempts += done?;
            }
        }
        Ok(attempts)
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<Attempt, StoreError> {
        let notice = self.store.notice(&delivery.delivery).await?;
        let sent = match self.channels.get(&delivery.channel) {
            Some(channel) => channel.send(&notice).await,
            None => Err(SendError::Later(format!("the config has no channel `{}`", delivery.channel))),
        };
        let (id, now) = (&delivery.delivery, self.clock.now());
        let (hunt, tenant, channel) = (&notice.hunt.id, &notice.run.tenant, &delivery.channel);
        let next = remedy::next_attempt(delivery.created, delivery.attempts, now, fastrand::f64());
        match (sent, next) {
            (Ok(()), _) => {
                self.store.mark_sent(id, now).await?;
                tracing::info!(%hunt, %tenant, run = %notice.run.run, %channel, delivery = %id, hits = notice.hits.len(), "delivered");
                Ok(Attempt::Sent)
            }
            (Err(SendError::Later(error)), Some(next)) => {
                self.store.mark_later(id, &error, next).await?;
                tracing::warn!(%hunt, %tenant, %channel, delivery = %id, attempts = delivery.attempts, %next, error, "not delivered yet");
                Ok(Attempt::Later(next))
            }
            (Err(SendError::Later(error) | SendError::Never(error)), _) => {
                self.store.mark_failed(id, &error).await?;
                tracing::error!(%hunt, %tenant, %channel, delivery = %id, attempts = delivery.attempts, error, "given up: `huntd deliveries retry` tries again");
                Ok(Attempt::Failed)
            }
        }
    }

    /// Empties the outbox whenever something is due, until told to stop. A channel that is still at
    /// work is left alone and delays no other.
    pub async fn run(self, bell: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let mut busy: JoinSet<(ChannelName, Result<usize, StoreError>)> = JoinSet::new();
        let mut at_work: Vec<ChannelName> = Vec::new();
        loop {
            let pause = match self.store.waiting_channels(self.clock.now()).await {
                Ok(waiting) => {
                    for channel in waiting.into_iter().filter(|channel| !at_work.contains(channel)).collect::<Vec<_>>() {
                        at_work.push(channel.clone());
                        let this = self.clone();
                        busy.spawn(async move {
                            let done = this.drain(&channel).await;
                            (channel, done)
                        });
                    }
                    LOOK
                }
                Err(error) => {
                    tracing::error!(%error, "the outbox can't be read");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(done) = busy.join_next() => match done {
                    Ok((channel, done)) => {
                        if let Err(error) = done {
                            tracing::error!(%channel, %error, "the outbox can't be written");
                            // Keeps the channel out of the next look, so that a full disk isn't asked in a loop.
                            tokio::time::sleep(LOOK).await;
                        }
                        at_work.retain(|name| *name != channel);
                    }
                    Err(error) => {
                        tracing::error!(%error, "a delivery stopped unexpectedly");
                        at_work.clear();
                    }
                },
                changed = stop.changed() => {
                    if changed.is_err() || *stop.borrow() {
                        break;
                    }
                }
            }
        }
        while busy.join_next().await.is_some() {}
    }
}
