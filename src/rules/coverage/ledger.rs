//! The ledger itself.

use crate::model::coverage::{CoverageNote, Fate, Stretch};
use crate::model::id::RunId;
use crate::model::time::{Timestamp, Window};

/// What became of the event time of a hunt on a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    origin: Option<Timestamp>,
    /// In order, apart from each other; neighbours that say the same are one.
    stretches: Vec<Stretch>,
}

impl Coverage {
    /// A ledger as it was stored. `stretches` may come in any order, and must not overlap.
    #[must_use]
    pub fn new(origin: Option<Timestamp>, mut stretches: Vec<Stretch>) -> Self {
        stretches.sort_by_key(|stretch| stretch.window.from);
        Self { origin, stretches }
    }

    /// From where on event time is owed; `None` before the first run.
    #[must_use]
    pub const fn origin(&self) -> Option<Timestamp> {
        self.origin
    }

    /// All stretches, in order.
    #[must_use]
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// What of `within` is owed and nobody decided, in order.
    #[must_use]
    pub fn gaps(&self, within: Window) -> Vec<Window> {
        let Some(origin) = self.origin else { return Vec::new() };
        let mut gaps = Vec::new();
        let mut from = within.from.max(origin);
        for stretch in &self.stretches {
            let Window { from: begins, to: ends } = stretch.window;
            if begins.min(within.to) > from {
                gaps.push(Window { from, to: begins.min(within.to) });
            }
            from = from.max(ends);
        }
        if within.to > from {
            gaps.push(Window { from, to: within.to });
        }
        gaps
    }

    /// The end of the last covered stretch.
    #[must_use]
    pub fn covered_to(&self) -> Option<Timestamp> {
        let covered = self.stretches.iter().filter(|stretch| stretch.fate == Fate::Covered);
        covered.map(|stretch| stretch.window.to).next_back()
    }

    /// Losses that nobody was told of.
    pub fn untold(&self) -> impl Iterator<Item = &Stretch> {
        self.stretches.iter().filter(|stretch| stretch.fate == Fate::Lost && stretch.told.is_none())
    }

    /// The ledger after all that `run` says.
    #[must_use]
    pub fn noted(&self, notes: &[CoverageNote], run: &RunId) -> Self {
        let mut after = self.clone();
        for note in notes {
            after.note(note, run);
        }
        after
    }

    /// Notes down what `run` says.
    pub fn note(&mut self, note: &CoverageNote, run: &RunId) {
        match note {
            CoverageNote::Origin(at) => self.origin = self.origin.or(Some(*at)),
            CoverageNote::Uncover(after) => self.uncover(*after),
            CoverageNote::Cover(window) => self.cover(*window, run),
            CoverageNote::Decide { window, fate, why } => self.decide(*window, *fate, why, run),
            CoverageNote::Told => {
                for stretch in self.stretches.iter_mut().filter(|stretch| stretch.fate == Fate::Lost) {
                    stretch.told.get_or_insert_with(|| run.clone());
                }
            }
            CoverageNote::Forget(before) => {
                self.stretches.retain(|stretch| stretch.window.to > *before);
                // Else it would be a gap again.
                self.origin = self.origin.map(|origin| origin.max(*before));
            }
        }
        self.join();
    }

    /// Cuts off what lies after a moment. What was given up stays given up.
    fn uncover(&mut self, after: Timestamp) {
        self.origin = self.origin.map(|origin| origin.min(after));
        self.stretches.retain_mut(|stretch| {
            if stretch.fate == Fate::Covered {
                stretch.window.to = stretch.window.to.min(after);
            }
            stretch.window.from < stretch.window.to
        });
    }

    fn cover(&mut self, window: Window, run: &RunId) {
        if window.from >= window.to {
            return;
        }
        let mut rest = Vec::with_capacity(self.stretches.len() + 2);
        let mut whole = window;
        for stretch in self.stretches.drain(..) {
            if stretch.fate == Fate::Covered && touches(stretch.window, whole) {
                whole = Window { from: whole.from.min(stretch.window.from), to: whole.to.max(stretch.window.to) };
            } else {
                rest.extend(parts_outside(&stretch, window));
            }
        }
        rest.push(Stretch { window: whole, fate: Fate::Covered, run: run.clone(), why: None, told: None });
        rest.sort_by_key(|stretch| stretch.window.from);
        self.stretches = rest;
    }

    fn decide(&mut self, window: Window, fate: Fate, why: &str, run: &RunId) {
        // What was never promised isn't lost; where nothing is promised yet, nothing is decided.
        let decided = self.gaps(window).into_iter().map(|window| Stretch {
            window,
            fate,
            run: run.clone(),
            why: Some(why.to_owned()),
            told: None,
        });
        self.stretches.extend(decided.collect::<Vec<_>>());
        self.stretches.sort_by_key(|stretch| stretch.window.from);
    }

    /// Makes one of neighbours that say the same.
    fn join(&mut self) {
        self.stretches.dedup_by(|next, one| {
            let same = one.fate == next.fate && one.why == next.why && one.told == next.told;
            let joined = same && one.window.to == next.window.from;
            if joined {
                one.window.to = next.window.to;
                one.run = next.run.clone();
            }
            joined
        });
    }
}

fn touches(one: Window, other: Window) -> bool {
    one.from <= other.to && other.from <= one.to
}

/// What of a stretch lies outside of `window`.
fn parts_outside(stretch: &Stretch, window: Window) -> impl Iterator<Item = Stretch> {
    let Window { from, to } = stretch.window;
    let before = Window { from, to: to.min(window.from) };
    let after = Window { from: from.max(window.to), to };
    let parts = [before, after].into_iter().filter(|part| part.from < part.to);
    parts.map(|window| Stretch { window, ..stretch.clone() })
}
