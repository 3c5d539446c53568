//! When each hunt is due on each tenant: pure, with the time as an argument.
//!
//! Promises: a hunt never overlaps itself on a tenant; missed ticks come to one run; a tick stays
//! unserved until its run was committed; no hunt falls silent because the wall clock was set.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::catching_up::{After, Behind, pause_after};
use super::order::Order;
use super::tenant::Tenant;
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName};
use crate::model::run::Trigger;
use crate::model::time::Timestamp;
use crate::model::trouble::Overdue;
use crate::ports::store::Served;
use crate::rules::schedule::{self, ClockMove, Due, Look};

/// A hunt on a tenant.
pub type Pair = (Arc<Hunt>, Arc<Tenant>);

/// One hunt on one tenant, as the agenda holds it.
#[derive(Debug)]
struct Entry {
    hunt: Arc<Hunt>,
    tenant: Arc<Tenant>,
    /// The last tick that was served.
    last: Timestamp,
    /// The first moment at which a look is worth it.
    wake: Timestamp,
    running: bool,
    /// What is to be done about event time that was missed.
    behind: CatchingUp,
    /// No longer laid out: nothing of it begins any more. What is under way may end, and then its place is free.
    gone: bool,
}

/// How far catching up has come.
#[derive(Debug, Clone, Copy, Default)]
struct CatchingUp {
    /// When to look at it; `None` where nothing is known to be missing.
    wake: Option<Timestamp>,
    running: bool,
    /// Steps that failed one after the other.
    failures: u32,
    /// The longest window to ask for, where a longer one was too much already.
    most: Option<Duration>,
}

/// What a look found due.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The entry, to be handed back by [`Agenda::done`].
    pub entry: usize,
    /// What to run.
    pub order: Order,
    /// Ticks before this one that nobody served: their event time is in this run's window.
    pub missed: u64,
}

/// When each hunt is due on each tenant.
#[derive(Debug)]
pub struct Agenda {
    entries: Vec<Entry>,
    /// Places of entries that are gone, and end nothing any more.
    free: Vec<usize>,
    look: Look,
    /// Before this moment no entry is worth a look, unless the clock is set: of ten thousand hunts most looks find none.
    idle_until: Timestamp,
    /// The same of event time that was missed.
    settled_until: Timestamp,
}

/// When nothing comes of itself.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

impl Entry {
    fn key(&self) -> (&HuntId, &TenantName) {
        (&self.hunt.id, &self.tenant.name)
    }

    fn is_behind(&self, now: Timestamp) -> bool {
        !self.gone && !self.behind.running && self.behind.wake.is_some_and(|wake| wake <= now)
    }

    fn is_free(&self) -> bool {
        self.gone && !self.running && !self.behind.running
    }

    /// Is of another version from now on. Another schedule takes effect with its next tick: none is owed for the time
    /// before. Event time that a tick of the old one left open is in the window of the next.
    fn renew(&mut self, hunt: Arc<Hunt>, tenant: Arc<Tenant>, now: Timestamp) {
        let is_rescheduled = self.hunt.schedule != hunt.schedule || self.hunt.timezone != hunt.timezone;
        if is_rescheduled && !self.running {
            self.last = self.last.max(now);
        }
        (self.hunt, self.tenant, self.gone) = (hunt, tenant, false);
        if !self.running {
            self.wake = Timestamp::EPOCH;
        }
    }

    fn launch(&mut self, entry: usize, now: Timestamp) -> Option<Launch> {
        // A run that was under way when the clock was set back hands in a tick of the old time.
        self.last = schedule::resume(self.last, now);
        match schedule::due(&self.hunt.schedule, self.hunt.timezone, self.last, now) {
            Due::Nothing { next } => {
                self.wake = next.map_or(NEVER, |next| schedule::start(&self.hunt, &self.tenant.name, next));
                None
            }
            Due::Run { tick, missed, .. } => {
                let start = schedule::start(&self.hunt, &self.tenant.name, tick);
                if start > now {
                    self.wake = start;
                    return None;
                }
                // For who watches: a run under way is one that was due then.
                (self.running, self.wake) = (true, start);
                let order = Order {
                    hunt: Arc::clone(&self.hunt),
                    tenant: Arc::clone(&self.tenant),
                    due: tick,
                    trigger: Trigger::Schedule,
                    window: None,
                    as_of: None,
                    notify: true,
                };
                Some(Launch { entry, order, missed })
            }
        }
    }
}

/// The wait before a tick is tried again whose run could not be committed.
const STORE_PAUSE: Duration = Duration::from_mins(1);

