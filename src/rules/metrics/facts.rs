//! What the text of the metrics is made of.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counts::Counts;
use crate::model::id::{ChannelName, HuntId, TenantName};
use crate::model::overload::Punctuality;
use crate::model::time::Timestamp;
use crate::model::trouble::TroubleKind;
use crate::rules::health::{Health, Pulse};
use crate::rules::quota::Usage;

/// So many hunts times tenants are told one by one; a dozen lines each, a kilobyte. The rest are counted.
pub const MOST_TRACKS: usize = 20_000;

/// All.
#[derive(Debug)]
pub struct Facts {
    /// This program's version.
    pub version: &'static str,
    /// Now, by the wall clock.
    pub now: Timestamp,
    /// Now, by the steady clock.
    pub steady: Duration,
    /// What the engine last did.
    pub pulse: Pulse,
    /// Whether it is alive.
    pub health: Health,
    /// How many hunts there are.
    pub hunts: HuntCounts,
    /// Hunts on tenants, in order; not more than [`MOST_TRACKS`].
    pub tracks: Vec<TrackFacts>,
    /// How many more there are.
    pub unlisted: usize,
    /// What is counted.
    pub counts: Counts,
    /// The tenants that are switched on.
    pub tenants: Vec<TenantFacts>,
    /// What waits in the outbox, and what failed.
    pub outbox: Vec<OutboxFacts>,
    /// How many causes of trouble there are, of each kind.
    pub troubles: BTreeMap<TroubleKind, u64>,
    /// Whether the database has answered.
    pub is_readable: bool,
    /// Room on the disk.
    pub room: Room,
    /// This process.
    pub process: Process,
}

/// How many hunts there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HuntCounts {
    /// Those that run.
    pub enabled: usize,
    /// Those that are switched off.
    pub disabled: usize,
    /// Files with an error.
    pub broken: usize,
}

/// A hunt on a tenant.
#[derive(Debug, Clone)]
pub struct TrackFacts {
    /// The hunt.
    pub hunt: HuntId,
    /// The tenant.
    pub tenant: TenantName,
    /// When it is due next; of a run under way, when that was due.
    pub next: Option<Timestamp>,
    /// What the database knows of it; none before its first run.
    pub state: Option<TrackState>,
}

/// What the database knows of a hunt on a tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrackState {
    /// Where covered event time ends.
    pub watermark: Option<Timestamp>,
    /// Failed runs since the last that was whole.
    pub failures_in_row: u32,
    /// When the last run ended.
    pub finished: Option<Timestamp>,
}

/// A tenant that is switched on.
#[derive(Debug, Clone)]
pub struct TenantFacts {
    /// Its name.
    pub name: TenantName,
    /// Runs that wait for its quota.
    pub queue: usize,
    /// How many of its scheduled runs were late.
    pub punctuality: Punctuality,
    /// What is used of its quota.
    pub usage: Vec<Usage>,
    /// Until when it may not be called.
    pub blocked_until: Option<Timestamp>,
}

/// What the outbox holds of each channel in each state, also where that is nothing: a series that comes and goes tells no
/// rise from nothing. What is there of a channel that the config no longer has stays.
#[must_use]
pub fn of_channels<'a>(
    held: Vec<OutboxFacts>,
    channels: impl IntoIterator<Item = &'a ChannelName>,
    now: Timestamp,
) -> Vec<OutboxFacts> {
    let none = |channel: &ChannelName, state| OutboxFacts { channel: channel.clone(), state, count: 0, oldest: now };
    let nothing = channels.into_iter().flat_map(|channel| ["failed", "pending"].map(|state| none(channel, state)));
    let mut all: BTreeMap<_, _> = nothing.map(|one| ((one.channel.clone(), one.state), one)).collect();
    all.extend(held.into_iter().map(|one| ((one.channel.clone(), one.state), one)));
    all.into_values().collect()
}

/// Deliveries of one channel in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxFacts {
    /// The channel.
    pub channel: ChannelName,
    /// `pending` or `failed`.
    pub state: &'static str,
    /// How many.
    pub count: u64,
    /// When the oldest was made; now where there is none.
    pub oldest: Timestamp,
}

/// Room on the disk, as far as the system says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// The database file.
    pub database: Option<u64>,
    /// Its WAL.
    pub wal: Option<u64>,
    /// What is left to who isn't root.
    pub free: Option<u64>,
    /// The whole disk.
    pub size: Option<u64>,
}

/// This process, as far as the system says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Process {
    /// When it began.
    pub started: Option<Timestamp>,
    /// CPU that it took.
    pub cpu: Option<Duration>,
    /// Its memory.
    pub resident: Option<u64>,
}
