//! Deliveries: what the outbox holds.

use std::fmt;

use super::coverage::Stretch;
use super::id::{ChannelName, DeliveryId, RunId};
use super::run::Run;
use super::time::Timestamp;
use super::told::Told;

pub use super::notice_hunt::NoticeHunt;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be sent, now or at its next attempt.
    Pending,
    /// The channel took it.
    Sent,
    /// Given up after three days, or refused for good; `huntd deliveries retry` tries again.
    Failed,
}

impl DeliveryState {
    /// All.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Failed];

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The name, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a delivery tells of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum About {
    /// Its hits.
    #[default]
    Hits,
    /// That event time is lost.
    Loss,
}

impl About {
    /// All.
    pub const ALL: [Self; 2] = [Self::Hits, Self::Loss];

    /// The name, as it goes into the delivery's id.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Loss => "loss",
        }
    }

    /// What `delivery` of `run` tells on `channel`: its id says it.
    #[must_use]
    pub fn of(delivery: &DeliveryId, run: &RunId, channel: &ChannelName) -> Self {
        let named = |about: &Self| DeliveryId::derive(run, channel, about.as_str()) == *delivery;
        Self::ALL.into_iter().find(named).unwrap_or_default()
    }
}

/// A delivery, as `deliveries --json` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its id.
    pub delivery: DeliveryId,
    /// The channel.
    pub channel: ChannelName,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts made.
    pub attempts: u32,
    /// Hits that it tells.
    pub hits: u64,
    /// The mail's Message-ID, without angle brackets.
    pub message_id: String,
    /// What the last attempt met.
    pub error: Option<String>,
    /// When the run was committed.
    pub created: Timestamp,
    /// When the channel took it.
    pub sent: Option<Timestamp>,
}

/// One notice: all that a channel needs to tell the hits of a run, and nothing that it must ask for.
/// One of trouble has no hits: it tells that event time is lost.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Attempts made before this one: above zero, some of it may have arrived already.
    pub attempts: u32,
    /// The hunt.
    pub hunt: NoticeHunt,
    /// The run.
    pub run: Run,
    /// What it tells.
    pub about: About,
    /// The hits, in the order to be told.
    pub hits: Told,
    /// The event time that is lost.
    pub losses: Vec<Stretch>,
}

impl Notice {
    /// The Message-ID of the mail, without angle brackets: derived from the delivery, so that a
    /// repeat after a crash is recognisable.
    #[must_use]
    pub fn message_id(&self) -> String {
        message_id(&self.delivery)
    }
}

/// The Message-ID of `delivery`'s mail, without angle brackets (RFC 5322, 3.6.4). The right half is
/// a fixed word and not the machine's name, so that it stays the same when huntd moves.
#[must_use]
pub fn message_id(delivery: &DeliveryId) -> String {
    format!("{delivery}@huntd.invalid")
}
