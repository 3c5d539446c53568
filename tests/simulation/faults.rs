//! What goes wrong, and when: drawn from the seed before the play begins.

use std::time::Duration;

use huntd::model::time::Timestamp;

use crate::dice::Dice;
use crate::features::SURVIVES_FAST_CLOCK;
use crate::hunts::TENANTS;
use crate::scale::{DAY, HOUR, MINUTE, Scale};

/// A stretch of true time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Stretch {
    pub(crate) fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// What a tenant does to calls for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ill {
    /// Answers 5xx, or can't be reached.
    Down,
    /// Other apps have spent the calls of a minute.
    Minute,
    /// Other apps have spent the calls of an hour.
    Hour,
    /// The CPU is spent.
    Cpu,
    /// "Exceeded the allowed limits", now and then.
    Limits,
}

/// What a channel does to notices for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deaf {
    /// Refuses all.
    Refuses,
    /// Takes minutes, and then refuses, or has taken it and nobody hears of that.
    Hangs,
}

/// What happens to huntd or its machine at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// huntd isn't there until then.
    Down { until: Timestamp, by_force: bool },
    /// The wall clock is set so far ahead of the true time.
    Clock { ahead: i64 },
}

/// All that goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    /// By tenant.
    pub(crate) ill: Vec<Vec<(Stretch, Ill)>>,
    /// By channel.
    pub(crate) deaf: Vec<(&'static str, Stretch, Deaf)>,
    /// In order of time.
    pub(crate) blows: Vec<(Timestamp, Blow)>,
    /// When hunts are edited and tenants may change their dialect; huntd is started anew for it.
    pub(crate) edits: Vec<Timestamp>,
    /// By tenant: from when on it speaks the older dialect, or no longer.
    pub(crate) older: Vec<Vec<(Timestamp, bool)>>,
}

impl Faults {
    pub(crate) fn of(seed: u64, scale: Scale) -> Self {
        let many = |a_month: u64| usize::try_from((a_month * u64::from(scale.days)).div_ceil(30)).unwrap();
        let mut dice = Dice::of(seed, &[10]);
        let moment = |dice: &mut Dice| {
            let span = scale.quiet().since(scale.start()).as_secs();
            scale.start().plus(Duration::from_secs(dice.number(3600, span)))
        };
        let stretch = |dice: &mut Dice, least: Duration, most: Duration| {
            let from = moment(dice);
            Stretch { from, to: from.plus(dice.span(least, most)).min(scale.quiet()) }
        };
        let mut edits: Vec<Timestamp> = (0..many(6)).map(|_| moment(&mut dice)).collect();
        edits.sort_unstable();
        let (mut ill, mut older) = (Vec::new(), Vec::new());
        for tenant in 0..TENANTS.len() {
            let mut dice = Dice::of(seed, &[11, tenant as u64]);
            let mut all = Vec::new();
            for (often, what, most) in [
                (3, Ill::Down, HOUR * 3),
                (1, Ill::Down, DAY * 2),
                (3, Ill::Minute, HOUR),
                (2, Ill::Hour, HOUR * 4),
                (2, Ill::Cpu, HOUR * 2),
                (1, Ill::Limits, HOUR * 12),
            ] {
                all.extend((0..many(often)).map(|_| (stretch(&mut dice, MINUTE * 3, most), what)));
            }
            ill.push(all);
            older.push(edits.iter().map(|at| (*at, dice.chance(0.25))).collect());
        }
        let mut deaf = Vec::new();
        for (channel, often, what, most) in [
            ("soc", 3, Deaf::Refuses, HOUR * 20),
            ("soc", 3, Deaf::Hangs, HOUR * 3),
            ("chat", 2, Deaf::Refuses, HOUR * 8),
            ("chat", 2, Deaf::Hangs, HOUR),
            ("hits", 1, Deaf::Refuses, HOUR),
        ] {
            deaf.extend((0..many(often)).map(|_| (channel, stretch(&mut dice, MINUTE * 5, most), what)));
        }
        let mut blows = blows(&mut dice, scale, many, &stretch);
        blows.extend(edits.iter().map(|at| {
            let until = at.plus(dice.span(Duration::from_secs(2), MINUTE * 2));
            (*at, Blow::Down { until, by_force: false })
        }));
        blows.sort_by_key(|(at, _)| *at);
        Self { ill, deaf, blows, edits, older }
    }

    /// Whether the tenant speaks the older dialect at `at`.
    pub(crate) fn is_older(&self, tenant: usize, at: Timestamp) -> bool {
        self.older[tenant].iter().rev().find(|(from, _)| *from <= at).is_some_and(|(_, older)| *older)
    }

    pub(crate) fn ill(&self, tenant: usize, at: Timestamp) -> Option<Ill> {
        self.ill[tenant].iter().find(|(stretch, _)| stretch.holds(at)).map(|(_, ill)| *ill)
    }

    /// When the wall clock is ahead.
    pub(crate) fn fast(&self) -> Vec<Stretch> {
        let set =
            |(at, blow): &(Timestamp, Blow)| if let Blow::Clock { ahead } = blow { Some((*at, *ahead)) } else { None };
        let sets: Vec<(Timestamp, i64)> = self.blows.iter().filter_map(set).collect();
        let ahead = sets.windows(2).filter(|pair| pair[0].1 > 0);
        ahead.map(|pair| Stretch { from: pair[0].0, to: pair[1].0 }).collect()
    }

    pub(crate) fn deaf(&self, channel: &str, at: Timestamp) -> Option<Deaf> {
        let now = self.deaf.iter().find(|(name, stretch, _)| *name == channel && stretch.holds(at));
        now.map(|(_, _, deaf)| *deaf)
    }
}

fn blows(
    dice: &mut Dice,
    scale: Scale,
    many: impl Fn(u64) -> usize,
    stretch: &impl Fn(&mut Dice, Duration, Duration) -> Stretch,
) -> Vec<(Timestamp, Blow)> {
    let mut blows = Vec::new();
    for (often, most) in [(4, HOUR * 6), (1, DAY * 4)] {
        for _ in 0..many(often) {
            let down = stretch(dice, MINUTE, most);
            blows.push((down.from, Blow::Down { until: down.to, by_force: dice.chance(0.5) }));
        }
    }
    for number in 0..many(3) {
        let wrong = stretch(dice, MINUTE * 10, HOUR * 12);
        let span = i64::try_from(wrong.to.since(wrong.from).as_nanos()).unwrap();
        let fast = if SURVIVES_FAST_CLOCK { span / 4 } else { span + span / 4 };
        let ahead = if number % 2 == 0 { fast } else { -span };
        blows.push((wrong.from, Blow::Clock { ahead }));
        blows.push((wrong.to, Blow::Clock { ahead: 0 }));
        if dice.chance(0.5) {
            // Whoever starts under a wrong clock doesn't know since when it is wrong.
            let down = wrong.from.plus(dice.span(MINUTE, wrong.to.since(wrong.from)));
            let until = down.plus(dice.span(Duration::from_secs(2), MINUTE * 2));
            blows.push((down, Blow::Down { until, by_force: dice.chance(0.5) }));
        }
    }
    blows.retain(|(at, _)| *at < scale.end());
    blows
}