impl Agenda {
    /// An agenda with no entries.
    #[must_use]
    pub const fn new(look: Look) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            look,
            idle_until: Timestamp::EPOCH,
            settled_until: Timestamp::EPOCH,
        }
    }

    /// Adds a hunt on a tenant, served so far.
    pub fn add(&mut self, hunt: Arc<Hunt>, tenant: Arc<Tenant>, served: Served) {
        // The clock may have been set back while huntd was down.
        let last = schedule::resume(served.from, self.look.wall);
        // A process before this one may have been killed while it caught up.
        let wake = served.owes.then_some(self.look.wall);
        let behind = CatchingUp { wake, ..CatchingUp::default() };
        (self.idle_until, self.settled_until) = (Timestamp::EPOCH, Timestamp::EPOCH);
        let entry = Entry { hunt, tenant, last, wake: Timestamp::EPOCH, running: false, behind, gone: false };
        match self.free.pop().and_then(|place| self.entries.get_mut(place)) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
    }

    /// Of `pairs`, those that aren't laid out, nor end a run yet: they are to be added.
    #[must_use]
    pub fn unknown(&self, pairs: &[Pair]) -> Vec<Pair> {
        let known: HashSet<_> = self.entries.iter().filter(|entry| !entry.is_free()).map(Entry::key).collect();
        pairs.iter().filter(|(hunt, tenant)| !known.contains(&(&hunt.id, &tenant.name))).cloned().collect()
    }

    /// Lays out `pairs` and nothing else: what is known takes its new version, and goes on where it stood; what isn't
    /// among them begins nothing any more. Those that are [`unknown`](Self::unknown) are to be added after.
    pub fn lay_out(&mut self, pairs: &[Pair]) {
        let wanted: HashMap<_, _> = pairs.iter().map(|pair| ((&pair.0.id, &pair.1.name), pair)).collect();
        let now = self.look.wall;
        for entry in &mut self.entries {
            match wanted.get(&entry.key()).filter(|_| !entry.is_free()) {
                Some((hunt, tenant)) => entry.renew(Arc::clone(hunt), Arc::clone(tenant), now),
                None => entry.gone = true,
            }
        }
        self.free = self.entries.iter().enumerate().filter(|(_, entry)| entry.is_free()).map(|(at, _)| at).collect();
        (self.idle_until, self.settled_until) = (Timestamp::EPOCH, Timestamp::EPOCH);
    }

    /// What is due at this look, and what the wall clock did since the one before. Each launch is marked
    /// as running until [`done`](Self::done).
    pub fn look(&mut self, look: Look) -> (ClockMove, Vec<Launch>) {
        let (moved, now) = (schedule::moved(self.look, look), look.wall);
        self.look = look;
        if moved != ClockMove::Steady {
            for entry in &mut self.entries {
                entry.last = schedule::resume(entry.last, now);
                entry.wake = Timestamp::EPOCH;
                entry.behind.wake = entry.behind.wake.map(|wake| wake.min(now));
            }
            self.settled_until = self.settled_until.min(now);
        } else if now < self.idle_until {
            return (moved, Vec::new());
        }
        let entries =
            self.entries.iter_mut().enumerate().filter(|(_, entry)| !entry.gone && !entry.running && entry.wake <= now);
        let launches = entries.filter_map(|(index, entry)| entry.launch(index, now)).collect();
        self.idle_until = self.next().unwrap_or(NEVER);
        (moved, launches)
    }

    /// What to look at for event time that was missed: the hunts that matter most first, on each tenant at most half
    /// as many as it takes at a time. Each is marked as catching up until [`caught_up`](Self::caught_up).
    pub fn behind(&mut self, now: Timestamp) -> Vec<(usize, Behind)> {
        if now < self.settled_until {
            return Vec::new();
        }
        let is_behind = |(_, entry): &(usize, &Entry)| entry.is_behind(now);
        let mut due: Vec<usize> = self.entries.iter().enumerate().filter(is_behind).map(|(index, _)| index).collect();
        if due.is_empty() {
            let idle = self.entries.iter().filter(|entry| !entry.gone && !entry.behind.running);
            self.settled_until = idle.filter_map(|entry| entry.behind.wake).min().unwrap_or(NEVER);
            return Vec::new();
        }
        let mut room = self.room();
        due.sort_by_key(|index| std::cmp::Reverse(self.entries.get(*index).map(|entry| entry.hunt.severity)));
        let mut taken = Vec::new();
        for index in due {
            let Some(entry) = self.entries.get_mut(index) else { continue };
            let Some(room) = room.get_mut(&entry.tenant.name).filter(|room| **room > 0) else { continue };
            *room -= 1;
            entry.behind.running = true;
            taken.push((
                index,
                Behind { hunt: Arc::clone(&entry.hunt), tenant: Arc::clone(&entry.tenant), most: entry.behind.most },
            ));
        }
        taken
    }

    /// How many more may catch up at a time, on each tenant: half of what it takes. That live runs come first is
    /// decided by the quota, and not by their number: where they always wait for it, nothing would ever be caught
    /// up.
    fn room(&self) -> HashMap<TenantName, u32> {
        let mut room: HashMap<TenantName, u32> = HashMap::new();
        for entry in &self.entries {
            let tenant = &entry.tenant;
            let of_tenant = match room.get_mut(&tenant.name) {
                Some(room) => room,
                None => room.entry(tenant.name.clone()).or_insert((tenant.quota.concurrent / 2).max(1)),
            };
            if entry.behind.running {
                *of_tenant = of_tenant.saturating_sub(1);
            }
        }
        room
    }

    /// A look at event time that was missed has ended, and this comes next.
    pub(super) fn caught_up(&mut self, entry: usize, after: After, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(entry) else { return };
        // Once nothing is missing, the next gap begins anew.
        let most = match after {
            After::TooMuch(most) => Some(most),
            After::Nothing => None,
            After::LookAt(_) | After::Again | After::Failed => entry.behind.most,
        };
        let failures = if after == After::Failed { entry.behind.failures.saturating_add(1) } else { 0 };
        let wake = match after {
            After::Nothing => None,
            After::LookAt(at) => Some(at),
            After::Again | After::TooMuch(_) => Some(now),
            After::Failed => Some(now.plus(pause_after(failures))),
        };
        entry.behind = CatchingUp { wake, running: false, failures, most };
        self.settled_until = self.settled_until.min(wake.unwrap_or(NEVER));
    }

    /// A live run has ended so that event time may be missing: it is looked at from `at` on.
    pub(super) fn look_behind(&mut self, entry: usize, at: Timestamp) {
        if let Some(entry) = self.entries.get_mut(entry).filter(|entry| !entry.behind.running) {
            entry.behind.wake = Some(entry.behind.wake.map_or(at, |wake| wake.min(at)));
            self.settled_until = self.settled_until.min(at);
        }
    }

    /// The run of `tick` was committed.
    pub fn done(&mut self, entry: usize, tick: Timestamp) {
        if let Some(entry) = self.entries.get_mut(entry) {
            (entry.running, entry.wake) = (false, Timestamp::EPOCH);
            entry.last = tick;
            self.idle_until = Timestamp::EPOCH;
        }
    }

    /// The run could not be committed: its tick stays unserved, and is tried again a little later.
    pub fn put_off(&mut self, entry: usize, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(entry).filter(|entry| entry.running) {
            (entry.running, entry.wake) = (false, now.plus(STORE_PAUSE));
            self.idle_until = self.idle_until.min(entry.wake);
        }
    }

    /// The runs that should have begun, or ended, `after` ago and more.
    #[must_use]
    pub fn overdue(&self, now: Timestamp, after: Duration) -> Vec<Overdue> {
        let limit = now.minus(after);
        // One that isn't looked at yet has no moment of its own.
        let is_overdue = |entry: &&Entry| !entry.gone && entry.wake > Timestamp::EPOCH && entry.wake < limit;
        let of = |entry: &Entry| Overdue {
            hunt: entry.hunt.id.clone(),
            tenant: entry.tenant.name.clone(),
            since: entry.wake,
            runs: entry.running,
        };
        self.entries.iter().filter(is_overdue).map(of).collect()
    }

    /// Each hunt on each tenant with the moment that it is due at, for who watches; of one under way, that it was due
    /// at. None where it is yet to be seen.
    pub fn due(&self) -> impl Iterator<Item = (&Arc<Hunt>, &Arc<Tenant>, Option<Timestamp>)> {
        let known = |wake: Timestamp| (wake != Timestamp::EPOCH && wake != NEVER).then_some(wake);
        let standing = self.entries.iter().filter(|entry| !entry.gone);
        standing.map(move |entry| (&entry.hunt, &entry.tenant, known(entry.wake)))
    }

    /// When the next hunt is due, for people.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.entries.iter().filter(|entry| !entry.gone && !entry.running).map(|entry| entry.wake).min()
    }
}

#[cfg(test)]
pub(super) mod tests;
