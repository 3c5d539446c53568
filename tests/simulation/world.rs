//! All that there is outside of huntd, and what was seen of it: the one place that everybody writes to.

use std::sync::{Arc, Mutex, MutexGuard};

use huntd::model::time::{Timestamp, Window};

use crate::clock::Clocks;
use crate::dice::Dice;
use crate::events::{self, Event};
use crate::faults::Faults;
use crate::hunts::{self, Spec};
use crate::scale::Scale;
use crate::story::Story;

/// Rows of one result, at which a tenant cuts without a word.
pub(crate) const ROW_LIMIT: u64 = 300;
/// Calls that a tenant allows.
pub(crate) const PER_MINUTE: u32 = 12;
pub(crate) const PER_HOUR: u32 = 240;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No answer, as huntd was killed.
    Open,
    /// All rows that there were.
    Whole { rows: u64 },
    /// As many as the limit lets through.
    Cut,
    /// A failure.
    Failed(&'static str),
}

/// A call, as the tenant saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) tenant: usize,
    pub(crate) hunt: usize,
    /// When the service counts it: at any moment between the two.
    pub(crate) counted: Timestamp,
    pub(crate) answered: Timestamp,
    /// The event time asked for.
    pub(crate) window: Window,
    pub(crate) outcome: Outcome,
}

/// A notice that a channel took.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) channel: &'static str,
    pub(crate) delivery: String,
    pub(crate) hunt: usize,
    /// The numbers of its events.
    pub(crate) events: Vec<u64>,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) calls: Vec<Call>,
    pub(crate) told: Vec<Told>,
    pub(crate) story: Story,
    /// How often each hunt was asked for, and each channel was shown something.
    asked: Vec<u64>,
    shown: u64,
    /// Where the wall clock was set, and how far ahead of the true time.
    pub(crate) clock_set: Vec<(Timestamp, i64)>,
    /// When huntd was there.
    pub(crate) starts: Vec<Timestamp>,
}

/// The world of one seed.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) scale: Scale,
    pub(crate) hunts: Vec<Spec>,
    pub(crate) events: Vec<Vec<Event>>,
    pub(crate) faults: Faults,
    pub(crate) clocks: Arc<Clocks>,
    seen: Mutex<Seen>,
}

impl World {
    pub(crate) fn new(seed: u64, scale: Scale) -> Arc<Self> {
        let faults = Faults::of(seed, scale);
        let hunts = hunts::all(seed, scale, &faults.edits);
        let events = events::all(seed, scale, &hunts, &faults.fast(), ROW_LIMIT);
        let nothing = Mutex::new(Seen { asked: vec![0; scale.hunts], ..Seen::default() });
        Arc::new(Self { seed, scale, hunts, events, faults, clocks: Clocks::new(scale.start()), seen: nothing })
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// A line of the story.
    pub(crate) fn say(&self, text: &str) {
        let now = self.clocks.true_now();
        self.seen().story.say(now, text);
    }

    /// The dice for the next call of a hunt.
    pub(crate) fn dice_of_call(&self, hunt: usize) -> Dice {
        let mut seen = self.seen();
        seen.asked[hunt] += 1;
        Dice::of(self.seed, &[30, hunt as u64, seen.asked[hunt]])
    }

    /// The dice for the next notice that is shown to any channel.
    pub(crate) fn dice_of_notice(&self) -> Dice {
        let mut seen = self.seen();
        seen.shown += 1;
        Dice::of(self.seed, &[31, seen.shown])
    }

    /// The event with that number.
    pub(crate) fn event(&self, number: u64) -> Option<Event> {
        // Numbered from 1 on, hunt by hunt.
        let mut rest = usize::try_from(number).ok()?.checked_sub(1)?;
        for events in &self.events {
            match events.get(rest) {
                Some(event) => return Some(*event),
                None => rest -= events.len(),
            }
        }
        None
    }
}
