//! The outbox: claim, send, mark.
//!
//! Promises: a delivery is marked only after its channel took it, so that a crash repeats it and
//! never loses it; a channel that is down or slow delays no other; what can't be delivered for three
//! days is `failed` and stays visible.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tracing::field::display;

use super::vitals::Vitals;
use crate::model::delivery::{Delivery, Notice};
use crate::model::id::{ChannelName, DeliveryId};
use crate::model::trouble::Warning;
use crate::ports::channel::{Channel, SendError};
use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;
use crate::ports::store::{Claim, Store};
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
    /// The channels of the config, as they are now.
    pub channels: watch::Receiver<Arc<Channels>>,
    /// What is told to who watches.
    pub vitals: Vitals,
}

/// Channels that stay as they are.
#[must_use]
pub fn fixed(channels: impl Into<Arc<Channels>>) -> watch::Receiver<Arc<Channels>> {
    watch::channel(channels.into()).1
}

/// How long a claim holds: longer than any channel takes for one notice, so that a delivery isn't
/// sent twice at a time; short enough that one claimed by a killed process is soon taken up again.
const CLAIM: Duration = Duration::from_mins(5);
/// The longest wait between two looks into the outbox: another process may have put something in.
const LOOK: Duration = Duration::from_secs(5);
/// The wait after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(10);

/// The wait before a mark that the store didn't take is made again: doubled each time, up to the second.
const MARK_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How often a mark is made: for about a minute and a half, which is within the claim. It takes longer
/// only where each try waits for another process's lock, and then nobody else can claim either.
const MARK_TRIES: u32 = 14;

/// Channels at work, each with one delivery.
#[derive(Default)]
pub struct Work {
    tasks: JoinSet<Result<(), StoreError>>,
    busy: HashMap<Id, ChannelName>,
}

impl Work {
    fn busy(&self) -> Vec<ChannelName> {
        self.busy.values().cloned().collect()
    }

    /// Waits until a channel is free again; `None` when none is at work. May be dropped and asked again.
    pub async fn next(&mut self) -> Option<Result<(), StoreError>> {
        let ended = self.tasks.join_next_with_id().await?;
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let channel = self.busy.remove(&id).map(|channel| channel.to_string()).unwrap_or_default();
        Some(ended.map_or_else(
            |error| {
                tracing::error!(channel, %error, "a delivery stopped unexpectedly: it is sent again");
                Ok(())
            },
            |(_, done)| done,
        ))
    }
}

impl Dispatcher {
    /// Sends all that is due now, each channel beside the others, and says how many attempts were made.
    /// When the store fails, nothing new is begun, and what is being sent is still waited for.
    pub async fn drain(&self) -> Result<usize, StoreError> {
        let (mut work, mut attempts, mut failed) = (Work::default(), 0, None);
        loop {
            if failed.is_none() {
                failed = self.launch(&mut work).await.err();
            }
            match work.next().await {
                None => return failed.map_or(Ok(attempts), Err),
                Some(done) => {
                    attempts += 1;
                    failed = failed.or(done.err());
                }
            }
        }
    }

