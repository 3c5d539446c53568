//! What will be done about a gap, for people.

use std::fmt;

use super::catch_up::{Asks, CatchUpFacts, SOON, as_of_step, live_from, owed_to};
use crate::model::time::{Timestamp, Window};

/// What will be done about a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// The live run at this time asks for it.
    NextRun(Timestamp),
    /// It is asked for behind live work, by so many runs.
    CaughtUp(u64),
    /// Events may still arrive late: it is asked for from this time on.
    Later(Timestamp),
    /// Nothing, as the hunt says `catch_up: skip`.
    LeftOut,
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NextRun(at) => write!(f, "the run at {} asks for it", at.local()),
            Self::CaughtUp(1) => f.write_str("one run behind live work asks for it"),
            Self::CaughtUp(runs) => write!(f, "{runs} runs behind live work ask for it"),
            Self::Later(at) => write!(f, "asked for after {}, when late events are in", at.local()),
            Self::LeftOut => f.write_str("left out: catch_up: skip"),
        }
    }
}

/// What of event time is owed by now and isn't covered, in order.
#[must_use]
pub fn gaps(facts: &CatchUpFacts<'_>) -> Vec<Window> {
    let Some(to) = owed_to(facts) else { return Vec::new() };
    facts.coverage.gaps(Window { from: facts.now.minus(facts.data_age), to })
}

/// What will be done about one of the [`gaps`].
#[must_use]
pub fn outlook(facts: &CatchUpFacts<'_>, gap: Window) -> Outlook {
    match (facts.asks, facts.next) {
        (Asks::Window, Some(next)) if next.since(facts.now) <= SOON && live_from(facts, next) <= gap.from => {
            Outlook::NextRun(next)
        }
        (Asks::AsOf(_), _) if gap.to.plus(facts.late) > facts.now => Outlook::Later(gap.to.plus(facts.late)),
        (Asks::AsOf(back), _) => {
            let step = as_of_step(facts, back).as_nanos().max(1);
            Outlook::CaughtUp(u64::try_from(gap.length().as_nanos().div_ceil(step)).unwrap_or(u64::MAX).max(1))
        }
        (Asks::Window | Asks::Never, _) => Outlook::CaughtUp(1),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::coverage::CoverageNote;
    use crate::model::id::RunId;
    use crate::model::limits::DATA_AGE;
    use crate::rules::coverage::Coverage;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn says_who_closes_a_gap() {
        let at = |text: &str| Timestamp::parse(&format!("2026-11-{text}:00Z")).unwrap();
        let window = |from: &str, to: &str| Window { from: at(from), to: at(to) };
        let run = RunId::new("r").unwrap();
        let mut coverage = Coverage::default();
        coverage.note(&CoverageNote::Origin(at("01T00:00")), &run);
        for covered in [window("01T00:00", "20T00:00"), window("21T00:00", "24T10:30")] {
            coverage.note(&CoverageNote::Cover(covered), &run);
        }
        let facts = |asks| CatchUpFacts {
            coverage: &coverage,
            asks,
            lookback: HOUR,
            late: HOUR / 2,
            pause: HOUR,
            last: at("24T12:00"),
            next: Some(at("24T13:00")),
            now: at("24T12:05"),
            data_age: DATA_AGE,
            newest_first: false,
            splits: true,
            most: None,
        };
        let told = |asks| {
            let facts = facts(asks);
            gaps(&facts).into_iter().map(|gap| (gap, outlook(&facts, gap))).collect::<Vec<_>>()
        };
        let (day, last) = (window("20T00:00", "21T00:00"), window("24T10:30", "24T11:30"));
        assert_eq!(told(Asks::Window), [(day, Outlook::CaughtUp(1)), (last, Outlook::NextRun(at("24T13:00")))]);
        let late = window("24T10:30", "24T12:00");
        assert_eq!(told(Asks::AsOf(HOUR)), [(day, Outlook::CaughtUp(24)), (late, Outlook::Later(at("24T12:30")))]);
        // It looks back far enough to find the rest by itself.
        let rest = window("24T10:30", "24T11:00");
        assert_eq!(told(Asks::AsOf(HOUR * 2)), [(day, Outlook::CaughtUp(16)), (rest, Outlook::CaughtUp(1))]);
        assert_eq!(told(Asks::Never), []);
    }
}
