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
/// Deliveries claimed at a time: each waits for those of its channel before it, within the claim.
const AT_A_TIME: usize = 4;
/// The longest wait between two looks into the outbox: another process may have put something in.
const LOOK: Duration = Duration::from_secs(5);
/// The wait after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(10);

/// Channels at work, each with what it was given.
type Tasks = JoinSet<(ChannelName, Result<usize, StoreError>)>;

impl Dispatcher {
    /// Sends all that is due now, each channel beside the others, and says how many attempts were made.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let (mut tasks, mut busy, mut attempts) = (JoinSet::new(), Vec::new(), 0);
        loop {
            self.launch(&mut tasks, &mut busy).await?;
            match tasks.join_next().await {
                None => return Ok(attempts),
                Some(Ok((channel, done))) => {
                    busy.retain(|name| *name != channel);
                    attempts += done?;
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "a delivery stopped unexpectedly: it is sent again");
                    return Ok(attempts);
                }
            }
        }
    }

    /// Claims what is due on channels that aren't at work, and sets each to work.
    async fn launch(&self, tasks: &mut Tasks, busy: &mut Vec<ChannelName>) -> Result<(), StoreError> {
        loop {
            let claims = self.store.claim_deliveries(self.clock.now(), CLAIM, AT_A_TIME, busy).await?;
            if claims.is_empty() {
                return Ok(());
            }
            let mut by_channel: BTreeMap<ChannelName, Vec<Delivery>> = BTreeMap::new();
            for claim in claims {
                by_channel.entry(claim.delivery.channel.clone()).or_default().push(claim.delivery);
            }
            for (channel, deliveries) in by_channel {
                busy.push(channel.clone());
                let this = self.clone();
                tasks.spawn(async move {
                    let done = this.deliver_all(&deliveries).await;
                    (channel, done)
                });
            }
        }
    }

    async fn deliver_all(&self, deliveries: &[Delivery]) -> Result<usize, StoreError> {
        for delivery in deliveries {
            self.deliver(delivery).await?;
        }
        Ok(deliveries.len())
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let notice = self.store.notice(&delivery.delivery).await?;
        let sent = match self.channels.get(&delivery.channel) {
            Some(channel) => channel.send(&notice).await,
            None => Err(SendError::Later(format!("the config has no channel `{}`", delivery.channel))),
        };
        let (id, now) = (&delivery.delivery, self.clock.now());
        let (hunt, tenant, channel) = (&notice.hunt.id, &notice.run.tenant, &delivery.channel);
        let attempts = delivery.attempts;
        let next = remedy::next_attempt(delivery.created, attempts, now, fastrand::f64());
        match (sent, next) {
            (Ok(()), _) => {
                self.store.mark_sent(id, now).await?;
                tracing::info!(%hunt, %tenant, run = %notice.run.run, %channel, delivery = %id, hits = notice.hits.len(), "delivered");
            }
            (Err(SendError::Later(error)), Some(next)) => {
                self.store.mark_later(id, &error, next).await?;
                tracing::warn!(%hunt, %tenant, %channel, delivery = %id, attempts, %next, error, "not delivered yet");
            }
            (Err(SendError::Later(error) | SendError::Never(error)), _) => {
                self.store.mark_failed(id, &error).await?;
                tracing::error!(%hunt, %tenant, %channel, delivery = %id, attempts, error, "given up: `huntd deliveries retry` tries again");
            }
        }
        Ok(())
    }

    /// Empties the outbox whenever something is due, until told to stop. A channel that is still at
    /// work is left alone and delays no other.
    pub async fn run(self, bell: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let (mut tasks, mut busy) = (Tasks::new(), Vec::new());
        let mut pause = LOOK;
        loop {
            if let Err(error) = self.launch(&mut tasks, &mut busy).await {
                tracing::error!(%error, "the outbox can't be read");
                pause = STORE_PAUSE;
            }
            tokio::select! {
                () = bell.notified(), if pause == LOOK => {}
                () = tokio::time::sleep(pause) => pause = LOOK,
                Some(done) = tasks.join_next(), if pause == LOOK => match done {
                    Ok((channel, done)) => {
                        busy.retain(|name| *name != channel);
                        if let Err(error) = done {
                            tracing::error!(%channel, %error, "the outbox can't be written");
                            pause = STORE_PAUSE;
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, "a delivery stopped unexpectedly: it is sent again");
                        busy.clear();
                    }
                },
                changed = stop.changed() => if changed.is_err() || *stop.borrow() { break },
            }
        }
        while tasks.join_next().await.is_some() {}
    }
}