    /// Claims what is due on channels that aren't at work, one delivery each, and sets them to work. A
    /// channel is given no second one before the first is done: waiting, it might outlive its claim.
    pub async fn launch(&self, work: &mut Work) -> Result<(), StoreError> {
        loop {
            let claims = self.store.claim_deliveries(self.clock.now(), CLAIM, 1, &work.busy()).await;
            // A store that fails is another fault than a dispatcher that hangs: no restart would mend it.
            self.vitals.emptied(self.clock.steady());
            let claims = claims?;
            if claims.is_empty() {
                return Ok(());
            }
            for Claim { delivery } in claims {
                let (this, channel) = (self.clone(), delivery.channel.clone());
                let task = work.tasks.spawn(async move { this.deliver(&delivery).await });
                work.busy.insert(task.id(), channel);
            }
        }
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), StoreError> {
        // A warning has no hits: with hits it is of a run.
        if delivery.hits == 0 {
            match self.store.warning(&delivery.delivery).await {
                Ok(None) => {}
                Ok(Some(warning)) => return self.warn(delivery, &warning).await,
                Err(error) => return self.put_off(delivery, None, SendError::Later(error.to_string())).await,
            }
        }
        let notice = match self.store.notice(&delivery.delivery).await {
            Ok(notice) => notice,
            // Put off like any other, so that it doesn't stand in the way of the channel's next ones.
            Err(error) => return self.put_off(delivery, None, SendError::Later(error.to_string())).await,
        };
        let sent = match self.channel(&delivery.channel) {
            Ok(channel) => unpanicked(channel.send(&notice)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            return self.put_off(delivery, Some(&notice), error).await;
        }
        let (id, channel) = (&delivery.delivery, &delivery.channel);
        self.mark_sent(id).await?;
        self.vitals.delivered(channel, "sent");
        tracing::info!(hunt = %notice.hunt.id, tenant = %notice.run.tenant, run = %notice.run.run, %channel, delivery = %id, hits = notice.hits.len(), "delivered");
        Ok(())
    }

    async fn warn(&self, delivery: &Delivery, warning: &Warning) -> Result<(), StoreError> {
        let (id, channel) = (&delivery.delivery, &delivery.channel);
        let sent = match self.channel(channel) {
            Ok(channel) => unpanicked(channel.warn(id, warning)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            return self.put_off(delivery, None, error).await;
        }
        self.mark_sent(id).await?;
        tracing::info!(%channel, delivery = %id, kind = %warning.trouble.kind, "delivered");
        Ok(())
    }

    fn channel(&self, name: &ChannelName) -> Result<Arc<dyn Channel>, SendError> {
        let channel = self.channels.borrow().get(name).map(Arc::clone);
        channel.ok_or_else(|| SendError::Later(format!("the config has no channel `{name}`")))
    }

    /// Marks a delivery that was taken. Where the store fails, the mark is made again and again, as all
    /// else would be to send the notice again. No file that is gone comes back.
    async fn mark_sent(&self, delivery: &DeliveryId) -> Result<(), StoreError> {
        let (mut pause, most) = MARK_PAUSE;
        for _ in 1..MARK_TRIES {
            match self.store.mark_sent(delivery, self.clock.now()).await {
                Err(error) if !matches!(error, StoreError::Gone { .. }) => {
                    tracing::warn!(%delivery, %error, "delivered, and can't be marked so yet");
                }
                done => return done,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(most);
        }
        self.store.mark_sent(delivery, self.clock.now()).await
    }

    /// Marks a delivery that wasn't taken: for a later attempt, or as given up.
    async fn put_off(&self, delivery: &Delivery, notice: Option<&Notice>, error: SendError) -> Result<(), StoreError> {
        let hunt = notice.map(|notice| display(&notice.hunt.id));
        let tenant = notice.map(|notice| display(&notice.run.tenant));
        let (id, channel, attempts) = (&delivery.delivery, &delivery.channel, delivery.attempts);
        let next = remedy::next_attempt(delivery.created, attempts, self.clock.now(), fastrand::f64());
        match (error, next) {
            (SendError::Later(error), Some(next)) => {
                self.vitals.delivered(channel, "later");
                self.store.mark_later(id, &error, next).await?;
                tracing::warn!(hunt, tenant, %channel, delivery = %id, attempts, %next, error, "not delivered yet");
            }
            (SendError::Later(error) | SendError::Never(error), _) => {
                self.vitals.delivered(channel, "failed");
                self.store.mark_failed(id, &error).await?;
                tracing::error!(hunt, tenant, %channel, delivery = %id, attempts, error, "given up: `huntd deliveries retry` tries again");
            }
        }
        Ok(())
    }

    /// Empties the outbox whenever something is due, until told to stop. A channel that is still at
    /// work is left alone and delays no other.
    pub async fn run(self, bell: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let (mut work, mut pause) = (Work::default(), LOOK);
        loop {
            if let Err(error) = self.launch(&mut work).await {
                tracing::error!(%error, "the outbox can't be read");
                pause = STORE_PAUSE;
            }
            tokio::select! {
                () = bell.notified(), if pause == LOOK => {}
                () = tokio::time::sleep(pause) => pause = LOOK,
                Some(done) = work.next(), if pause == LOOK => if let Err(error) = done {
                    tracing::error!(%error, "the outbox can't be written");
                    pause = STORE_PAUSE;
                },
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        while let Some(done) = work.next().await {
            if let Err(error) = done {
                tracing::error!(%error, "the outbox can't be written");
            }
        }
    }
}

/// Waits for a channel, and takes a panic of it for a failure like another: it would else come again at
/// once, for ever, before all that waits for the channel.
async fn unpanicked(sending: impl Future<Output = Result<(), SendError>>) -> Result<(), SendError> {
    let sent = AssertUnwindSafe(sending).catch_unwind().await;
    sent.unwrap_or_else(|_| Err(SendError::Later("the channel stopped unexpectedly: a fault of huntd".to_owned())))
}
