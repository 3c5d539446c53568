//! Hits in the log: one event each, for whoever already collects the log.
//!
//! The event's target is [`TARGET`], its fields are those of [`fields`] and `delivery`: an
//! interface, so their names stay.

use std::io;

use crate::model::delivery::Notice;
use crate::model::id::{ChannelName, DeliveryId};
use crate::model::trouble::{News, Warning};
use crate::ports::channel::{Channel, SendError};
use crate::rules::render::log::fields;
use crate::rules::render::visible::visible;

/// The target of the events.
pub const TARGET: &str = "huntd::hits";

/// The most events a notice makes; the rest is counted in one more. journald drops what comes faster
/// than its rate limit (10,000 in 30 s by default), and drops it without a name.
const MOST: usize = 1_000;

/// The log.
#[derive(Debug)]
pub struct Log {
    name: ChannelName,
}

impl Log {
    /// A channel of that name.
    #[must_use]
    pub const fn new(name: ChannelName) -> Self {
        Self { name }
    }
}

#[async_trait::async_trait]
impl Channel for Log {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), SendError> {
        let delivery = &notice.delivery;
        // All of them before the first is told, so that a fault while they are read tells none.
        let hits = notice.hits.clone();
        let read = tokio::task::spawn_blocking(move || hits.iter().take(MOST).collect::<io::Result<Vec<_>>>());
        let read = read.await.map_err(io::Error::other).and_then(|read| read);
        for hit in read.map_err(|error| SendError::Later(visible(&error.to_string()).into_owned()))? {
            let hit = fields(&hit);
            tracing::info!(
                target: TARGET,
                hunt = %hit.hunt,
                tenant = %hit.tenant,
                run = %hit.run,
                hit = %hit.hit,
                kind = hit.kind,
                severity = hit.severity,
                row = %hit.row,
                delivery = %delivery,
                "hit"
            );
        }
        let (hunt, run) = (visible(&notice.hunt.id), &notice.run);
        let more = notice.hits.len().saturating_sub(MOST);
        if more > 0 {
            tracing::warn!(
                target: TARGET,
                hunt = %hunt,
                tenant = %run.tenant,
                run = %run.run,
                delivery = %delivery,
                more,
                "more hits than the log takes: see `huntd hits --run`"
            );
        }
        for loss in &notice.losses {
            let (from, to) = (loss.window.from, loss.window.to);
            let why = visible(loss.why.as_deref().unwrap_or("no reason is known"));
            tracing::error!(
                target: TARGET,
                hunt = %hunt,
                tenant = %run.tenant,
                run = %run.run,
                %from,
                %to,
                why = %why,
                delivery = %delivery,
                "event time is lost"
            );
        }
        Ok(())
    }

    async fn warn(&self, delivery: &DeliveryId, warning: &Warning) -> Result<(), SendError> {
        let Warning { trouble, news, since, .. } = warning;
        let text = |text: &str| visible(text).into_owned();
        let (headline, reasons) = (text(&trouble.headline), text(&trouble.reasons.join("; ")));
        let (hint, kind) = (text(trouble.hint.as_deref().unwrap_or("")), trouble.kind.as_str());
        if *news == News::Ends {
            tracing::info!(target: TARGET, kind, %since, %delivery, "over: {headline}");
        } else {
            tracing::error!(target: TARGET, kind, %since, error = reasons, hint, %delivery, "{headline}");
        }
        Ok(())
    }
}
