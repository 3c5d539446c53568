//! How many hits of each kind, in words.

use std::fmt;

use crate::model::hit::HitKind;
use crate::model::run::Run;
use crate::model::told::Told;

/// How many hits of each kind. Shown as `3 new, 1 returned`, what matters first; `no hits` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally([(HitKind, u64); 4]);

impl Tally {
    /// Of these hits.
    #[must_use]
    pub fn of(hits: &Told) -> Self {
        let kinds = [HitKind::New, HitKind::Returned, HitKind::Changed, HitKind::Gone];
        Self(kinds.map(|kind| (kind, hits.count(kind) as u64)))
    }

    /// Of all hits of a run, also of those that aren't at hand.
    #[must_use]
    pub const fn of_run(run: &Run) -> Self {
        Self([
            (HitKind::New, run.new),
            (HitKind::Returned, run.returned),
            (HitKind::Changed, run.changed),
            (HitKind::Gone, run.gone),
        ])
    }

    /// Of all kinds together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (kind, count) in self.0.iter().filter(|(_, count)| *count > 0) {
            write!(f, "{between}{count} {kind}")?;
            between = ", ";
        }
        if between.is_empty() { f.write_str("no hits") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn counts_each_kind_once() {
        let mut notice = samples::notice(&["{}", "{}", "{}", "{}", "{}"]);
        samples::kinds(&mut notice, &[HitKind::Gone, HitKind::Changed, HitKind::Returned]);
        let tally = Tally::of(&notice.hits);
        assert_eq!((tally.to_string().as_str(), tally.total()), ("2 new, 1 returned, 1 changed, 1 gone", 5));
        let run = Run { new: 2, returned: 1, changed: 1, gone: 1, ..notice.run };
        assert_eq!(Tally::of_run(&run), tally);
        assert_eq!(
            (Tally::of(&Vec::new().into()).to_string().as_str(), Tally::of(&Vec::new().into()).total()),
            ("no hits", 0)
        );
    }
}
